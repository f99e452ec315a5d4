"""The conditions of a rule asked one by one: each with its facts, operands and truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from knowledge_base import KnowledgeBase
from rules.authoring.operand_values import Compared, Values, compared, promised
from rules.authoring.origins import Find, Origin, Origins
from rules.authoring.received import received
from rules.authoring.said import said
from rules.engine import compiler
from rules.engine.past import name_of
from rules.engine.plan import Ready
from rules.engine.reasons import Asker, Lack, fact_value
from rules.facts import CATALOGUE, ELEMENT_VALUE, Fact, fact_of, list_of
from rules.facts.base import NOT_REPORTED, Context, Element
from rules.facts.pair_search import find_pairs
from rules.facts.vocabulary import chinese_of
from rules.logic import Truth
from rules.memory.partners import Partners
from rules.model import AllOf, Condition, History, Not, Some, Test, facts_of_test, operands_of
from rules.naming import line_names
from rules.words import INTERACTIONS, THIS


@dataclass(frozen=True)
class Read:
    """A fact that a condition asked for, and where its value comes from."""

    fact: str
    value: Any
    """{"unknown": why} where unknown, {"partial": […]} where a list may hold more."""
    unit: str = ""
    zh: str = ""
    """What a word of a closed vocabulary, or yes and no, means in Chinese."""
    received: str = ""
    """What was sent, `20 mL/min`, where it is unknown for its unit."""
    origin: Origin | None = None
    """The fields of the event, and what of the knowledge base, it is made of; if asked for."""


@dataclass(frozen=True)
class Step:
    """One node of a condition: a test, or a combination of steps."""

    kind: str
    """test, all, any, not, some, or record (an element that `some` looked at)."""
    said: str
    truth: Truth
    reads: tuple[Read, ...] = ()
    compared: tuple[Compared, ...] = ()
    steps: tuple[Step, ...] = ()
    lacks: tuple[Lack, ...] = ()
    """Of a single condition that is unknown: what it lacks, why, and how old or late a value is."""
    past: Mapping[str, Any] | None = None
    """Of a condition on the past: `certain` and `possible` (None: no bound), or `holds` and `at`;
    `why` they differ, and `since` when the past is known."""

    def tests(self) -> Iterator[Step]:
        """The single conditions below, in the order of the text."""
        if self.kind == "test":
            yield self
        for step in self.steps:
            yield from step.tests()


class Steps:
    """Asks the conditions of one rule, on the days of one epoch."""

    def __init__(self, ready: Ready, family: str, knowledge: KnowledgeBase, day: date) -> None:
        self._ready = ready
        self._family = family
        self._knowledge = knowledge
        self._day = day
        self._runs: dict[tuple[Condition, str], compiler.Run] = {}
        self._askers: dict[str, Asker] = {}
        self.origins: Origins | None = None
        """Of the present event, if they are asked for."""

    def _truth(self, tree: Condition, c: Context, x: Element | None, each: str) -> Truth:
        run = self._runs.get((tree, each))
        if run is None:
            run = compiler.compile_condition(tree, each, self._family, self._knowledge, self._day)
            self._runs[tree, each] = run
        found: Truth = run(c, c.facts, x, c.facts if x is None else x.facts)
        return found

    def of(self, tree: Condition, c: Context, x: Element | None, each: str | None = None) -> Step:
        each = self._ready.rule.each if each is None else each
        truth = self._truth(tree, c, x, each)
        if isinstance(tree, Test):
            return self._test(tree, truth, c, x, each)
        if isinstance(tree, Some):
            return self._some(tree, truth, c)
        if isinstance(tree, History):
            return self._history(tree, truth, c, x, each)
        if isinstance(tree, Not):
            return Step("not", "not", truth, steps=(self.of(tree.condition, c, x, each),))
        steps = tuple(self.of(child, c, x, each) for child in tree.conditions)
        kind = "all" if isinstance(tree, AllOf) else "any"
        return Step(kind, f"{kind} of {len(steps)}", truth, steps=steps)

    def _test(self, test: Test, truth: Truth, c: Context, x: Element | None, each: str) -> Step:
        reads = []
        names = facts_of_test(test)
        subject = fact_of(test.fact, each)
        if test.fresh_within is not None and subject is not None and subject.time:
            names = tuple(dict.fromkeys((*names, subject.time)))
        for name in names:
            fact = fact_of(name, each)
            if fact is not None:
                value = fact_value(fact, self._family, c, x)
                origin = self._origin(fact, value, c, x, each)
                zh = chinese_of(fact, value)
                came = received(fact, value, c, x)
                reads.append(Read(name, value, fact.unit, zh, came, origin))
        operands = [
            entry
            for operand in operands_of(test)
            if (entry := compared(operand, self._values(each, c, x))) is not None
        ]
        if test.operator == "exists" and any(r.value == NOT_REPORTED for r in reads[:1]):
            operands += [found for found in (promised(test.fact, c),) if found is not None]
        lacks = tuple(self._asker(each).missing(test, c, x)) if truth is None else ()
        return Step("test", said(test), truth, tuple(reads), tuple(operands), lacks=lacks)

    def _history(
        self, history: History, truth: Truth, c: Context, x: Element | None, each: str
    ) -> Step:
        values = self._values(each, c, x)
        operands = [
            entry
            for operand in history.own_operands
            if (entry := compared(operand, values)) is not None
        ]
        lacks = tuple(self._asker(each).missing(history, c, x)) if truth is None else ()
        past = c.facts.get(name_of(history)) or (x.facts.get(name_of(history)) if x else None)
        return Step("test", said(history), truth, (), tuple(operands), lacks=lacks, past=past)

    def _asker(self, each: str) -> Asker:
        found = self._askers.get(each)
        if found is None:
            found = Asker(each, self._family, self._knowledge, self._day)
            self._askers[each] = found
        return found

    def _origin(
        self, fact: Fact, value: Any, c: Context, x: Element | None, each: str
    ) -> Origin | None:
        if self.origins is None:
            return None
        if fact.name == ELEMENT_VALUE:  # as good as the list that it is an element of
            listed = CATALOGUE[each]
            return self.origins.of(listed, fact_value(listed, self._family, c, None), c, None)
        if not fact.of or x is None:
            return self.origins.of(fact, value, c, None)
        find = _finder(each, x.id, c)
        return self.origins.of(fact, value, c, find) if find is not None else None

    def _values(self, each: str, c: Context, x: Element | None) -> Values:
        """How operands read the facts of this element."""

        def value(name: str) -> Any:
            fact = fact_of(name.removeprefix(THIS), each)
            return None if fact is None else fact_value(fact, self._family, c, x)

        return Values(self._knowledge, c.day, value)

    def _some(self, some: Some, truth: Truth, c: Context) -> Step:
        records = list_of(some.each)
        elements, why = records.elements(c) if records is not None else ((), "")
        steps = []
        for element in elements:
            inner = self.of(some.where, c, element, some.each)
            steps.append(Step("record", f"{some.each} {element.id}", inner.truth, steps=(inner,)))
        rest = f" ({why}: there may be others)" if why else ""
        return Step("some", f"some of {some.each}{rest}", truth, steps=tuple(steps))


def _finder(each: str, name: str, c: Context) -> Find | None:
    """Finds the element that stands where this one does in its list; None where it has no place."""
    names = [element.id for element in _listed(each, c)]
    if name not in names:
        return None
    place = names.index(name)

    def find(other: Context) -> Element | None:
        elements = _listed(each, other)
        return elements[place] if place < len(elements) else None

    return find


def _listed(each: str, c: Context) -> Sequence[Element]:
    """The elements of a list, as of the context's day."""
    if each == INTERACTIONS:
        items = c.data.items
        lines = [Element(i, n) for i, n in zip(items, line_names(items), strict=True)]
        return find_pairs(c, lines, [True] * len(lines), Partners.of(c)).pairs
    records = list_of(each)
    return records.elements(c)[0] if records is not None else ()
