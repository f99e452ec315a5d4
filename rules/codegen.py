"""Python source for conditions, in three-valued logic.

Together with rules.compiler the only place that writes code. Names and texts of rules enter the
source as `repr` literals or as arguments of a factory, never as bare words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from rules import words
from rules.facts import Fact, Type, fact_of
from rules.facts.items import DrugField
from rules.facts.read import ItemField, WordField
from rules.model import (
    AllOf,
    AnyOf,
    CodeSetOperand,
    Condition,
    FactOperand,
    Literal,
    Not,
    Operand,
    ParameterOperand,
    Test,
)

UNKNOWN: Final = "None"
_COMPARISON: Final = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}
_DRUG: Final = "$drug"
_BETWEEN_LISTS: Final = {
    "in": "{a} in {b}",
    "not_in": "{a} not in {b}",
    "any_in": "{b} != () and not {{*{a}}}.isdisjoint({b})",
    "none_in": "{b} == () or {{*{a}}}.isdisjoint({b})",
    "all_in": "{a} != () and {{*{a}}} <= {{*{b}}}",
}
"""Membership in a list that is a fact itself, where both are plainly known."""


@dataclass(frozen=True)
class Constant:
    """A place in the generated code that an epoch fills in."""

    kind: str
    """`codes`, `contains`, `value` (of a plain parameter), `rows` (of a keyed one) or `unit`."""
    operand: Operand
    fact: Fact


@dataclass
class Source:
    """The text of one function under construction, with what it takes from outside.

    `fresh` names the store ("E" or "F") that is empty when the function begins: its facts need
    not be looked for before they are first read.
    """

    each: str
    family: str
    resolve: Callable[[Constant], Any]
    """What a constant is on the days that the code is for; None where it is not known."""
    fresh: str = ""
    lines: list[str] = field(default_factory=list)
    extractors: dict[str, Any] = field(default_factory=dict)
    constants: list[Any] = field(default_factory=list)
    _named: dict[Constant, str] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _names: int = 0

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def name(self) -> str:
        self._names += 1
        return f"t{self._names}"

    def fact(self, name: str) -> Fact:
        fact = fact_of(name, self.each)
        if fact is None or self.family not in fact.extractors:
            raise ValueError(f"no fact {name} in {self.family} events")
        return fact

    def constant(self, kind: str, operand: Operand, fact: Fact) -> str:
        """The name of a constant; "" where it is not known."""
        wanted = Constant(kind, operand, fact)
        if wanted not in self._named:
            value = self.resolve(wanted)
            self._named[wanted] = "" if value is None else self.value(value)
        return self._named[wanted]

    def value(self, value: Any) -> str:
        """The name of any value that the code needs."""
        self.constants.append(value)
        return f"k{len(self.constants) - 1}"

    def local(self, name: str) -> str:
        """The local variable that holds a fact."""
        return f"a{list(self.extractors).index(name)}"

    def fetch(self, fact: Fact, depth: int, bound: set[str]) -> str:
        """Emit the reading of a fact unless it was surely read before; its local name."""
        self.extractors.setdefault(fact.name, fact.extractors[self.family])
        a = self.local(fact.name)
        if fact.name in bound:
            return a
        store = "E" if fact.of else "F"
        if store == self.fresh and fact.name not in self._touched:
            self._read(fact, a, store, depth, bound)
        else:
            self.emit(depth, f"{a} = {store}.get({fact.name!r})")
            self.emit(depth, f"if {a} is None:")
            self._read(fact, a, store, depth + 1, set(bound))
        self._touched.add(fact.name)
        bound.add(fact.name)
        return a

    def _read(self, fact: Fact, a: str, store: str, depth: int, bound: set[str]) -> None:
        """Emit the extraction itself: in place for plain fields, else as a call."""
        extractor = self.extractors[fact.name]
        target = f"{store}[{fact.name!r}]"
        f = f"f{a[1:]}"
        if isinstance(extractor, ItemField):
            self.emit(depth, f"{a} = o.{extractor.name}")
            if extractor.is_text:
                self.emit(depth, f"if type({a}) is not str or not {a}: {a} = text({a})")
            else:
                self.emit(depth, f"if {a} is UNSET or {a} is None: {a} = absent({a})")
            self.emit(depth, f"{target} = {a}")
        elif isinstance(extractor, WordField):
            self.emit(depth, f"{a} = o.{extractor.name}")
            self.emit(depth, f"if {a} not in {extractor.vocabulary!r}: {a} = other_word({a})")
            self.emit(depth, f"{target} = {a}")
        elif isinstance(extractor, DrugField):
            if _DRUG not in bound:
                self.emit(depth, "d = find_drug(c, o)")
                bound.add(_DRUG)
            value = f"{f}.without(d) if type(d) is dict else d.{extractor.name}"
            self.emit(depth, f"{a} = {target} = {value}")
        else:
            self.emit(
                depth, f"{a} = {target} = {f}(c, x)" if fact.of else f"{a} = {target} = {f}(c)"
            )


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


def emit_condition(s: Source, tree: Condition, target: str, depth: int, bound: set[str]) -> None:
    """Emit code that leaves True, False or None (unknown) in `target`."""
    if isinstance(tree, Test):
        s.emit(depth, f"{target} = {form_of(s, tree, depth, bound).value}")
    elif isinstance(tree, Not):
        emit_condition(s, tree.condition, target, depth, bound)
        s.emit(depth, f"if {target} is not None: {target} = not {target}")
    else:
        _emit_many(s, tree, target, depth, bound)


def emit_guard(
    s: Source, tree: Condition, depth: int, bound: set[str], if_false: str, if_unknown: str
) -> None:
    """Emit code that goes on where a tree is true, and else runs one of two statements."""
    if isinstance(tree, Test):
        form = form_of(s, tree, depth, bound)
        if form.is_plain:
            s.emit(depth, f"if {form.unknown}: {if_unknown}")
            s.emit(depth, f"elif not ({form.truth}): {if_false}")
            return
        s.emit(depth, f"t = {form.value}")
    else:
        emit_condition(s, tree, "t", depth, bound)
    s.emit(depth, f"if t is False: {if_false}")
    s.emit(depth, f"if t is None: {if_unknown}")


def _emit_many(s: Source, tree: AllOf | AnyOf, target: str, depth: int, bound: set[str]) -> None:
    neutral, decisive = ("True", "False") if isinstance(tree, AllOf) else ("False", "True")
    if not tree.conditions:
        s.emit(depth, f"{target} = {neutral}")
        return
    emit_condition(s, tree.conditions[0], target, depth, bound)
    for child in tree.conditions[1:]:
        part = s.name()
        s.emit(depth, f"if {target} is not {decisive}:")
        # What is read inside the branch may be unread after it: the branch gets its own copy.
        emit_condition(s, child, part, depth + 1, set(bound))
        s.emit(depth + 1, f"if {part} is not {neutral}: {target} = {part}")


def form_of(s: Source, test: Test, depth: int, bound: set[str]) -> Form:
    """One condition; what it reads is emitted, its expressions are returned."""
    fact = s.fact(test.fact)
    a = s.fetch(fact, depth, bound)
    if test.operator == "exists":
        return _exists(test, fact, a)
    if test.operator in words.MEMBERSHIP or test.operator in words.LIST_MEMBERSHIP:
        return _membership(s, test, fact, a, depth, bound)
    return _comparison(s, test, fact, a, depth, bound)


def _exists(test: Test, fact: Fact, a: str) -> Form:
    operand = test.operands[0]
    wanted = isinstance(operand, Literal) and operand.value is True
    helper = f"{'exists' if wanted else 'exists_not'}({a})"
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
    contains = s.constant("contains", operand, fact)
    codes = s.constant("codes", operand, fact)
    if not contains:
        return _NOTHING
    unknown = f"type({a}) is dict"
    if not is_list:
        negated = "not " if operator == "not_in" else ""
        plain = f"{a} {negated}in {codes}"
        if fact.in_knowledge is not None and isinstance(operand, CodeSetOperand):
            unknown += f" or {a} not in {codes} and not {s.value(fact.in_knowledge)}(c, x)"
        return Form(unknown, f"{negated}{contains}({a})" if fact.coding == "icd10" else plain)
    call = f"{operator}({a}, {contains})"
    if fact.coding == "icd10" or operator == "all_in":
        return Form("", call)
    negated = "not " if operator == "any_in" else ""
    return Form(unknown, f"{negated}{codes}.isdisjoint({a})", call)


def _comparison(s: Source, test: Test, fact: Fact, a: str, depth: int, bound: set[str]) -> Form:
    """`is`, `is_not`, the four orders and `between`."""
    unknown = [f"type({a}) is dict"]
    values = [_value(s, operand, fact, depth, bound, unknown) for operand in test.operands]
    if "" in values:
        return _NOTHING
    left = a
    if fact.type is Type.AMOUNT:
        left = _amount(s, test, a, unknown)
        values = [
            f"{v}.value" if isinstance(o, FactOperand) else v
            for v, o in zip(values, test.operands, strict=True)
        ]
    return Form(" or ".join(dict.fromkeys(unknown)), _expression(test.operator, fact, left, values))


def _value(
    s: Source, operand: Operand, fact: Fact, depth: int, bound: set[str], unknown: list[str]
) -> str:
    """The expression of an operand, "" for one without a value; `unknown` gets its conditions."""
    if isinstance(operand, Literal):
        if isinstance(operand.value, date):
            return s.constant("value", operand, fact)
        return repr(operand.value)
    if isinstance(operand, FactOperand):
        b = s.fetch(s.fact(operand.fact), depth, bound)
        unknown.append(f"type({b}) is dict")
        return b
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


def _amount(s: Source, test: Test, a: str, unknown: list[str]) -> str:
    """An amount as a number in the unit of what it is compared with."""
    for operand in test.operands:
        if isinstance(operand, ParameterOperand):
            unit = s.constant("unit", operand, s.fact(test.fact))
        elif isinstance(operand, FactOperand):
            unit = f"{s.local(operand.fact)}.unit"
        else:
            continue
        name = s.name()
        unknown.append(f"({name} := amount_in({a}, {unit})) is None")
        return name
    return f"{a}.value"


def _expression(operator: str, fact: Fact, left: str, values: list[str]) -> str:
    if operator == "between":
        return f"{values[0]} <= {left} <= {values[1]}"
    if operator in words.EQUALITY:
        sign = "==" if operator == "is" else "!="
        if fact.type is Type.BOOLEAN:
            sign = "is" if operator == "is" else "is not"
        return f"{left} {sign} {values[0]}"
    return f"{left} {_COMPARISON[operator]} {values[0]}"
