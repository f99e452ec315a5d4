"""Cuts tile the log of a partition, one in flight, and batches name exactly what they hold."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from sinks.cuts import Batch, Cut, Lane, LaneId, Limits, cut_batch, is_due
from sinks.rows import Record

LIMITS = Limits(rows=10, size=100_000, age_s=0.5)


def record(offset: int, size: int = 10, topic: str = "t", partition: int = 0) -> Record:
    return Record(topic, partition, offset, 0, 0, b"k", b"x" * size)


def lane(at: int = 0, partition: int = 0) -> Lane:
    return Lane(LaneId("t", partition), "topic-id", 0, at)


def batch_of(*lanes: Lane, limits: Limits = LIMITS) -> Batch:
    return cut_batch(lanes, limits, 0.0, threading.Event())


@given(
    st.lists(st.integers(min_value=1, max_value=4), max_size=60),
    st.integers(min_value=1, max_value=7),
)
def test_cuts_tile_the_log_whatever_offsets_it_leaves_out(steps: list[int], rows: int) -> None:
    one, offset, cuts = lane(5), 4, list[Cut]()
    for step in steps:
        offset += step
        assert one.take(record(offset), 0.0)
    while len(one):
        cuts.append(one.cut(rows, 1_000_000, 0.0))
        one.in_flight = None
    assert sum(len(cut.records) for cut in cuts) == len(steps)
    at = 5
    for cut in cuts:
        assert cut.first == at
        assert cut.first <= cut.records[0].offset <= cut.records[-1].offset == cut.last
        at = cut.last + 1


def test_a_record_that_was_delivered_before_is_not_taken_again() -> None:
    one = lane(10)
    assert not one.take(record(9), 0.0)
    assert one.take(record(10), 0.0)
    assert not one.take(record(10), 0.0)
    one.cut(10, 1_000, 0.0)
    assert not one.take(record(10), 0.0)
    assert one.take(record(11), 0.0)


def test_a_lane_with_a_cut_in_flight_waits() -> None:
    one = lane()
    one.take(record(0), 0.0)
    first = batch_of(one)
    one.take(record(1), 0.0)
    assert not is_due([one], LIMITS, 99.0)
    assert one.stored == 0
    one.in_flight = None
    assert one.stored == first.cuts[0].last + 1 == 1
    assert is_due([one], LIMITS, 99.0)


def test_lanes_are_due_by_age_by_records_and_by_bytes_together() -> None:
    lanes = [lane(partition=0), lane(partition=1)]
    lanes[0].take(record(0), 1.0)
    assert not is_due(lanes, LIMITS, 1.4)
    assert is_due(lanes, LIMITS, 1.5)
    for n in range(9):
        lanes[1].take(record(n, partition=1), 1.2)
    assert is_due(lanes, LIMITS, 1.2)
    big = lane(partition=2)
    big.take(record(0, size=100_001), 1.2)
    assert is_due([big], LIMITS, 1.2)


def test_a_batch_takes_the_longest_waiting_lanes_until_it_is_full() -> None:
    late, early = lane(partition=0), lane(partition=1)
    for n in range(8):
        late.take(record(n), 5.0)
        early.take(record(n, partition=1), 1.0)
    batch = batch_of(late, early)
    assert [cut.lane.partition for cut in batch.cuts] == [1, 0]
    assert [len(cut.records) for cut in batch.cuts] == [8, 2]
    assert late.next == 2


def test_a_record_larger_than_the_limit_is_a_cut_of_its_own() -> None:
    one = lane()
    one.take(record(0), 0.0)
    one.take(record(1, size=200_000), 0.0)
    one.take(record(2), 0.0)
    sizes = []
    while len(one):
        sizes.append(len(batch_of(one).cuts[0].records))
        one.in_flight = None
    assert sizes == [1, 1, 1]


def test_tokens_differ_where_anything_differs_that_rows_depend_on() -> None:
    def token(table: str = "events", epoch: int = 0, log: str = "id", first: int = 0, last: int = 9,
              count: int = 1, part: int = 0) -> str:  # fmt: skip
        cut = Cut(LaneId("t", 0), log, epoch, first, last, (record(0),) * count, 1)
        return Batch((cut,), threading.Event()).token(table, part, 2)

    tokens = [
        token(),
        token(table="alerts"),
        token(epoch=1),
        token(log="other"),
        token(first=1),
        token(last=10),
        token(count=2),
        token(part=1),
    ]
    assert len(set(tokens)) == len(tokens)
    assert token() == token()


def test_the_token_of_several_cuts_does_not_depend_on_their_order() -> None:
    a = Cut(LaneId("t", 0), "id", 0, 0, 3, (record(0),), 1)
    b = Cut(LaneId("t", 1), "id", 0, 5, 7, (record(5),), 1)
    one, other = (Batch(cuts, threading.Event()) for cuts in ((a, b), (b, a)))
    assert one.token("events", 0, 1) == other.token("events", 0, 1)
    assert one.token("events", 0, 1) != Batch((a,), threading.Event()).token("events", 0, 1)
