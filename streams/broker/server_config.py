"""What the local broker is configured with: one node, loopback, small and quick to start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LARGEST_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The broker's own bound; a topic's `max.message.bytes` may be anything up to it."""

_BASE: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    # One node: every internal topic has one replica.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "2",
    # Topics come from `apply_topics` alone: a mistyped name must not become a topic.
    "auto.create.topics.enable": "false",
    # After a SIGKILL the broker may register again only when its former self has timed out.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "message.max.bytes": str(LARGEST_MESSAGE_BYTES),
    "replica.fetch.max.bytes": str(LARGEST_MESSAGE_BYTES),
    # Kafka reserves 128 MB of heap and 20 MB of index a partition for logs we do not have.
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    "log.index.size.max.bytes": str(2 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


@dataclass(frozen=True)
class Ports:
    """Loopback ports of one broker."""

    broker: int
    controller: int

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.broker}"


@dataclass(frozen=True)
class JvmSettings:
    """How the broker's JVM runs, and what the broker is told beyond our own properties."""

    heap_mb: int = 512
    tiered_compilation_only: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    """Of the JVM, beyond our own."""


def server_properties(ports: Ports, data_dir: Path, extra: Mapping[str, str]) -> str:
    """The text of `server.properties`; `extra` has the last word."""
    properties = {
        **_BASE,
        "listeners": f"BROKER://{ports.bootstrap},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"BROKER://{ports.bootstrap}",
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "log.dirs": str(data_dir),
        **extra,
    }
    return "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def kafka_command(
    java: Path, classpath: Sequence[Path], settings: JvmSettings, properties_file: Path
) -> list[str]:
    """The command line that runs the broker in the foreground."""
    return [
        *_java(java, classpath, settings.heap_mb),
        *(["-XX:TieredStopAtLevel=1"] if settings.tiered_compilation_only else []),
        *settings.options,
        "kafka.Kafka",
        str(properties_file),
    ]


def format_command(
    java: Path, classpath: Sequence[Path], cluster_id: str, properties_file: Path
) -> list[str]:
    """The command line that formats the data folder named in `properties_file`."""
    return [
        *_java(java, classpath, heap_mb=128),
        "-XX:TieredStopAtLevel=1",
        "kafka.tools.StorageTool",
        "format",
        "-t",
        cluster_id,
        "-c",
        str(properties_file),
    ]


def _java(java: Path, classpath: Sequence[Path], heap_mb: int) -> list[str]:
    simple_logger = "-Dorg.slf4j.simpleLogger."
    return [
        str(java),
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED",  # compression codecs; a warning otherwise
        "-Djava.awt.headless=true",
        f"{simple_logger}defaultLogLevel=warn",
        f"{simple_logger}log.kafka.server=info",
        f"{simple_logger}log.org.apache.kafka.coordinator.group=info",
        f"{simple_logger}showDateTime=true",
        f"{simple_logger}dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
        "-cp",
        ":".join(map(str, classpath)),
    ]


def _escaped(value: str) -> str:
    """Java reads properties files as Latin-1 with escapes: a folder may have any name."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)
