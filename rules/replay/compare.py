"""One event decided on both sides, and what is different."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec

from contracts.decision import Decision, Finding
from contracts.event import EVENT_TYPES, Event
from rules.engine.engines import make_evaluator
from rules.replay.about import About, act_of
from rules.replay.changed import ChangedRule, Side
from rules.replay.money import amounts_of, is_unknown, merge
from rules.replay.tally import Group, Row, Tally

Place = tuple[str, str]
"""Rule and element: what an alert of an event is about."""


class Kind(StrEnum):
    """What became of a rule's answer about an element."""

    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"
    NEWLY_NOT_EVALUABLE = "newly_not_evaluable"
    NO_LONGER_NOT_EVALUABLE = "no_longer_not_evaluable"
    NEWLY_UNDETERMINED = "newly_undetermined"
    NO_LONGER_UNDETERMINED = "no_longer_undetermined"


class Change(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One difference. Ids of the event and the alert, never the patient or a fact's value."""

    change: Kind
    rule: str
    element: str = ""
    cause: str = ""
    """`late`, or the timer that led to it; "" for the event itself."""
    alert_id: str = ""
    """In the candidate; of a lost alert in the baseline."""
    source: str
    event: str
    type: str
    time: str
    institution: str
    department: str = ""
    before: dict[str, Any] = {}
    """What the baseline's alert said, of the parts that differ (a lost one: its main parts)."""
    after: dict[str, Any] = {}


_BILLS: Final = "billing."
MAIN: Final = ("rule_status", "result", "severity", "action")
COMPARED: Final = (
    *MAIN, "audience", "suggest", "exemption_unverified", "message", "amount", "delivery",
)  # fmt: skip
"""The parts of a finding in which a change is reported, where it has them."""


class Comparer:
    """Decides events by the changed rules of two sides and sums what differs."""

    def __init__(
        self,
        baseline: Side,
        candidate: Side,
        changed: Iterable[ChangedRule],
        engine: str = "compiled",
        profile: str = "site",
        *,
        waits_for_late: bool = False,
    ) -> None:
        ids = frozenset(rule.rule_id for rule in changed)
        sides = [(side.only(ids), side.knowledge) for side in (baseline, candidate)]
        self.before, self.after = (
            make_evaluator(engine, pack, knowledge, profile, waits_for_late=waits_for_late)
            for pack, knowledge in sides
        )
        bodies = [b for pack, _ in sides for rule in pack.rules for b in rule.bodies]
        named = {name for body in bodies for name in body.on}
        self._is_about_money = any(body.finding.amount is not None for body in bodies)
        self.types = frozenset(f"{name}.v{known.version}" for name, known in _types(named))
        """The event types that changed rules are about; others cannot make a difference."""
        self.tally = Tally()

    def compare(self, event: Event) -> list[Change]:
        """Everything that the sides say differently of an event, by rule and element.

        Each event is judged by itself; see rules.replay.remembering for those with a past.
        """
        if event.type not in self.types:
            return []
        self.looks_at(event)
        before, after = self.before.decide(event), self.after.decide(event)
        changes = self.differences(About.event(event), before, after)
        self.tally.affected += bool(changes)
        return changes

    def looks_at(self, event: Event) -> None:
        """Count an event that is compared."""
        self.tally.events += 1
        if self._is_about_money and event.type.startswith(_BILLS):
            self.tally.revised(act_of(event), event.data.revision)

    def differences(
        self, about: About, before: Decision | None, after: Decision | None, cause: str = ""
    ) -> list[Change]:
        """What two decisions of one identity say differently; None says nothing."""
        if not (_says(before) or _says(after)):
            return []
        compared = _Compared(about, cause, self.tally)
        compared.alerts(before, after)
        compared.places(
            _not_evaluable(before), _not_evaluable(after),
            Kind.NEWLY_NOT_EVALUABLE, Kind.NO_LONGER_NOT_EVALUABLE,
        )  # fmt: skip
        compared.places(
            _undetermined(before), _undetermined(after),
            Kind.NEWLY_UNDETERMINED, Kind.NO_LONGER_UNDETERMINED,
        )  # fmt: skip
        return compared.changes


def full_comparer(baseline: Side, candidate: Side, profile: str = "site") -> Comparer:
    """A comparer that evaluates every rule of both sides: slower, for checking the other."""
    everything = {rule.id for side in (baseline, candidate) for rule in side.pack.rules}
    return Comparer(
        baseline, candidate, [ChangedRule(i, ()) for i in sorted(everything)], profile=profile
    )


class _Compared:
    """The changes of one decision, while they are found."""

    def __init__(self, about: About, cause: str, tally: Tally) -> None:
        self.about = about
        self.changes: list[Change] = []
        self._cause = cause
        self._tally = tally
        self._where = (about.institution, about.department)
        self._act = about.act

    def row(self, rule_id: str) -> Row:
        return self._tally.row(Group(rule_id, *self._where))

    def alerts(self, before: Decision | None, after: Decision | None) -> None:
        old, new = _alerts(before), _alerts(after)
        for side, alerts in enumerate((old, new)):
            for (rule_id, _), finding in alerts.items():
                row = self.row(rule_id)
                if side == 0:
                    row.baseline += 1
                else:
                    row.candidate += 1
                if finding.action == "block":
                    row.blocked[side].add(self._act)
                if finding.amount is not None:
                    self._money(row, side, finding)
        for place in dict.fromkeys((*old, *new)):
            self._alert(place, old.get(place), new.get(place))

    def _money(self, row: Row, side: int, finding: Finding) -> None:
        merge(row.money[side], amounts_of(finding, self._act, self.about.revision))
        if is_unknown(finding):
            if side == 0:
                row.baseline_amounts_unknown += 1
            else:
                row.candidate_amounts_unknown += 1

    def _alert(self, place: Place, old: Finding | None, new: Finding | None) -> None:
        row = self.row(place[0])
        if old is None and new is not None:
            row.gained += 1
            self._add(Kind.GAINED, place, new.alert_id, {}, _parts(new, MAIN))
        elif new is None and old is not None:
            row.lost += 1
            self._add(Kind.LOST, place, old.alert_id, _parts(old, MAIN), {})
        elif old is not None and new is not None:
            differing = [n for n in COMPARED if getattr(old, n, None) != getattr(new, n, None)]
            if differing:
                row.changed += 1
                if old.severity != new.severity:
                    row.severities[old.severity, new.severity] += 1
                parts = (_parts(old, differing), _parts(new, differing))
                self._add(Kind.CHANGED, place, new.alert_id, *parts)

    def places(self, old: set[Place], new: set[Place], newly: Kind, no_longer: Kind) -> None:
        if old == new:
            return
        for kind, found in ((newly, new - old), (no_longer, old - new)):
            for place in sorted(found):
                row = self.row(place[0])
                setattr(row, kind.value, getattr(row, kind.value) + 1)
                self._add(kind, place, "", {}, {})

    def _add(
        self, kind: Kind, place: Place, alert: str, old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        about = self.about
        self.changes.append(
            Change(
                change=kind,
                rule=place[0],
                element=place[1],
                cause=self._cause,
                alert_id=alert,
                source=about.source,
                event=about.id,
                type=about.type,
                time=about.time,
                institution=self._where[0],
                department=self._where[1],
                before=old,
                after=new,
            )
        )


def _types(names: set[str]) -> Iterator[tuple[str, Any]]:
    for known in EVENT_TYPES.values():
        name = f"{known.family}.{known.verb}"
        if name in names:
            yield name, known


def _says(decision: Decision | None) -> bool:
    return decision is not None and bool(
        decision.findings or decision.not_evaluable or decision.undetermined
    )


def _alerts(decision: Decision | None) -> dict[Place, Finding]:
    """What is told: a finding that gave way to another counts as no alert of its own."""
    if decision is None:
        return {}
    return {(f.rule_id, f.element): f for f in decision.findings if not f.overridden_by}


def _not_evaluable(decision: Decision | None) -> set[Place]:
    if decision is None:
        return set()
    return {(entry.rule_id, entry.element) for entry in decision.not_evaluable}


def _undetermined(decision: Decision | None) -> set[Place]:
    if decision is None:
        return set()
    return {(rule, entry.element) for entry in decision.undetermined for rule in entry.rules}


def _parts(finding: Finding, names: Iterable[str]) -> dict[str, Any]:
    """These parts of a finding, but for its message: that quotes the patient's facts."""
    return {
        name: "(differs)" if name == "message" else msgspec.to_builtins(getattr(finding, name))
        for name in names
        if hasattr(finding, name)
    }
