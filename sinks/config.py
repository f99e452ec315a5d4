"""What a sink has to be told, and the librdkafka settings that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.intake import DEFAULT_MAX_AHEAD_S
from contracts.topics import Topics
from sinks.blocks import MAX_MONTHS
from sinks.cuts import Limits


@dataclass(frozen=True, kw_only=True)
class SinkConfig:
    """Settings of one sink process. Only the first three have no default."""

    bootstrap: str
    topics: Topics
    dsn: str
    group: str = "yijian-sink"
    kafka_options: Mapping[str, str] = field(default_factory=dict)
    http: str | None = "127.0.0.1:9102"
    """Where health and metrics are served, host:port; None for nowhere."""
    session_timeout_s: float = 8.0
    max_ahead_s: float = DEFAULT_MAX_AHEAD_S
    """The worker's own bound on future event times: both must refuse the same records."""
    limits: Limits = field(default_factory=Limits)
    max_months: int = MAX_MONTHS
    buffer_bytes: int = 64_000_000
    """Fetched and not yet stored; above it the sink stops fetching."""
    output_max_bytes: int = 8_000_000
    """Largest decision or dead letter."""
    threads: int = 4
    fetch_records: int = 4_000
    commit_interval_s: float = 1.0
    insert_timeout_s: float = 60.0
    revoke_wait_s: float = 1.0
    """How long a rebalance waits for cuts in flight."""
    drain_s: float = 10.0
    """How long the end of the sink waits for what was fetched."""

    @property
    def subscription(self) -> list[str]:
        """Everything a sink reads."""
        return [*self.topics.all_intake, self.topics.decisions, self.topics.dead_letters]

    def client_settings(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.bootstrap,
            "log.connection.close": False,  # brokers close idle connections as a matter of course
            **self.kafka_options,
        }

    def consumer_settings(self) -> dict[str, Any]:
        return {
            **self.client_settings(),
            "group.id": self.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # A position that the log does not hold is loss, not a reason to start somewhere else.
            "auto.offset.reset": "error",
            # Records of a transaction that was aborted never happened; the worker skips them too.
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "roundrobin",
            "session.timeout.ms": int(self.session_timeout_s * 1000),
            "heartbeat.interval.ms": max(int(self.session_timeout_s * 1000 / 5), 100),
            "max.poll.interval.ms": max(int(self.session_timeout_s * 1000), 60_000),
            "topic.metadata.refresh.interval.ms": 10_000,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 100,
            "queued.max.messages.kbytes": 16_384,
            "fetch.max.bytes": 8_388_608,
            "fetch.message.max.bytes": 1_048_576,
            "enable.partition.eof": False,
        }

    def producer_settings(self) -> dict[str, Any]:
        return {
            **self.client_settings(),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "message.timeout.ms": int(self.letter_timeout_s * 1000),
            "message.max.bytes": self.output_max_bytes + 65_536,
        }

    @property
    def letter_timeout_s(self) -> float:
        """Below the session timeout, so that a frozen sink cannot write over its successor."""
        return self.session_timeout_s * 0.75
