"""Why a rule answered as it did: each condition with its fact's value and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from rules.evaluator import Evaluator
from rules.facts import fact_of
from rules.facts.base import Context, Element
from rules.logic import Truth
from rules.model import (
    CodeSetOperand,
    FactOperand,
    Operand,
    ParameterOperand,
    Rule,
    Test,
    Words,
    facts_of_test,
    leaves_of,
)
from rules.pack import Pack
from rules.reasons import fact_value


@dataclass(frozen=True)
class ConditionLine:
    """One condition on one element."""

    part: str
    """scope, when or unless."""
    condition: str
    truth: Truth
    values: dict[str, Any]
    """The facts that it reads; {"unknown": why} where unknown."""

    def __str__(self) -> str:
        said = {True: "true", False: "false", None: "unknown"}[self.truth]
        read = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{self.part:6} {said:7} {self.condition}    ({read})"


@dataclass(frozen=True)
class ElementExplanation:
    element: str
    lines: tuple[ConditionLine, ...]


@dataclass(frozen=True)
class Explanation:
    """What one rule says of one event, element by element."""

    rule_id: str
    decision: Decision
    """Of the rule alone."""
    elements: tuple[ElementExplanation, ...]
    note: str = ""
    """Why there is nothing to explain."""

    def __str__(self) -> str:
        lines = [f"{self.rule_id}: {self.decision.verdict}", *([self.note] if self.note else [])]
        for element in self.elements:
            lines.append(f"element {element.element}" if element.element else "event")
            lines += [f"  {line}" for line in element.lines]
        return "\n".join(lines)


def explain(rule_id: str, event: Event, evaluator: Evaluator) -> Explanation:
    """The conditions of a rule of the evaluator's pack on an event. ValueError for no such rule."""
    rule = evaluator.pack.rule(rule_id)
    if rule is None:
        raise ValueError(f"there is no rule {rule_id} in the pack")
    known = EVENT_TYPES[event.type]
    alone = Evaluator(Pack.of([rule]), evaluator.knowledge, evaluator.basis.profile)
    decision = alone.decide(event)
    name = f"{known.family}.{known.verb}"
    if name not in rule.on:
        return Explanation(rule_id, decision, (), f"it is not about {name} events")
    seen = alone.looked_at(event)
    note = "" if seen else "it is not in force on the service date, or there is no such element"
    elements = tuple(
        ElementExplanation(
            x.id if x is not None else "",
            tuple(
                ConditionLine(
                    part,
                    said(test),
                    ready.reasons.truth(test, c, x),
                    _values(rule, test, known.family, c, x),
                )
                for part, tree in (
                    ("scope", rule.scope),
                    ("when", rule.when),
                    ("unless", rule.unless),
                )
                for test in leaves_of(tree)
            ),
        )
        for ready, c, x in seen
    )
    return Explanation(rule_id, decision, elements, note)


def _values(rule: Rule, test: Test, family: str, c: Context, x: Element | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in facts_of_test(test):
        fact = fact_of(name, rule.each)
        if fact is not None:
            found[name] = fact_value(fact, family, c, x)
    return found


def said(test: Test) -> str:
    """A condition in words: `patient.age below parameter fluoroquinolone.minimum_age`."""
    return f"{test.fact} {test.operator} {' and '.join(_operand(o) for o in test.operands)}"


def _operand(operand: Operand) -> str:
    if isinstance(operand, FactOperand):
        return operand.fact
    if isinstance(operand, CodeSetOperand):
        return f"code set {operand.codeset}"
    if isinstance(operand, ParameterOperand):
        by = f" by {', '.join(operand.by)}" if operand.by else ""
        return f"parameter {operand.parameter}{by}"
    if isinstance(operand, Words):
        return f"[{', '.join(operand.values)}]"
    value = operand.value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
