"""Why a tree of conditions is unknown: for the outcomes that name what is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.decision import Missing
from knowledge_base import KnowledgeBase, ParameterValue
from rules import compiler, logic
from rules.constants import members_of
from rules.facts import Fact, fact_of
from rules.facts.base import Context, Element, Value
from rules.logic import Truth
from rules.model import (
    AllOf,
    CodeSetOperand,
    Condition,
    Not,
    ParameterOperand,
    Rule,
    Test,
    facts_of_test,
)
from rules.truth import key_word


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


class Reasons:
    """Asks the conditions of one rule one by one, on the days of one epoch."""

    def __init__(self, rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> None:
        self.rule = rule
        self.family = family
        self.knowledge = knowledge
        self.day = day
        self._tests: dict[Test, Any] = {}
        self._facts = {name: self._fact(name) for name in rule.facts()}
        self._quick = {
            id(tree): self._quick_facts(tree) for tree in (rule.scope, rule.when, rule.unless)
        }

    def _fact(self, name: str) -> Fact:
        fact = fact_of(name, self.rule.each)
        if fact is None:
            raise ValueError(f"no fact {name}")
        return fact

    def truth(self, tree: Condition, c: Context, x: Element | None) -> Truth:
        """The truth of a tree, condition by condition."""
        if isinstance(tree, Test):
            run = self._tests.get(tree)
            if run is None:
                run = self._tests[tree] = compiler.compile_condition(
                    tree, self.rule.each, self.family, self.knowledge, self.day
                )
            found: Truth = run(c, c.facts, x, x.facts if x is not None else c.facts)
            return found
        if isinstance(tree, Not):
            return logic.negate(self.truth(tree.condition, c, x))
        truths = [self.truth(child, c, x) for child in tree.conditions]
        return logic.all_of(truths) if isinstance(tree, AllOf) else logic.any_of(truths)

    def missing(self, tree: Condition, c: Context, x: Element | None) -> list[tuple[str, str]]:
        """What makes an unknown tree unknown, and why: the inputs of its unknown conditions."""
        quick = self._quick.get(id(tree))
        if quick is not None:
            found = self._look(quick, c, x)
            if found is not None:
                return found
        collected: dict[tuple[str, str], None] = {}
        self._collect(tree, c, x, collected)
        return list(collected)

    def _quick_facts(self, tree: Condition) -> tuple[Fact, ...] | None:
        """The subjects of a plain conjunction: what is unknown in it is exactly what is missing.

        None for other trees, and where an input besides the subject can be missing.
        """
        tests = tree.conditions if isinstance(tree, AllOf) else (tree,)
        subjects: list[Fact] = []
        for test in tests:
            if not isinstance(test, Test) or test.operator == "exists":
                return None
            subject, *others = facts_of_test(test)
            if others or self._facts[subject].type == "amount" or self._nameless(test):
                return None
            if self._may_be_foreign(test):
                return None
            subjects.append(self._facts[subject])
        return tuple(dict.fromkeys(subjects))

    def _nameless(self, test: Test) -> list[tuple[str, str]]:
        """Code sets and plain parameters of a condition that have no value on these days."""
        found: list[tuple[str, str]] = []
        for operand in test.operands:
            if isinstance(operand, CodeSetOperand):
                if members_of(operand, self.knowledge, self.day) is None:
                    found.append((f"codeset:{operand.codeset}", "not_in_knowledge"))
            elif isinstance(operand, ParameterOperand) and not operand.by:
                parameter = self.knowledge.parameter(operand.parameter)
                if parameter is None or parameter.at(self.day) is None:
                    found.append((operand.missing_name, "not_in_knowledge"))
        return found

    def _may_be_foreign(self, test: Test) -> bool:
        """Whether it asks a code set for codes that the knowledge base may not know."""
        is_open = self._facts[test.fact].in_knowledge is not None
        return is_open and any(isinstance(o, CodeSetOperand) for o in test.operands)

    def _foreign(self, test: Test, c: Context, x: Element | None) -> bool:
        """Whether the code of the element is one, and the set does not name it."""
        fact = self._facts[test.fact]
        if x is None or fact.in_knowledge is None or not self._may_be_foreign(test):
            return False
        value = fact_value(fact, self.family, c, x)
        members = members_of(test.operands[0], self.knowledge, self.day)
        is_named = members is not None and type(value) is str and members.contains(value)
        return type(value) is str and not is_named and not fact.in_knowledge(c, x)

    def _look(
        self, subjects: tuple[Fact, ...], c: Context, x: Element | None
    ) -> list[tuple[str, str]] | None:
        """The unknown ones of these facts; None where a partial list needs a closer look."""
        found: list[tuple[str, str]] = []
        for fact in subjects:
            value = fact_value(fact, self.family, c, x)
            if type(value) is dict:
                why = value.get("unknown")
                if why is None:
                    return None
                found.append((fact.name, why))
        return found

    def _collect(
        self, tree: Condition, c: Context, x: Element | None, found: dict[tuple[str, str], None]
    ) -> None:
        if self.truth(tree, c, x) is not None:
            return
        if isinstance(tree, Test):
            found.update(dict.fromkeys(self._inputs(tree, c, x)))
        elif isinstance(tree, Not):
            self._collect(tree.condition, c, x, found)
        else:
            for child in tree.conditions:
                self._collect(child, c, x, found)

    def _inputs(self, test: Test, c: Context, x: Element | None) -> list[tuple[str, str]]:
        """The inputs of one condition that are not plainly known, and why."""
        found: list[tuple[str, str]] = []
        for name in facts_of_test(test):
            value = fact_value(self._facts[name], self.family, c, x)
            if type(value) is dict:
                found.append((name, value.get("unknown", "partial_list")))
        if self._foreign(test, c, x):
            found.append((test.fact, "not_in_knowledge"))
        found += self._nameless(test)
        for operand in test.operands:
            if isinstance(operand, ParameterOperand) and operand.by:
                key = self._key(operand, c, x)
                if key is not None and self.row(operand, c, x) is None:
                    found.append((operand.missing_name, "not_in_knowledge"))
        return found or [(test.fact, "unit")]

    def _key(
        self, operand: ParameterOperand, c: Context, x: Element | None
    ) -> tuple[str, ...] | None:
        """The key of a parameter's row for this element; None where a part of it is unknown."""
        key = []
        for name in operand.by:
            value = fact_value(self._facts[name], self.family, c, x)
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


def named(found: list[tuple[str, str]]) -> tuple[Missing, ...]:
    """The missing facts as a decision names them."""
    return tuple([Missing(fact=fact, why=why) for fact, why in found])
