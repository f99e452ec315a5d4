"""What a look at one decision found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

AGREED: Final = "agreed"
DISAGREED: Final = "disagreed"
SKIPPED: Final = "skipped"

Result = Literal["agreed", "disagreed", "skipped"]

COVERAGE: Final = "(coverage)"
"""Stands for the rule where only the decision's counts are wrong."""
DERIVED: Final = "(facts)"
"""Stands for the rule where a derived fact is wrong."""


@dataclass(frozen=True)
class Disagreement:
    """One thing that was recorded and not found. Nothing in it names a person."""

    rule: str
    version: int
    element: str
    """The line id, or "" for the event as a whole."""
    recorded: str
    found: str


@dataclass
class Tally:
    """How many (rule, element) pairs of one rule were confirmed, refuted and not looked at."""

    version: int = 0
    agreed: int = 0
    disagreed: int = 0
    skipped: int = 0


@dataclass
class Check:
    """The answer about one decision."""

    decision_id: str
    result: Result = AGREED
    reason: str = ""
    """Why the whole decision was skipped."""
    rules: dict[str, Tally] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)
    unchecked: dict[str, int] = field(default_factory=dict)
    """Parts that could not be looked at, by reason."""
    derived: int = 0
    """Derived facts that were recomputed."""

    def agree(self, rule: str, version: int) -> None:
        self._tally(rule, version).agreed += 1

    def disagree(self, rule: str, version: int, element: str, recorded: str, found: str) -> None:
        self._tally(rule, version).disagreed += 1
        self.result = DISAGREED
        self.disagreements.append(Disagreement(rule, version, element, recorded, found))

    def skip(self, rule: str, version: int, reason: str) -> None:
        self._tally(rule, version).skipped += 1
        self.leave_out(reason)

    def leave_out(self, reason: str, count: int = 1) -> None:
        self.unchecked[reason] = self.unchecked.get(reason, 0) + count

    def _tally(self, rule: str, version: int) -> Tally:
        return self.rules.setdefault(rule, Tally(version))


def skipped(decision_id: str, reason: str) -> Check:
    """A decision that was not looked at."""
    return Check(decision_id, SKIPPED, reason)


def totals(checks: Mapping[str, Tally]) -> tuple[int, int, int]:
    """Agreed, disagreed and skipped pairs of all rules."""
    values = checks.values()
    return (
        sum(t.agreed for t in values),
        sum(t.disagreed for t in values),
        sum(t.skipped for t in values),
    )
