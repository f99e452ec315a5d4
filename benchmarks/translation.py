"""From our rules to one durable_rules ruleset.

A rule becomes one condition over one fact, the fact of an element of an event (or of the event):
`on`, `each`, the dates of `effective`, and `scope and when and not unless`.

What stays a condition of durable_rules: equality of words and booleans, short lists of words,
comparisons of numbers with 0, 1 and plain parameters (fixed-point, because `1e-07` does not parse
there), types of events and service dates. What durable_rules has no operator for is computed
beforehand with our own compiled conditions and given as a boolean property: membership in code
sets, everything on lists, `exists`, comparisons with keyed parameters and between facts, amounts,
and the third truth value ("is not true" of `unless`). That spares the Rete engine work which a
real user of it would have to write, so it favours the peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from benchmarks.errors import NotTranslatable
from knowledge_base import KnowledgeBase
from rules.engine.constants import parameter_values
from rules.facts import Fact, Type, fact_of
from rules.logic import Truth
from rules.model import (
    ALWAYS,
    NEVER,
    AllOf,
    Condition,
    History,
    Literal,
    Not,
    ParameterOperand,
    Rule,
    Some,
    Test,
    Words,
)

Leaf: TypeAlias = Test | Some | History
Definition: TypeAlias = dict[str, Any]
"""A condition in durable_rules' JSON."""

MAX_CONSTANTS: Final = 512
"""A ruleset with more distinct constants loops for ever holding the GIL."""
_MICRO: Final = 1_000_000
_OPPOSITE: Final = {"is": "is_not", "is_not": "is", "below": "at_least", "at_least": "below",
                    "above": "at_most", "at_most": "above"}  # fmt: skip
_ORDER: Final = {"below": "$lt", "at_most": "$lte", "above": "$gt", "at_least": "$gte"}


@dataclass(frozen=True)
class Atom:
    """A property computed beforehand: whether a condition's truth is one of `truths`."""

    name: str
    test: Leaf
    each: str
    truths: frozenset[Truth]


@dataclass(frozen=True)
class Plain:
    """A property that is a fact as the extractors give it."""

    name: str
    fact: Fact
    is_number: bool


@dataclass
class Translation:
    """The ruleset (rule id to definition), and the properties that its facts must carry."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    plain: dict[tuple[str, str], Plain] = field(default_factory=dict)
    atoms: dict[tuple[str, Leaf, frozenset[Truth]], Atom] = field(default_factory=dict)
    needs: dict[tuple[str, str], list[Plain | Atom]] = field(default_factory=dict)
    """By event type (without its version) and `each`: what the fact needs."""

    @property
    def conditions(self) -> tuple[int, int]:
        """How many properties are plain facts, and how many were computed beforehand."""
        return len(self.plain), len(self.atoms)

    def ruleset(self, on_fire: Callable[[str], Callable[[Any], None]]) -> dict[str, Definition]:
        """The definition that durable_rules' Host takes; `on_fire(rule id)` gives the action."""
        return {
            f"r{number}": {"all": [{"m": definition}], "run": on_fire(rule_id)}
            for number, (rule_id, definition) in enumerate(self.definitions.items())
        }


def translate(rules: Iterable[Rule], knowledge: KnowledgeBase, day: date) -> Translation:
    """The rules as one ruleset, with parameters as of `day`. Raises NotTranslatable.

    Rules that look back, wait or judge groups are left out: the peer remembers nothing.
    """
    translation = Translation()
    for rule in rules:
        if rule.is_evaluated and not rule.needs_memory and not rule.group_by:
            _Rule(rule, knowledge, day, translation).translate()
    constants = set(_constants(translation.definitions.values()))
    if len(constants) > MAX_CONSTANTS:
        raise NotTranslatable(
            f"{len(constants)} distinct constants; durable_rules hangs beyond {MAX_CONSTANTS}"
        )
    return translation


class _Rule:
    def __init__(self, rule: Rule, knowledge: KnowledgeBase, day: date, into: Translation) -> None:
        self.rule = rule
        self.knowledge = knowledge
        self.day = day
        self.into = into
        self.needed: dict[str, Plain | Atom] = {}

    def translate(self) -> None:
        rule = self.rule
        parts = [
            _any([{"type": name} for name in rule.on]),
            {"each": rule.each or "event"},
            {"$gte": {"day": day_number(rule.effective.start)}},
        ]
        if rule.effective.end is not None:
            parts.append({"$lt": {"day": day_number(rule.effective.end)}})
        parts += [self.is_true(tree) for tree in (rule.scope, rule.when) if tree != ALWAYS]
        if rule.unless != NEVER:
            parts.append(self.is_not_true(rule.unless))
        self.into.definitions[rule.id] = _all(parts)
        for name in rule.on:
            needs = self.into.needs.setdefault((name, rule.each), [])
            needs += [need for need in self.needed.values() if need not in needs]

    def is_true(self, tree: Condition) -> Definition:
        if isinstance(tree, Leaf):
            return self.native(tree) or self.atom(tree, True)
        if isinstance(tree, Not):
            return self.is_false(tree.condition)
        parts = [self.is_true(child) for child in tree.conditions]
        return _all(parts) if isinstance(tree, AllOf) else _any(parts)

    def is_false(self, tree: Condition) -> Definition:
        if isinstance(tree, Leaf):
            return self.turned(tree) or self.atom(tree, False)
        if isinstance(tree, Not):
            return self.is_true(tree.condition)
        parts = [self.is_false(child) for child in tree.conditions]
        return _any(parts) if isinstance(tree, AllOf) else _all(parts)

    def is_not_true(self, tree: Condition) -> Definition:
        if isinstance(tree, Leaf):
            return self.atom(tree, False, None)
        if isinstance(tree, Not):
            return self.is_not_false(tree.condition)
        parts = [self.is_not_true(child) for child in tree.conditions]
        return _any(parts) if isinstance(tree, AllOf) else _all(parts)

    def is_not_false(self, tree: Condition) -> Definition:
        if isinstance(tree, Leaf):
            return self.atom(tree, True, None)
        if isinstance(tree, Not):
            return self.is_not_true(tree.condition)
        parts = [self.is_not_false(child) for child in tree.conditions]
        return _all(parts) if isinstance(tree, AllOf) else _any(parts)

    def turned(self, leaf: Leaf) -> Definition | None:
        """The opposite of a leaf in durable_rules' own operators."""
        opposite = _OPPOSITE.get(leaf.operator) if isinstance(leaf, Test) else None
        if opposite is None or not isinstance(leaf, Test):
            return None
        return self.native(Test(leaf.fact, opposite, leaf.operands))

    def native(self, test: Leaf) -> Definition | None:
        """The condition in durable_rules' own operators; None where they do not suffice."""
        if not isinstance(test, Test) or test.fresh_within is not None:
            return None
        fact = fact_of(test.fact, self.rule.each)
        if fact is None:
            raise NotTranslatable(f"{self.rule.id}: there is no fact {test.fact}")
        operand = test.operands[0]
        if fact.type is Type.NUMBER and test.operator in (*_ORDER, "is", "is_not"):
            number = self._number(test)
            if number is None:
                return None
            name = self._plain(fact)
            if test.operator == "is":
                return {name: number}
            return {_ORDER.get(test.operator, "$neq"): {name: number}}
        if fact.type in (Type.TEXT, Type.BOOLEAN) and isinstance(operand, Literal):
            if test.operator == "is":
                return {self._plain(fact): operand.value}
            if test.operator == "is_not":
                return {"$neq": {self._plain(fact): operand.value}}
        is_word = fact.type is Type.TEXT and fact.coding != "icd10"
        if is_word and test.operator == "in" and isinstance(operand, Words):
            name = self._plain(fact)
            return _any([{name: word} for word in operand.values])
        return None

    def _number(self, test: Test) -> int | None:
        operand = test.operands[0]
        if isinstance(operand, Literal) and isinstance(operand.value, int):
            return fixed_point(operand.value)
        if isinstance(operand, ParameterOperand) and not operand.by:
            rows = parameter_values(operand, self.knowledge, self.day)
            if () in rows and isinstance(rows[()].value, int | float):
                return fixed_point(float(rows[()].value))
        return None

    def _plain(self, fact: Fact) -> str:
        name = fact.name.replace(".", "_")
        plain = self.into.plain.setdefault(
            (self.rule.each, name), Plain(name, fact, fact.type is Type.NUMBER)
        )
        self.needed[name] = plain
        return name

    def atom(self, test: Leaf, *truths: Truth) -> Definition:
        key = (self.rule.each, test, frozenset(truths))
        atom = self.into.atoms.get(key)
        if atom is None:
            atom = Atom(f"p{len(self.into.atoms)}", test, self.rule.each, frozenset(truths))
            self.into.atoms[key] = atom
        self.needed[atom.name] = atom
        return {atom.name: True}


def fixed_point(value: float) -> int:
    """A number in millionths, within what durable_rules can hold."""
    return max(min(round(value * _MICRO), 2**62), -(2**62))


def day_number(day: date) -> int:
    """2026-11-22 as 20261122."""
    return day.year * 10_000 + day.month * 100 + day.day


def _all(parts: list[Definition]) -> Definition:
    flat = [p for part in parts for p in part.get("$and", [part])]
    return flat[0] if len(flat) == 1 else {"$and": flat}


def _any(parts: list[Definition]) -> Definition:
    flat = [p for part in parts for p in part.get("$or", [part])]
    return flat[0] if len(flat) == 1 else {"$or": flat}


def _constants(trees: Iterable[Any]) -> Iterable[Any]:
    for tree in trees:
        if isinstance(tree, Mapping):
            yield from _constants(tree.values())
        elif isinstance(tree, list):
            yield from _constants(tree)
        else:
            yield tree
