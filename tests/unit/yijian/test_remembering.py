"""What an evaluation without Kafka remembers."""

from __future__ import annotations

from rules.memory.model import NEVER_US, Memory, Seen, Timer
from yijian.remembering import Remembered


def remember(past: Remembered, subject: bytes, *fire_us: int) -> None:
    memory = past.recall(subject)
    memory.seen["e"] = Seen("d", 1)
    memory.timers = {f"t{at}": Timer(f"t{at}", "duty", at, "s", "e") for at in fire_us}
    past.keep(subject)


def test_what_is_kept_is_recalled_and_what_failed_is_not() -> None:
    past = Remembered()
    remember(past, b"p")
    past.recall(b"p").seen["other"] = Seen("x", 2)
    past.undo(b"p")
    assert list(past.recall(b"p").seen) == ["e"]
    past.recall(b"new").latest_us = 7
    past.undo(b"new")
    assert past.recall(b"new") == Memory()
    assert len(past) == 1


def test_the_timer_that_is_due_first_is_told_whoever_set_it() -> None:
    past = Remembered()
    remember(past, b"p", 30, 10)
    remember(past, b"q", 20)
    assert past.next_us == 10
    assert past.due(9) is None
    due = past.due(25)
    assert due is not None
    assert (due.subject, due.timer, due.clock_us) == (b"p", "t10", 25)
    remember(past, b"p", 30)  # it fired
    due = past.due(25)
    assert due is not None
    assert due.subject == b"q"
    remember(past, b"q")
    assert past.due(25) is None
    assert past.next_us == 30


def test_a_timer_that_failed_waits_until_its_subject_is_heard_of() -> None:
    past = Remembered()
    remember(past, b"p", 10)
    due = past.due(10)
    assert due is not None
    past.failed(due)
    assert past.due(10) is None
    assert past.next_us == NEVER_US
    remember(past, b"p", 10)
    assert past.due(10) is not None
