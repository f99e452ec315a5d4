"""durable_rules as the engine of an evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, tzinfo
from typing import Any, Final

from knowledge_base import KnowledgeBase
from rules.durable.outcome import outcome_of
from rules.durable.program import Translated, translate
from rules.durable.sources import Bound, Live, Reading, Recorded
from rules.engine import compiler, together
from rules.engine.bunches import Piece
from rules.engine.compiler import Run
from rules.engine.constants import boundaries
from rules.engine.outcomes import NOT_APPLICABLE, SILENT
from rules.errors import EngineError
from rules.facts.base import Context, Element
from rules.model import Condition, Rule

NAME: Final = "durable/1"


class Decider:
    """Decides one rule of one event family in one epoch."""

    def __init__(self, rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> None:
        self._bound = Bound(rule.each, family, knowledge, day)
        self._rule = rule
        self._translated: Translated | None = None

    @property
    def translated(self) -> Translated:
        if self._translated is None:
            b = self._bound
            self._translated = translate(self._rule, b.family, b.knowledge, b.day)
        return self._translated

    @property
    def given(self) -> tuple[Condition, ...]:
        """Conditions that durable_rules is told instead of deciding them."""
        return self.translated.given

    def live(self, reading: Reading) -> int:
        """The outcome for an event and an element that are being decided."""
        return outcome_of(self.translated.program.rails(Live(self._bound, reading)))

    def recorded(
        self, event: Mapping[str, Any], element: Mapping[str, Any] | None, zone: tzinfo
    ) -> int:
        """The outcome that follows from recorded facts; `zone` is the institution's.

        Raises NotRecordedError where a condition needs more than was recorded.
        """
        facts = Recorded(self._bound, event, element, zone)
        return outcome_of(self.translated.program.rails(facts))


class Durable:
    """The engine. What it decides is equal to what the compiled engine decides.

    The compiled code runs along only to read: which facts a decision records, and in which order,
    is the same for every engine. Its outcomes are not looked at. Shared as well are the index,
    findings, missing reasons, and what is said of lists that nobody knows.
    """

    name = NAME

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._deciders: dict[tuple[int, str, date], Decider] = {}
        """By the identity of the rule, which its decider keeps alive."""

    def decider(self, rule: Rule, family: str, day: date) -> Decider:
        """What decides a rule in events of a family, in the epoch that begins with `day`."""
        key = (id(rule), family, day)
        found = self._deciders.get(key)
        if found is None:
            found = self._deciders[key] = Decider(rule, family, self._knowledge, day)
        return found

    def rule(self, rule: Rule, family: str, day: date) -> Run:
        """See rules.engine.plan.Deciders."""
        read = compiler.compile_rule(rule, family, self._knowledge, day)
        decide = self.decider(rule, family, day).live

        def run(c: Context, F: Any, x: Element | None, E: Any) -> int:
            read(c, F, x, E)
            return decide(Reading(c, x))

        return run

    def pieces(self, pieces: Sequence[Piece], each: str, family: str, day: date) -> Run | None:
        """One by one: what is decided together reads together, and costs a ruleset each."""
        return None

    def group(self, members: Sequence[Any], each: str, family: str, day: date) -> Run:
        """See rules.engine.plan.Deciders."""
        read = together.compile_group(members, each, family, self._knowledge, day)
        deciders = [self.decider(member.rule, family, day) for member in members]

        def run(c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
            read(c, F, x, E, [])
            reading = Reading(c, x)
            silent = 0
            for number, (member, decider) in enumerate(zip(members, deciders, strict=True)):
                outcome = decider.live(reading)
                if outcome == SILENT:
                    silent |= 1 << number
                elif outcome != NOT_APPLICABLE:
                    told.append((outcome, member))
            return silent

        return run

    def check(self, rules: Iterable[Rule]) -> None:
        """Raise EngineError with every rule that durable_rules cannot hold, on any day."""
        problems: dict[str, None] = {}
        for body in (body for rule in rules for body in rule.bodies):
            for family in sorted({name.partition(".")[0] for name in body.on}):
                for day in boundaries([body], self._knowledge):
                    try:
                        translate(body, family, self._knowledge, day)
                    except EngineError as e:
                        problems[str(e)] = None
        if problems:
            raise EngineError("\n".join(problems))
