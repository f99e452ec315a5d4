"""Intake records are read again, for a backfill: a few at a time, in a thread, bounded in time.

A backfill is told in pieces (contracts.backfill) on the ticks topic, which every lane takes in its
order. So each piece has one place in the order of record; between two pieces the worker goes on
answering; a piece that was not remembered before a crash comes again, and changes nothing that it
changed before. Nobody else writes what is remembered, so workers need not be stopped. Reading
everything at once in a second process would need a way to hand memories over that lanes, leases
and recovery all know of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts.backfill import Backfill
from contracts.decision import Reader

_WAIT_S: Final = 0.05
_decode: Final = Reader(Backfill)


class Reread(NamedTuple):
    """One record, as the step's own record is."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def step_of(value: bytes | None) -> Backfill | None:
    """The step that a record of the ticks topic tells of; None where it is but a tick."""
    if not value:
        return None
    try:
        return _decode(value)
    except msgspec.MsgspecError:
        return None


@dataclass(frozen=True)
class Ranges:
    """Reads ranges of offsets."""

    bootstrap: str
    options: Mapping[str, str] = field(default_factory=dict)
    most_s: float = 4.0
    """Well below what a rebalance waits: a worker must never be expelled for a backfill."""

    def open(self) -> Consumer:
        """A consumer that belongs to no group."""
        return Consumer(
            {
                **self.options,
                "bootstrap.servers": self.bootstrap,
                "group.id": "yijian-backfill",  # librdkafka wants one; nothing is ever committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )

    def read(
        self, step: Backfill, partition: int, open: Callable[[], Any] | None = None
    ) -> list[Reread] | None:
        """The records of a step; None where they could not all be read in time."""
        if step.last < step.first:
            return []
        consumer = (open or self.open)()
        try:
            return self._read(consumer, step, partition)
        except KafkaException:
            return None
        finally:
            consumer.close()

    def _read(self, consumer: Any, step: Backfill, partition: int) -> list[Reread] | None:
        until = monotonic() + self.most_s
        place = TopicPartition(step.topic, partition, step.first)
        low, high = consumer.get_watermark_offsets(place, timeout=self.most_s)
        if low > step.first or high <= step.last:
            return None
        consumer.assign([place])
        found: list[Reread] = []
        while monotonic() < until:
            for message in consumer.consume(1000, _WAIT_S):
                if message.error() is not None:
                    raise KafkaException(message.error())
                if message.offset() <= step.last:
                    found.append(_reread(message))
            if consumer.position([place])[0].offset > step.last:
                return found
        return None


def _reread(message: Any) -> Reread:
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    return Reread(message.offset(), message.timestamp()[1], message.key(), message.value(), headers)
