"""Only what is acknowledged without a hole is ever committed."""

from __future__ import annotations

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.offsets import OffsetTracker

A0 = TP("a", 0)
B0 = TP("b", 0)


def tracker(**positions: int) -> OffsetTracker:
    made = OffsetTracker()
    made.start({TP(topic, 0): at for topic, at in positions.items()})
    return made


def test_nothing_is_committable_before_anything_is_acknowledged() -> None:
    tracked = tracker(a=5)
    tracked.delivered(A0, 9)
    assert tracked.committable() == {}


def test_an_acknowledged_batch_commits_behind_its_last_record() -> None:
    tracked = tracker(a=5)
    tracked.delivered(A0, 9)
    assert tracked.acknowledge(A0, 9, tracked.epoch)
    assert tracked.committable() == {A0: 10}


def test_a_first_commit_waits_for_the_batch_at_the_head() -> None:
    # Stock Faust commits here: it does not look at the head while nothing was committed.
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.delivered(A0, 9)
    tracked.acknowledge(A0, 9, tracked.epoch)
    assert tracked.committable() == {}
    tracked.acknowledge(A0, 4, tracked.epoch)
    assert tracked.committable() == {A0: 10}


def test_a_gap_from_compaction_does_not_hold_the_commit() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.delivered(A0, 1_000_000)
    tracked.acknowledge(A0, 4, tracked.epoch)
    tracked.acknowledge(A0, 1_000_000, tracked.epoch)
    assert tracked.committable() == {A0: 1_000_001}


def test_topics_of_one_partition_number_are_tracked_apart() -> None:
    tracked = tracker(a=0, b=0)
    tracked.delivered(A0, 4)
    tracked.delivered(B0, 4)
    tracked.acknowledge(B0, 4, tracked.epoch)
    assert tracked.committable() == {B0: 5}


def test_what_is_committed_is_not_committed_again() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.acknowledge(A0, 4, tracked.epoch)
    tracked.committed(tracked.committable(), tracked.epoch)
    assert tracked.committable() == {}
    assert tracked.positions() == {A0: 5}


def test_a_failed_commit_is_asked_for_again() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.acknowledge(A0, 4, tracked.epoch)
    assert tracked.committable() == tracked.committable() == {A0: 5}


def test_an_acknowledgement_from_before_a_seek_is_ignored() -> None:
    tracked = tracker(a=0)
    before = tracked.epoch
    tracked.delivered(A0, 4)
    tracked.start({A0: 0})
    tracked.delivered(A0, 4)
    assert not tracked.acknowledge(A0, 4, before)
    assert tracked.committable() == {}
    assert tracked.acknowledge(A0, 4, tracked.epoch)


def test_an_acknowledgement_for_a_dropped_partition_is_ignored() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.drop()
    assert not tracked.acknowledge(A0, 4, tracked.epoch)
    assert tracked.committable() == {}


def test_a_commit_of_an_earlier_epoch_does_not_move_the_position() -> None:
    tracked = tracker(a=0)
    before = tracked.epoch
    tracked.start({A0: 3})
    tracked.committed({A0: 100}, before)
    assert tracked.positions() == {A0: 3}


def test_acknowledging_twice_changes_nothing() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4)
    tracked.acknowledge(A0, 4, tracked.epoch)
    assert not tracked.acknowledge(A0, 4, tracked.epoch)


def test_the_oldest_record_under_way_is_that_of_the_first_open_batch() -> None:
    tracked = tracker(a=0)
    tracked.delivered(A0, 4, oldest_ms=100)
    tracked.delivered(A0, 9, oldest_ms=200)
    assert tracked.oldest_ms(A0) == 100
    tracked.acknowledge(A0, 4, tracked.epoch)
    assert tracked.oldest_ms(A0) == 200
    tracked.acknowledge(A0, 9, tracked.epoch)
    assert tracked.oldest_ms(A0) is None
    assert tracked.unacknowledged() == 0


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Steps: a partition delivers a batch of a length, acknowledges one under way, or seeks."""
    step = st.tuples(
        st.sampled_from(["deliver", "acknowledge", "commit", "seek"]),
        st.integers(0, 2),
        st.integers(1, 50),
    )
    return draw(st.lists(step, max_size=60))


@given(_histories())
def test_a_commit_never_passes_a_batch_that_is_not_acknowledged(
    history: list[tuple[str, int, int]],
) -> None:
    tps = [TP("a", 0), TP("a", 1), TP("b", 0)]
    tracked = OffsetTracker()
    tracked.start(dict.fromkeys(tps, 0))
    next_offset = dict.fromkeys(tps, 0)
    under_way: dict[TP, list[tuple[int, int]]] = {tp: [] for tp in tps}
    stored = dict.fromkeys(tps, 0)
    for what, which, number in history:
        tp = tps[which]
        if what == "deliver":
            last = next_offset[tp] + number
            tracked.delivered(tp, last)
            under_way[tp].append((next_offset[tp], last))
            next_offset[tp] = last + 1
        elif what == "acknowledge" and under_way[tp]:
            _, last = under_way[tp].pop(number % len(under_way[tp]))
            assert tracked.acknowledge(tp, last, tracked.epoch)
        elif what == "commit":
            offsets = tracked.committable()
            tracked.committed(offsets, tracked.epoch)
            stored.update(offsets)
        elif what == "seek":
            tracked.start(dict(stored))
            next_offset = dict(stored)
            under_way = {tp: [] for tp in tps}
        for at, offset in (stored | tracked.committable()).items():
            assert all(offset <= first for first, _ in under_way[at])


def test_what_was_answered_was_looked_at_before_it_is_confirmed() -> None:
    tracker = OffsetTracker()
    tracker.start({TP("a", 0): 5, TP("b", 0): 0})
    tracker.delivered(TP("a", 0), 7)
    tracker.delivered(TP("a", 0), 9)
    assert tracker.looked_at(0) == {"a": (5, False), "b": (0, True)}
    tracker.look_at(TP("a", 0), 7, tracker.epoch)
    assert tracker.looked_at(0)["a"] == (8, False)
    tracker.look_at(TP("a", 0), 9, tracker.epoch - 1)
    assert tracker.looked_at(0)["a"] == (8, False)
    tracker.look_at(TP("a", 0), 9, tracker.epoch)
    assert tracker.looked_at(0)["a"] == (10, True)
    assert tracker.processed()[TP("a", 0)] == 5
