"""The verifier's loop without servers: nothing is passed over, and nothing stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import pytest
from confluent_kafka import TopicPartition

from contracts.decision import Decision, KindHeaders, OriginHeaders, Repeat, encode_record
from contracts.intake import Accepted, decode
from sinks.verifications import Abandoned, Place, Verification, VerificationStore
from support.streams_fakes import FakeEvaluator, prescription
from yijian.verify import loop as module
from yijian.verify.config import VerifyConfig
from yijian.verify.figures import Figures
from yijian.verify.library import Library
from yijian.verify.loop import Loop
from yijian.verify.model import Check

TOPIC = "decisions"


def decision(number: int) -> Decision:
    taken = decode(prescription(number, 1), check_key=False)
    assert isinstance(taken, Accepted)
    return FakeEvaluator().decide(taken.event)


class Message:
    """A record of the decisions topic as the client gives it."""

    def __init__(self, partition: int, offset: int, value: bytes, headers: Any = ()) -> None:
        self._place = (partition, offset)
        self._value = value
        self._headers = list(headers)

    def error(self) -> None: ...
    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return self._value

    def headers(self) -> Any:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return (1, 1_790_000_000_000)


class Kafka:
    """One member's consumer over a log of two partitions."""

    def __init__(self, log: dict[int, list[Message]]) -> None:
        self.log = log
        self.positions: dict[int, int] = {}
        self.committed: dict[int, int] = {}
        self.before_consume: list[Callable[[], list[Message]]] = []
        self.before_poll: list[Callable[[], Message | None]] = []

    def __call__(self, settings: Any, logger: Any) -> Kafka:
        return self

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._on_assign, self._on_revoke = on_assign, on_revoke
        self.assign(0)

    def assign(self, *partitions: int) -> None:
        self.positions = {p: self.committed.get(p, 0) for p in partitions}
        self._on_assign(self, self.assignment())

    def rebalance(self, *partitions: int) -> None:
        self._on_revoke(self, self.assignment())
        self.assign(*partitions)

    def take(self, most: int = 2) -> list[Message]:
        taken: list[Message] = []
        for partition, at in self.positions.items():
            found = self.log[partition][at : at + most]
            self.positions[partition] += len(found)
            taken += found
        return taken

    def consume(self, most: int, timeout_s: float) -> list[Message]:
        return self.before_consume.pop(0)() if self.before_consume else self.take()

    def poll(self, timeout_s: float) -> Message | None:
        return self.before_poll.pop(0)() if self.before_poll else None

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, p) for p in self.positions]

    def position(self, parts: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, p.partition, self.positions[p.partition]) for p in parts]

    def get_watermark_offsets(self, part: TopicPartition, cached: bool) -> tuple[int, int]:
        return (0, len(self.log[part.partition]))

    def seek(self, part: TopicPartition) -> None:
        self.positions[part.partition] = part.offset

    def pause(self, parts: Any) -> None: ...
    def resume(self, parts: Any) -> None: ...
    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self.committed |= {part.partition: part.offset for part in offsets}

    def close(self) -> None: ...


class Rows(list[Verification]):
    """A store that confirms at once, unless `gate` is shut."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()

    def put(self, rows: Sequence[Verification], token: str, stop: threading.Event) -> None:
        while not self.gate.wait(0.01):
            if stop.is_set():
                raise Abandoned
        if stop.is_set():
            raise Abandoned
        self += rows

    @property
    def places(self) -> set[tuple[int, int]]:
        return {(row.place.partition, row.place.offset) for row in self}


class AllAgree:
    basis = "b"

    def verify(self, decision: Decision, event: bytes | None = None) -> Check:
        return Check(decision.decision_id)


class NoEvents:
    """Remembers which events were asked for."""

    def __init__(self, *_: Any) -> None:
        self.asked: list[Place] = []

    def fetch(self, places: list[Place], stop: threading.Event) -> dict[Place, bytes]:
        self.asked += places
        return {}

    def close(self) -> None: ...


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *values: list[bytes]) -> None:
        self.kafka = Kafka(
            {p: [Message(p, n, v) for n, v in enumerate(own)] for p, own in enumerate(values)}
        )
        self.rows = Rows()
        self.figures = Figures()
        self.library = AllAgree()
        self.stop = threading.Event()
        monkeypatch.setattr(module, "Consumer", self.kafka)
        monkeypatch.setattr(module, "Events", NoEvents)
        config = VerifyConfig("localhost:1", TOPIC, "g", 100.0, {})
        store, library = cast(VerificationStore, self.rows), cast(Library, self.library)
        self.loop = Loop(config, library, store, self.figures)

    def run(self) -> None:
        """Until all of partition 0 is committed; then everything must have a row."""
        end = len(self.kafka.log[0])
        inner = self.kafka.commit

        def commit(offsets: list[TopicPartition], asynchronous: bool) -> None:
            inner(offsets, asynchronous)
            if self.kafka.committed.get(0) == end:
                self.stop.set()

        self.kafka.commit = commit  # type: ignore[method-assign]
        watch = threading.Timer(20, self.stop.set)
        watch.start()
        self.loop.run(self.stop)
        watch.cancel()
        self.loop.close()
        assert self.kafka.committed.get(0) == end


def good(count: int) -> list[bytes]:
    return [encode_record(decision(n)) for n in range(count)]


def test_every_decision_has_a_row_and_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, good(5))
    world.run()
    assert world.rows.places == {(0, n) for n in range(5)}
    assert world.figures.decisions == {"agreed": 5}


def test_records_that_come_with_a_rebalance_are_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, good(6), [])

    def with_a_rebalance() -> list[Message]:
        before = world.kafka.take()
        world.kafka.rebalance(0, 1)
        return [*before, *world.kafka.take(3)]

    world.kafka.before_consume = [with_a_rebalance]
    world.run()
    assert world.rows.places == {(0, n) for n in range(6)}


def test_a_record_that_comes_while_rows_are_written_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, good(5), good(3))
    world.rows.gate.clear()

    def assigned_more() -> Message | None:
        world.kafka.positions[1] = 0
        (early, *_) = world.kafka.log[1]
        world.kafka.positions[1] = 1
        return early

    def opened() -> None:
        world.rows.gate.set()

    world.kafka.before_poll = [assigned_more, opened]
    world.run()
    assert {(1, 0), (0, 0), (0, 4)} <= world.rows.places


@pytest.mark.parametrize(
    "strange",
    [
        b"{}",
        b"\xff",
        encode_record(msgspec.structs.replace(decision(9), decision_id="x")),
        encode_record(
            msgspec.structs.replace(
                decision(9), event=msgspec.structs.replace(decision(9).event, time="yesterday")
            )
        ),
    ],
)
def test_what_is_no_decision_of_a_worker_is_counted_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, strange: bytes
) -> None:
    first, *rest = good(3)
    world = World(monkeypatch, [first, strange, *rest])
    world.run()
    assert world.rows.places == {(0, 0), (0, 2), (0, 3)}
    assert world.figures.unreadable == 1


def test_a_bug_in_the_verifier_skips_the_decision_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(monkeypatch, good(2))

    def broken(*_: Any) -> Check:
        raise KeyError("patient 4711")

    monkeypatch.setattr(world.library, "verify", broken)
    world.run()
    assert {(row.result, row.reason) for row in world.rows} == {("skipped", "failed")}
    assert "KeyError" in caplog.text
    assert "4711" not in caplog.text


def test_a_place_that_is_none_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, good(3))
    for message, offset in zip(world.kafka.log[0], (b"7", b"-1", b"9" * 30), strict=True):
        message._headers = [
            (OriginHeaders.TOPIC, b"t"),
            (OriginHeaders.PARTITION, b"0"),
            (OriginHeaders.OFFSET, offset),
        ]
    world.run()
    assert cast(Any, world.loop)._events.asked == [Place("t", 0, 7)]


def test_an_event_that_came_again_is_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    repeat = encode_record(Repeat(decision_id=decision(0).decision_id, source="s", id="i"))
    world = World(monkeypatch, [*good(1), repeat, *good(1)])
    world.kafka.log[0][1]._headers = [(KindHeaders.KIND, KindHeaders.REPEAT)]
    world.run()
    assert world.rows.places == {(0, 0), (0, 2)}
    assert world.figures.unreadable == 0


def test_the_tick_of_a_timer_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, good(1))
    world.kafka.log[0][0]._headers = [
        (OriginHeaders.TOPIC, b"ticks"),
        (OriginHeaders.PARTITION, b"0"),
        (OriginHeaders.OFFSET, b"7"),
        (KindHeaders.TIMER, b"t"),
    ]
    world.run()
    assert cast(Any, world.loop)._events.asked == []
    assert world.rows.places == {(0, 0)}


def test_a_verifier_that_is_told_to_stop_does_not_finish_its_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, good(2))

    def stopped(decision: Decision, event: bytes | None = None) -> Check:
        world.stop.set()
        return Check(decision.decision_id)

    monkeypatch.setattr(world.library, "verify", stopped)
    world.loop.run(world.stop)
    world.loop.close()
    assert (world.rows, world.kafka.committed) == ([], {})
