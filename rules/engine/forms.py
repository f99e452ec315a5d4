"""Single conditions as expressions of generated code, in three-valued logic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from rules import words
from rules.engine.source import Constant, Source
from rules.facts import Fact, Type
from rules.facts.read import ItemField
from rules.model import (
    CalendarOperand,
    CodeSetOperand,
    FactOperand,
    IntervalOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Test,
)

UNKNOWN: Final = "None"
_COMPARISON: Final = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}
_AMOUNT: Final = "$amount "
_CUT: Final = "$cut "
_BETWEEN_LISTS: Final = {
    "in": "{a} in {b}",
    "not_in": "{a} not in {b}",
    "any_in": "{b} != () and not {{*{a}}}.isdisjoint({b})",
    "none_in": "{b} == () or {{*{a}}}.isdisjoint({b})",
    "all_in": "{a} != () and {{*{a}}} <= {{*{b}}}",
}
"""Membership in a list that is a fact itself, where both are plainly known."""


@dataclass(frozen=True)
class Form:
    """A condition as expressions: `otherwise` where `unknown` holds, else `truth`.

    `otherwise` is "None" or an expression that may be unknown itself (a partial list).
    """

    unknown: str
    truth: str
    otherwise: str = UNKNOWN

    @property
    def value(self) -> str:
        if not self.unknown:
            return self.truth
        return f"{self.otherwise} if {self.unknown} else {self.truth}"

    @property
    def is_plain(self) -> bool:
        """Whether it is unknown exactly where `unknown` holds."""
        return bool(self.unknown) and self.otherwise == UNKNOWN


_NOTHING: Final = Form("", UNKNOWN)
"""A condition that cannot be decided on these days at all."""
_SPAN: Final = Fact("", Type.DURATION, "", "", {})
"""What the operand of `fresh_within` is: a length of time."""


def form_of(s: Source, test: Test, depth: int, bound: set[str]) -> Form:
    """One condition; what it reads is emitted, its expressions are returned."""
    fact = s.fact(test.fact)
    a = s.fetch(fact, depth, bound)
    if test.operator == "exists":
        form = _exists(test, fact, a)
    elif test.operator == "overlaps":
        form = _overlaps(s, test, a, depth, bound)
    elif test.operator in words.MEMBERSHIP or test.operator in words.LIST_MEMBERSHIP:
        form = _membership(s, test, fact, a, depth, bound)
    else:
        form = _comparison(s, test, fact, a, depth, bound)
    return form if test.fresh_within is None else _fresh(s, test, fact, form, depth, bound)


def _fresh(
    s: Source, test: Test, fact: Fact, form: Form, depth: int, bound: set[str]
) -> Form:  # fmt: skip
    """The same for a value that must be fresh: where it is not, or its age is unknown, unknown."""
    at = s.fetch(s.fact(fact.time), depth, bound)
    unknown: list[str] = [f"type({at}) is dict"]
    assert test.fresh_within is not None
    span, unit = _span(s, test.fresh_within, depth, bound, unknown)
    if not span:
        return _NOTHING
    unknown.append(f"is_not_fresh(c, x, {at}, {span}, {unit!r})")
    not_fresh = " or ".join(unknown)
    if form.is_plain:
        return Form(f"{form.unknown} or {not_fresh}", form.truth)
    # What is not known at all is as old as it likes: its own form decides.
    return Form(form.unknown, f"(None if {not_fresh} else {form.truth})", form.otherwise)


def _span(
    s: Source, operand: Operand, depth: int, bound: set[str], unknown: list[str]
) -> tuple[str, str]:
    """The expression of a length of time ("" for one without a value), and its calendar unit."""
    if isinstance(operand, CalendarOperand):
        if not isinstance(operand.count, ParameterOperand):
            return repr(operand.count), operand.unit
        return _value(s, operand.count, _SPAN, depth, bound, unknown), operand.unit
    unit = s.unit(operand, _SPAN)
    value = _value(s, operand, _SPAN, depth, bound, unknown)
    return value, unit if unit in (*words.CALENDAR, words.WORKING_DAYS) else ""


def _overlaps(s: Source, test: Test, a: str, depth: int, bound: set[str]) -> Form:
    operand = test.operands[0]
    if isinstance(operand, FactOperand):
        b = s.fetch(s.fact(operand.fact), depth, bound)
    elif isinstance(operand, IntervalOperand):
        ends = [_end(s, end, depth, bound) for end in (operand.start, operand.end)]
        b = f"interval({', '.join(ends)}, c.zone)"
    else:
        raise TypeError(f"{type(operand).__name__} is no interval")
    return Form("", f"overlap({a}, {b})")


def _end(
    s: Source, end: Literal | FactOperand | None, depth: int, bound: set[str]
) -> str:  # fmt: skip
    if end is None:
        return "None"
    if isinstance(end, FactOperand):
        return s.fetch(s.fact(end.fact), depth, bound)
    return s.value(end.value)


def _exists(test: Test, fact: Fact, a: str) -> Form:
    operand = test.operands[0]
    wanted = isinstance(operand, Literal) and operand.value is True
    helper = f"{'exists' if wanted else 'exists_not'}({a}, {fact.name!r}, c)"
    if fact.type is Type.LIST:
        return Form(f"type({a}) is dict", f"{'True' if wanted else 'False'} if {a} else "
                    f"{'False' if wanted else 'True'}", helper)  # fmt: skip
    return Form(f"type({a}) is dict", str(wanted), helper)


def _membership(s: Source, test: Test, fact: Fact, a: str, depth: int, bound: set[str]) -> Form:
    operator, operand = test.operator, test.operands[0]
    is_list = operator in words.LIST_MEMBERSHIP
    if isinstance(operand, FactOperand):
        b = s.fetch(s.fact(operand.fact), depth, bound)
        unknown = f"type({a}) is dict or type({b}) is dict"
        return Form(
            unknown, _BETWEEN_LISTS[operator].format(a=a, b=b), f"{operator}_list({a}, {b})"
        )
    codes = s.constant("codes", operand, fact)
    if not codes:
        return _NOTHING
    unknown = s.unknown(fact, a, depth, bound)
    lengths = s.resolve(Constant("lengths", operand, fact)) if fact.coding == "icd10" else ()
    if not is_list:
        negated = "not " if operator == "not_in" else ""
        if lengths:
            hits = " or ".join(f"{a}[:{size}] in {codes}" for size in lengths)
            return Form(unknown, f"{negated}({hits})")
        if fact.in_knowledge is not None and isinstance(operand, CodeSetOperand):
            unknown += f" or {a} not in {codes} and not {s.value(fact.in_knowledge)}(c, x)"
        return Form(unknown, f"{a} {negated}in {codes}")
    call = f"{operator}({a}, {s.constant('contains', operand, fact)})"
    if operator == "all_in":
        return Form("", call)
    if lengths:
        a = cut_of(s, fact, a, lengths, depth, bound)
    negated = "not " if operator == "any_in" else ""
    return Form(unknown, f"{negated}{codes}.isdisjoint({a})", call)


def cut_of(
    s: Source, fact: Fact, a: str, lengths: tuple[int, ...], depth: int, bound: set[str]
) -> str:
    """The codes of a list cut to their categories; nothing where the list is not plainly known."""
    unknown = s.unknown(fact, a, depth, bound)
    of = f"v[:{lengths[0]}] for v in {a}"
    if len(lengths) > 1:
        of = f"v[:n] for v in {a} for n in {lengths!r}"
    name = f"{_CUT}{fact.name} {lengths}"
    keep = s.once if fact.of else s.kept
    return keep(name, f"() if {unknown} else {{{of}}}", depth, bound)


def _comparison(s: Source, test: Test, fact: Fact, a: str, depth: int, bound: set[str]) -> Form:
    """`is`, `is_not`, the four orders and `between`."""
    unknown = [s.unknown(fact, a, depth, bound)]
    sides = [_sides(s, operand, fact, a, depth, bound, unknown) for operand in test.operands]
    if not all(right for _, right in sides):
        return _NOTHING
    return Form(" or ".join(dict.fromkeys(unknown)), _expression(test.operator, fact, sides))


def _sides(
    s: Source, operand: Operand, fact: Fact, a: str, depth: int, bound: set[str], unknown: list[str]
) -> tuple[str, str]:
    """The fact and the operand as expressions of one unit; `unknown` gets their conditions."""
    if fact.type is Type.AMOUNT:
        right = _value(s, operand, fact, depth, bound, unknown)
        if isinstance(operand, FactOperand):
            name = s.name()
            unknown.append(f"({name} := amount_in({a}, {right}.unit)) is None")
            return name, f"{right}.value"
        unit = s.unit(operand, fact)
        if not unit:
            return f"{a}.value", right
        plain = s.unknown(fact, a, depth, bound)
        value = f"{a}.value if {a}.unit == {unit!r} else amount_in({a}, {unit!r})"
        value = f"None if {plain} else {value}"
        left = s.once(f"{_AMOUNT}{fact.name} {unit}", value, depth, bound)
        if unknown[0] == plain:
            unknown[0] = f"{left} is None"
        else:  # the other bound may be of another kind: in its unit too it must be known
            unknown.append(f"{left} is None")
        return left, right
    if fact.ends is not None and _is_calendar(s, operand, fact):
        return _calendar(s, operand, fact, depth, bound, unknown)
    right = _value(s, operand, fact, depth, bound, unknown)
    if isinstance(s.extractors[fact.name], ItemField) and right.isdecimal() and len(right) < 16:
        right += ".0"  # numbers of an item are floats, which compare with floats at half the cost
    return a, right


def _is_calendar(s: Source, operand: Operand, fact: Fact) -> bool:
    return isinstance(operand, CalendarOperand) or s.unit(operand, fact) in words.CALENDAR


def _calendar(
    s: Source, operand: Operand, fact: Fact, depth: int, bound: set[str], unknown: list[str]
) -> tuple[str, str]:
    """A duration is measured in calendar units by its ends: the limit is counted from the first."""
    assert fact.ends is not None
    start, end = (s.fetch(s.fact(name), depth, bound) for name in fact.ends)
    count, unit = _span(s, operand, depth, bound, unknown)
    return end, f"shifted({start}, {count}, {unit!r}, c.zone)" if count else ""


def _value(
    s: Source, operand: Operand, fact: Fact, depth: int, bound: set[str], unknown: list[str]
) -> str:
    """The expression of an operand, "" for one without a value; `unknown` gets its conditions."""
    if isinstance(operand, Literal):
        if isinstance(operand.value, date) or fact.type is Type.DURATION:
            return s.constant("value", operand, fact)
        return repr(operand.value)
    if isinstance(operand, FactOperand):
        b = s.fetch(s.fact(operand.fact), depth, bound)
        unknown.append(f"type({b}) is dict")
        return b
    if isinstance(operand, CalendarOperand):
        if not isinstance(operand.count, ParameterOperand):
            return repr(operand.count)
        return _value(s, operand.count, fact, depth, bound, unknown)
    if isinstance(operand, QuantityOperand):
        return s.constant("value", operand, fact)
    if not isinstance(operand, ParameterOperand):
        raise TypeError(f"{type(operand).__name__} is no value to compare with")
    if not operand.by:
        return s.constant("value", operand, fact)
    keys = []
    for name in operand.by:
        key_fact = s.fact(name)
        key = s.fetch(key_fact, depth, bound)
        unknown.append(f"type({key}) is dict")
        keys.append(f"key_word({key})" if key_fact.type is Type.BOOLEAN else key)
    row = s.name()
    rows = s.constant("rows", operand, fact)
    # The row is looked up only once its key is known: the conditions are joined with `or`.
    unknown.append(f"({row} := {rows}.get(({', '.join(keys)},))) is None")
    return row


def _expression(operator: str, fact: Fact, sides: list[tuple[str, str]]) -> str:
    left, right = sides[0]
    if operator == "between":
        other, high = sides[1]
        if other == left:
            return f"{right} <= {left} <= {high}"
        return f"{right} <= {left} and {other} <= {high}"
    if operator in words.EQUALITY:
        sign = "==" if operator == "is" else "!="
        if fact.type is Type.BOOLEAN:
            sign = "is" if operator == "is" else "is not"
        return f"{left} {sign} {right}"
    return f"{left} {_COMPARISON[operator]} {right}"
