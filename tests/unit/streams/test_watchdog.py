"""A stuck worker is told from one that waits, is frozen, or cannot reach the broker."""

from __future__ import annotations

from collections.abc import Callable

from faust.types import TP

from streams.errors import StuckError
from streams.offsets import Progress
from streams.watchdog import Watchdog

A0, B0 = TP("a", 0), TP("b", 0)


class Worker:
    """A worker as the watchdog sees it."""

    def __init__(self) -> None:
        self.progress = {A0: Progress(5, 5)}
        self.ends = {A0: 5}
        self.loop_turns = True
        self.is_recovering = False
        self.stuck: list[StuckError] = []
        self.watchdog = Watchdog(
            lambda: self.progress,
            lambda tps: self.ends,
            self.call_loop,
            self.stuck.append,
            stuck_s=10,
            look_s=2,
            is_waiting=lambda: self.is_recovering,
        )

    def call_loop(self, turned: Callable[[], None]) -> None:
        if self.loop_turns:
            turned()

    def look(self, times: int) -> None:
        for _ in range(times):
            self.watchdog.look()

    def go_on_elsewhere(self, offsets: range) -> None:
        """Look again and again while another partition with work is worked through."""
        self.ends = {A0: 9, B0: 1000}
        for offset in offsets:
            self.progress = {A0: Progress(5, 5), B0: Progress(offset, offset)}
            self.look(1)


def test_an_idle_worker_is_not_stuck() -> None:
    worker = Worker()
    worker.look(100)
    assert worker.stuck == []
    assert worker.watchdog.lags.records == {A0: 0}


def test_work_without_a_commit_is_stuck_after_the_time() -> None:
    worker = Worker()
    worker.ends = {A0: 9}
    worker.look(5)
    assert worker.stuck == []
    assert worker.watchdog.lags.records == {A0: 4}
    worker.look(1)
    assert "a[0] has 4 records to do" in str(worker.stuck[0])


def test_a_worker_that_reads_back_what_it_remembers_is_not_stuck_before_it_may_work() -> None:
    worker = Worker()
    worker.ends = {A0: 9}
    worker.is_recovering = True
    worker.look(100)
    assert worker.stuck == []
    worker.is_recovering = False
    worker.look(4)
    assert worker.stuck == []
    worker.look(1)
    assert worker.stuck


def test_a_slow_worker_that_commits_is_not_stuck() -> None:
    worker = Worker()
    worker.ends = {A0: 1000}
    for offset in range(100):
        worker.progress = {A0: Progress(offset, offset)}
        worker.look(1)
    assert worker.stuck == []


def test_a_partition_that_waits_for_its_turn_is_not_stuck_but_one_that_never_gets_it_is() -> None:
    worker = Worker()
    worker.go_on_elsewhere(range(49))
    assert worker.stuck == []
    worker.go_on_elsewhere(range(49, 52))
    assert "a[0] has 4 records to do" in str(worker.stuck[0])


def test_once_nothing_goes_on_the_time_is_short_again() -> None:
    worker = Worker()
    worker.go_on_elsewhere(range(20))
    worker.look(4)
    assert worker.stuck == []
    worker.look(1)
    assert worker.stuck


def test_records_without_content_at_the_end_are_no_work() -> None:
    # A transaction's marker has an offset and nothing to commit.
    worker = Worker()
    worker.ends = {A0: 6}
    worker.progress = {A0: Progress(done=6, committed=5)}
    worker.look(100)
    assert worker.stuck == []


def test_a_broker_that_does_not_answer_makes_nobody_stuck() -> None:
    worker = Worker()
    worker.ends = {}
    worker.look(100)
    assert worker.stuck == []


def test_a_partition_that_is_given_up_is_forgotten() -> None:
    worker = Worker()
    worker.ends = {A0: 9}
    worker.look(4)
    worker.progress, worker.ends = {}, {}
    worker.look(1)
    worker.progress, worker.ends = {A0: Progress(5, 5)}, {A0: 9}
    worker.look(4)
    assert worker.stuck == []


def test_an_event_loop_that_does_not_turn_is_stuck() -> None:
    worker = Worker()
    worker.loop_turns = False
    worker.look(5)
    assert worker.stuck == []
    worker.look(1)
    assert "event loop" in str(worker.stuck[0])
