"""Reading topics from their start to their present end, outside any consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts.decision import OriginHeaders
from streams.broker import LogBounds, log_bounds
from yijian.settings import Settings

_SILENCE_S = 20.0

Bounds: TypeAlias = Mapping[tuple[str, int], LogBounds]
"""What each partition of a topic holds."""
Origin: TypeAlias = tuple[str, int, int]
"""Topic, partition and offset of a record."""


class LogRecord(NamedTuple):
    """One record as the broker keeps it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def place(self) -> Origin:
        """Where it stands."""
        return self.topic, self.partition, self.offset

    def header(self, name: str) -> bytes | None:
        """The last header of this name."""
        return dict(self.headers).get(name)

    @property
    def origin(self) -> Origin:
        """Of a decision: where the intake record stands that it is about."""
        headers = dict(self.headers)
        return (
            headers[OriginHeaders.TOPIC].decode(),
            int(headers[OriginHeaders.PARTITION]),
            int(headers[OriginHeaders.OFFSET]),
        )


def partitions_of(
    settings: Settings, topics: Sequence[str], numbers: Sequence[int] | None = None
) -> list[tuple[str, int]]:
    """The partitions of topics that have these numbers; all where none are given."""
    wanted = range(settings.partitions) if numbers is None else numbers
    return [(topic, p) for topic in topics for p in wanted]


def bounds_of(
    settings: Settings, topics: Sequence[str], numbers: Sequence[int] | None = None
) -> Bounds:
    """What each partition holds now, all asked at one time."""
    wanted = partitions_of(settings, topics, numbers)
    return log_bounds(settings.kafka_bootstrap, wanted, settings.kafka_options)


def ends(settings: Settings, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """The present end of each partition: the offset that the next record will get."""
    return {tp: bound.latest for tp, bound in bounds_of(settings, topics).items()}


def deleted(settings: Settings, topics: Sequence[str], numbers: Sequence[int] | None = None) -> int:
    """How many records the topics once had and do not keep any more."""
    return sum(bound.earliest for bound in bounds_of(settings, topics, numbers).values())


def read(
    settings: Settings,
    topics: Sequence[str],
    numbers: Sequence[int] | None = None,
    bounds: Bounds | None = None,
) -> Iterator[LogRecord]:
    """Every record of the topics up to the ends they have now; per partition in order.

    With `numbers` only of the partitions that have them. `bounds` are those of an earlier moment,
    for whoever reads several times and wants the same log each time.
    """
    if bounds is None:
        bounds = bounds_of(settings, topics, numbers)
    wanted = [(tp, bounds[tp]) for tp in partitions_of(settings, topics, numbers)]
    remaining = {tp: b.latest for tp, b in wanted if b.latest > b.earliest}
    if not remaining:
        return
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": f"{settings.topic_prefix}-audit",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "fetch.message.max.bytes": settings.output_max_bytes,
            **settings.kafka_options,
        }
    )
    try:
        consumer.assign([TopicPartition(t, p, bounds[t, p].earliest) for t, p in remaining])
        silent_since = time.monotonic()
        while remaining:
            # `consume` waits its whole timeout where fewer records come: a short one.
            messages = consumer.consume(5000, timeout=0.1)
            if messages:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > _SILENCE_S:
                raise TimeoutError(f"no records from {sorted(remaining)} for {_SILENCE_S:.0f} s")
            for m in messages:
                if m.error() is not None:
                    raise KafkaException(m.error())
                tp = (str(m.topic()), int(m.partition() or 0))
                offset = int(m.offset() or 0)
                if tp not in remaining or offset >= remaining[tp]:
                    remaining.pop(tp, None)
                    continue
                headers = tuple((n, _bytes(v)) for n, v in dict(m.headers() or ()).items())
                yield LogRecord(*tp, offset, m.timestamp()[1], m.key(), m.value(), headers)
                if offset + 1 >= remaining[tp]:
                    del remaining[tp]
    finally:
        consumer.close()


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
