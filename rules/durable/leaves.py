"""Single conditions in the operators of durable_rules, where they suffice.

What does not fit is given as a property that is true, false or left out: big and hierarchical
code sets, `all_in`, comparisons between facts, units, freshness, intervals and `some`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from knowledge_base import KnowledgeBase
from rules import words
from rules.durable import inputs, terms
from rules.durable.inputs import Input, Read
from rules.durable.rails import (
    HOLDS,
    MAX_ALTERNATIVES,
    UNKNOWN,
    Rail,
    Rails,
    exclusive,
    intersection,
    single,
    truth_of,
    union,
)
from rules.durable.rete import Literal as Comparison
from rules.durable.rete import Plain
from rules.engine.constants import members_of, parameter_values, value_for
from rules.facts import Fact, Type, fact_of
from rules.model import (
    CodeSetOperand,
    Condition,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Rule,
    Test,
    Words,
)

T = TypeVar("T")

_SIGNS: Final = {"below": ("$lt", "$gte"), "at_most": ("$lte", "$gt"),
                 "above": ("$gt", "$lte"), "at_least": ("$gte", "$lt"),
                 "is": ("", "$neq"), "is_not": ("$neq", "")}  # fmt: skip
_NUMERIC: Final = (Type.NUMBER, Type.MONEY, Type.AMOUNT)
_MAX_LISTED: Final = 16
"""Codes of a set that are looked for in a list one by one."""


@dataclass
class Leaves:
    """The conditions of one rule on the days of one epoch; collects what they read."""

    rule: Rule
    family: str
    knowledge: KnowledgeBase
    day: date
    inputs: dict[str, Input] = field(default_factory=dict)
    given: list[Condition] = field(default_factory=list)
    """What durable_rules is told instead of deciding it."""
    _names: dict[Any, str] = field(default_factory=dict)

    def rails(self, tree: Condition) -> Rails:
        """A condition without children. ValueError for a constant that cannot be held."""
        if not isinstance(tree, Test):
            return self._given(tree)
        fact = fact_of(tree.fact, self.rule.each)
        if fact is None or self.family not in fact.extractors:
            raise ValueError(f"{self.family} events have no fact {tree.fact}")
        return self._native(tree, fact) or self._given(tree)

    def _native(self, test: Test, fact: Fact) -> Rails | None:
        if test.fresh_within is not None:
            return None
        if test.operator == "exists":
            return self._exists(test)
        if test.operator in (*words.MEMBERSHIP, *words.LIST_MEMBERSHIP):
            return self._membership(test, fact)
        if test.operator in _SIGNS or test.operator == "between":
            return self._compared(test, fact)
        return None

    def property(self, key: Any, read: Read) -> str:
        """The name of a property, the same for the same key."""
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"p{len(self._names)}"
            self.inputs[name] = Input(name, read)
        return name

    def _given(self, tree: Condition, read: Read | None = None) -> Rails:
        if tree not in self.given:
            self.given.append(tree)
        return truth_of(self.property(("given", tree), read or inputs.given(tree)))

    def _exists(self, test: Test) -> Rails:
        found = truth_of(self.property(("state", test.fact), inputs.state(test.fact)))
        operand = test.operands[0]
        is_wanted = isinstance(operand, Literal) and operand.value is True
        return found if is_wanted else found.negated()

    def _plain(self, fact: Fact) -> str:
        return self.property(("plain", fact.name), inputs.plain(fact.name))

    def _membership(self, test: Test, fact: Fact) -> Rails | None:
        operand = test.operands[0]
        if not isinstance(operand, Words | CodeSetOperand):
            return None
        members = members_of(operand, self.knowledge, self.day)
        if members is None:
            return UNKNOWN
        asks_known = fact.in_knowledge is not None and isinstance(operand, CodeSetOperand)
        is_single = test.operator in words.MEMBERSHIP
        most = MAX_ALTERNATIVES if is_single else _MAX_LISTED
        if members.lengths or len(members.codes) > most or test.operator == "all_in":
            return self._given(test, inputs.membership(test, members, asks_known))
        codes = sorted(members.codes)
        found = self._one_of(fact, codes, asks_known) if is_single else self._any_of(fact, codes)
        return found.negated() if test.operator in ("not_in", "none_in") else found

    def _one_of(self, fact: Fact, codes: list[str], asks_known: bool) -> Rails:
        name = self._plain(fact)
        encoded = [terms.word(code) for code in codes]
        differences = [Comparison(name, "$neq", code) for code in encoded]
        if asks_known:
            known = self.property(("known", fact.name), inputs.known_code(fact.name))
            differences = [Comparison(known, "", True), *differences]
        return Rails(
            exclusive((Comparison(name, "", code),) for code in encoded), single(*differences)
        )

    def _any_of(self, fact: Fact, codes: list[str]) -> Rails:
        names = [
            self.property(("listed", fact.name, code), inputs.listed(fact.name, code))
            for code in codes
        ]
        return Rails(
            union(single(Comparison(name, "", True)) for name in names),
            single(*(Comparison(name, "", False) for name in names)),
        )

    def _compared(self, test: Test, fact: Fact) -> Rails | None:
        bounds = [self._bound(operand, fact) for operand in test.operands]
        if any(bound is None for bound in bounds):
            return None
        found = [bound for bound in bounds if bound is not None]
        if not all(bound.values for bound in found):
            return UNKNOWN
        if len({bound.unit for bound in found}) > 1 or any(
            len(bound.values) > MAX_ALTERNATIVES for bound in found
        ):
            return None
        digits = self._digits(found) if fact.type in _NUMERIC else -1
        name = self._subject(fact, found[0].unit, digits)
        if test.operator == "between":
            low = self._sided(name, "at_least", found[0], digits)
            high = self._sided(name, "at_most", found[1], digits)
            # A bound without a row leaves it unknown, even where the other bound would decide.
            below = intersection([low.false, _known(high, found[1])])
            above = intersection([high.false, _known(low, found[0])])
            return Rails(intersection([low.true, high.true]), union([below, above]))
        return self._sided(name, test.operator, found[0], digits)

    def _digits(self, bounds: list[_Bound]) -> int:
        return max(self._checked(bound, bound.digits) for bound in bounds)

    def _subject(self, fact: Fact, unit: str, digits: int) -> str:
        """The property of what is compared."""
        if fact.type is Type.AMOUNT:
            read = inputs.amount(fact.name, unit, digits)
            return self.property(("amount", fact.name, unit, digits), read)
        if fact.type in _NUMERIC:
            read = inputs.number(fact.name, digits)
            return self.property(("number", fact.name, digits), read)
        return self._plain(fact)

    def _sided(self, name: str, operator: str, bound: _Bound, digits: int) -> Rails:
        def encoded(value: Any) -> Plain:
            if digits < 0:
                return terms.term(value)
            return self._checked(bound, lambda: terms.constant_number(value, digits))

        holds, fails = _SIGNS[operator]
        if not bound.by:
            constant = encoded(bound.values[()])
            return Rails(
                single(Comparison(name, holds, constant)), single(Comparison(name, fails, constant))
            )
        row = self.property(("row", bound.by), inputs.key(bound.by))
        rows = [(inputs.row_word(key), encoded(v)) for key, v in sorted(bound.values.items())]
        return Rails(*(
            exclusive((Comparison(row, "", key), Comparison(name, sign, v)) for key, v in rows)
            for sign in (holds, fails)
        ))  # fmt: skip

    def _checked(self, bound: _Bound, make: Callable[[], T]) -> T:
        try:
            return make()
        except ValueError as e:
            raise ValueError(f"{bound.name}: {e}") from None

    def _bound(self, operand: Operand, fact: Fact) -> _Bound | None:
        """What is compared with, on these days; None where it is no constant of one kind."""
        if isinstance(operand, Literal):
            value = timedelta(0) if fact.type is Type.DURATION else operand.value
            return _Bound("a literal", {(): value}) if _fits(fact, value) else None
        if isinstance(operand, QuantityOperand):
            value = value_for(fact, operand.value, operand.unit)
            unit = operand.unit if fact.type is Type.AMOUNT else ""
            return _Bound("a quantity", {(): value}, unit) if _fits(fact, value) else None
        if not isinstance(operand, ParameterOperand):
            return None
        parameter = self.knowledge.parameter(operand.parameter)
        rows = parameter_values(operand, self.knowledge, self.day)
        values = {key: value_for(fact, row.value, row.unit) for key, row in rows.items()}
        if not operand.by:
            values = {key: value for key, value in values.items() if key == ()}
        if not all(_fits(fact, value) for value in values.values()):
            return None
        unit = parameter.unit if parameter is not None and fact.type is Type.AMOUNT else ""
        return _Bound(f"the parameter {operand.parameter}", values, unit, operand.by)


@dataclass(frozen=True)
class _Bound:
    """One side of a comparison: constants by the key of their row, () for a plain one."""

    name: str
    values: Mapping[tuple[str, ...], Any]
    unit: str = ""
    by: tuple[str, ...] = ()

    def digits(self) -> int:
        """How many digits after the point the finest of its numbers has."""
        return max(terms.digits_of(value) for value in self.values.values())


_KINDS: Final[Mapping[Type, type | tuple[type, ...]]] = {
    Type.NUMBER: (int, float, Decimal),
    Type.MONEY: (int, float, Decimal),
    Type.AMOUNT: (int, float, Decimal),
    Type.TEXT: str,
    Type.BOOLEAN: bool,
    Type.DATE: date,
    Type.TIME: datetime,
    Type.DURATION: timedelta,
}


def _fits(fact: Fact, value: Any) -> bool:
    """Whether it is a constant of the fact's own type."""
    kind = _KINDS.get(fact.type)
    if kind is None or not isinstance(value, kind):
        return False
    if fact.type is Type.DATE:
        return not isinstance(value, datetime)
    return fact.type not in _NUMERIC or terms.is_number(value)


def _known(sided: Rails, bound: _Bound) -> Rail:
    """Where a bound has a value at all: always, unless its row is looked up."""
    return union([sided.true, sided.false]) if bound.by else HOLDS
