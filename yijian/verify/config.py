"""What a verifier has to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VerifyConfig:
    """Settings of one verifier process."""

    bootstrap: str
    topic: str
    """The decisions."""
    group: str
    share: float
    """Percentage of decisions that are looked at."""
    kafka_options: dict[str, str]
    session_timeout_s: float = 8.0
    prefix: str = "yijian"
    max_bytes: int = 8_000_000
    """Of a decision."""

    def consumer_settings(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.bootstrap,
            "group.id": self.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # A verifier that was away too long goes on with what is left: it holds nobody's data.
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": int(self.session_timeout_s * 1000),
            "heartbeat.interval.ms": max(int(self.session_timeout_s * 1000 / 5), 100),
            "max.poll.interval.ms": max(int(self.session_timeout_s * 1000), 300_000),
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 16_384,
            "fetch.message.max.bytes": self.max_bytes,
            "log.connection.close": False,
            **self.kafka_options,
        }
