"""The agent with memories: what is written about a batch, and what waits for what."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiokafka.structs import ConsumerRecord
from confluent_kafka import KafkaError
from faust.types import TP

from contracts.clock import ManualClock
from contracts.decision import Decision, KindHeaders, OriginHeaders, Reader, encode_record
from contracts.identity import EventKey, partition_of
from contracts.lapse import Lapse
from contracts.topics import Topics
from rules.memory.model import NEVER_US
from streams.agent import Agent, Means
from streams.errors import StateUnreadable, StreamsError
from streams.figures import Figures
from streams.lanes import Lanes
from streams.lease import Lease
from streams.placement import Placement
from streams.producer import OutputProducer
from streams.state import Memories, State, StateLog, Ticker
from streams.state.framing import head_of
from streams.state.interrupted import Tail
from streams.state.memories import PARTITION_KEY
from streams.state.recovery import Reading, Restored
from streams.supervision import Supervisor
from streams.transport import Batch
from support.fake_attendant import DUE_S, ITEMS_WITH_TIMER, FakeAttendant, late, us
from support.fake_producer import FakeProducer, Sent
from support.streams_fakes import FakeEvaluator, prescription, subject

TOPICS = Topics(prefix="t")
INTAKE = TOPICS.intake("prescription", "his")
HERE = 2
PATIENTS = [n for n in range(100) if partition_of(subject(n).encode(), 4) == HERE]
ANNA = subject(PATIENTS[0]).encode()
AT_MS = us(datetime(2026, 11, 20, 0, 30, tzinfo=UTC)) // 1000
read_decision = Reader(Decision)
read_lapse = Reader(Lapse)


class FakeRecovery:
    """Reads back what it is given, once it may."""

    def __init__(self) -> None:
        self.restored = Restored(Memories(), [])
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: Exception | None = None

    def read(self, reading: Reading, stop: threading.Event) -> dict[int, Restored]:
        self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        return dict.fromkeys(reading.partitions, self.restored)


class Bench:
    """An agent that remembers, with fakes around it."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[str, int]] = []
        self.failures: list[StreamsError] = []
        self.now_s = 0.0
        self.lease = Lease(1000, 600, lambda: self.now_s)
        self.lease.renew(0)
        self.producer = FakeProducer()
        producer = cast(OutputProducer, self.producer)
        self.attendant = FakeAttendant()
        self.supervisor = Supervisor(FakeEvaluator(), self.attendant)
        self.recovery = FakeRecovery()
        self.state = State(self.recovery, self.failures.append)
        self.log = StateLog(TOPICS.state, producer, self.lease)
        self.figures = Figures(ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
        self.lanes = Lanes(
            lambda tp, last, epoch: self.acknowledged.append((tp.topic, last)),
            print,
            state=self.log,
        )
        self.epoch = 1
        self.agent = Agent(
            Means(
                supervisor=lambda: self.supervisor,
                producer=producer,
                lanes=self.lanes,
                lease=self.lease,
                topics=TOPICS,
                placement=Placement(4),
                figures=self.figures,
                is_current=lambda epoch: epoch == self.epoch,
                state=self.state,
            )
        )
        self.state.assigned([HERE])

    async def work(self, *records: Any, topic: str = INTAKE) -> None:
        batch = Batch(TP(topic, HERE), list(records), 1)

        async def batches() -> AsyncIterator[Batch]:
            yield batch

        await self.agent.run(batches())

    async def passes(self, offset: int, seconds: float) -> None:
        """Two ticks at one time: the second one knows that nothing waits from before the first."""
        await self.tick(offset - 1, seconds)
        await self.tick(offset, seconds)

    async def tick(self, offset: int, seconds: float) -> None:
        tick = record(offset, b"", None, AT_MS + int(seconds * 1000), TOPICS.ticks)
        await self.work(tick, topic=TOPICS.ticks)

    async def confirm(self) -> None:
        """Confirm what was produced, and what is produced when that is confirmed."""
        confirmed = 0
        while confirmed < len(list(self.producer)):
            for sent in list(self.producer)[confirmed:]:
                sent.report(None, Stored(confirmed))
                confirmed += 1
            await asyncio.sleep(0)

    def sent(self, topic: str) -> list[Sent]:
        return [sent for sent in list.__iter__(self.producer) if sent.topic == topic]


class Stored:
    """What a delivery report tells of a stored record."""

    def __init__(self, offset: int) -> None:
        self.offset = lambda: offset


def record(
    offset: int, value: bytes, key: bytes | None, at_ms: int = AT_MS, topic: str = INTAKE
) -> Any:
    return ConsumerRecord(
        topic, HERE, offset, at_ms, 1, key, value, None, len(key or b""), len(value), ()
    )


def event(offset: int, number: int | None = None, items: int = 2, patient: int = 0) -> Any:
    value = prescription(offset if number is None else number, PATIENTS[patient], items)
    return record(offset, value, subject(PATIENTS[patient]).encode())


async def test_state_follows_the_outputs_and_the_acknowledgement_follows_the_state() -> None:
    bench = Bench()
    await bench.work(event(5), event(6))
    assert TOPICS.state not in bench.producer.topics
    outputs = list(bench.producer)
    for at, sent in enumerate(outputs):
        assert bench.sent(TOPICS.state) == []
        sent.report(None, Stored(40 + at))
        await asyncio.sleep(0)
    states = bench.sent(TOPICS.state)
    assert [sent.key for sent in states] == [ANNA, PARTITION_KEY]
    assert {sent.partition for sent in states} == {HERE}
    decided = max(40 + at for at, sent in enumerate(outputs) if sent.topic == TOPICS.decisions)
    assert [head_of(sent.value or b"") for sent in states] == [(NEVER_US, decided)] * 2
    assert bench.acknowledged == []
    for sent in states:
        sent.report(None, None)
    await asyncio.sleep(0)
    assert bench.acknowledged == [(INTAKE, 6)]


async def test_a_worker_that_lost_its_lease_writes_no_state() -> None:
    bench = Bench()
    await bench.work(event(5))
    bench.now_s = 10_000.0
    await bench.confirm()
    assert bench.sent(TOPICS.state) == []
    bench.lanes.close()
    bench.lanes.forgo()
    await bench.lanes.flush(1)
    assert bench.acknowledged == []


async def test_no_batch_is_begun_before_its_partition_is_read_back() -> None:
    bench = Bench()
    bench.recovery.may_end.clear()
    bench.state.assigned([HERE])
    working = asyncio.ensure_future(bench.work(event(5)))
    await asyncio.sleep(0.05)
    assert bench.state.figures().recovering == (HERE,)
    assert bench.producer.topics == []
    bench.recovery.may_end.set()
    await working
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts]
    assert bench.state.figures().recovering == ()


async def test_a_batch_of_a_partition_that_leaves_while_it_is_read_back_is_dropped() -> None:
    bench = Bench()
    bench.recovery.may_end.clear()
    bench.state.assigned([HERE])
    working = asyncio.ensure_future(bench.work(event(5)))
    await asyncio.sleep(0.02)
    bench.epoch = 2
    bench.state.revoked()
    await working
    bench.recovery.may_end.set()
    await asyncio.sleep(0.02)
    assert bench.producer.topics == []
    assert bench.state.figures().subjects == 0


async def test_state_that_cannot_be_read_back_ends_the_process() -> None:
    bench = Bench()
    bench.recovery.error = OSError("disk")
    bench.state.assigned([HERE])
    while not bench.failures:  # noqa: ASYNC110 (a thread's)
        await asyncio.sleep(0.01)
    assert isinstance(bench.failures[0], StateUnreadable)
    bench.state.revoked()


async def test_a_repeat_is_a_short_record_of_its_kind_and_no_alert() -> None:
    bench = Bench()
    await bench.work(event(5), event(6, number=5))
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts, TOPICS.decisions]
    first, _, repeat = list(bench.producer)
    assert KindHeaders.KIND not in first.headers
    assert repeat.headers[KindHeaders.KIND] == KindHeaders.REPEAT
    assert repeat.headers[OriginHeaders.OFFSET] == b"6"
    assert (repeat.key, bench.figures.repeated) == (ANNA, 1)


async def test_a_tick_by_itself_is_no_decision_but_is_acknowledged() -> None:
    bench = Bench()
    await bench.tick(3, 0)
    await bench.tick(4, 0.25)  # clocks alone are written once in a while
    await bench.confirm()
    assert bench.producer.topics == [TOPICS.state]
    assert bench.acknowledged == [(TOPICS.ticks, 3), (TOPICS.ticks, 4)]


async def test_a_tick_fires_what_is_due_and_the_decision_names_timer_and_clock() -> None:
    bench = Bench()
    await bench.work(event(5, items=ITEMS_WITH_TIMER))
    before = len(bench.producer.topics)
    await bench.passes(7, DUE_S - 1)
    assert len(bench.producer.topics) == before
    await bench.passes(9, DUE_S + 1)
    decision, alert = list(bench.producer)[before:]
    assert (decision.topic, alert.topic) == (TOPICS.decisions, TOPICS.alerts)
    assert decision.key == ANNA
    assert decision.headers[KindHeaders.TIMER] == b"timer:rx.days:e000000005:due"
    clock_us = int(decision.headers[KindHeaders.CLOCK_US])
    assert clock_us == AT_MS * 1000 + int((DUE_S + 1) * 1_000_000)
    assert decision.headers[OriginHeaders.TOPIC] == TOPICS.ticks.encode()
    assert decision.headers[OriginHeaders.OFFSET] == b"9"
    assert read_decision(decision.value or b"").cause == "timer:rx.days:e000000005:due"


async def test_a_timer_that_has_nothing_to_say_is_noted_among_the_decisions() -> None:
    bench = Bench()
    await bench.work(event(5, items=ITEMS_WITH_TIMER))
    before = len(bench.producer.topics)
    bench.attendant.silent_at = "timer:rx.days:e000000005:due"
    await bench.passes(9, DUE_S + 1)
    (noted,) = list(bench.producer)[before:]
    lapse = read_lapse(noted.value or b"")
    assert (noted.topic, noted.key) == (TOPICS.decisions, ANNA)
    assert noted.headers[KindHeaders.KIND] == KindHeaders.LAPSE
    assert noted.headers[OriginHeaders.OFFSET] == b"9"
    assert (lapse.timer, lapse.interrupted) == (bench.attendant.silent_at, False)
    assert lapse.clock_us == AT_MS * 1000 + int((DUE_S + 1) * 1_000_000)
    assert bench.figures.fired_timers == 1


async def test_a_tick_with_many_due_timers_lets_the_event_loop_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.agent._FIRED_AT_ONCE", 2)
    monkeypatch.setattr("streams.agent._TURN_S", 0.0)
    bench = Bench()
    await bench.work(*(event(n, items=ITEMS_WITH_TIMER, patient=n) for n in range(10)))
    before = len(bench.producer.topics)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(bench.figures.fired_timers)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watch())
    await bench.passes(1, DUE_S + 1)
    watching.cancel()
    assert bench.figures.fired_timers == 10
    assert len(set(seen)) > 1
    assert len(bench.producer.topics) == before + 20


async def test_a_timer_that_cannot_be_evaluated_is_counted_and_the_tick_goes_on() -> None:
    bench = Bench()
    await bench.work(event(5, items=ITEMS_WITH_TIMER), event(6, items=ITEMS_WITH_TIMER, patient=1))
    before = len(bench.producer.topics)
    bench.attendant.fails_on = "timer:rx.days:e000000005:due"
    await bench.passes(8, DUE_S + 1)
    assert bench.figures.failed_timers == 1
    assert bench.figures.fired_timers == 1
    assert len(bench.producer.topics) == before + 2


async def test_rules_that_remember_nothing_write_no_state_and_begin_timelines_anew() -> None:
    bench = Bench()
    await bench.work(event(5))
    bench.supervisor = Supervisor(FakeEvaluator())
    coverage = bench.recovery.restored.memories.coverage
    assert coverage.since
    await bench.confirm()
    written = len(bench.sent(TOPICS.state))
    await bench.work(event(6))
    await bench.confirm()
    assert len(bench.sent(TOPICS.state)) == written
    assert not coverage.since


def timed(number: int, kind: bytes | None = None) -> tuple[bytes, bytes, dict[str, bytes]]:
    cause = f"timer:rx.days:e{number:09d}:due"
    key = EventKey("urn:yijian:demo:h1:his", f"e{number:09d}")
    headers = {
        OriginHeaders.TOPIC: TOPICS.ticks.encode(),
        OriginHeaders.PARTITION: b"2",
        OriginHeaders.OFFSET: b"9",
        OriginHeaders.RECEIVED_MS: b"1",
        KindHeaders.TIMER: cause.encode(),
        KindHeaders.CLOCK_US: b"77",
    }
    if kind is not None:
        headers[KindHeaders.KIND] = kind
    return ANNA, encode_record(late(key, cause)), headers


async def test_what_an_interrupted_run_decided_at_a_timer_is_withdrawn_before_anything_else() -> (
    None
):
    bench = Bench()
    tail = Tail()
    tail.take(*timed(1))
    bench.recovery.restored = Restored(Memories(), tail.withdrawals())
    bench.state.assigned([HERE])
    await bench.work(event(5))
    await bench.work(event(6))
    withdrawn, *others = bench.sent(TOPICS.decisions)
    stood = read_decision(timed(1)[1])
    decision = read_decision(withdrawn.value or b"")
    assert decision.decision_id == stood.decision_id
    assert stood.findings
    assert decision.findings == ()
    assert decision.retracted is not None
    assert (decision.verdict, decision.retracted.why) == ("retracted", "interrupted")
    assert withdrawn.headers[KindHeaders.KIND] == KindHeaders.INTERRUPTED
    assert withdrawn.headers[OriginHeaders.OFFSET] == b"9"
    assert withdrawn.key == ANNA
    assert len(others) == 2
    assert bench.figures.withdrawn == 1


def test_only_the_last_decision_of_a_timer_that_still_stands_is_withdrawn() -> None:
    tail = Tail()
    tail.take(*timed(1))
    tail.take(*timed(1))
    tail.take(*timed(2))
    tail.take(*timed(2, KindHeaders.INTERRUPTED))
    tail.take(ANNA, b"{}", {OriginHeaders.TOPIC: b"intake"})
    assert [read_decision(w.value).event.id for w in tail.withdrawals()] == ["e000000001"]


def test_that_a_timer_had_nothing_to_say_is_taken_back_as_often_as_it_was_noted() -> None:
    tail = Tail()
    headers = {OriginHeaders.OFFSET: b"9", KindHeaders.KIND: KindHeaders.LAPSE}
    for timer, interrupted in (("a", False), ("b", False), ("b", True), ("a", False)):
        lapse = Lapse(timer=timer, clock_us=77, interrupted=interrupted)
        tail.take(ANNA, encode_record(lapse), headers)
    found = tail.withdrawals()
    told = [read_lapse(one.value) for one in found]
    assert [(one.timer, one.clock_us, one.interrupted) for one in told] == [("a", 77, True)] * 2
    assert [(one.key, dict(one.headers)) for one in found] == [(ANNA, headers)] * 2


def test_ticks_need_the_lease_and_a_lost_one_is_counted() -> None:
    bench_now = [0.0]
    lease = Lease(10, 6, lambda: bench_now[0])
    producer = FakeProducer()
    ticker = Ticker(TOPICS.ticks, cast(OutputProducer, producer), lease)
    ticker.tick([0, 1])
    assert list(producer) == []
    lease.renew(0)
    ticker.tick([0, 1])
    assert [(s.topic, s.partition, s.key, s.value) for s in list.__iter__(producer)] == [
        (TOPICS.ticks, 0, None, b""),
        (TOPICS.ticks, 1, None, b""),
    ]
    first, second = list(producer)
    first.report(None, None)
    second.report(KafkaError(KafkaError._MSG_TIMED_OUT), None)
    assert ticker.failed == 1
