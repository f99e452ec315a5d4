"""A decision against what durable_rules makes of its recorded facts.

Looked at: for each rule in force and each element that the decision shows, the conditions and
their combination, and the counts of silent and exempt pairs. Not looked at: how plain fields were
read from the event, the words of messages, which facts are named as missing, and conditions that
durable_rules is only told (`Decider.given`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from contracts.decision import Decision
from contracts.event import EVENT_TYPES
from rules.durable import Durable
from rules.durable.sources import NotRecordedError
from rules.engine import outcomes
from rules.engine.asked import EVENT, LATE
from rules.engine.evaluator import Evaluator
from rules.engine.plan import Group, Plan, Ready
from rules.errors import EngineError
from rules.facts.pairs import NAME as PAIRS
from yijian.bundles.by_basis import difference
from yijian.verify.causes import asked_by
from yijian.verify.model import COVERAGE, Check, skipped
from yijian.verify.recorded import NOT_LISTED, QUIET, WAITING, Recorded, event_facts, unlisted

WORDS: Final = {
    outcomes.NOT_APPLICABLE: NOT_LISTED,
    outcomes.SILENT: "silent",
    outcomes.ALERT: "alert",
    outcomes.UNVERIFIED: "unverified",
    outcomes.EXEMPT: "exempt",
    outcomes.NOT_EVALUABLE: "not_evaluable",
    outcomes.UNDETERMINED: "undetermined",
}
_QUIET: Final = frozenset({NOT_LISTED, "silent", "exempt"})
_READS_ON: Final = frozenset({"undetermined", "not_evaluable", "unverified"})
"""Outcomes for which an engine must have read a fact of the element."""


class Rechecker:
    """Checks decisions of one pack and one knowledge base."""

    def __init__(self, evaluator: Evaluator, durable: Durable) -> None:
        """`evaluator` says which rules are in force; `durable` decides them."""
        self._evaluator = evaluator
        self._durable = durable
        self._about: dict[str, set[str]] = {"items": set()}
        for body in (body for rule in evaluator.pack.rules for body in rule.bodies):
            self._about.setdefault(body.each, set()).add(body.id)

    def check(self, decision: Decision) -> Check:
        """What the second engine found. Never raises for what a decision holds."""
        reason = self._reason_to_skip(decision)
        if reason:
            return skipped(decision.decision_id, reason)
        try:
            return _Look(self._evaluator, self._durable, self._about, decision).check()
        except (ValueError, TypeError, ArithmeticError):
            return skipped(decision.decision_id, "unreadable")

    def _reason_to_skip(self, decision: Decision) -> str:
        if decision.retracted is not None:
            return "retracted"
        if decision.cut:
            return "cut"
        other = difference(decision.basis, self._evaluator.basis)
        if other:
            return other
        if decision.scope != "patient":
            return "other_scope"
        if asked_by(decision.cause) is None:
            return "other_cause"
        waits = decision.cause == LATE or any(w.why == "late_data" for w in decision.waiting)
        if waits and not self._evaluator.waits_for_late:
            return "other_lateness"
        return "" if decision.event.type in EVENT_TYPES else "other_type"


class _Look:
    """One decision being checked."""

    def __init__(
        self,
        evaluator: Evaluator,
        durable: Durable,
        about: Mapping[str, set[str]],
        decision: Decision,
    ) -> None:
        """`about` names the rules about each list's elements."""
        self.evaluator = evaluator
        self.about = about
        self.durable = durable
        self.decision = decision
        self.recorded = Recorded(decision)
        self.result = Check(decision.decision_id)
        self.counts: Counter[str] = Counter()
        self.visited: set[tuple[str, str]] = set()
        self.seen: set[str] = set()
        at = datetime.fromisoformat(decision.event.time)
        self.zone = evaluator.zone(decision.event.institution, at)
        asked = asked_by(decision.cause)
        assert asked is not None  # others are skipped
        self.part, self.only = asked
        self.why = ""
        self.is_complete = True
        """Whether all elements are known, so that the counts can be compared."""

    def check(self) -> Check:
        day = date.fromisoformat(self.decision.as_of)
        plan = self.plan(day)
        if self.only is not None:
            self.duty(plan, self.only, day)
            self.leftovers()
            self.coverage()
            return self.result
        if plan.of_event is not None:
            for ready in plan.of_event.everything:
                self.pair(ready, "", self.decision.facts, None, day)
        if plan.of_items is not None or self.decision.elements:
            self.items(plan.of_items, day)
        if plan.of_pairs is not None:
            self.pairs(plan.of_pairs, day)
        for each, group in plan.of_lists:
            self.listed(each, group, day)
        self.of_groups(plan)
        self.leftovers()
        self.coverage()
        return self.result

    def of_groups(self, plan: Plan) -> None:
        """Rules about groups, which are open where the event's group is not known."""
        named = {one.id for u in plan.ungrouped for one in u.rules}
        named |= {rule_id for u in plan.ungrouped for rule_id in u.members}
        for (rule_id, element), said in self.recorded.pairs.items():
            if rule_id in named and said == "undetermined":
                self.visited.add((rule_id, element))
                self.counts["undetermined"] += 1
                self.result.skip(rule_id, self.decision.rules.get(rule_id, 0), "of_a_group")
        self.seen |= named

    def plan(self, day: date) -> Plan:
        return self.evaluator.plan(self.decision.event.type, day, self.part)

    def duty(self, plan: Plan, element: str, day: date) -> None:
        """One rule about the element of its duty: whether it is exempt. The rest is the past's."""
        self.result.leave_out("expected_event")
        facts = self.decision.elements.get(element, {}) if element else None
        if facts is not None and self.recorded.day_of(facts) != day:
            self.leave_open("item_of_unknown_day")
            return
        groups = (plan.of_event, plan.of_items, plan.of_pairs, *(g for _, g in plan.of_lists))
        for ready in (ready for group in groups if group is not None for ready in group.everything):
            self.pair(ready, element, self.decision.facts, facts, day)

    def items(self, group: Group | None, day: date) -> None:
        """Each item with the rules of its own service date."""
        for name, facts in self.recorded.elements("items", self.about["items"]).items():
            of_day = self.recorded.day_of(facts)
            if of_day is None:
                self.leave_open("item_of_unknown_day")
                continue
            its = group
            event = self.decision.facts
            if of_day != day:
                its = self.plan(of_day).of_items
                event = event_facts(facts)
            if its is not None:
                for ready in its.everything:
                    if ready.rule.each == "items":
                        self.pair(ready, name, event, facts, of_day)
        if group is None:
            return
        if {ready.id for ready in group.everything} & set(unlisted(self.decision)):
            self.unknown_list(group, day)  # the act came without its lines
        else:
            self.unrecorded(group, day)

    def listed(self, each: str, group: Group, day: date) -> None:
        rules = {ready.id for ready in group.everything}
        if rules & set(unlisted(self.decision)):
            self.unknown_list(group, day)
        values = self.recorded.values(each)
        found = self.recorded.elements(each, rules) if values is None else values
        for name, facts in found.items():
            for ready in group.everything:
                self.pair(ready, name, self.decision.facts, facts, day)
        if values is None:
            self.unrecorded(group, day)

    def pairs(self, group: Group, day: date) -> None:
        """The pairs of lines that are recorded; which lines are a pair is not looked at."""
        rules = {ready.id for ready in group.everything}
        pairs = self.recorded.elements(PAIRS, set())
        for group_of in self.decision.undetermined:
            for rule_id in rules & set(group_of.rules):
                if group_of.element not in pairs:
                    # A line whose partner may stand in another act: the record does not show why.
                    self.visited.add((rule_id, group_of.element))
                    self.seen.add(rule_id)
                    self.counts["undetermined"] += 1
                    self.result.leave_out("pairs_not_recorded")
        for name, facts in pairs.items():
            of_day = self.recorded.day_of_pair(name)
            for ready in group.everything:
                if of_day is None:
                    self.visited.add((ready.id, name))
                    self.leave_open("pair_of_other_day")
                elif (ready.id, name) not in self.visited:
                    self.pair(ready, name, self.decision.facts, facts, day)

    def leave_open(self, reason: str) -> None:
        self.is_complete = False
        self.result.leave_out(reason)

    def unknown_list(self, group: Group, day: date) -> None:
        """A list that nobody knows: its rules are undetermined unless their scope is false."""
        for ready in group.everything:
            found = self.found(ready, self.decision.facts, {}, day)
            if found is None:
                continue
            wanted = "undetermined" if found != NOT_LISTED else NOT_LISTED
            self.compare(ready, "", wanted)

    def unrecorded(self, group: Group, day: date) -> None:
        """Elements of which nothing was read are not recorded: then the counts say nothing."""
        for ready in group.everything:
            if self.found(ready, self.decision.facts, {}, day) in _READS_ON:
                return
        self.leave_open("elements_not_recorded")

    def pair(
        self, ready: Ready, name: str, event: Mapping[str, Any],
        element: Mapping[str, Any] | None, day: date,
    ) -> None:  # fmt: skip
        found = self.found(ready, event, element, day)
        if found in ("alert", "unverified") and ready.expects and self.part == EVENT:
            found = WAITING
        reason = self.why if found is None else self.reason_to_leave(ready, name, found)
        if found is None or reason:
            self.visited.add((ready.id, name))
            self.seen.add(ready.id)
            self.is_complete = False
            self.result.skip(ready.id, ready.version, reason)
            return
        self.compare(ready, name, found)

    def reason_to_leave(self, ready: Ready, name: str, found: str) -> str:
        """Why an outcome says nothing about the recorded one; "" where it does."""
        said = self.recorded.outcome(ready.id, name)
        if said == "rule_error":
            return said
        if said == "not_evaluable" and found == WAITING:
            return "deadline"  # when it is due could not be computed
        is_due = self.only is not None and found in ("alert", "unverified")
        if is_due and said == "not_evaluable" and self.recorded.is_of_the_past(ready.id, name):
            return "expected_event"
        return ""

    def compare(self, ready: Ready, name: str, found: str) -> None:
        self.visited.add((ready.id, name))
        self.counts[found] += 1
        if found != NOT_LISTED:
            self.seen.add(ready.id)
        said = self.recorded.outcome(ready.id, name)
        version = self.recorded.version(ready.id, name)
        if said != NOT_LISTED and found != NOT_LISTED and version != ready.version:
            what, right = f"version {version}", f"version {ready.version}"
            self.result.disagree(ready.id, version or 0, name, what, right)
        elif found == said or (said == QUIET and found in _QUIET):
            self.result.agree(ready.id, ready.version)
        else:
            self.result.disagree(ready.id, ready.version, name, said, found)

    def found(
        self, ready: Ready, event: Mapping[str, Any], element: Mapping[str, Any] | None, day: date
    ) -> str | None:
        """The outcome in words; None where there is none to compare with: `why` says why."""
        decider = self.durable.decider(ready.rule, ready.family, ready.day)
        knowledge, sender = self.evaluator.knowledge, self.decision.event.source
        promised = knowledge.promised(sender, ready.family, day)
        try:
            return WORDS[decider.recorded(event, element, self.zone, promised)]
        except NotRecordedError:
            self.why = "not_recorded"
        except EngineError:
            self.why = "over_limits"
        return None

    def leftovers(self) -> None:
        """What the decision lists of rules or elements that were not to be looked at."""
        for (rule_id, element), said in self.recorded.pairs.items():
            if (rule_id, element) not in self.visited:
                version = self.decision.rules.get(rule_id, 0)
                self.result.disagree(rule_id, version, element, said, "not in force")
            if rule_id not in self.decision.rules:
                self.result.disagree(rule_id, 0, element, "not among the rules", said)
        if not self.is_complete:
            return
        for rule_id, version in self.decision.rules.items():
            if rule_id not in self.seen:
                said = "in scope or undetermined"
                self.result.disagree(rule_id, version, "", said, NOT_LISTED)

    def coverage(self) -> None:
        """The counts, where the pairs give no reason for them to differ."""
        if not self.is_complete or self.result.disagreements:
            return
        c, counts = self.decision.coverage, self.counts
        late = sum(w.why == "late_data" for w in self.decision.waiting)
        said = {
            "alerts": (c.alerts, counts["alert"] + counts["unverified"]),
            "silent": (c.silent, counts["silent"]),
            "exempt": (c.exempt, counts["exempt"]),
            "not_evaluable": (c.not_evaluable, counts["not_evaluable"]),
            "undetermined": (c.undetermined, counts["undetermined"]),
            "waiting": (c.waiting, counts[WAITING] + late),
        }
        wrong = {name: pair for name, pair in said.items() if pair[0] != pair[1]}
        if wrong:
            self.result.disagree(
                COVERAGE, 0, "",
                ", ".join(f"{name} {a}" for name, (a, _) in wrong.items()),
                ", ".join(f"{name} {b}" for name, (_, b) in wrong.items()),
            )  # fmt: skip
