"""Past acts are brought into what workers remember, out of the intake topics.

The plan is made of what the workers have done by now: what is still to come they take by
themselves. It is told to them piece by piece on the ticks topic (see streams.state.rereading), one
piece of each partition number at a time, so that they go on answering in between. A run that was
cut off is begun anew by the next one; what it brought in stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from contracts.backfill import Backfill
from contracts.clock import SystemClock
from contracts.decision import encode_record
from contracts.topics import INTAKE_FAMILIES
from rules.memory.instants import us_of
from streams.broker import log_bounds
from yijian import drain, kafka_log
from yijian.settings import Settings

RECORDS_AT_ONCE: Final = 1000
"""As many as a worker brings in without anybody noticing that it does nothing else meanwhile."""
_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 20.0


class BackfillStalled(TimeoutError):
    """No worker took the steps; the message says what to look at."""


@dataclass(frozen=True)
class Piece:
    """A range of records of one topic, of one partition number."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """What is read again, and since when that is everything."""

    id: str
    from_us: int
    families: tuple[str, ...]
    pieces: dict[int, list[Piece]]
    """By partition number, in the order in which they are read."""
    complete: dict[int, dict[str, int]]
    """By partition number and family since when Kafka has every record."""
    gone: tuple[str, ...]
    """Topics of which Kafka has deleted records from the time asked for or later."""

    @property
    def records(self) -> int:
        return sum(p.last - p.first + 1 for found in self.pieces.values() for p in found)

    def steps(self, partition: int) -> Iterator[Backfill]:
        """The steps of a partition number, in order."""
        pieces = self.pieces[partition]
        yield self._step(0)
        for number, piece in enumerate(pieces, 1):
            yield self._step(number, piece.topic, piece.first, piece.last)
        end = Backfill(
            id=self.id,
            number=len(pieces) + 1,
            from_us=self.from_us,
            families=self.families,
            complete=self.complete[partition],
        )
        yield end

    def _step(self, number: int, topic: str = "", first: int = 0, last: int = -1) -> Backfill:
        return Backfill(
            id=self.id, number=number, from_us=self.from_us, families=self.families,
            topic=topic, first=first, last=last,
        )  # fmt: skip


def plan(settings: Settings, since: datetime, families: Sequence[str] = ()) -> Plan:
    """What is to be read again for acts from `since` on; of all families where none is named.

    Raises what reading Kafka raises.
    """
    wanted = tuple(families) or tuple(INTAKE_FAMILIES)
    topics = settings.topics
    by_topic = {topics.intake(f, s): f for f in wanted for s in settings.systems}
    read = [*by_topic, topics.rekeyed]
    done = drain.committed(settings, settings.worker_group, read)
    places = kafka_log.partitions_of(settings, read)
    bounds = log_bounds(settings.kafka_bootstrap, places, settings.kafka_options)
    from_us = us_of(since)
    pieces: dict[int, list[Piece]] = {n: [] for n in range(settings.partitions)}
    complete = {n: dict.fromkeys(wanted, from_us) for n in range(settings.partitions)}
    gone: list[str] = []
    with _Firsts(settings) as firsts:
        for topic, number in places:
            begin, end = bounds[topic, number].earliest, done[topic, number]
            pieces[number] += _pieces(topic, number, begin, end)
            if begin == 0:
                continue
            first_us = firsts.time_us(topic, number, begin, bounds[topic, number].latest)
            if first_us > from_us:
                gone.append(topic)
            of = [by_topic[topic]] if topic in by_topic else list(wanted)
            for family in of:
                complete[number][family] = max(complete[number][family], first_us)
    return Plan(uuid4().hex, from_us, wanted, pieces, complete, tuple(dict.fromkeys(gone)))


def _pieces(topic: str, number: int, begin: int, end: int) -> Iterator[Piece]:
    for first in range(begin, end, RECORDS_AT_ONCE):
        yield Piece(topic, number, first, min(first + RECORDS_AT_ONCE, end) - 1)


def run(
    settings: Settings,
    planned: Plan,
    progress: Callable[[int, int], None] = lambda done, of: None,
    timeout_s: float = 60.0,
) -> None:
    """Tell the workers every step, and wait until each is remembered.

    `progress` is told steps done, and of how many. Raises BackfillStalled where workers take none
    for `timeout_s`.
    """
    ticks = settings.topics.ticks
    producer = Producer(
        {
            "enable.idempotence": True,
            **settings.kafka_options,
            "bootstrap.servers": settings.kafka_bootstrap,
        }
    )
    waiting = {number: planned.steps(number) for number in planned.pieces}
    total = sum(len(found) + 2 for found in planned.pieces.values())
    told: dict[int, int] = {}
    done = 0
    heard_at = time.monotonic()
    while waiting or told:
        for number in [n for n in waiting if n not in told]:
            step = next(waiting[number], None)
            if step is None:
                del waiting[number]
            else:
                told[number] = _tell(producer, ticks, number, step)
        time.sleep(_POLL_S)
        committed = drain.committed(settings, settings.worker_group, [ticks])
        taken = [n for n, offset in told.items() if committed[ticks, n] > offset]
        for number in taken:
            del told[number]
        done += len(taken)
        if taken:
            heard_at = time.monotonic()
            progress(done, total)
        elif told and time.monotonic() - heard_at > timeout_s:
            raise BackfillStalled(
                f"no worker has taken a step for {timeout_s:.0f} s, {done} of {total} are done; "
                "see that workers of this group run, with YIJIAN_STATE=on, and run it again"
            )


def _tell(producer: Producer, topic: str, number: int, step: Backfill) -> int:
    """Where the step stands now."""
    offsets: list[int] = []

    def report(error: object, message: object) -> None:
        if error is None:
            offsets.append(message.offset())  # type: ignore[attr-defined]

    producer.produce(topic, encode_record(step), partition=number, on_delivery=report)
    producer.flush(_TIMEOUT_S)
    if not offsets:
        raise BackfillStalled(f"the broker did not take a step for partition {number} of {topic}")
    return offsets[0]


class _Firsts:
    """Asks when the first record that a partition still has was appended."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(
            {
                **settings.kafka_options,
                "bootstrap.servers": settings.kafka_bootstrap,
                "group.id": f"{settings.topic_prefix}-backfill",
                "enable.auto.commit": False,
            }
        )

    def __enter__(self) -> _Firsts:
        return self

    def __exit__(self, *error: object) -> None:
        self._consumer.close()

    def time_us(self, topic: str, number: int, begin: int, end: int) -> int:
        """Everything that was appended since is there.

        Of a partition that has nothing left nobody can say when what it had was appended: it is
        whole from now on.
        """
        if begin >= end:
            return SystemClock().now_ms() * 1000
        self._consumer.assign([TopicPartition(topic, number, begin)])
        until = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < until:
            message = self._consumer.poll(_POLL_S)
            if message is None:
                continue
            if message.error() is not None:
                raise KafkaException(message.error())
            return int(message.timestamp()[1]) * 1000
        raise BackfillStalled(f"{topic} gave no record of partition {number}")
