"""Lanes: order of acknowledgement, order of state, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import FlushTimedOut
from streams.lanes import Cut, InFlightLimits, Lanes, Passage

A0 = TP("a", 0)
B0 = TP("b", 0)
A1 = TP("a", 1)


class Log(list[tuple[str, int]]):
    """What happened, in order."""

    def acknowledge(self, tp: TP, last: int, epoch: int) -> None:
        self.append((f"ack {tp.topic}{tp.partition}", last))


class State:
    """A state writer that writes one record a cut."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.reports: list[Callable[[KafkaError | None, Any], None]] = []
        self.may_write = True

    def seal(self, cut: Cut) -> int:
        assert cut.last is not None
        cut.changes = cut.last.last
        return 0

    def write(self, cut: Cut) -> int:
        self.log.append(("state", cut.changes))
        self.reports.append(cut.state.report)
        return 1


def fail(error: KafkaError) -> None:
    raise AssertionError(error)


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_batch_is_acknowledged_when_its_last_output_is_confirmed() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 2, 100)
    passage.outputs.report(None, None)
    await settle()
    assert log == []
    passage.outputs.report(None, None)
    await settle()
    assert log == [("ack a0", 9)]


async def test_outputs_confirmed_before_the_batch_was_complete_count() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    passage = lanes.enter(A0, 9, 1)
    passage.outputs.report(None, None)
    await settle()
    assert log == []
    lanes.sent(passage, 1, 100)
    assert log == [("ack a0", 9)]


async def test_acknowledgements_leave_in_lane_order_across_topics() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    first, second = lanes.enter(A0, 9, 1), lanes.enter(B0, 4, 1)
    lanes.sent(first, 1, 10)
    lanes.sent(second, 1, 10)
    second.outputs.report(None, None)
    await settle()
    assert log == []
    first.outputs.report(None, None)
    await settle()
    assert log == [("ack a0", 9), ("ack b0", 4)]


async def test_a_batch_with_nothing_to_send_waits_its_turn() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    first, empty = lanes.enter(A0, 9, 1), lanes.enter(A0, 19, 1)
    lanes.sent(first, 1, 10)
    lanes.sent(empty, 0, 0)
    await settle()
    assert log == []
    first.outputs.report(None, None)
    await settle()
    assert log == [("ack a0", 9), ("ack a0", 19)]


async def test_lanes_do_not_wait_for_each_other() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    lanes.sent(lanes.enter(A0, 9, 1), 1, 10)
    other = lanes.enter(A1, 4, 1)
    lanes.sent(other, 1, 10)
    other.outputs.report(None, None)
    await settle()
    assert log == [("ack a1", 4)]


async def test_state_of_a_batch_is_written_only_after_all_outputs_up_to_it() -> None:
    log = Log()
    state = State(log)
    lanes = Lanes(log.acknowledge, fail, state=state)
    first, second = lanes.enter(A0, 1, 1), lanes.enter(B0, 2, 1)
    lanes.sent(first, 1, 10)
    lanes.sent(second, 1, 10)
    second.outputs.report(None, None)
    await settle()
    assert log == []
    first.outputs.report(None, None)
    await settle()
    assert log == [("state", 1), ("state", 2)]
    state.reports[1](None, None)
    await settle()
    assert log == [("state", 1), ("state", 2)]
    state.reports[0](None, None)
    await settle()
    assert log[2:] == [("ack a0", 1), ("ack b0", 2)]


async def test_no_room_while_too_many_bytes_are_under_way() -> None:
    lanes = Lanes(Log().acknowledge, fail, limits=InFlightLimits(max_bytes=100, max_batches=10))
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 1, 100)
    waiting = asyncio.ensure_future(lanes.room())
    await settle()
    assert not waiting.done()
    passage.outputs.report(None, None)
    assert await waiting
    assert (lanes.bytes, lanes.batches) == (0, 0)


async def test_waiting_for_room_ends_when_partitions_are_given_up() -> None:
    lanes = Lanes(Log().acknowledge, fail, limits=InFlightLimits(max_bytes=100, max_batches=1))
    lanes.sent(lanes.enter(A0, 9, 1), 1, 1)
    waiting = asyncio.ensure_future(lanes.room())
    await settle()
    lanes.close()
    assert not await waiting


async def test_a_flush_waits_until_every_batch_has_left() -> None:
    lanes = Lanes(Log().acknowledge, fail)
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 1, 1)
    flushed = asyncio.ensure_future(lanes.flush(5))
    await settle()
    assert not flushed.done()
    passage.outputs.report(None, None)
    await flushed


async def test_a_flush_that_takes_too_long_says_so() -> None:
    lanes = Lanes(Log().acknowledge, fail)
    lanes.sent(lanes.enter(A0, 9, 1), 1, 1)
    with pytest.raises(FlushTimedOut, match="1 batches were not confirmed"):
        await lanes.flush(0.01)


async def test_an_abandoned_batch_is_never_acknowledged_and_holds_nobody_up() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail)
    given_up, after = lanes.enter(A0, 9, 1), lanes.enter(A0, 19, 1)
    lanes.sent(after, 0, 0)
    lanes.abandon(given_up, 0)
    assert log == [("ack a0", 19)]
    assert lanes.batches == 0


async def test_an_abandoned_batch_leaves_when_what_was_produced_of_it_is_confirmed() -> None:
    log = Log()
    lanes = Lanes(log.acknowledge, fail, state=State(log))
    given_up = lanes.enter(A0, 9, 1)
    given_up.outputs.report(None, None)
    lanes.close()
    lanes.abandon(given_up, 2)
    with pytest.raises(FlushTimedOut, match="1 batches were not confirmed"):
        await lanes.flush(0.01)
    given_up.outputs.report(None, None)
    await lanes.flush(1.0)
    assert log == []
    assert lanes.batches == 0


async def test_a_failed_delivery_is_told_and_never_counted() -> None:
    told: list[KafkaError] = []
    log = Log()
    lanes = Lanes(log.acknowledge, told.append)
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 1, 1)
    error = KafkaError(KafkaError._MSG_TIMED_OUT)
    passage.outputs.report(error, None)
    await settle()
    assert told == [error]
    assert log == []


async def test_reports_that_come_after_partitions_were_given_up_change_nothing() -> None:
    lanes = Lanes(Log().acknowledge, fail)
    late = lanes.enter(A0, 9, 1)
    lanes.sent(late, 1, 50)
    lanes.close()
    lanes.reopen()
    lanes.sent(lanes.enter(A0, 9, 2), 1, 70)
    late.outputs.report(None, None)
    await settle()
    assert (lanes.bytes, lanes.batches) == (70, 1)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=12), st.randoms())
def test_whatever_order_deliveries_take_acknowledgements_keep_the_lane(
    batches: list[tuple[int, int]], random: Any
) -> None:
    async def play() -> None:
        log = Log()
        lanes = Lanes(log.acknowledge, fail)
        reports = []
        for number, (partition, outputs) in enumerate(batches):
            passage = lanes.enter(TP("a", partition), number, 1)
            lanes.sent(passage, outputs, 1)
            reports += [passage.outputs.report] * outputs
        random.shuffle(reports)
        for report in reports:
            report(None, None)
            await settle()
        for partition in (0, 1):
            acknowledged = [last for what, last in log if what == f"ack a{partition}"]
            assert acknowledged == [n for n, (p, _) in enumerate(batches) if p == partition]
        assert (lanes.bytes, lanes.batches) == (0, 0)

    asyncio.run(play())


async def test_state_waits_for_the_right_to_write_and_so_does_the_acknowledgement() -> None:
    log = Log()
    state = State(log)
    lanes = Lanes(log.acknowledge, fail, state=state)
    passage = lanes.enter(A0, 9, 1)
    state.may_write = False
    lanes.sent(passage, 0, 0)
    lanes.look()
    assert log == []
    assert lanes.batches == 1
    state.may_write = True
    lanes.look()
    assert log == [("state", 9)]
    state.reports[0](None, None)
    await settle()
    assert log == [("state", 9), ("ack a0", 9)]


async def test_batches_whose_state_may_not_be_written_leave_without_being_acknowledged() -> None:
    log = Log()
    state = State(log)
    lanes = Lanes(log.acknowledge, fail, state=state)
    state.may_write = False
    for last in (9, 19):
        lanes.sent(lanes.enter(A0, last, 1), 0, 0)
    lanes.close()
    lanes.forgo()
    await lanes.flush(1.0)
    assert log == []
    assert lanes.batches == 0


async def test_nothing_is_written_behind_a_batch_that_was_let_go() -> None:
    log = Log()
    state = State(log)
    lanes = Lanes(log.acknowledge, fail, state=state)
    state.may_write = False
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    behind = lanes.enter(A0, 19, 1)
    lanes.close()
    lanes.forgo()
    state.may_write = True  # a heartbeat was answered after all
    lanes.sent(behind, 0, 0)
    await lanes.flush(1.0)
    assert log == []


async def test_a_batch_knows_where_its_last_decision_stands() -> None:
    lanes = Lanes(Log().acknowledge, fail)
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 2, 0)
    for offset in (40, 41):
        passage.report_decision(None, Stored(offset))
    await settle()
    assert passage.cut.decided == 41
    assert passage.outputs.complete


class Stored:
    """What a delivery report tells of a stored record."""

    def __init__(self, offset: int) -> None:
        self.offset = lambda: offset


async def holding(log: Log, hold_s: float, **options: Any) -> Lanes:
    """Lanes that hold cuts. The first batch of each is behind us: it is never held."""
    lanes = Lanes(log.acknowledge, fail, hold_s=hold_s, **options)
    for tp in (A0, A1):
        lanes.sent(lanes.enter(tp, 0, 1), 0, 0)
    state = options.get("state")
    for report in state.reports if state is not None else ():
        report(None, None)
    await settle()
    assert lanes.batches == 0
    if state is not None:
        assert log[:2] == [("state", 0), ("state", 0)]
        state.reports.clear()
    log.clear()
    return lanes


async def test_batches_that_follow_each_other_share_a_cut_and_its_state() -> None:
    log = Log()
    state = State(log)
    lanes = await holding(log, 0.02, state=state)
    first = lanes.enter(A0, 9, 1)
    lanes.sent(first, 1, 10)
    first.outputs.report(None, None)
    second = lanes.enter(B0, 4, 1)
    lanes.sent(second, 1, 10)
    await settle()
    lanes.look()
    assert log == []
    await asyncio.sleep(0.03)
    lanes.look()
    assert log == []  # the outputs of the second batch are not confirmed
    second.outputs.report(None, None)
    await settle()
    assert log == [("state", 4)]
    state.reports[0](None, None)
    await settle()
    assert log[1:] == [("ack a0", 9), ("ack b0", 4)]
    assert (lanes.bytes, lanes.batches) == (0, 0)


async def test_a_cut_is_not_ended_while_a_batch_that_joins_it_is_under_way() -> None:
    log = Log()
    state = State(log)
    lanes = await holding(log, 0.01, state=state)
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    joining = lanes.enter(B0, 4, 1)
    await asyncio.sleep(0.02)
    lanes.look()
    assert log == []
    lanes.sent(joining, 0, 0)
    assert log == [("state", 4)]


async def test_the_next_batch_does_not_join_a_cut_that_was_held_long_enough() -> None:
    log = Log()
    lanes = await holding(log, 0.01, state=State(log))
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    await asyncio.sleep(0.02)
    lanes.look()
    lanes.sent(lanes.enter(B0, 4, 1), 0, 0)
    assert log == [("state", 9)]


async def test_cuts_end_when_partitions_are_given_up() -> None:
    log = Log()
    state = State(log)
    lanes = await holding(log, 60, state=state)
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    lanes.sent(lanes.enter(A1, 3, 1), 0, 0)
    late = lanes.enter(A1, 5, 1)
    lanes.close()
    assert log == [("state", 9)]
    lanes.sent(late, 0, 0)
    assert log == [("state", 9), ("state", 5)]
    for report in state.reports:
        report(None, None)
    await lanes.flush(1.0)
    assert log[2:] == [("ack a0", 9), ("ack a1", 3), ("ack a1", 5)]


async def test_batches_that_only_wait_for_their_cut_take_no_room() -> None:
    log = Log()
    limits = InFlightLimits(max_bytes=100, max_batches=1)
    lanes = await holding(log, 60, limits=limits)
    passage = lanes.enter(A0, 9, 1)
    lanes.sent(passage, 1, 100)
    waiting = asyncio.ensure_future(lanes.room())
    await settle()
    assert not waiting.done()
    passage.outputs.report(None, None)
    assert await waiting
    assert log == []
    assert (lanes.bytes, lanes.unconfirmed, lanes.batches) == (0, 0, 1)


async def test_a_batch_that_is_given_up_takes_its_cut_with_it() -> None:
    log = Log()
    lanes = await holding(log, 60, state=State(log))
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    given_up = lanes.enter(A0, 19, 1)
    lanes.close()
    lanes.abandon(given_up, 1)
    assert lanes.batches == 1
    given_up.outputs.report(None, None)
    await lanes.flush(1.0)
    assert log == []
    assert lanes.batches == 0


async def test_without_the_right_to_write_a_whole_cut_is_let_go() -> None:
    log = Log()
    state = State(log)
    lanes = await holding(log, 60, state=state)
    lanes.sent(lanes.enter(A0, 9, 1), 0, 0)
    lanes.sent(lanes.enter(B0, 4, 1), 0, 0)
    state.may_write = False
    lanes.close()
    assert lanes.batches > 0
    lanes.forgo()
    await lanes.flush(1.0)
    assert log == []


async def test_that_outputs_are_confirmed_is_told_once_and_before_the_cut_ends() -> None:
    told: list[int] = []

    class Observer:
        def confirmed(self, passage: Passage) -> None:
            told.append(passage.last)

    lanes = await holding(Log(), 0.01, observer=Observer())
    told.clear()
    for last in (9, 19):
        lanes.sent(lanes.enter(A0, last, 1), 0, 0)
        lanes.look()
    assert told == [9, 19]
    await asyncio.sleep(0.02)
    lanes.look()
    assert told == [9, 19]
    assert lanes.batches == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=10), st.randoms())
def test_whatever_is_confirmed_when_state_follows_its_outputs_and_acknowledgements_the_state(
    batches: list[tuple[int, bool]], random: Any
) -> None:
    async def play() -> None:
        log = Log()
        state = State(log)
        lanes = await holding(log, 60, state=state)
        passages, reports = [], []
        for number, (outputs, is_end) in enumerate(batches):
            passage = lanes.enter(A0, number, 1)
            lanes.sent(passage, outputs, 1)
            passages.append(passage)
            reports += [passage.outputs.report] * outputs
            if is_end:
                lanes._end_all()
        lanes.close()
        random.shuffle(reports)
        while reports or state.reports:
            waiting = reports if reports and (random.random() < 0.6 or not state.reports) else []
            if waiting:
                waiting.pop()(None, None)
            else:
                state.reports.pop()(None, None)
            await settle()
            for what, last in log:
                if what == "state":
                    assert all(p.outputs.complete for p in passages[: last + 1])
        ends = [last for what, last in log if what == "state"]
        acknowledged = [last for what, last in log if what == "ack a0"]
        assert acknowledged == list(range(len(batches)))
        assert ends[-1] == len(batches) - 1
        for last in acknowledged:  # after the state that knows of it
            state_at = log.index(("state", next(end for end in ends if end >= last)))
            assert state_at < log.index(("ack a0", last))
        assert (lanes.bytes, lanes.batches) == (0, 0)

    asyncio.run(play())
