"""A timer of a duty: how it is set, rests while nothing is to be said, wakes, and goes."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.engine.duties import AGAIN, AT_DUE, ESCALATE, REMIND, Duty
from rules.memory.duties import WAITS, Settled
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US, Memory, Step, Timer, event_key


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
        every_us=duty.every_us,
        match=list(duty.match),
        this=duty.this,
        steps=steps,
    )


def reschedule(timer: Timer, stands: Settled) -> None:
    """It fires when its next step is due; never, where none is left to say."""
    if timer.steps and not is_over(timer, timer.steps[0], stands):
        timer.fire_us = after(stands.due_us + timer.steps[0].after_us)
    else:
        timer.fire_us = NEVER_US


def is_over(timer: Timer, step: Step, stands: Settled) -> bool:
    """Whether nobody is told more at a step, for what was expected had happened by then, or
    nothing was expected any more. That it was too late for the limit is told once."""
    if not step.name.startswith((ESCALATE, AGAIN)):
        return False
    return stands.over_us <= due_at(timer, step, stands)


def due_at(timer: Timer, step: Step, stands: Settled) -> int:
    """When what a step tells was due: again and again, where it is."""
    return stands.due_us + step.after_us - timer.grace_us


def miss(timer: Timer, step: Step) -> None:
    """It was missed: where it is due again, that is what the timer does then."""
    if timer.every_us and (step.name == AT_DUE or step.name.startswith(AGAIN)):
        count = 1 if step.name == AT_DUE else int(step.name.removeprefix(AGAIN)) + 1
        later = Step(f"{AGAIN}{count}", step.after_us + timer.every_us)
        if later not in timer.steps:
            timer.steps = sorted([*timer.steps, later], key=_after)


def _after(step: Step) -> int:
    return step.after_us


def after(at_us: int) -> int:
    """When a time is over. What happens at that very instant is in time."""
    return at_us + 1


def rest(timer: Timer, stands: Settled) -> None:
    """Nothing fires while the duty is fulfilled or ended; all of it may have to be said yet.

    No time is noted at which it would have fired, for then it would have nothing to say.
    """
    timer.by = stands.by.key if stands.by is not None else ""
    again(timer)
    timer.fire_us = NEVER_US


def wake(timer: Timer, stands: Settled, by: Event, moved_us: int) -> None:
    """The duty waits: it goes on from where it was, or anew where it is due at another time.

    A reminder whose time has passed meanwhile is left out.
    """
    if timer.is_late or timer.by or moved_us:
        timer.woken = event_key(by.source, by.id)
        if timer.is_late or moved_us:
            again(timer, reminds=moved_us > 0)
        at_us = us_of(by.time)
        due_us = stands.due_us
        timer.steps = [s for s in timer.steps if s.name != REMIND or due_us + s.after_us >= at_us]
    timer.by = ""
    reschedule(timer, stands)


def release(timer: Timer, at_us: int) -> None:
    """The duty waits again, for what fulfilled or ended it was another patient's."""
    timer.by = ""
    timer.steps = [s for s in timer.steps if s.name != REMIND or timer.due_us + s.after_us >= at_us]
    reschedule(timer, Settled(WAITS, timer.due_us))  # asked once more when it fires


def moved(timer: Timer, due_us: int) -> int:
    """How much later it is due than by the limit of what it told; 0 where it told nothing."""
    return due_us - timer.due_us - timer.extended_us if timer.fired else 0


def doubt(timer: Timer, stands: Settled) -> None:
    """What it told is late data from now on, for nobody vouches for the time of what came.

    Where that extended the limit, it is told in full when the duty is due by the later one.
    """
    again(timer)
    timer.is_late, timer.fire_us = True, NEVER_US
    if stands.state == WAITS:
        reschedule(timer, stands)


def again(timer: Timer, *, reminds: bool = False) -> None:
    """What it did was taken back, or is said otherwise: it does that again."""
    timer.steps = [*(one for one in timer.done if reminds or one.name != REMIND), *timer.steps]
    timer.done, timer.is_late = [], False


def unsaid(timer: Timer, step: Step) -> None:
    """A step was taken back: it is said if its time comes again."""
    timer.done.remove(step)
    timer.steps.insert(0, step)


def drop(memory: Memory, timer: Timer) -> None:
    """Forget a timer, and its event where no other timer decides about it."""
    del memory.timers[timer.id]
    kept = memory.kept.get(timer.event)
    if kept is None:
        return
    if kept.uses <= 1 and kept.until_us < memory.latest_us:
        del memory.kept[timer.event]
    else:
        memory.kept[timer.event] = msgspec.structs.replace(kept, uses=kept.uses - 1)


def event_of(memory: Memory, timer: Timer) -> Event:
    """The event that set a timer."""
    return read(memory.kept[timer.event].value)


@lru_cache(maxsize=1024)
def read(value: bytes) -> Event:
    """A kept event, which is decided about again and again."""
    taken = decode(value)
    if not isinstance(taken, Accepted):  # it was encoded by us from an accepted event
        raise ValueError("a kept event cannot be read")
    return taken.event
