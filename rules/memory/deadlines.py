"""Timers: how they are set, what their firing decides, and what takes it back.

Every decision about a duty is one of the event that brought it: a later one of the same cause
stands in the place of the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from contracts.decision import Decision, Retraction
from contracts.event import EVENT_TYPES, Event, encode_event
from rules.engine.asked import DUE, LATE, NONE, Asked
from rules.engine.duties import AGAIN, AT_DUE, Duty
from rules.engine.evaluator import Evaluator
from rules.memory import duties, versions
from rules.memory.coverage import Coverage
from rules.memory.duties import Duties, Families, Place, Settled, Timeline, families_of
from rules.memory.instants import instant_of, us_of
from rules.memory.model import NEVER_US, Kept, Memory, Step, Timer, act_key
from rules.memory.recalled import Recalled
from rules.memory.revising import Revising, latest
from rules.memory.step_told import About, of_step
from rules.memory.timers import (
    after,
    again,
    cause_of,
    doubt,
    drop,
    due_at,
    event_of,
    is_over,
    made,
    miss,
    moved,
    reschedule,
    rest,
    standing,
    unsaid,
    wake,
)

RETRACTED: Final = "retracted"
_REPLACED: Final = Settled(duties.REVISED, 0)
_KEEP_US: Final = 30 * 86_400_000_000
"""How long late data can take back a duty that fired, or bring one back that was fulfilled."""


class Deadlines:
    """Sets, settles and fires timers with the rules of one evaluator."""

    def __init__(self, evaluator: Evaluator, group: str) -> None:
        self._evaluator = evaluator
        self._group = group
        self._duties = Duties(evaluator.knowledge)
        self.revising = Revising(evaluator, group)
        self._families: dict[tuple[str, int], Families] = {}

    def set(
        self, arisen: Iterable[Duty], event: Event, digest: str, key: str, memory: Memory,
        scope: str, late_until: int | None,
    ) -> None:  # fmt: skip
        """Remember duties, and with `late_until` that rules wait for late data until then.

        A duty of the same act that an earlier revision brought is replaced (see `replaced`).
        """
        family = EVENT_TYPES[event.type].family
        act = act_key(event.source, family, event.data.act_id)
        timers = [made(duty, act, key, event, scope) for duty in arisen]
        if late_until is not None:
            timers.append(
                Timer(
                    f"{LATE}|{key}", LATE, after(late_until), event.source, key, scope, act,
                    steps=[Step(LATE, 0)],
                )
            )  # fmt: skip
        for timer in timers:
            memory.timers[timer.id] = timer
        if timers:
            kept = memory.kept.get(key)
            until_us = kept.until_us if kept is not None else 0
            memory.kept[key] = Kept(encode_event(event), digest, len(timers), until_us)

    def replaced(
        self, arisen: list[Duty], by: Event, memory: Memory, coverage: Coverage
    ) -> tuple[list[Duty], list[Decision]]:
        """Duties that stand, and what takes back the decisions of those that they replace.

        A duty that a higher revision of the act brought before is not replaced; of equal ones
        the later event brings it. Nor is one that a higher revision denies.
        """
        family = EVENT_TYPES[by.type].family
        act = act_key(by.source, family, by.data.act_id)
        new: list[Duty] = []
        found: list[Decision] = []
        for duty in arisen:
            old = standing(memory, duty, act)
            if old is not None and _outlasts(old, by, memory):
                continue
            new.append(duty)
            if old is None:
                continue
            about = replace(self._about(old, Timeline(memory), coverage), stands=_REPLACED)
            found += self._taken_back(about, memory, coverage, by)
            drop(memory, old)
        return new, found

    def settle(self, by: Event, memory: Memory, coverage: Coverage) -> list[Decision]:
        """What an event changes about duties: those that it fulfils, ends, voids or extends."""
        found: list[Decision] = []
        family = EVENT_TYPES[by.type].family
        act = act_key(by.source, family, by.data.act_id)
        acts = Timeline(memory)
        timers = [one for one in memory.timers.values() if one.kind != LATE]
        self.revising.judge(timers, by, act, memory, coverage)
        for timer in timers:
            if not self._concerns(family, timer) or self._is_settled(timer, act, family):
                continue
            about = self._about(timer, acts, coverage)
            if about.stands.state == duties.GONE:
                drop(memory, timer)
            else:
                found += self._settled(about, memory, coverage, by)
        return found

    def _settled(
        self, about: About, memory: Memory, coverage: Coverage, by: Event
    ) -> list[Decision]:
        """What an event changes about one duty."""
        timer, stands = about.timer, about.stands
        waits = stands.state == duties.WAITS
        moved_us = moved(timer, stands.due_us) if waits else 0
        found: list[Decision] = []
        if waits and moved_us <= 0:  # what is told stands, or is told in its place
            found = self._overtaken(about, memory, coverage, by)
            wake(timer, stands, by, moved_us)
        elif stands.is_trusted or cause_of(timer, AT_DUE) not in timer.fired:
            found = self._taken_back(about, memory, coverage, by)
            if waits:
                wake(timer, stands, by, moved_us)
            else:
                rest(timer, stands)
        else:
            was_late = timer.is_late
            found = self._overtaken(about, memory, coverage, by)
            doubt(timer, stands)
            if not was_late:
                found += self._decided(about, AT_DUE, memory, coverage)
        return found

    def fire(
        self, timer: Timer, memory: Memory, coverage: Coverage, clock_us: int
    ) -> list[Decision]:
        """The decision of the timer's next step; none where it only moved or nothing is left."""
        about = self._about(timer, Timeline(memory), coverage)
        if timer.kind == LATE:
            found = [self._late(about, memory, coverage)]
            drop(memory, timer)
            return found
        if about.stands.state == duties.GONE:
            drop(memory, timer)
            return []
        if about.stands.state != duties.WAITS:  # an act was brought in, which settles nothing
            rest(timer, about.stands)
            return []
        if moved(timer, about.stands.due_us):
            again(timer)
        reschedule(timer, about.stands)
        if timer.fire_us > clock_us:
            return []
        step = timer.steps.pop(0)
        timer.done.append(step)
        miss(timer, step)
        timer.extended_us = about.stands.due_us - timer.due_us
        found = self._decided(_as_due(about, step), step.name, memory, coverage)
        reschedule(timer, about.stands)
        return found

    def forget(self, memory: Memory) -> None:
        """Drop duties of so long ago that nothing takes back any more what became of them."""
        before = memory.latest_us - _KEEP_US
        for timer in [one for one in memory.timers.values() if one.fire_us == NEVER_US]:
            # One that is due again and again was due last when it told so last.
            last_us = max((step.after_us for step in timer.done), default=0)
            if timer.due_us + timer.extended_us + last_us < before:
                drop(memory, timer)
        self.revising.forget(memory)

    def _concerns(self, family: str, timer: Timer) -> bool:
        """Whether an event of a family can change a duty: most events of a patient cannot.

        A duty whose rule is gone is every event's concern.
        """
        families = self._families_of(timer).all
        return not families or family in families

    def _is_settled(self, timer: Timer, act: str, family: str) -> bool:
        """Whether a duty is fulfilled or ended, whatever an event of this act says: only what did
        so brings it back, or another limit."""
        if not timer.by or timer.by == act:
            return False
        return family != self._families_of(timer).extending

    def _families_of(self, timer: Timer) -> Families:
        name = timer.rule, timer.version
        families = self._families.get(name)
        if families is None:
            families = self._families[name] = families_of(self._evaluator.body(*name))
        return families

    def _about(self, timer: Timer, acts: Timeline, coverage: Coverage) -> About:
        digest, event = acts.memory.kept[timer.event].digest, event_of(acts.memory, timer)
        if timer.kind == LATE:
            return About(timer, event, digest, None, Settled(duties.WAITS, timer.fire_us))
        rule = self._evaluator.body(timer.rule, timer.version)
        stands = self._duties.settle(timer, rule, self._place(timer, event), acts, coverage)
        return About(timer, event, digest, rule, stands)

    def _place(self, timer: Timer, event: Event) -> Place:
        zone = self._evaluator.zone(event.data.institution, event.time)
        service = event.data.service_time
        at = service if isinstance(service, datetime) else event.time
        since_us = min(timer.from_us, us_of(event.time))
        return Place(at.astimezone(zone).date(), zone, since_us)

    def _asked(
        self, about: About, part: str, cause: str, memory: Memory, coverage: Coverage
    ) -> Asked:
        present = memory.acts.get(about.timer.act)
        due_us = about.stands.due_us if about.rule is not None else None
        recalled = Recalled(memory, coverage, present, due_us)
        return Asked(recalled, part, cause, about.timer.scope, self._group)

    def _late(self, about: About, memory: Memory, coverage: Coverage) -> Decision:
        then = versions.as_of(memory, us_of(about.event.time))
        act = about.timer.act
        if act in memory.acts and act not in then.acts:  # its event came later than events may
            then = memory
        asked = self._asked(about, LATE, LATE, then, coverage)
        return self._evaluator.decide(about.event, about.digest, asked)

    def _decided(
        self, about: About, step: str, memory: Memory, coverage: Coverage
    ) -> list[Decision]:
        timer, rule = about.timer, about.rule
        if rule is None:
            return []
        cause = cause_of(timer, step)
        asked = self._asked(about, f"{DUE}{rule.id}", cause, memory, coverage)
        decision = self._evaluator.decide(about.event, about.digest, asked)
        if cause not in timer.fired:
            timer.fired.append(cause)
        return [of_step(decision, about, rule, step)]

    def _taken_back(
        self, about: About, memory: Memory, coverage: Coverage, by: Event
    ) -> list[Decision]:
        """What takes back all decisions that stand because of a duty."""
        timer = about.timer
        why = about.stands.state or duties.EXTENDED
        found = [self._retracted(about, cause, why, memory, coverage, by) for cause in timer.fired]
        timer.fired = []
        return found

    def _overtaken(
        self, about: About, memory: Memory, coverage: Coverage, by: Event
    ) -> list[Decision]:
        """What takes back that more people were told, where nothing was left to tell by then."""
        timer = about.timer
        found = []
        for step in reversed([one for one in timer.done if is_over(timer, one, about.stands)]):
            cause = cause_of(timer, step.name)
            if cause in timer.fired:
                timer.fired.remove(cause)
                why = duties.TOO_LATE
                found.append(self._retracted(about, cause, why, memory, coverage, by))
            unsaid(timer, step)
        return found[::-1]

    def _retracted(
        self, about: About, cause: str, state: str, memory: Memory, coverage: Coverage, by: Event
    ) -> Decision:
        asked = self._asked(about, NONE, cause, memory, coverage)
        decision = self._evaluator.decide(about.event, about.digest, asked)
        why = Retraction(why=state, source=by.source, id=by.id)
        return msgspec.structs.replace(decision, verdict=RETRACTED, retracted=why)


def _as_due(about: About, step: Step) -> About:
    """The duty as it was due when a step was: one that is due again is so later."""
    if not step.name.startswith(AGAIN):
        return about
    due_us = due_at(about.timer, step, about.stands)
    return replace(about, stands=replace(about.stands, due_us=due_us))


def _outlasts(timer: Timer, by: Event, memory: Memory) -> bool:
    """Whether a higher revision than an event's brought a duty, or denied it and is gone."""
    event, known = event_of(memory, timer), memory.acts.get(timer.act)
    if (timer.revision, event.time, event.id) > (by.data.revision, by.time, by.id):
        return True
    return timer.is_denied and known is not None and latest(by, known, memory) is None


def waiting_until(decision: Decision, until_us: int) -> Decision:
    """The decision, saying until when its rules wait for late data."""
    until = instant_of(until_us).isoformat()
    return msgspec.structs.replace(
        decision,
        waiting=tuple(
            msgspec.structs.replace(one, until=until) if one.why == "late_data" else one
            for one in decision.waiting
        ),
    )
