"""Why a tree of conditions is unknown: for the outcomes that name what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from contracts.decision import Missing
from knowledge_base import KnowledgeBase, ParameterValue
from rules import logic
from rules.engine import compiler
from rules.engine.constants import members_of
from rules.engine.past import name_of
from rules.engine.timing import age_of, hours
from rules.engine.truth import key_word
from rules.facts import Fact, Records, Type, fact_of, list_of
from rules.facts.base import Context, Element, Value
from rules.facts.interval import Interval
from rules.logic import Truth
from rules.model import (
    AllOf,
    CodeSetOperand,
    Condition,
    History,
    Not,
    ParameterOperand,
    Rule,
    Some,
    Test,
    facts_of,
    facts_of_test,
    operands_of,
)

STALE: Final = "stale"
FUTURE: Final = "future"
"""Observed after the time that the condition is judged at."""
_CLOSER_LOOK: Final = frozenset({Type.AMOUNT, Type.INTERVAL})
"""Facts that may leave a condition unknown although they are known."""


class Lack(NamedTuple):
    """A fact that was needed and not there, and why.

    `age` is that of a stale value; of a future one how much later it was observed.
    """

    fact: str
    why: str
    age: str = ""


def fact_value(fact: Fact, family: str, c: Context, x: Element | None) -> Value:
    """The value of a fact, read at most once for an event or element."""
    if fact.of and x is not None:
        value = x.facts.get(fact.name)
        if value is None:
            value = x.facts[fact.name] = fact.extractors[family](c, x)
        return value
    value = c.facts.get(fact.name)
    if value is None:
        value = c.facts[fact.name] = fact.extractors[family](c)
    return value


class Asker:
    """Asks conditions about the elements of one list one by one, on the days of one epoch."""

    def __init__(self, each: str, family: str, knowledge: KnowledgeBase, day: date) -> None:
        self.each = each
        self.family = family
        self.knowledge = knowledge
        self.day = day
        # By identity, for a tree is slow to hash; each is kept with what was made for it.
        self._truths: dict[int, tuple[Condition, Any]] = {}
        self._plain: dict[int, tuple[Test, Test]] = {}
        self._names: dict[int, tuple[History, str]] = {}
        self._facts: dict[str, Fact] = {}
        self._inner: dict[str, Asker] = {}

    def fact(self, name: str) -> Fact:
        found = self._facts.get(name)
        if found is None:
            known = fact_of(name, self.each)
            if known is None:
                raise ValueError(f"no fact {name}")
            found = self._facts[name] = known
        return found

    def value(self, name: str, c: Context, x: Element | None) -> Value:
        """The value of a fact by its name."""
        return fact_value(self.fact(name), self.family, c, x)

    def truth(self, tree: Condition, c: Context, x: Element | None) -> Truth:
        """The truth of a tree, condition by condition."""
        if isinstance(tree, Test | Some | History):
            known = self._truths.get(id(tree))
            if known is None:
                run = compiler.compile_condition(
                    tree, self.each, self.family, self.knowledge, self.day
                )
                known = self._truths[id(tree)] = tree, run
            found: Truth = known[1](c, c.facts, x, x.facts if x is not None else c.facts)
            return found
        if isinstance(tree, Not):
            return logic.negate(self.truth(tree.condition, c, x))
        truths = [self.truth(child, c, x) for child in tree.conditions]
        return logic.all_of(truths) if isinstance(tree, AllOf) else logic.any_of(truths)

    def missing(self, tree: Condition, c: Context, x: Element | None) -> list[Lack]:
        """What makes an unknown tree unknown, and why: the inputs of its unknown conditions."""
        collected: dict[Lack, None] = {}
        self._collect(tree, c, x, collected)
        return list(collected)

    def _collect(
        self, tree: Condition, c: Context, x: Element | None, found: dict[Lack, None]
    ) -> None:
        if self.truth(tree, c, x) is not None:
            return
        if isinstance(tree, Test):
            found.update(dict.fromkeys(self._inputs(tree, c, x)))
        elif isinstance(tree, History):
            found[self._of_past(tree, c, x)] = None
        elif isinstance(tree, Some):
            found.update(dict.fromkeys(self._of_list(tree, c)))
        elif isinstance(tree, Not):
            self._collect(tree.condition, c, x, found)
        else:
            for child in tree.conditions:
                self._collect(child, c, x, found)

    def _of_past(self, tree: History, c: Context, x: Element | None) -> Lack:
        """Why a condition on the past is unknown, and since when the past is known."""
        store = c.facts if x is None else x.facts
        known = self._names.get(id(tree))
        if known is None:
            known = self._names[id(tree)] = tree, name_of(tree)
        value = store.get(known[1], {})
        name = f"history.{tree.of}"
        return Lack(name, value.get("why", "members_unknown"), value.get("since", ""))

    def _inside(self, tree: Some) -> tuple[Records, Asker]:
        """The list of a condition, and who asks its elements."""
        records = list_of(tree.each)
        if records is None:
            raise ValueError(f"no list {tree.each}")
        inner = self._inner.get(tree.each)
        if inner is None:
            inner = Asker(tree.each, self.family, self.knowledge, self.day)
            self._inner[tree.each] = inner
        return records, inner

    def _of_list(self, tree: Some, c: Context) -> list[Lack]:
        """What the elements lack that might fulfil it, and the list where it may have others."""
        records, inner = self._inside(tree)
        elements, why = records.elements(c)
        found = [lack for x in elements for lack in inner.missing(tree.where, c, x)]
        if why:
            found.append(Lack(records.fact, why))
        return found

    def witnesses(self, somes: Iterable[Some], c: Context) -> dict[str, Any]:
        """Of each list the first element that fulfils its condition, by name, with its facts."""
        found: dict[str, dict[str, Any]] = {}
        for tree in somes:
            records, inner = self._inside(tree)
            for x in records.elements(c)[0]:
                if inner.truth(tree.where, c, x) is True:
                    read = {name: inner.value(name, c, x) for name in facts_of(tree.where)}
                    shown = found.setdefault(tree.each, {})
                    shown[x.id] = {**shown.get(x.id, {}), **read}
                    break
        return found

    def _inputs(self, test: Test, c: Context, x: Element | None) -> list[Lack]:
        """The inputs of one condition that are not plainly known, and why."""
        found: list[Lack] = []
        for name in facts_of_test(test):
            value = self.value(name, c, x)
            if type(value) is dict:
                found.append(Lack(name, value.get("unknown", "partial_list")))
            elif type(value) is Interval:
                ends = (end for end in (value.start, value.end) if type(end) is dict)
                found += [Lack(name, end["unknown"]) for end in ends]
        if self._foreign(test, c, x):
            found.append(Lack(test.fact, "not_in_knowledge"))
        found += self._nameless(test)
        for operand in operands_of(test):
            if isinstance(operand, ParameterOperand) and operand.by:
                key = self._key(operand, c, x)
                if key is not None and self.row(operand, c, x) is None:
                    found.append(Lack(operand.missing_name, "not_in_knowledge"))
        if test.fresh_within is not None and not found:
            found += self._not_fresh(test, c, x)
        return found or [Lack(test.fact, "unit")]

    def _not_fresh(self, test: Test, c: Context, x: Element | None) -> list[Lack]:
        """Whether a known value is unknown by its time; one in another unit is not only old."""
        name = self.fact(test.fact).time
        at = self.value(name, c, x)
        if type(at) is not datetime:
            return [Lack(name, at["unknown"])]
        known = self._plain.get(id(test))
        if known is None:
            known = self._plain[id(test)] = test, Test(test.fact, test.operator, test.operands)
        if self.truth(known[1], c, x) is None:
            return []
        age = age_of(c, x, at)
        if age < timedelta(0):
            return [Lack(test.fact, FUTURE, hours(-age))]
        return [Lack(test.fact, STALE, hours(age))]

    def _nameless(self, test: Test) -> list[Lack]:
        """Code sets and plain parameters of a condition that have no value on these days."""
        found: list[Lack] = []
        for operand in operands_of(test):
            if isinstance(operand, CodeSetOperand):
                if members_of(operand, self.knowledge, self.day) is None:
                    found.append(Lack(f"codeset:{operand.codeset}", "not_in_knowledge"))
            elif isinstance(operand, ParameterOperand) and not operand.by:
                parameter = self.knowledge.parameter(operand.parameter)
                if parameter is None or parameter.at(self.day) is None:
                    found.append(Lack(operand.missing_name, "not_in_knowledge"))
        return found

    def _may_be_foreign(self, test: Test) -> bool:
        """Whether it asks a code set for codes that the knowledge base may not know."""
        is_open = self.fact(test.fact).in_knowledge is not None
        return is_open and any(isinstance(o, CodeSetOperand) for o in test.operands)

    def _foreign(self, test: Test, c: Context, x: Element | None) -> bool:
        """Whether the code of the element is one, and the set does not name it."""
        fact = self.fact(test.fact)
        if x is None or fact.in_knowledge is None or not self._may_be_foreign(test):
            return False
        value = fact_value(fact, self.family, c, x)
        members = members_of(test.operands[0], self.knowledge, self.day)
        is_named = members is not None and type(value) is str and members.contains(value)
        return type(value) is str and not is_named and not fact.in_knowledge(c, x)

    def _key(
        self, operand: ParameterOperand, c: Context, x: Element | None
    ) -> tuple[str, ...] | None:
        """The key of a parameter's row for this element; None where a part of it is unknown."""
        key = []
        for name in operand.by:
            value = self.value(name, c, x)
            if type(value) is dict:
                return None
            key.append(key_word(value))
        return tuple(key)

    def row(
        self, operand: ParameterOperand, c: Context, x: Element | None
    ) -> ParameterValue | None:
        """The value of a parameter for this element on these days."""
        key = self._key(operand, c, x)
        parameter = self.knowledge.parameter(operand.parameter)
        return parameter.at(self.day, key) if parameter is not None and key is not None else None


class Reasons(Asker):
    """Asks the conditions of one rule; what is missing in plain conjunctions it sees at a look."""

    def __init__(self, rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> None:
        super().__init__(rule.each, family, knowledge, day)
        self.rule = rule
        self._quick = {
            id(tree): self._quick_facts(tree) for tree in (rule.scope, rule.when, rule.unless)
        }

    def missing(self, tree: Condition, c: Context, x: Element | None) -> list[Lack]:
        """What makes an unknown tree unknown, and why: the inputs of its unknown conditions."""
        quick = self._quick.get(id(tree))
        if quick is not None:
            found = self._look(quick, c, x)
            if found is not None:
                return found
        return super().missing(tree, c, x)

    def _quick_facts(self, tree: Condition) -> tuple[Fact, ...] | None:
        """The subjects of a plain conjunction: what is unknown in it is exactly what is missing.

        None for other trees, and where an input besides the subject can be missing.
        """
        tests = tree.conditions if isinstance(tree, AllOf) else (tree,)
        subjects: list[Fact] = []
        for test in tests:
            if not isinstance(test, Test) or test.operator == "exists" or test.fresh_within:
                return None
            subject, *others = facts_of_test(test)
            fact = self.fact(subject)
            if others or fact.type in _CLOSER_LOOK or self._nameless(test):
                return None
            if self._may_be_foreign(test):
                return None
            subjects.append(fact)
        return tuple(dict.fromkeys(subjects))

    def _look(self, subjects: tuple[Fact, ...], c: Context, x: Element | None) -> list[Lack] | None:
        """The unknown ones of these facts; None where a partial list needs a closer look."""
        found: list[Lack] = []
        for fact in subjects:
            value = fact_value(fact, self.family, c, x)
            if type(value) is dict:
                why = value.get("unknown")
                if why is None:
                    return None
                found.append(Lack(fact.name, why))
        return found


def named(found: list[Lack]) -> tuple[Missing, ...]:
    """The missing facts as a decision names them."""
    return tuple([Missing(fact=lack.fact, why=lack.why, age=lack.age) for lack in found])
