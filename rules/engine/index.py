"""Which rules can apply to an element at all: the work of an event grows with those alone.

Of each rule's scope one condition is its anchor: a fact that must have one of some values. Rules
lie under the values of their anchors; a rule whose anchor's value is not among them has a false
scope, whatever else is unknown. Where the anchor's fact is unknown, the rule is looked at: the
rest of its scope decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from knowledge_base import KnowledgeBase
from rules.engine.constants import members_of
from rules.facts import Fact, Type, fact_of
from rules.facts.base import Value
from rules.model import (
    AllOf,
    AnyOf,
    CodeSetOperand,
    Condition,
    Literal,
    Operand,
    ParameterOperand,
    Rule,
    Test,
)

R = TypeVar("R")


class HasRules(Protocol):
    @property
    def rules(self) -> tuple[Any, ...]: ...


B = TypeVar("B", bound=HasRules)
Make: TypeAlias = Callable[[tuple[R, ...], bool], B]

FEW: Final = 3
"""Facts that anchor fewer rules get no table: reading a table costs as much as a rule or two."""
SMALL: Final = 48
"""So many rules on one list need no tables at all: compiled together they cost less."""
_MAX_MERGED: Final = 4096
MANY: Final = 2**62
"""More rules than any fact anchors: no tables."""


@dataclass(frozen=True)
class Anchor:
    """A fact and the values that one of the rule's scope conditions asks of it."""

    fact: Fact
    values: frozenset[Any]
    prefixes: tuple[int, ...] = ()
    is_open: bool = False
    """Whether a code that the knowledge base does not know could be one of the values."""
    proves: Test | None = None
    """The condition that is surely true where a plainly known value is one of the values."""

    @property
    def breadth(self) -> float:
        """The share of all elements that is expected to pass; small is good."""
        return len(self.values) / self.fact.cardinality


def is_mixed(anchors: Iterable[Anchor]) -> bool:
    """Whether some ask for categories of codes and others for whole codes."""
    return len({bool(anchor.prefixes) for anchor in anchors}) > 1


def anchor_of(rule: Rule, knowledge: KnowledgeBase, day: date) -> Anchor | None:
    """The most selective condition that every element in the rule's scope fulfils."""
    return _Anchors(rule.each, knowledge, day).of(rule.scope)


class _Anchors:
    """Finds anchors on the days of one epoch."""

    def __init__(self, each: str, knowledge: KnowledgeBase, day: date) -> None:
        self.each = each
        self.knowledge = knowledge
        self.day = day

    def of(self, tree: Condition) -> Anchor | None:
        """The anchor of a tree, None where it has none."""
        if isinstance(tree, Test):
            return self._of_test(tree)
        if isinstance(tree, AllOf):
            found = [anchor for child in tree.conditions if (anchor := self.of(child))]
            return min(found, key=lambda anchor: anchor.breadth, default=None)
        if isinstance(tree, AnyOf):
            return self._of_alternatives(tree)
        return None

    def _of_alternatives(self, tree: AnyOf) -> Anchor | None:
        """Alternatives that all ask one fact ask it for one of all their values."""
        found = [self.of(child) for child in tree.conditions]
        anchors = [anchor for anchor in found if anchor is not None]
        if not anchors or len(anchors) < len(found) or is_mixed(anchors):
            return None
        if len({anchor.fact.name for anchor in anchors}) > 1:
            return None
        return Anchor(
            anchors[0].fact,
            frozenset().union(*(anchor.values for anchor in anchors)),
            tuple(sorted({size for anchor in anchors for size in anchor.prefixes})),
            any(anchor.is_open for anchor in anchors),
        )

    def _of_test(self, test: Test) -> Anchor | None:
        fact = fact_of(test.fact, self.each)
        if fact is None:
            return None
        operand = test.operands[0]
        if test.operator == "is" and fact.type in (Type.TEXT, Type.BOOLEAN):
            value = self._constant(operand)
            proves = test if test.fresh_within is None else None
            return None if value is None else Anchor(fact, frozenset({value}), proves=proves)
        if test.operator in ("in", "any_in", "all_in"):
            members = members_of(operand, self.knowledge, self.day)
            if members is not None:
                is_open = fact.in_knowledge is not None and isinstance(operand, CodeSetOperand)
                is_sure = test.operator != "all_in" and test.fresh_within is None
                proves = test if is_sure else None
                return Anchor(fact, members.codes, members.lengths, is_open, proves)
        return None

    def _constant(self, operand: Operand) -> Any:
        """The one value that an operand has on these days; None where it has none, or others."""
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand, ParameterOperand) and not operand.by:
            parameter = self.knowledge.parameter(operand.parameter)
            row = parameter.at(self.day) if parameter is not None else None
            return None if row is None else row.value
        return None


class Table(Generic[R, B]):
    """The rules that one fact anchors, by its value, as bunches."""

    __slots__ = (
        "_foreign", "_make", "_merged", "_open", "_order", "by_value", "everything", "fact",
        "is_list", "is_mixed", "knows", "prefixes",
    )  # fmt: skip

    def __init__(self, fact: Fact, entries: Iterable[tuple[Anchor, R]], make: Make[R, B]) -> None:
        self.fact = fact
        self.is_list = fact.type is Type.LIST
        listed = list(entries)
        self.prefixes = tuple(sorted({size for anchor, _ in listed for size in anchor.prefixes}))
        self.is_mixed = is_mixed(anchor for anchor, _ in listed)
        self._open = frozenset(id(rule) for anchor, rule in listed if anchor.is_open)
        self.knows = bool(fact.in_knowledge and self._open)
        """Whether rules stand under code sets that could hold a code nobody knows."""
        self._make = make
        self._order = tuple(rule for _, rule in listed)
        self.everything = make(self._order, False)
        by_value: dict[Any, list[R]] = {}
        for anchor, rule in listed:
            for value in anchor.values:
                by_value.setdefault(value, []).append(rule)
        self.by_value = {
            value: make(tuple(rules), not self.is_mixed) for value, rules in by_value.items()
        }
        self._merged: dict[tuple[Any, ...], B] = {}
        self._foreign: dict[Any, B] = {}

    def of_foreign(self, value: Value) -> B:
        """The rules for a code that the knowledge base does not know."""
        key = value if value in self.by_value else None
        found = self._foreign.get(key)
        if found is None:
            there = self.by_value.get(value)
            wanted = {id(rule) for rule in (there.rules if there else ())} | self._open
            found = self._foreign[key] = self._chosen(wanted, False)
        return found

    def _chosen(self, wanted: Collection[int], is_sure: bool) -> B:
        return self._make(tuple(rule for rule in self._order if id(rule) in wanted), is_sure)

    def of_many(self, values: Collection[Any]) -> B | None:
        """The rules for an element with any of these values, each once."""
        if self.prefixes:
            words = {code[:size] for code in values for size in self.prefixes}
            return self._of_words(words.union(values) if self.is_mixed else words)
        return self._of_words(values)

    def _of_words(self, values: Iterable[Any]) -> B | None:
        found = {value: hit for value in values if (hit := self.by_value.get(value)) is not None}
        if len(found) <= 1:
            return next(iter(found.values()), None)
        # A rule lies under each of its values, and is looked at once.
        key = tuple(sorted(found))
        merged = self._merged.get(key)
        if merged is None:
            if len(self._merged) >= _MAX_MERGED:
                self._merged.clear()
            wanted = {id(rule) for hit in found.values() for rule in hit.rules}
            merged = self._merged[key] = self._chosen(wanted, not self.is_mixed)
        return merged


class Index(Generic[R, B]):
    """The rules of one list of elements (or of the event as a whole) on days of one epoch."""

    __slots__ = ("everything", "rest", "tables")

    def __init__(
        self,
        entries: Iterable[tuple[Anchor | None, R]],
        make: Make[R, B],
        few: int = FEW,
    ) -> None:
        """`make` gets rules, and whether a hit proves what their anchors say."""
        listed = list(entries)
        self.everything = tuple(rule for _, rule in listed)
        by_fact: dict[str, list[tuple[Anchor, R]]] = {}
        for anchor, rule in listed:
            if anchor is not None:
                by_fact.setdefault(anchor.fact.name, []).append((anchor, rule))
        kept = {name: group for name, group in by_fact.items() if len(group) >= few}
        self.tables = tuple(Table(g[0][0].fact, g, make) for g in kept.values())
        self.rest = tuple(
            rule for anchor, rule in listed if anchor is None or anchor.fact.name not in kept
        )
        """The rules that are looked at for every element."""
