"""Timers: how they are set, what their firing decides, and what takes it back.

Every decision about a duty is one of the event that brought it: a later one of the same cause
stands in the place of the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from contracts.decision import (
    Coverage as Counts,
)
from contracts.decision import Decision, Finding, Missing, NotEvaluable, Retraction
from contracts.event import EVENT_TYPES, Event, encode_event
from contracts.intake import Accepted, decode
from rules import words
from rules.engine.asked import DUE, LATE, NONE, Asked
from rules.engine.duties import AT_DUE, ESCALATE, REMIND, Duty
from rules.engine.evaluator import Evaluator
from rules.memory import duties
from rules.memory.coverage import Coverage
from rules.memory.duties import Duties, Place, Settled, Timeline, families_of
from rules.memory.history import Recalled
from rules.memory.instants import instant_of, us_of
from rules.memory.model import NEVER_US, Kept, Memory, Step, Timer, act_key, event_key
from rules.model import Rule

LATE_DATA: Final = "deadline.late_data"
"""Among the facts of a finding: the event that came late, with a time that nobody can trust."""
RETRACTED: Final = "retracted"
_REVISED: Final = Settled("revised", 0)
_KEEP_US: Final = 30 * 86_400_000_000
"""How long late data can take back a duty that fired, or bring one back that was fulfilled."""


@dataclass(frozen=True, slots=True)
class About:
    """A duty with what is needed to decide about it."""

    timer: Timer
    event: Event
    digest: str
    rule: Rule | None
    stands: Settled


class Deadlines:
    """Sets, settles and fires timers with the rules of one evaluator."""

    def __init__(self, evaluator: Evaluator, group: str) -> None:
        self._evaluator = evaluator
        self._group = group
        self._duties = Duties(evaluator.knowledge)
        self._families: dict[tuple[str, int], frozenset[str]] = {}

    def set(
        self, arisen: Iterable[Duty], event: Event, digest: str, key: str, memory: Memory,
        scope: str, late_until: int | None,
    ) -> None:  # fmt: skip
        """Remember duties, and with `late_until` that rules wait for late data until then.

        A duty of the same act that an earlier revision brought is replaced (see `replaced`).
        """
        family = EVENT_TYPES[event.type].family
        act = act_key(event.source, family, event.data.act_id)
        timers = [_timer_of(duty, act, key, event, scope) for duty in arisen]
        if late_until is not None:
            timers.append(
                Timer(
                    f"{LATE}|{key}", LATE, _past(late_until), event.source, key, scope, act,
                    steps=[Step(LATE, 0)],
                )
            )  # fmt: skip
        for timer in timers:
            memory.timers[timer.id] = timer
        if timers:
            memory.kept[key] = Kept(encode_event(event), digest, len(timers))

    def replaced(
        self, arisen: list[Duty], by: Event, memory: Memory, coverage: Coverage
    ) -> tuple[list[Duty], list[Decision]]:
        """Duties that stand, and what takes back the decisions of those that they replace.

        A duty that a higher revision of the act brought before is not replaced; of equal ones
        the later event brings it.
        """
        family = EVENT_TYPES[by.type].family
        act = act_key(by.source, family, by.data.act_id)
        standing: list[Duty] = []
        found: list[Decision] = []
        for duty in arisen:
            old = memory.timers.get(_timer_id(duty, act))
            if old is not None and self._rank(old, memory) > (by.data.revision, by.time, by.id):
                continue
            standing.append(duty)
            if old is None:
                continue
            about = replace(self._about(old, Timeline(memory), coverage), stands=_REVISED)
            found += self._taken_back(about, memory, coverage, by)
            drop(memory, old)
        return standing, found

    def settle(self, by: Event, memory: Memory, coverage: Coverage) -> list[Decision]:
        """What an event changes about duties: those that it fulfils, ends, voids or extends."""
        found: list[Decision] = []
        family = EVENT_TYPES[by.type].family
        act = act_key(by.source, family, by.data.act_id)
        acts = Timeline(memory)
        for timer in [one for one in memory.timers.values() if one.kind != LATE]:
            if not self._concerns(family, timer):
                continue
            if timer.by and timer.by != act:
                continue  # only what prevents it can bring it back
            about = self._about(timer, acts, coverage)
            stands = about.stands
            if stands.state == duties.GONE:
                drop(memory, timer)
            elif stands.state == duties.WAITS:
                _wake(timer, stands.due_us, by)
            elif stands.is_trusted or cause_of(timer, AT_DUE) not in timer.fired:
                found += self._taken_back(about, memory, coverage, by)
                _rest(timer, stands)
            elif not timer.is_late:
                timer.is_late, timer.fire_us = True, NEVER_US
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
            _rest(timer, about.stands)
            return []
        _reschedule(timer, about.stands.due_us)
        if timer.fire_us > clock_us:
            return []
        step = timer.steps.pop(0)
        timer.done.append(step)
        found = self._decided(about, step.name, memory, coverage)
        _reschedule(timer, about.stands.due_us)
        return found

    def forget(self, memory: Memory) -> None:
        """Drop duties of so long ago that nothing takes back any more what became of them."""
        before = memory.latest_us - _KEEP_US
        for timer in [one for one in memory.timers.values() if one.fire_us == NEVER_US]:
            if timer.due_us < before:
                drop(memory, timer)

    def _rank(self, timer: Timer, memory: Memory) -> tuple[int, datetime, str]:
        event = _event_of(memory.kept[timer.event].value)
        return timer.revision, event.time, event.id

    def _concerns(self, family: str, timer: Timer) -> bool:
        """Whether an event of a family can change a duty: most events of a patient cannot.

        A duty whose rule is gone is every event's concern.
        """
        name = timer.rule, timer.version
        families = self._families.get(name)
        if families is None:
            families = self._families[name] = families_of(self._evaluator.body(*name))
        return not families or family in families

    def _about(self, timer: Timer, acts: Timeline, coverage: Coverage) -> About:
        kept = acts.memory.kept[timer.event]
        event = _event_of(kept.value)
        if timer.kind == LATE:
            return About(timer, event, kept.digest, None, Settled(duties.WAITS, timer.fire_us))
        rule = self._evaluator.body(timer.rule, timer.version)
        stands = self._duties.settle(timer, rule, self._place(event), acts, coverage)
        return About(timer, event, kept.digest, rule, stands)

    def _place(self, event: Event) -> Place:
        zone = self._evaluator.zone(event.data.institution, event.time)
        service = event.data.service_time
        at = service if isinstance(service, datetime) else event.time
        return Place(at.astimezone(zone).date(), zone)

    def _asked(
        self, about: About, part: str, cause: str, memory: Memory, coverage: Coverage
    ) -> Asked:
        present = memory.acts.get(about.timer.act)
        recalled = Recalled(memory, coverage, present, about.stands.due_us)
        return Asked(recalled, part, cause, about.timer.scope, self._group)

    def _late(self, about: About, memory: Memory, coverage: Coverage) -> Decision:
        asked = self._asked(about, LATE, LATE, memory, coverage)
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
        return [_of_step(decision, about, rule, step)]

    def _taken_back(
        self, about: About, memory: Memory, coverage: Coverage, by: Event
    ) -> list[Decision]:
        """What takes back all decisions that stand because of a duty."""
        timer = about.timer
        found = [self._retracted(about, cause, memory, coverage, by) for cause in timer.fired]
        timer.fired = []
        return found

    def _retracted(
        self, about: About, cause: str, memory: Memory, coverage: Coverage, by: Event
    ) -> Decision:
        asked = self._asked(about, NONE, cause, memory, coverage)
        decision = self._evaluator.decide(about.event, about.digest, asked)
        why = Retraction(why=about.stands.state, source=by.source, id=by.id)
        return msgspec.structs.replace(decision, verdict=RETRACTED, retracted=why)


@lru_cache(maxsize=1024)
def _event_of(value: bytes) -> Event:
    """A kept event, which is decided about again and again."""
    taken = decode(value)
    if not isinstance(taken, Accepted):  # it was encoded by us from an accepted event
        raise ValueError("a kept event cannot be read")
    return taken.event


def cause_of(timer: Timer, step: str) -> str:
    """The cause that the decision of a step has."""
    return f"timer:{timer.rule}:{timer.element}:{step}"


def _timer_id(duty: Duty, act: str) -> str:
    return f"{duty.rule.id}|{act}|{duty.element}"


def _timer_of(duty: Duty, act: str, key: str, event: Event, scope: str) -> Timer:
    rule = duty.rule
    steps = list(duty.steps)
    return Timer(
        id=_timer_id(duty, act),
        kind="duty",
        fire_us=_past(duty.due_us + steps[0].after_us),
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


def _reschedule(timer: Timer, due_us: int) -> None:
    timer.fire_us = _past(due_us + timer.steps[0].after_us) if timer.steps else NEVER_US


def _past(at_us: int) -> int:
    """When a time is over: what happens at that very instant is in time."""
    return at_us + 1


def _rest(timer: Timer, stands: Settled) -> None:
    """Nothing fires while the duty is fulfilled or ended; all of it may have to be said yet.

    No time is noted at which it would have fired, for of that no decision tells.
    """
    timer.by = stands.by.key if stands.by is not None else ""
    _again(timer)
    timer.fire_us = NEVER_US


def _wake(timer: Timer, due_us: int, by: Event) -> None:
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
    _reschedule(timer, due_us)


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


def _of_step(decision: Decision, about: About, rule: Rule, step: str) -> Decision:
    """The decision as a step tells it, about the timer's own element alone."""
    timer, stands = about.timer, about.stands
    mine = [found for found in decision.findings if found.element == timer.element]
    open_ones = [one for one in decision.not_evaluable if one.element == timer.element]
    if mine and (stands.why or stands.is_uncertain):
        open_ones, mine = [_unknown(about, rule)], []
    findings = tuple(_told(found, about, rule, step) for found in mine)
    verdict = "findings" if findings else "incomplete" if open_ones else "clean"
    exempt = not findings and not open_ones
    return msgspec.structs.replace(
        decision,
        verdict=verdict,
        findings=findings,
        not_evaluable=tuple(open_ones),
        coverage=Counts(
            applicable=1,
            alerts=len(findings),
            exempt=int(exempt),
            not_evaluable=len(open_ones),
        ),
    )


def _unknown(about: About, rule: Rule) -> NotEvaluable:
    assert rule.expect is not None
    stands = about.stands
    since = instant_of(stands.since_us).isoformat() if stands.since_us is not None else ""
    missing = Missing(
        fact=f"history.{rule.expect.event}", why=stands.why or "members_unknown", age=since
    )
    audience = rule.finding.audience if rule.if_unknown == "remind" else ()
    return NotEvaluable(
        rule_id=rule.id,
        rule_version=rule.version,
        element=about.timer.element,
        missing=(missing,),
        audience=audience,
    )


def _told(found: Finding, about: About, rule: Rule, step: str) -> Finding:
    assert rule.expect is not None
    if step == REMIND:
        return msgspec.structs.replace(found, result=words.PRE_RESULT, action="remind")
    if step.startswith(ESCALATE):
        number = int(step.removeprefix(ESCALATE)) - 1
        return msgspec.structs.replace(found, audience=rule.expect.escalate[number][1])
    if about.timer.is_late and about.stands.by is not None:
        by = about.stands.by
        result = "suspected" if found.result == "violation" else found.result
        facts = {**found.facts, LATE_DATA: f"{by.source}|{by.event_id}"}
        return msgspec.structs.replace(found, result=result, facts=facts)
    return found


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
