"""Why a rule answered as it did: each condition with its facts, its operands and its truth.

The conditions are asked through the same compilation as the engine's, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from knowledge_base import KnowledgeBase
from rules.authoring.origins import Origins
from rules.authoring.said import said
from rules.authoring.steps import Read, Step, Steps
from rules.engine import outcomes
from rules.engine.asked import EVENT, NOW, Asked
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.engine.outcomes import RULE_ERROR
from rules.engine.plan import Ready
from rules.facts.base import Context, Element
from rules.logic import Truth
from rules.model import ALWAYS, NEVER
from rules.pack import Pack

__all__ = [
    "OUTCOMES",
    "PARTS",
    "ElementExplanation",
    "Explainer",
    "Explanation",
    "Read",
    "Step",
    "Truths",
    "explain",
    "said",
]

OUTCOMES: Final = {
    outcomes.NOT_APPLICABLE: "does_not_apply",
    outcomes.SILENT: "silent",
    outcomes.ALERT: "alert",
    outcomes.UNVERIFIED: "alert",
    outcomes.EXEMPT: "exempt",
    outcomes.NOT_EVALUABLE: "not_evaluable",
    outcomes.UNDETERMINED: "undetermined",
    RULE_ERROR: "rule_error",
}
"""The words for what a rule comes to about one element."""

WAITING: Final = "waiting"
"""The word for a rule that expects an event: it decides when that is due."""

PARTS: Final = ("scope", "when", "unless")

Truths: TypeAlias = tuple[tuple[str, str, Truth], ...]
"""Part of the rule, the condition in words, and what it came to."""


@dataclass(frozen=True)
class ElementExplanation:
    """One element, or the event as a whole ("")."""

    element: str
    outcome: str
    """One of the words of OUTCOMES, or WAITING."""
    exemption_unverified: bool
    missing: tuple[str, ...]
    """What makes it not evaluable or undetermined."""
    parts: tuple[tuple[str, Step], ...]
    """scope, when and unless, those that the rule has."""
    version: int = 0
    """Which version of the rule is in force on the element's service date."""


@dataclass(frozen=True)
class Explanation:
    """What one rule says of one event, element by element."""

    rule_id: str
    decision: Decision
    """Of the rule alone."""
    elements: tuple[ElementExplanation, ...]
    note: str = ""
    """Why there is nothing to explain."""

    def truths(self) -> Truths:
        """What each condition came to, on each element."""
        found = []
        for element in self.elements:
            for part, step in element.parts:
                found += [(part, test.said, test.truth) for test in step.tests()]
        return tuple(found)

    def __str__(self) -> str:
        lines = [f"{self.rule_id}: {self.decision.verdict}", *([self.note] if self.note else [])]
        for element in self.elements:
            name = f"element {element.element}" if element.element else "event"
            lines.append(f"{name}: {element.outcome}")
            for part, step in element.parts:
                lines += [f"  {part}", *_lines(step, 2)]
        return "\n".join(lines)


def _lines(step: Step, depth: int) -> Iterator[str]:
    truth = {True: "true", False: "false", None: "unknown"}[step.truth]
    read = ", ".join(f"{read.fact} = {read.value}" for read in step.reads)
    yield f"{'  ' * depth}{truth:7} {step.said}" + (f"    ({read})" if read else "")
    for child in step.steps:
        yield from _lines(child, depth + 1)


def explain(rule_id: str, event: Event, evaluator: Evaluator, asked: Asked = NOW) -> Explanation:
    """The conditions of a rule of the evaluator's pack on an event, with origins of the facts.

    `asked` says what is remembered. Raises ValueError for no such rule.
    """
    return Explainer(evaluator, with_origins=True).explain(rule_id, event, asked)


class Explainer:
    """Explains events by one evaluator; conditions are compiled once."""

    def __init__(self, evaluator: Evaluator, *, with_origins: bool = False) -> None:
        self._evaluator = evaluator
        self._with_origins = with_origins
        self._alone: dict[str, Evaluator] = {}
        self._steps: dict[Ready, Steps] = {}

    @property
    def evaluator(self) -> Evaluator:
        return self._evaluator

    @property
    def knowledge(self) -> KnowledgeBase:
        return self._evaluator.knowledge

    def explain(self, rule_id: str, event: Event, asked: Asked = NOW) -> Explanation:
        """See the function; `asked` says what is remembered. ValueError for no such rule."""
        alone = self._alone_with(rule_id)
        rule = alone.pack.rules[0]
        decision = alone.decide(event, "", asked)
        known = EVENT_TYPES[event.type]
        name = f"{known.family}.{known.verb}"
        if not any(name in body.on for body in rule.bodies):
            return Explanation(rule_id, decision, (), f"it is not about {name} events")
        seen = alone.looked_at(event, asked)
        note = "" if seen else "it is not in force on the service date, or there is no such element"
        origins = Origins(event) if self._with_origins else None
        elements = tuple(
            _expecting(self._element(ready, known.family, c, x, origins), ready, decision, asked)
            for ready, c, x in seen
        )
        return Explanation(rule_id, decision, elements, note)

    def _alone_with(self, rule_id: str) -> Evaluator:
        """An evaluator of the rule alone, with the same knowledge and engine."""
        alone = self._alone.get(rule_id)
        if alone is None:
            rule = self._evaluator.pack.rule(rule_id)
            if rule is None:
                raise ValueError(f"there is no rule {rule_id} in the pack")
            alone = self._evaluator
            if len(alone.pack.rules) > 1:
                basis = alone.basis
                engine = basis.engine.partition("/")[0]
                alone = make_evaluator(engine, Pack.of([rule]), alone.knowledge, basis.profile)
            self._alone[rule_id] = alone
        return alone

    def _element(
        self, ready: Ready, family: str, c: Context, x: Element | None, origins: Origins | None
    ) -> ElementExplanation:
        try:
            outcome = ready.run(c, c.facts, x, c.facts if x is None else x.facts)
        except Exception:  # the decision says the same: the rule failed for itself
            outcome = RULE_ERROR
        rule = ready.rule
        steps = self._steps.get(ready)
        if steps is None:
            steps = self._steps[ready] = Steps(ready, family, self._evaluator.knowledge, c.day)
        steps.origins = origins
        trees = zip(PARTS, (rule.scope, rule.when, rule.unless), strict=True)
        parts = tuple((n, steps.of(tree, c, x)) for n, tree in trees if tree not in (ALWAYS, NEVER))
        missing: tuple[str, ...] = ()
        if outcome in (outcomes.NOT_EVALUABLE, outcomes.UNDETERMINED):
            tree = rule.when if outcome == outcomes.NOT_EVALUABLE else rule.scope
            missing = tuple(dict.fromkeys(lack[0] for lack in ready.reasons.missing(tree, c, x)))
        return ElementExplanation(
            x.id if x is not None else "",
            OUTCOMES[outcome],
            outcome == outcomes.UNVERIFIED,
            missing,
            parts,
            rule.version,
        )


def _expecting(
    found: ElementExplanation, ready: Ready, decision: Decision, asked: Asked
) -> ElementExplanation:
    """The same, but for a rule that expects an event: its conditions say that it waits for it."""
    if not ready.expects or asked.part != EVENT or found.outcome != OUTCOMES[outcomes.ALERT]:
        return found
    for entry in decision.not_evaluable:  # when it is due could not be computed
        if entry.element == found.element:
            missing = tuple(dict.fromkeys(lack.fact for lack in entry.missing))
            word = OUTCOMES[outcomes.NOT_EVALUABLE]
            return replace(found, outcome=word, missing=missing)
    return replace(found, outcome=WAITING)
