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
from streams.lanes import InFlightLimits, Lanes, Passage

A0 = TP("a", 0)
B0 = TP("b", 0)
A1 = TP("a", 1)


class Log(list[tuple[str, int]]):
    """What happened, in order."""

    def acknowledge(self, tp: TP, last: int, epoch: int) -> None:
        self.append((f"ack {tp.topic}{tp.partition}", last))


class State:
    """A state writer that writes one record a batch."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.reports: list[Callable[[KafkaError | None, Any], None]] = []
        self.may_write = True

    def write(self, passage: Passage) -> int:
        self.log.append(("state", passage.last))
        self.reports.append(passage.state.report)
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
    assert passage.decided == 41
    assert passage.outputs.complete


class Stored:
    """What a delivery report tells of a stored record."""

    def __init__(self, offset: int) -> None:
        self.offset = lambda: offset
