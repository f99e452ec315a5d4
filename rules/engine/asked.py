"""What a decision is asked for: which rules, with which memory, under which name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from rules.facts.base import Context
from rules.memory.recalled import Recalled
from rules.model import ALWAYS, NEVER, Rule, histories_of

EVENT: Final = "event"
"""The rules that decide when an event arrives. As a cause: that decision."""
LATE: Final = "late"
"""The rules that wait for late data. As a cause: their decision."""
AGAIN: Final = "again"
"""The rules that expect an event, of a later revision of what brought it."""
NONE: Final = "none"
"""No rules: an earlier decision is taken back."""
PATIENT: Final = "patient"
"""The scope of decisions about a patient."""
DUE: Final = "due:"
"""Before a rule's id: that rule alone, once what it expects is due."""


class Asked(msgspec.Struct, frozen=True):
    """`part` says which rules decide, `group` by what acts are grouped ("": patients)."""

    recalled: Recalled | None = None
    part: str = EVENT
    cause: str = EVENT
    scope: str = PATIENT
    group: str = ""
    read: Context | None = None
    """The event as it was read for the timeline: what was looked up then stands."""

    @property
    def alert_cause(self) -> str:
        """What tells the alerts of this decision from those of the event's others."""
        return self.cause if self.scope == PATIENT else f"{self.scope}\x1e{self.cause}"


NOW: Final = Asked()


def waits(rule: Rule, phase: str) -> bool:
    """Whether a rule about events of a phase is decided once late data had time to arrive."""
    if phase != "post" or rule.expect is not None:
        return False
    return any(histories_of(tree) for tree in (rule.scope, rule.when, rule.unless))


def variant(rule: Rule, part: str, *, is_late: bool) -> Rule | None:
    """The rule as it is asked in a part; None where it is not. `is_late`: it waits for late data.

    An expectation is a duty when its event arrives, whatever exempts from it: that is asked when
    it is due.
    """
    if part == EVENT:
        if is_late:
            return None
        return rule if rule.expect is None else _with(rule, unless=NEVER)
    if part == AGAIN:
        return None if rule.expect is None else _with(rule, unless=NEVER)
    if part == LATE:
        return rule if is_late else None
    if part == f"{DUE}{rule.id}" and rule.expect is not None:
        return _with(rule, scope=ALWAYS, when=ALWAYS)
    return None


def _with(rule: Rule, **changes: object) -> Rule:
    return replace(rule, versions=(), **changes)  # type: ignore[arg-type]
