"""What the cases of a rule put before it: values of facts, and on which side of limits they lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.event import EVENT_TYPES
from knowledge_base import KnowledgeBase
from rules.authoring.shorthand import ShorthandError, event_of
from rules.engine.evaluator import Evaluator
from rules.engine.reasons import Asker, fact_value
from rules.facts import fact_of, list_of
from rules.facts.base import Context, Element, Value
from rules.logic import Truth
from rules.model import Condition, Literal, Rule, Some, Test
from rules.pack import Pack

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, eq=False)
class Observed:
    """One element of one case, as a body of the rule saw it."""

    body: Rule
    family: str
    asker: Asker
    context: Context
    element: Element | None
    each: str
    """The list that the element belongs to."""

    def truth(self, tree: Condition) -> Truth:
        """The truth of conditions on the facts that the rule reads."""
        return self.asker.truth(tree, self.context, self.element)

    def value(self, name: str) -> Value:
        """The value of a fact; None where this family does not have it."""
        fact = fact_of(name, self.each)
        if fact is None or self.family not in fact.extractors:
            return None
        return fact_value(fact, self.family, self.context, self.element)

    def freshness(self, test: Test) -> str:
        """fresh, not_fresh, or edge (a minute later it is fresh); "" where its age is unknown."""
        fact = fact_of(test.fact, self.each)
        at = self.value(fact.time) if fact is not None and fact.time else None
        if fact is None or not isinstance(at, datetime):
            return ""
        probe = replace(test, operator="exists", operands=(Literal(True),))
        if self.truth(probe) is True:
            return "fresh"
        store = self.element.facts if fact.of and self.element is not None else self.context.facts
        store[fact.time] = at + _MINUTE
        is_edge = self.truth(probe) is True
        store[fact.time] = at
        return "edge" if is_edge else "not_fresh"

    def inside(self, some: Some) -> tuple[Observed, ...]:
        """The elements of a list that this element's rule goes through."""
        records = list_of(some.each)
        found = []
        for record in records.elements(self.context)[0] if records is not None else ():
            x = Element(record.of, record.id)
            x.outer = self.element
            asker = Asker(some.each, self.family, self.asker.knowledge, self.asker.day)
            found.append(Observed(self.body, self.family, asker, self.context, x, some.each))
        return tuple(found)

    def unit_of_limit(self, test: Test) -> str:
        """The unit of what an amount is compared with; "" where it has none."""
        for operand in test.operands:
            unit = getattr(operand, "unit", "")
            if unit:
                return str(unit)
            parameter = self.asker.knowledge.parameter(getattr(operand, "parameter", ""))
            if parameter is not None:
                return parameter.unit
        return ""


def observe(
    rule: Rule, events: Iterable[dict[str, Any]], knowledge: KnowledgeBase
) -> tuple[Observed, ...]:
    """The elements of these events (in the authors' shorthand) that the rule was asked about."""
    bodies = {body.version: body for body in rule.bodies}  # as the file has them, drafts too
    if not rule.is_evaluated:
        rule = rule.in_shadow()
    evaluator = Evaluator(Pack.of([rule]), knowledge)
    found: list[Observed] = []
    for short in events:
        try:
            event = event_of(short, knowledge)
        except ShorthandError:
            continue  # the case itself says so
        family = EVENT_TYPES[event.type].family
        found += [
            Observed(bodies[ready.rule.version], family, ready.reasons, c, x, ready.rule.each)
            for ready, c, x in evaluator.looked_at(event)
        ]
    return tuple(found)
