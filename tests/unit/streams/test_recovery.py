"""Reading back: the whole state topic, then the decisions that it does not cover."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from contracts.decision import Decision, KindHeaders, OriginHeaders, Reader, encode_record
from contracts.identity import EventKey
from streams.errors import StateUnreadable
from streams.state.recovery import KafkaRecovery, Reading, Restored, StateSource
from support.fake_attendant import ITEMS_WITH_TIMER, late
from support.remembering import Step, sealed, stored
from support.streams_fakes import subject

SOURCE = StateSource("nowhere:1", "state", "decisions", silent_s=0.0)
ANNA, BORIS = subject(1).encode(), subject(2).encode()
read_decision = Reader(Decision)
State = list[tuple[bytes, bytes | None]]


class FakeMessage(NamedTuple):
    place: tuple[str, int, int]
    at_key: bytes | None
    at_value: bytes | None
    told: list[tuple[str, bytes]]
    failure: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.failure

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.place[2]

    def key(self) -> bytes | None:
        return self.at_key

    def value(self) -> bytes | None:
        return self.at_value

    def headers(self) -> list[tuple[str, bytes]]:
        return self.told


class FakeConsumer:
    """Gives the records of logs that were compacted: offsets have gaps."""

    def __init__(self, *logs: list[FakeMessage]) -> None:
        self.logs = {(log[0].place[0], log[0].place[1]): log for log in logs if log}
        self.waiting: list[FakeMessage] = []
        self.ends: dict[tuple[str, int], int] = {}
        self.is_closed = False

    def get_watermark_offsets(self, at: TopicPartition, timeout: float) -> tuple[int, int]:
        log = self.logs.get((at.topic, at.partition), [])
        place = (at.topic, at.partition)
        return 0, self.ends.get(place, log[-1].offset() + 1 if log else 0)

    def assign(self, places: list[TopicPartition]) -> None:
        self.waiting = [
            message
            for at in places
            for message in self.logs[at.topic, at.partition]
            if message.offset() >= at.offset
        ]

    def unassign(self) -> None:
        self.waiting = []

    def consume(self, most: int, timeout: float) -> list[FakeMessage]:
        found, self.waiting = self.waiting[:2], self.waiting[2:]
        return found

    def close(self) -> None:
        self.is_closed = True


def log_of(topic: str, records: State, partition: int = 3, every: int = 3) -> list[FakeMessage]:
    return [
        FakeMessage((topic, partition, n * every), key, value, [])
        for n, (key, value) in enumerate(records)
    ]


def fired(offset: int, key: bytes, number: int) -> FakeMessage:
    """A decision that a timer led to."""
    cause = f"timer:rx.days:e{number:09d}:due"
    decision = late(EventKey("urn:yijian:demo:h1:his", f"e{number:09d}"), cause)
    headers = [(OriginHeaders.OFFSET, b"1"), (KindHeaders.TIMER, cause.encode())]
    return FakeMessage(("decisions", 3, offset), key, encode_record(decision), headers)


def plain(offset: int) -> FakeMessage:
    """A decision about an event."""
    return FakeMessage(("decisions", 3, offset), ANNA, b"{}", [(OriginHeaders.OFFSET, b"1")])


def read(consumer: FakeConsumer, *partitions: int) -> dict[int, Restored]:
    reading = Reading(partitions or (3,))
    return KafkaRecovery(SOURCE, lambda: consumer).read(reading, threading.Event())


def records_of_a_run(covered: int) -> State:
    step = Step()
    step.take(1, 1, ITEMS_WITH_TIMER)
    step.take(2, 2, ITEMS_WITH_TIMER)
    return stored(sealed(step.memories, "t", 2), covered)


def withdrawn(restored: Restored) -> list[str]:
    return [read_decision(w.value).event.id for w in restored.withdrawals]


def test_partitions_are_read_back_each_for_itself_and_empty_ones_are_empty() -> None:
    one, two = Step(), Step()
    one.take(1, 1)
    two.take(2, 2)
    consumer = FakeConsumer(
        log_of("state", stored(sealed(one.memories, "t", 1)), 0),
        log_of("state", stored(sealed(two.memories, "t", 1)), 1),
    )
    found = read(consumer, 0, 1, 2)
    assert [len(found[p].memories) for p in (0, 1, 2)] == [1, 1, 0]
    assert found[0].memories.recall(ANNA).seen
    assert found[1].memories.recall(BORIS).seen
    assert [found[p].memories.is_restored for p in (0, 1, 2)] == [True, True, False]
    assert consumer.is_closed


def test_timers_decisions_beyond_what_the_state_covers_are_withdrawn() -> None:
    decisions = [plain(0), fired(1, BORIS, 8), plain(2), fired(3, ANNA, 1), plain(4)]
    consumer = FakeConsumer(log_of("state", records_of_a_run(covered=2)), decisions)
    assert withdrawn(read(consumer)[3]) == ["e000000001"]


def test_a_subject_whose_state_was_written_before_the_crash_keeps_its_timers_decision() -> None:
    (anna, later), *_ = records_of_a_run(covered=4)
    consumer = FakeConsumer(
        log_of("state", [*records_of_a_run(covered=2), (anna, later)]),
        [plain(0), fired(3, ANNA, 1), fired(4, BORIS, 2), fired(5, ANNA, 9)],
    )
    assert withdrawn(read(consumer)[3]) == ["e000000002", "e000000009"]


def test_without_any_state_nothing_is_withdrawn() -> None:
    consumer = FakeConsumer([fired(0, ANNA, 1)])
    assert withdrawn(read(consumer)[3]) == []


def test_a_topic_that_falls_silent_before_its_end_is_an_error() -> None:
    consumer = FakeConsumer(log_of("state", records_of_a_run(covered=2)))
    consumer.ends["state", 3] = 1000
    with pytest.raises(StateUnreadable, match=r"state gave no record of partitions \[3\]"):
        read(consumer)


def test_an_error_of_the_broker_is_told_with_the_topic() -> None:
    failure = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    consumer = FakeConsumer([FakeMessage(("state", 3, 0), None, None, [], failure)])
    with pytest.raises(StateUnreadable, match="state cannot be read back") as raised:
        read(consumer)
    assert isinstance(raised.value.__cause__, KafkaException)


def test_reading_that_is_told_to_stop_gives_nothing() -> None:
    stop = threading.Event()
    stop.set()
    consumer = FakeConsumer(log_of("state", records_of_a_run(covered=2)))
    recovery = KafkaRecovery(SOURCE, lambda: consumer)
    assert recovery.read(Reading((3,)), stop) == {}


def test_how_far_reading_is_can_be_told() -> None:
    consumer = FakeConsumer(log_of("state", records_of_a_run(covered=9)))
    reading: Any = Reading((3,))
    KafkaRecovery(SOURCE, lambda: consumer).read(reading, threading.Event())
    assert (reading.records, reading.expected) == (3, 7)
    assert reading.bytes > 0
