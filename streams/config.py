"""What a worker is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import codec

from contracts.topics import Topics
from streams.errors import ConfigurationError
from streams.lanes import InFlightLimits
from streams.security import check_options


@dataclass(frozen=True)
class Timeouts:
    """Seconds. Ordered so that a frozen or cut-off worker cannot write over its successor."""

    session_s: float = 10.0
    heartbeat_s: float = 1.0
    message_s: float = 6.0
    """How long the producer tries; below the session, so that nothing leaves after it ended."""
    flush_s: float = 8.0
    """How long a revocation waits for outputs; above `message_s`, below `rebalance_s`."""
    rebalance_s: float = 15.0
    commit_interval_s: float = 0.5
    stuck_s: float = 60.0
    """There is work and nothing is committed for so long: the process ends."""

    def __post_init__(self) -> None:
        if not (
            0 < self.heartbeat_s < self.session_s - self.message_s
            and self.message_s < self.flush_s < self.rebalance_s
        ):
            raise ConfigurationError(
                "timeouts must keep this order: heartbeat_s < session_s - message_s, and "
                f"message_s < flush_s < rebalance_s; got {self}"
            )


@dataclass(frozen=True)
class Runtime:
    """How the interpreter is set up for throughput."""

    switch_interval_s: float = 0.005
    gc_threshold: tuple[int, int, int] = (100_000, 50, 100)
    """Decoding makes many objects that die at once: the default would collect all the time."""


@dataclass(frozen=True)
class Remembering:
    """What the memory of a worker is told."""

    max_live: int = 20_000
    """Memories of one partition that are kept open; all others lie as bytes."""
    silent_s: float = 60.0
    """Without a record for so long, reading the state back has failed."""
    store: str = "memory"
    """Where memories lie as bytes: `memory`, or `rocksdb` (streams.state.stores)."""
    folder: Path | None = None
    """For RocksDB; processes may share it."""


@dataclass(frozen=True)
class WorkerConfig:
    """One worker process."""

    bootstrap: str
    topics: Topics
    group_id: str = "yijian-worker"
    client_id: str = "yijian-worker"
    http_host: str = "127.0.0.1"
    http_port: int = 0
    """0 takes a free port; the log says which."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    in_flight: InFlightLimits = field(default_factory=InFlightLimits)
    runtime: Runtime = field(default_factory=Runtime)
    batch_records: int = 4000
    batch_bytes: int = 1_048_576
    fetch_max_bytes: int = 16 * 1_048_576
    fetch_min_bytes: int = 65_536
    fetch_wait_ms: int = 10
    queued_batches: int = 4
    max_output_bytes: int = 4 * 1_048_576
    linger_ms: float = 10.0
    """Longer costs latency, shorter costs throughput: the broker handles fewer, larger batches."""
    compression: str = "none"
    """Of outputs; others than `none` and `gzip` need cramjam, since re-keyed records are read."""
    remembering: Remembering | None = None
    """None where nothing is remembered: each event is judged by itself."""
    kafka_options: Mapping[str, str] = field(default_factory=dict)
    """Security, in librdkafka's words (security.protocol, sasl.*, ssl.*)."""

    def __post_init__(self) -> None:
        check_options(self.kafka_options)
        if not self.bootstrap:
            raise ConfigurationError("bootstrap is empty; expected host:port[,host:port]")
        if not _readable(self.compression):
            raise ConfigurationError(
                f"compression {self.compression!r} cannot be read back here: install cramjam, or "
                "choose none or gzip"
            )
        if not 2 <= self.queued_batches <= 8:
            raise ConfigurationError(
                f"queued_batches is {self.queued_batches}; expected 2 to 8: each holds up to "
                "batch_bytes in memory"
            )

    @property
    def intake(self) -> tuple[str, ...]:
        """Every topic the worker reads."""
        intake = (*self.topics.all_intake, self.topics.rekeyed)
        return (
            intake
            if self.remembering is None
            else (
                *intake,
                self.topics.activities,
                self.topics.ticks,
            )
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every topic the worker writes, but for those that it reads as well."""
        outputs = (self.topics.decisions, self.topics.alerts, self.topics.dead_letters)
        return outputs if self.remembering is None else (*outputs, self.topics.state)


def _readable(compression: str) -> bool:
    checks = {
        "none": lambda: True,
        "gzip": codec.has_gzip,
        "lz4": codec.has_lz4,
        "snappy": codec.has_snappy,
        "zstd": codec.has_zstd,
    }
    check = checks.get(compression)
    return check is not None and bool(check())
