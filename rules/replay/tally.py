"""Sums of what changed, by rule, institution and department; parts of a replay add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rules.replay.money import Act, Amount, Line, merge


class Group(NamedTuple):
    """What is counted together."""

    rule: str
    institution: str
    department: str
    """"" where the event names none."""


@dataclass(slots=True)
class Row:
    """Counts of one group. Alerts are pairs of rule and element of one event."""

    baseline: int = 0
    candidate: int = 0
    gained: int = 0
    lost: int = 0
    changed: int = 0
    newly_not_evaluable: int = 0
    no_longer_not_evaluable: int = 0
    newly_undetermined: int = 0
    no_longer_undetermined: int = 0
    baseline_amounts_unknown: int = 0
    candidate_amounts_unknown: int = 0
    severities: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(before, after) of alerts whose severity changed."""
    blocked: tuple[set[Act], set[Act]] = field(default_factory=lambda: (set(), set()))
    """The acts with a finding that blocks, in the baseline and in the candidate."""
    money: tuple[dict[Line, Amount], dict[Line, Amount]] = field(default_factory=lambda: ({}, {}))
    """The amounts that findings say of charge lines, likewise."""

    def add(self, other: Row) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.severities.update(other.severities)
        for side in (0, 1):
            self.blocked[side].update(other.blocked[side])
            merge(self.money[side], other.money[side])


COUNTS: Final = (
    "baseline", "candidate", "gained", "lost", "changed", "newly_not_evaluable",
    "no_longer_not_evaluable", "newly_undetermined", "no_longer_undetermined",
    "baseline_amounts_unknown", "candidate_amounts_unknown",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """The rows of all groups that had anything to count."""

    rows: dict[Group, Row] = field(default_factory=dict)
    events: int = 0
    """Events that were compared."""
    affected: int = 0
    """Events about which the two sides say anything different."""
    timers: list[int] = field(default_factory=lambda: [0, 0])
    """Decisions that timers led to, in the baseline and in the candidate."""
    retracted: list[int] = field(default_factory=lambda: [0, 0])
    """Decisions that took an earlier one back, likewise."""
    revisions: dict[Act, int] = field(default_factory=dict)
    """The last revision of each bill, where rules about money are compared."""

    def row(self, group: Group) -> Row:
        row = self.rows.get(group)
        if row is None:
            row = self.rows[group] = Row()
        return row

    def revised(self, act: Act, revision: int) -> None:
        """Take note of a revision of a bill."""
        if revision > self.revisions.get(act, 0):
            self.revisions[act] = revision

    def add(self, other: Tally) -> None:
        """Take in the tally of other events."""
        self.events += other.events
        self.affected += other.affected
        for side in (0, 1):
            self.timers[side] += other.timers[side]
            self.retracted[side] += other.retracted[side]
        for act, revision in other.revisions.items():
            self.revised(act, revision)
        for group, row in other.rows.items():
            self.row(group).add(row)

    def by(self, *names: str) -> dict[tuple[str, ...], Row]:
        """The rows summed by some fields of the group, sorted; without a name one total."""
        found: dict[tuple[str, ...], Row] = {}
        for group, row in self.rows.items():
            key = tuple(getattr(group, name) for name in names)
            found.setdefault(key, Row()).add(row)
        return dict(sorted(found.items()))
