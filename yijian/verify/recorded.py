"""What a decision says of each (rule, element) pair, and the elements that it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from contracts.decision import Decision
from rules.facts import CATALOGUE, ELEMENT_VALUE, fact_of
from rules.facts.pairs import NAME as PAIRS

QUIET: Final = "silent, exempt or not applicable"
"""A decision lists no pairs of these outcomes; it counts them."""
NOT_LISTED: Final = "not applicable"
WAITING: Final = "waiting"
"""The rule expects an event, and says so when that is due."""
SERVICE_DATE: Final = "item.service_date"


class Recorded:
    """The outcomes of a decision by pair."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self._versions: dict[tuple[str, str], int] = {}
        self.pairs: dict[tuple[str, str], str] = {}
        for f in decision.findings:
            self.pairs[f.rule_id, f.element] = "unverified" if f.exemption_unverified else "alert"
            self._versions[f.rule_id, f.element] = f.rule_version
        for n in decision.not_evaluable:
            is_error = any(m.why == "rule_error" for m in n.missing)
            self.pairs[n.rule_id, n.element] = "rule_error" if is_error else "not_evaluable"
            self._versions[n.rule_id, n.element] = n.rule_version
        for u in decision.undetermined:
            for rule_id in u.rules:
                self.pairs[rule_id, u.element] = "undetermined"
        for w in decision.waiting:
            if w.why == "duty":
                self.pairs[w.rule_id, w.element] = WAITING
                self._versions[w.rule_id, w.element] = w.rule_version

    def outcome(self, rule_id: str, element: str) -> str:
        """In words; QUIET or NOT_LISTED where the pair is not listed."""
        found = self.pairs.get((rule_id, element))
        if found is not None:
            return found
        return QUIET if rule_id in self.decision.rules else NOT_LISTED

    def version(self, rule_id: str, element: str) -> int | None:
        """The version that is recorded of a rule for an element; None where there is none."""
        said = self._versions.get((rule_id, element))
        if said is not None:
            return said
        of_day = self.decision.versions.get(element, {}).get(rule_id)
        return self.decision.rules.get(rule_id) if of_day is None else of_day

    def is_of_the_past(self, rule_id: str, element: str) -> bool:
        """Whether it is not evaluable for what is not known of earlier or expected events."""
        return any(
            missing.fact.startswith("history.")
            for n in self.decision.not_evaluable
            if (n.rule_id, n.element) == (rule_id, element)
            for missing in n.missing
        )

    def elements(self, each: str, rules: set[str]) -> dict[str, Mapping[str, Any]]:
        """Every element of a list that the decision shows, with its recorded facts."""
        found: dict[str, Mapping[str, Any]] = {
            name: facts
            for name, facts in self.decision.elements.items()
            if any(is_of(fact, each) for fact in facts)
            and (each == PAIRS) == any(fact.startswith("pair.") for fact in facts)
        }
        for rule_id, name in self.pairs:
            if rule_id in rules and name and name not in found:
                found[name] = self.decision.elements.get(name, {})
        return found

    def values(self, each: str) -> dict[str, Mapping[str, Any]] | None:
        """The elements of a list fact, which its own value names; None for other lists."""
        if each not in CATALOGUE:
            return None
        said = self.decision.facts.get(each, ())
        if isinstance(said, Mapping):
            said = said.get("partial", ())
        return {
            name: {**self.decision.elements.get(name, {}), ELEMENT_VALUE: name} for name in said
        }

    def day_of_pair(self, name: str) -> date | None:
        """As of which day a pair of lines was judged; None where a line is of another day."""
        lines = name.partition(":")[0].split("~")
        days = {self.day_of(self.decision.elements.get(line, {})) for line in lines}
        day = date.fromisoformat(self.decision.as_of)
        return day if days == {day} else None

    def day_of(self, facts: Mapping[str, Any]) -> date | None:
        """As of which day an element was judged; None where the record does not say."""
        said = facts.get(SERVICE_DATE)
        if isinstance(said, str):
            return date.fromisoformat(said)
        is_of_another_day = any(is_of(name, "") for name in facts)
        return None if is_of_another_day else date.fromisoformat(self.decision.as_of)


def is_of(fact_name: str, each: str) -> bool:
    """Whether a fact belongs to the elements of a list, or with "" to the event."""
    fact = fact_of(fact_name, each)
    return fact is not None and fact.of == each


def event_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the event among those of an element of another day."""
    return {name: value for name, value in facts.items() if is_of(name, "")}


def unlisted(decision: Decision) -> Iterator[str]:
    """Rules that were undetermined because a whole list is not known."""
    for u in decision.undetermined:
        if not u.element:
            yield from u.rules
