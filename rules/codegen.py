"""Python source for conditions, in three-valued logic.

Together with rules.compiler the only place that writes code. Names and texts of rules enter the
source as `repr` literals or as arguments of a factory, never as bare words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from rules import words
from rules.facts import Fact, Type, fact_of
from rules.facts.items import DrugField
from rules.facts.read import ItemField
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

_COMPARISON: Final = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">="}
_DRUG: Final = "$drug"


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
    fresh: str = ""
    lines: list[str] = field(default_factory=list)
    extractors: dict[str, Any] = field(default_factory=dict)
    constants: list[Constant] = field(default_factory=list)
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
        wanted = Constant(kind, operand, fact)
        if wanted not in self.constants:
            self.constants.append(wanted)
        return f"k{self.constants.index(wanted)}"

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


def emit_condition(s: Source, tree: Condition, target: str, depth: int, bound: set[str]) -> None:
    """Emit code that leaves True, False or None (unknown) in `target`."""
    if isinstance(tree, Test):
        emit_test(s, tree, target, depth, bound)
    elif isinstance(tree, Not):
        emit_condition(s, tree.condition, target, depth, bound)
        s.emit(depth, f"if {target} is not None: {target} = not {target}")
    else:
        _emit_many(s, tree, target, depth, bound)


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


def emit_test(s: Source, test: Test, target: str, depth: int, bound: set[str]) -> None:
    """Emit one condition."""
    fact = s.fact(test.fact)
    a = s.fetch(fact, depth, bound)
    if test.operator == "exists":
        _emit_exists(s, test, fact, a, target, depth)
    elif test.operator in words.MEMBERSHIP or test.operator in words.LIST_MEMBERSHIP:
        _emit_membership(s, test, fact, a, target, depth, bound)
    else:
        _emit_comparison(s, test, fact, a, target, depth, bound)


def _emit_exists(s: Source, test: Test, fact: Fact, a: str, target: str, depth: int) -> None:
    wanted = _literal(test.operands[0])
    helper = "exists" if wanted else "exists_not"
    if fact.type is Type.LIST:
        s.emit(depth, f"{target} = {helper}({a})")
    else:
        s.emit(depth, f"{target} = {helper}({a}) if type({a}) is dict else {wanted}")


def _literal(operand: Operand) -> Any:
    if not isinstance(operand, Literal):
        raise TypeError("expected a literal")
    return operand.value


def _emit_membership(
    s: Source, test: Test, fact: Fact, a: str, target: str, depth: int, bound: set[str]
) -> None:
    operator, operand = test.operator, test.operands[0]
    if isinstance(operand, FactOperand):
        b = s.fetch(s.fact(operand.fact), depth, bound)
        helper = (
            "in_list"
            if operator == "in"
            else "not_in_list"
            if operator == "not_in"
            else (f"{operator}_list")
        )
        s.emit(depth, f"{target} = {helper}({a}, {b})")
        return
    k = s.constant("contains", operand, fact)
    can_miss = isinstance(operand, CodeSetOperand)
    if operator in words.MEMBERSHIP:
        negated = "not " if operator == "not_in" else ""
        missing = f"type({a}) is dict" + (f" or {k} is None" if can_miss else "")
        codes = s.constant("codes", operand, fact)
        known = f"{negated}{k}({a})" if fact.coding == "icd10" else f"{a} {negated}in {codes}"
        s.emit(depth, f"{target} = None if {missing} else {known}")
        return
    if can_miss:
        s.emit(depth, f"if {k} is None: {target} = None")
    word = "elif" if can_miss else "if"
    if fact.coding == "icd10" or operator == "all_in":
        s.emit(depth, f"{'else' if can_miss else 'if True'}: {target} = {operator}({a}, {k})")
        return
    codes = s.constant("codes", operand, fact)
    negated = "not " if operator == "any_in" else ""
    s.emit(depth, f"{word} type({a}) is dict: {target} = {operator}({a}, {k})")
    s.emit(depth, f"else: {target} = {negated}{codes}.isdisjoint({a})")


def _emit_comparison(
    s: Source, test: Test, fact: Fact, a: str, target: str, depth: int, bound: set[str]
) -> None:
    """Emit `is`, `is_not`, the four orders and `between`."""
    unknown = [f"type({a}) is dict"]
    steps: list[str] = []
    values = [_value(s, o, fact, a, depth, bound, unknown, steps) for o in test.operands]
    left = a
    if fact.type is Type.AMOUNT:
        left = _amount(s, test, a, steps)
    condition = _expression(test.operator, fact, left, values)
    s.emit(depth, f"if {' or '.join(dict.fromkeys(unknown))}: {target} = None")
    if not steps:
        s.emit(depth, f"else: {target} = {condition}")
        return
    s.emit(depth, "else:")
    checks: list[str] = []
    for step in steps:
        name, _, expression = step.partition(" = ")
        s.emit(depth + 1, f"{name} = {expression}")
        checks.append(f"{name} is None")
    s.emit(depth + 1, f"{target} = None if {' or '.join(checks)} else {condition}")


def _value(
    s: Source,
    operand: Operand,
    fact: Fact,
    a: str,
    depth: int,
    bound: set[str],
    unknown: list[str],
    steps: list[str],
) -> str:
    """The expression of an operand; what makes it unknown goes to `unknown` and `steps`."""
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
        k = s.constant("value", operand, fact)
        unknown.append(f"{k} is None")
        return k
    keys = []
    for name in operand.by:
        key_fact = s.fact(name)
        key = s.fetch(key_fact, depth, bound)
        unknown.append(f"type({key}) is dict")
        keys.append(f"key_word({key})" if key_fact.type is Type.BOOLEAN else key)
    row = s.name()
    steps.append(f"{row} = {s.constant('rows', operand, fact)}.get(({', '.join(keys)},))")
    return row


def _amount(s: Source, test: Test, a: str, steps: list[str]) -> str:
    """An amount as a number in the unit of what it is compared with."""
    unit = "''"
    for operand in test.operands:
        if isinstance(operand, ParameterOperand):
            unit = s.constant("unit", operand, s.fact(test.fact))
        elif isinstance(operand, FactOperand):
            unit = f"{s.local(operand.fact)}.unit"
    if unit == "''":
        return f"{a}.value"
    name = s.name()
    steps.append(f"{name} = amount_in({a}, {unit})")
    return name


def _expression(operator: str, fact: Fact, left: str, values: list[str]) -> str:
    if fact.type is Type.AMOUNT:
        values = [f"{v}.value" if v.startswith("a") else v for v in values]
    if operator == "between":
        return f"{values[0]} <= {left} <= {values[1]}"
    if operator in ("is", "is_not"):
        sign = "==" if operator == "is" else "!="
        if fact.type is Type.BOOLEAN:
            sign = "is" if operator == "is" else "is not"
        return f"{left} {sign} {values[0]}"
    return f"{left} {_COMPARISON[operator]} {values[0]}"
