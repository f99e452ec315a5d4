"""Whether a revision of an act still brings the duties that the act brought before.

The rules are asked of the revision as if it came by the event that brought the duty. Where it does
not tell, the duty stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from rules.engine.asked import AGAIN, Asked
from rules.engine.duties import Duty
from rules.engine.evaluator import Evaluator
from rules.memory.applying import counts
from rules.memory.coverage import Coverage
from rules.memory.model import Act, Memory, Timer, event_key
from rules.memory.recalled import Recalled
from rules.memory.timers import event_of

_MOMENTS: Final = frozenset({"updated", "transferred"})
"""What may happen to an act again and again: that it is otherwise later denies nothing."""


class Revising:
    """Asks the rules of one evaluator."""

    def __init__(self, evaluator: Evaluator, group: str) -> None:
        self._evaluator = evaluator
        self._group = group

    def judge(
        self, timers: Iterable[Timer], by: Event, act: str, memory: Memory, coverage: Coverage
    ) -> None:
        """Note at the duties of an act which of them its revision by an event denies."""
        key = event_key(by.source, by.id)
        revised = [one for one in timers if one.act == act and one.event != key]
        known = memory.acts.get(act)
        if not revised or known is None or not (is_latest(by, known) and counts(known)):
            return
        found: dict[str, _Expected] = {}
        for timer in revised:
            kind = event_of(memory, timer).type
            if EVENT_TYPES[kind].verb not in _MOMENTS:
                if kind not in found:
                    recalled = Recalled(memory, coverage, known)
                    found[kind] = self._expected(by, kind, recalled, timer.scope)
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


def is_latest(event: Event, act: Act) -> bool:
    """Whether an act is known as this event of it says."""
    return act.event_id == event.id
