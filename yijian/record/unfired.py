"""Timers whose time had passed, and of which no decision tells.

The order of record names the timers that fired; a timer that a worker lost fires nowhere and would
differ from nothing. But a tick fires everything that is due by the clock of a source. So whatever
was set before a tick that fired something of the same source, for a time that the clock showed
then, has fired as well, or was taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.memory.model import Timer, event_key
from streams.past import Due
from yijian.kafka_log import Origin
from yijian.record.order import Step
from yijian.remembering import Remembered


class Passed(NamedTuple):
    """A tick after which nothing of a source was due any more."""

    place: int
    """Of the last step of the tick, in the order of record."""
    step: Step
    """One of its steps: what its clock showed, and by which rules timers fired."""


class Overdue(NamedTuple):
    """A timer that should have fired."""

    due: Due
    step: Step
    """By whose rules it should have."""
    origin: Origin
    """Where the event came in that set it, or brought it back."""


def overdue(steps: Sequence[Step], past: Remembered) -> Iterator[Overdue]:
    """Timers that still wait at the end of an order of record although their time had passed."""
    passed = _passed(steps)
    latest_us = max((tick.step.clock_us for tick in passed.values()), default=0)
    if not latest_us:
        return
    set_by = _events(steps)
    for subject, timer in past.waiting(latest_us):
        tick = passed.get(timer.source)
        setting = set_by.get((subject, timer.woken or timer.event))
        if tick is None or setting is None or not _had_passed(timer, tick, setting[0]):
            continue
        yield Overdue(Due(subject, timer.id, tick.step.clock_us), tick.step, setting[1].origin)


def _had_passed(timer: Timer, tick: Passed, set_at: int) -> bool:
    return timer.fire_us <= tick.step.clock_us and set_at < tick.place


def _passed(steps: Sequence[Step]) -> dict[str, Passed]:
    """By source the last tick that is known to be over: something else was done after it.

    A run that was interrupted in a tick begins with what it withdraws: what it left waiting is due
    at the next tick.
    """
    found: dict[str, Passed] = {}
    tick: dict[str, Passed] = {}
    last: Origin | None = None
    for place, step in enumerate(steps):
        if step.kind == "withdrawn":
            found, tick, last = {}, {}, None
            continue
        if step.origin != last:
            found, tick, last = {**found, **tick}, {}, step.origin
        if step.kind == "timer" and not step.is_void:
            tick[step.event.source] = Passed(place, step)
    return found


def _events(steps: Sequence[Step]) -> dict[tuple[bytes, str], tuple[int, Step]]:
    return {
        (step.subject, event_key(*step.event)): (place, step)
        for place, step in enumerate(steps)
        if step.kind == "event" and not step.is_void
    }
