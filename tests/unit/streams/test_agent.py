"""What leaves the agent for a batch, in which order, and when it must not write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from contracts.clock import ManualClock
from contracts.decision import DeadLetterHeaders, OriginHeaders
from contracts.identity import partition_of
from contracts.topics import Topics
from streams.agent import Agent, Means
from streams.figures import Figures
from streams.lanes import Lanes
from streams.lease import Lease
from streams.origin import Origin, origin_headers
from streams.placement import Placement
from streams.producer import OutputProducer
from streams.supervision import Supervisor
from streams.transport import Batch
from support.fake_producer import FakeProducer
from support.streams_fakes import FakeEvaluator, prescription, subject

TOPICS = Topics(prefix="t")
INTAKE = TOPICS.intake("prescription", "his")
RECEIVED_MS = 1_800_000_000_000
HERE = 2
PATIENTS = [n for n in range(100) if partition_of(subject(n).encode(), 4) == HERE]
STRANGER = next(n for n in range(100) if partition_of(subject(n).encode(), 4) != HERE)


class Now:
    s = 0.0

    def __call__(self) -> float:
        return self.s


class Instead:
    """A supervisor whose answers another function gives: its own methods may be compiled."""

    def __init__(self, of: Any, supervise: Callable[..., Any]) -> None:
        self.of = of
        self.supervise = supervise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


class Bench:
    """An agent with fakes around it."""

    def __init__(self, max_record_bytes: int = 1_000_000) -> None:
        self.acknowledged: list[int] = []
        self.now = Now()
        self.lease = Lease(10, 6, self.now)
        self.lease.renew(0)
        self.producer = FakeProducer()
        self.supervisor: Any = Supervisor(FakeEvaluator())
        self.epoch = 1
        self.figures = Figures(ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
        self.lanes = Lanes(lambda tp, last, epoch: self.acknowledged.append(last), print)
        self.agent = Agent(
            Means(
                supervisor=lambda: self.supervisor,
                producer=cast(OutputProducer, self.producer),
                lanes=self.lanes,
                lease=self.lease,
                topics=TOPICS,
                placement=Placement(4),
                figures=self.figures,
                is_current=lambda epoch: epoch == self.epoch,
                max_record_bytes=max_record_bytes,
            )
        )

    async def work(self, *records: Any, topic: str = INTAKE) -> None:
        batch = Batch(TP(topic, HERE), list(records), 1)

        async def batches() -> AsyncIterator[Batch]:
            yield batch

        await self.agent.run(batches())


def record(
    offset: int, value: bytes | None, key: bytes | None, headers: Any = (), topic: str = INTAKE
) -> Any:
    size = len(value or b"")
    return ConsumerRecord(
        topic, HERE, offset, RECEIVED_MS, 1, key, value, None, len(key or b""), size, headers
    )


def event(offset: int, patient: int = PATIENTS[0], items: int = 2) -> Any:
    return record(offset, prescription(offset, patient, items), subject(patient).encode())


async def test_outputs_leave_in_the_order_of_the_records_into_the_lanes_partition() -> None:
    bench = Bench()
    await bench.work(event(5), event(6), event(9))
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts] * 3
    assert {sent.partition for sent in bench.producer} == {HERE}
    offsets = [sent.headers[OriginHeaders.OFFSET] for sent in bench.producer]
    assert offsets == [b"5", b"5", b"6", b"6", b"9", b"9"]
    assert bench.producer[0].headers[OriginHeaders.TOPIC] == INTAKE.encode()
    assert bench.producer[0].headers[OriginHeaders.RECEIVED_MS] == b"1800000000000"


async def test_a_batch_is_acknowledged_after_every_output_is_confirmed() -> None:
    bench = Bench()
    await bench.work(event(5), event(9))
    assert bench.acknowledged == []
    bench.producer.confirm()
    await asyncio.sleep(0)
    assert bench.acknowledged == [9]


async def test_a_misplaced_record_is_put_where_its_key_belongs_and_not_evaluated() -> None:
    bench = Bench()
    await bench.work(event(5, STRANGER))
    (sent,) = list.__iter__(bench.producer)
    assert sent.topic == TOPICS.rekeyed
    assert sent.partition == partition_of(subject(STRANGER).encode(), 4)
    assert sent.value == prescription(5, STRANGER)
    assert sent.headers == dict(origin_headers(Origin(INTAKE, HERE, 5, RECEIVED_MS)))
    assert bench.figures.rekeyed == 1


async def test_a_rekeyed_record_answers_for_the_place_it_came_from() -> None:
    bench = Bench()
    origin = Origin(INTAKE, 0, 77, RECEIVED_MS - 500)
    rekeyed = record(
        3,
        prescription(1, PATIENTS[0]),
        subject(PATIENTS[0]).encode(),
        tuple(origin_headers(origin)),
        TOPICS.rekeyed,
    )
    await bench.work(rekeyed, topic=TOPICS.rekeyed)
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts]
    for sent in bench.producer:
        assert sent.headers == dict(origin_headers(origin))


async def test_a_refused_record_is_a_dead_letter_in_its_lane() -> None:
    bench = Bench()
    key = subject(PATIENTS[0]).encode()
    await bench.work(record(5, b"{", key), record(6, None, key), record(7, b"{}", None))
    assert bench.producer.topics == [TOPICS.dead_letters] * 3
    assert [sent.value for sent in bench.producer] == [b"{", None, b"{}"]
    reasons = [sent.headers[DeadLetterHeaders.REASON] for sent in bench.producer]
    assert reasons == [b"not_json", b"empty_value", b"missing_key"]
    assert bench.figures.dead_letters.total() == 3


@pytest.mark.parametrize("patient", [PATIENTS[0], STRANGER])
async def test_a_refused_record_larger_than_an_output_leaves_its_bytes_in_the_intake(
    patient: int,
) -> None:
    bench = Bench(max_record_bytes=100)
    await bench.work(record(5, b"{" * 101, subject(patient).encode()))
    (sent,) = list.__iter__(bench.producer)
    assert (sent.topic, sent.value) == (TOPICS.dead_letters, None)
    assert sent.headers[DeadLetterHeaders.REASON] == b"too_large"
    assert sent.headers[DeadLetterHeaders.OFFSET] == b"5"


async def test_nothing_is_written_without_a_lease() -> None:
    bench = Bench()
    bench.now.s = 4.5
    working = asyncio.ensure_future(bench.work(event(5)))
    await asyncio.sleep(0.03)
    assert bench.producer.topics == []
    bench.lease.renew(4.5)
    await working
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts]


async def test_a_worker_frozen_within_a_batch_writes_nothing_more_when_it_is_expelled() -> None:
    bench = Bench()
    supervise = bench.supervisor.supervise
    answered = []

    def frozen_at_the_last(value: bytes, *args: Any) -> Any:
        answered.append(value)
        if len(answered) == len(records):
            bench.now.s = 30.0  # the session is long over when it goes on
        return supervise(value, *args)

    bench.supervisor = Instead(bench.supervisor, frozen_at_the_last)
    records = [event(n, items=9) for n in range(60)]  # more than one burst
    working = asyncio.ensure_future(bench.work(*records))
    await asyncio.sleep(0.03)
    written = list(bench.producer.topics)
    assert 0 < written.count(TOPICS.decisions) < len(records) == len(answered)
    bench.epoch = 2
    await working
    bench.producer.confirm()
    await asyncio.sleep(0)
    assert bench.producer.topics == written
    assert bench.acknowledged == []
    assert bench.lanes.batches == 0


async def test_no_output_of_a_burst_leaves_a_worker_that_was_frozen_while_it_evaluated() -> None:
    bench = Bench()
    supervise = bench.supervisor.supervise

    def frozen(*args: Any) -> Any:
        bench.now.s = 30.0
        return supervise(*args)

    bench.supervisor = Instead(bench.supervisor, frozen)
    working = asyncio.ensure_future(bench.work(event(5), event(6)))
    await asyncio.sleep(0.03)
    assert bench.producer.topics == []
    bench.lease.renew(30.0)  # it was not expelled after all
    await working
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts] * 2


async def test_a_batch_is_answered_by_one_supervisor() -> None:
    bench = Bench()
    asked: list[Any] = []

    def other() -> Any:
        def supervise(*args: Any) -> Any:
            asked.append(made)
            bench.supervisor = other()  # exchanged within the batch
            return made.of.supervise(*args)

        made = Instead(Supervisor(FakeEvaluator()), supervise)
        return made

    first = bench.supervisor = other()
    await bench.work(event(5), event(6), event(7))
    assert asked == [first] * 3
    await bench.work(event(8))
    assert asked[-1] is not first


async def test_a_stale_batch_is_dropped() -> None:
    bench = Bench()
    bench.epoch = 2
    await bench.work(event(5))
    assert bench.producer.topics == []


async def test_no_batch_is_begun_while_partitions_are_given_up() -> None:
    bench = Bench()
    bench.lanes.close()
    await bench.work(event(5))
    assert bench.producer.topics == []


def slow(bench: Bench, monkeypatch: pytest.MonkeyPatch, each_s: float) -> Now:
    """Every evaluation takes so long on the clock that the agent reads."""
    clock, supervise = Now(), bench.supervisor.supervise

    def slowly(*args: Any) -> Any:
        clock.s += each_s
        return supervise(*args)

    bench.supervisor = Instead(bench.supervisor, slowly)
    monkeypatch.setattr("streams.agent.monotonic", clock)
    return clock


async def test_the_event_loop_turns_while_slow_rules_work_through_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    clock = slow(bench, monkeypatch, 0.05)
    turns: list[float] = []

    async def loop_work() -> None:
        while True:
            turns.append(clock.s)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(loop_work())
    for first in (0, 10, 20):  # batches that follow without a wait between them
        await bench.work(*(event(first + n) for n in range(10)))
    watching.cancel()
    gaps = [later - before for before, later in pairwise(turns)]
    assert turns[-1] >= 1.4
    assert max(gaps) < 0.25


async def test_a_slow_batch_does_not_hold_up_a_rebalance(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    clock = slow(bench, monkeypatch, 1.0)
    monkeypatch.setattr(bench.lanes._loop, "time", clock)
    supervise = bench.supervisor.supervise

    def revoked_at_the_second(value: bytes, *args: Any) -> Any:
        if clock.s == 1.0:
            bench.lanes.close()
        return supervise(value, *args)

    bench.supervisor = Instead(bench.supervisor, revoked_at_the_second)
    await bench.work(*(event(n) for n in range(60)))
    assert 1 <= bench.producer.topics.count(TOPICS.decisions) <= 4
    assert bench.lanes.batches == 1  # what it produced is not confirmed
    bench.producer.confirm()
    await asyncio.sleep(0)
    assert bench.lanes.batches == 0
    assert bench.acknowledged == []


async def test_a_batch_that_is_nearly_done_is_finished_before_a_rebalance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    slow(bench, monkeypatch, 0.2)
    supervise = bench.supervisor.supervise

    def revoked(*args: Any) -> Any:
        bench.lanes.close()
        return supervise(*args)

    bench.supervisor = Instead(bench.supervisor, revoked)
    await bench.work(event(5), event(6), event(7))
    bench.producer.confirm()
    await asyncio.sleep(0)
    assert bench.acknowledged == [7]


async def test_a_batch_of_huge_outputs_waits_for_the_producer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.agent._MAX_AHEAD_BYTES", 1000)
    monkeypatch.setattr("streams.agent._BURST_BYTES", 1000)
    bench = Bench()
    bench.producer.queued = 2
    working = asyncio.ensure_future(bench.work(event(5), event(6)))
    await asyncio.sleep(0.03)
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts]
    bench.producer.queued = 0
    await working
    assert bench.producer.topics == [TOPICS.decisions, TOPICS.alerts] * 2
