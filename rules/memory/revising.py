"""Whether the latest revision of an act still brings the duties that earlier ones brought.

The rules are asked of the revision as if it came by the event that brought the duty. Where it does
not tell, the duty stays. A revision is kept while earlier ones are missing and may come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event, encode_event
from rules.engine.asked import AGAIN, Asked
from rules.engine.duties import Duty
from rules.engine.evaluator import Evaluator
from rules.grouping import JOIN
from rules.memory.applying import counts, rank
from rules.memory.coverage import Coverage
from rules.memory.model import Act, Kept, Memory, Timer, event_key
from rules.memory.recalled import Recalled
from rules.memory.timers import event_of, read

_MOMENTS: Final = frozenset({"updated", "transferred"})
"""What may happen to an act again and again: that it is otherwise later denies nothing."""


class Revising:
    """Asks the rules of one evaluator."""

    def __init__(self, evaluator: Evaluator, group: str) -> None:
        self._evaluator = evaluator
        self._group = group
        bodies = (
            body for rule in evaluator.pack.rules if rule.is_evaluated for body in rule.bodies
        )
        names = (
            name for b in bodies if b.expect and JOIN.join(b.group_by) == group for name in b.on
        )
        parts = (name.partition(".") for name in names)
        self._families = frozenset(family for family, _, verb in parts if verb not in _MOMENTS)
        """Of whose acts something is expected that a later revision can deny."""

    def hears(self, event: Event, digest: str, act: Act, memory: Memory, lateness_us: int) -> None:
        """Keep an act's latest revision, before the act enters the timeline, where one is missing.

        Revisions are numbered from 1, and most come one after the other. Of a source that leaves
        out numbers the latest revision of each act is kept for as long as events may be late.
        """
        if act.family not in self._families:
            return
        known = memory.acts.get(act.key)
        number, until_us = 0, 0
        if known is not None:
            if rank(known) > rank(act):
                return
            number, key = known.revision, event_key(known.source, known.event_id)
            former = memory.kept.get(key)
            if former is not None:
                until_us = former.until_us if _asks(former, memory) else 0
                if not former.uses:
                    del memory.kept[key]
        if act.revision != number + 1:
            until_us = act.event_us + lateness_us
        if until_us:
            key = event_key(event.source, event.id)
            memory.kept[key] = Kept(encode_event(event), digest, 0, until_us)

    def forget(self, memory: Memory) -> None:
        """Drop revisions before which nothing comes any more."""
        for key in [k for k, kept in memory.kept.items() if not (kept.uses or _asks(kept, memory))]:
            del memory.kept[key]

    def judge(
        self, timers: Iterable[Timer], by: Event, act: str, memory: Memory, coverage: Coverage
    ) -> None:
        """Note at the duties of an act which of them it denies, after a revision by an event."""
        of_act = [one for one in timers if one.act == act]
        known = memory.acts.get(act)
        if not of_act or known is None or not counts(known):
            return
        event = latest(by, known, memory)
        if event is None:
            return
        key = event_key(event.source, event.id)
        found: dict[str, _Expected] = {}
        for timer in of_act:
            kind = event_of(memory, timer).type
            if timer.event != key and EVENT_TYPES[kind].verb not in _MOMENTS:
                if kind not in found:
                    recalled = Recalled(memory, coverage, known)
                    found[kind] = self._expected(event, kind, recalled, timer.scope)
                timer.is_denied = not found[kind].may_bring(timer)

    def _expected(self, by: Event, kind: str, recalled: Recalled, scope: str) -> _Expected:
        event = msgspec.structs.replace(by, type=kind)
        asked = Asked(recalled, AGAIN, AGAIN, scope, self._group)
        return _Expected(*self._evaluator.duties(event, "", asked))


class _Expected(NamedTuple):
    """What the rules expect of an act as it was revised."""

    decision: Decision
    arisen: list[Duty]

    def may_bring(self, timer: Timer) -> bool:
        """Whether a duty arises once more, or nobody knows."""
        decision, rule = self.decision, timer.rule
        if any((duty.rule.id, duty.element) == (rule, timer.element) for duty in self.arisen):
            return True
        lacking = {one.element for one in decision.not_evaluable if one.rule_id == rule}
        lacking |= {one.element for one in decision.undetermined if rule in one.rules}
        return bool(lacking & {timer.element, ""})


def latest(event: Event, act: Act, memory: Memory) -> Event | None:
    """The event that says what an act is, where it is this one or kept; else None."""
    if act.event_id == event.id:
        return event
    kept = memory.kept.get(event_key(act.source, act.event_id))
    return read(kept.value) if kept is not None and _asks(kept, memory) else None


def _asks(kept: Kept, memory: Memory) -> bool:
    """Whether a revision before a kept one may come yet. What timers keep is no sign of that."""
    return kept.until_us >= memory.latest_us
