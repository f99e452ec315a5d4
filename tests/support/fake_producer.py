"""A producer that keeps what it is given until it is told to confirm it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Sent(NamedTuple):
    topic: str
    value: bytes | None
    key: bytes | None
    partition: int
    report: Any
    headers: dict[str, bytes]


class FakeProducer(list[Sent]):
    """A producer that keeps what it is given."""

    queued = 0

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        report: Any,
        alias: None,
        timestamp: int,
        headers: Any,
    ) -> None:
        self.append(Sent(topic, value, key, partition, report, dict(headers)))

    def __len__(self) -> int:
        return self.queued

    def confirm(self) -> None:
        for sent in list(self):
            sent.report(None, None)

    @property
    def topics(self) -> list[str]:
        return [sent.topic for sent in self]
