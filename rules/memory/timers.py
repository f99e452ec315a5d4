"""A timer of a duty: how it is set, rests while nothing is to be said, wakes, and goes."""

from __future__ import annotations

from functools import lru_cache

from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.engine.duties import REMIND, Duty
from rules.memory.duties import Settled
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US, Kept, Memory, Timer, event_key


def cause_of(timer: Timer, step: str) -> str:
    """The cause that the decision of a step has."""
    return f"timer:{timer.rule}:{timer.element}:{step}"


def _name(duty: Duty, act: str) -> str:
    """The name of the timer of a duty; no two duties of a subject share it.

    A rule's id holds no `|`, and the act is written without, so each part has its end.
    """
    return f"{duty.rule.id}|{act.replace('%', '%25').replace('|', '%7C')}|{duty.element}"


def standing(memory: Memory, duty: Duty, act: str) -> Timer | None:
    """The timer of a duty that an earlier revision of an act brought, by whatever name."""
    for timer in memory.timers.values():
        if (timer.rule, timer.act, timer.element) == (duty.rule.id, act, duty.element):
            return timer
    return None


def made(duty: Duty, act: str, key: str, event: Event, scope: str) -> Timer:
    """The timer of a duty of an act, which an event with this key brought."""
    rule = duty.rule
    steps = list(duty.steps)
    return Timer(
        id=_name(duty, act),
        kind="duty",
        fire_us=after(duty.due_us + steps[0].after_us),
        source=event.source,
        event=key,
        scope=scope,
        act=act,
        revision=event.data.revision,
        rule=rule.id,
        version=rule.version,
        element=duty.element,
        from_us=duty.from_us,
        due_us=duty.due_us,
        grace_us=duty.grace_us,
        extend_us=duty.extend_us,
        match=list(duty.match),
        this=duty.this,
        steps=steps,
    )


def reschedule(timer: Timer, due_us: int) -> None:
    """It fires when its next step is due; never, where it has none."""
    timer.fire_us = after(due_us + timer.steps[0].after_us) if timer.steps else NEVER_US


def after(at_us: int) -> int:
    """When a time is over. What happens at that very instant is in time."""
    return at_us + 1


def rest(timer: Timer, stands: Settled) -> None:
    """Nothing fires while the duty is fulfilled or ended; all of it may have to be said yet.

    No time is noted at which it would have fired, for of that no decision tells.
    """
    timer.by = stands.by.key if stands.by is not None else ""
    _again(timer)
    timer.fire_us = NEVER_US


def wake(timer: Timer, due_us: int, by: Event) -> None:
    """What fulfilled or ended the duty does not count any more: it goes on from where it was.

    A reminder whose time has passed meanwhile is left out.
    """
    if timer.is_late or timer.by:
        timer.woken = event_key(by.source, by.id)
    if timer.is_late:
        _again(timer)
    elif timer.by:
        at_us = us_of(by.time)
        timer.steps = [s for s in timer.steps if s.name != REMIND or due_us + s.after_us >= at_us]
    timer.by = ""
    reschedule(timer, due_us)


def _again(timer: Timer) -> None:
    """What it did was taken back, or is said otherwise: it does that again, but for reminders."""
    timer.steps = [*(step for step in timer.done if step.name != REMIND), *timer.steps]
    timer.done, timer.is_late = [], False


def drop(memory: Memory, timer: Timer) -> None:
    """Forget a timer, and its event where no other timer decides about it."""
    del memory.timers[timer.id]
    kept = memory.kept.get(timer.event)
    if kept is None:
        return
    if kept.uses <= 1:
        del memory.kept[timer.event]
    else:
        memory.kept[timer.event] = Kept(kept.value, kept.digest, kept.uses - 1)


def event_of(memory: Memory, timer: Timer) -> Event:
    """The event that set a timer."""
    return _event_of(memory.kept[timer.event].value)


@lru_cache(maxsize=1024)
def _event_of(value: bytes) -> Event:
    """A kept event, which is decided about again and again."""
    taken = decode(value)
    if not isinstance(taken, Accepted):  # it was encoded by us from an accepted event
        raise ValueError("a kept event cannot be read")
    return taken.event
