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
from typing import Any, Final, Generic, TypeVar

from knowledge_base import KnowledgeBase
from rules.constants import members_of
from rules.facts import Fact, Type, fact_of
from rules.facts.base import Context, Element, Value
from rules.model import AllOf, CodeSetOperand, Condition, Literal, Rule, Test

R = TypeVar("R")

FEW: Final = 3
"""Facts that anchor fewer rules get no table: reading a table costs as much as a rule or two."""
SMALL: Final = 48
"""So many rules on one list need no tables at all: compiled together they cost less."""
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

    @property
    def breadth(self) -> float:
        """The share of all elements that is expected to pass; small is good."""
        return len(self.values) / self.fact.cardinality


def is_mixed(anchors: Iterable[Anchor]) -> bool:
    """Whether some ask for categories of codes and others for whole codes."""
    return len({bool(anchor.prefixes) for anchor in anchors}) > 1


def anchor_of(rule: Rule, knowledge: KnowledgeBase, day: date) -> Anchor | None:
    """The most selective condition that every element in the rule's scope fulfils."""
    found = [a for test in _conjuncts(rule.scope) if (a := _anchor(test, rule, knowledge, day))]
    return min(found, key=lambda anchor: anchor.breadth, default=None)


def _conjuncts(tree: Condition) -> Iterable[Test]:
    if isinstance(tree, Test):
        yield tree
    elif isinstance(tree, AllOf):
        for child in tree.conditions:
            yield from _conjuncts(child)


def _anchor(test: Test, rule: Rule, knowledge: KnowledgeBase, day: date) -> Anchor | None:
    fact = fact_of(test.fact, rule.each)
    if fact is None:
        return None
    operand = test.operands[0]
    if test.operator == "is" and isinstance(operand, Literal):
        if fact.type in (Type.TEXT, Type.BOOLEAN):
            return Anchor(fact, frozenset({operand.value}))
    elif test.operator in ("in", "any_in", "all_in"):
        members = members_of(operand, knowledge, day)
        if members is not None:
            is_open = fact.in_knowledge is not None and isinstance(operand, CodeSetOperand)
            return Anchor(fact, members.codes, members.lengths, is_open)
    return None


class Table(Generic[R]):
    """The rules that one fact anchors, by its value."""

    __slots__ = (
        "_open", "by_value", "everything", "is_element", "is_list", "is_mixed", "knows", "name",
        "prefixes", "read",
    )  # fmt: skip

    def __init__(self, fact: Fact, family: str, entries: Iterable[tuple[Anchor, R]]) -> None:
        self.name = fact.name
        self.is_element = bool(fact.of)
        self.is_list = fact.type is Type.LIST
        self.read: Callable[..., Value] = fact.extractors[family]
        listed = list(entries)
        self.prefixes = tuple(sorted({size for anchor, _ in listed for size in anchor.prefixes}))
        self.is_mixed = is_mixed(anchor for anchor, _ in listed)
        self._open = frozenset(id(rule) for anchor, rule in listed if anchor.is_open)
        self.knows = fact.in_knowledge if self._open else None
        """Asked of each element where rules stand under code sets that could hold its code."""
        self.everything = tuple(rule for _, rule in listed)
        by_value: dict[Any, list[R]] = {}
        for anchor, rule in listed:
            for value in anchor.values:
                by_value.setdefault(value, []).append(rule)
        self.by_value = {value: tuple(rules) for value, rules in by_value.items()}

    def candidates(self, value: Value) -> tuple[R, ...]:
        """The rules that an element with this value can concern, each once."""
        if type(value) is dict:
            return self.everything  # unknown, or a list with elements that nobody knows
        if not self.is_list:
            if self.prefixes:
                return self._of_prefixes((value,))
            return self.by_value.get(value, ())
        if self.prefixes:
            return self._of_prefixes(value)
        if len(value) == 1:
            return self.by_value.get(value[0], ())
        return self._of_words(value)

    def of_foreign(self, value: Value) -> tuple[R, ...]:
        """The rules for a code that the knowledge base does not know."""
        found = {id(rule) for rule in self.candidates(value)} | self._open
        return tuple(rule for rule in self.everything if id(rule) in found)

    def _of_prefixes(self, codes: Collection[str]) -> tuple[R, ...]:
        words = {code[:size] for code in codes for size in self.prefixes}
        if self.is_mixed:
            words.update(codes)
        return self._of_words(words)

    def _of_words(self, values: Iterable[Any]) -> tuple[R, ...]:
        hits = [hit for value in values if (hit := self.by_value.get(value))]
        if not hits:
            return ()
        if len(hits) == 1:
            return hits[0]
        # A rule lies under each of its values, and is looked at once; in the order of the pack.
        found = {id(rule): rule for hit in hits for rule in hit}
        return tuple(rule for rule in self.everything if id(rule) in found)


class Index(Generic[R]):
    """The rules of one list of elements (or of the event as a whole) on days of one epoch."""

    __slots__ = ("everything", "rest", "tables")

    def __init__(
        self, family: str, entries: Iterable[tuple[Anchor | None, R]], few: int = FEW
    ) -> None:
        listed = list(entries)
        self.everything = tuple(rule for _, rule in listed)
        by_fact: dict[str, list[tuple[Anchor, R]]] = {}
        for anchor, rule in listed:
            if anchor is not None:
                by_fact.setdefault(anchor.fact.name, []).append((anchor, rule))
        kept = {name: group for name, group in by_fact.items() if len(group) >= few}
        self.tables = tuple(Table(group[0][0].fact, family, group) for group in kept.values())
        self.rest = tuple(
            rule for anchor, rule in listed if anchor is None or anchor.fact.name not in kept
        )
        """The rules that are looked at for every element."""

    def hits(self, c: Context, x: Element | None) -> tuple[R, ...]:
        """The rules of the tables that an element, or the event, can concern."""
        found: tuple[R, ...] = ()
        for table in self.tables:
            store = x.facts if table.is_element and x is not None else c.facts
            value = store.get(table.name)
            if value is None:
                value = table.read(c, x) if table.is_element else table.read(c)
                store[table.name] = value
            if table.knows is None or x is None or type(value) is dict or table.knows(c, x):
                hit = table.candidates(value)
            else:
                hit = table.of_foreign(value)
            if hit:
                found = found + hit if found else hit
        return found
