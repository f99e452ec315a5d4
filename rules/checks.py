"""Whether a condition's parts fit together: operator and type, units, code sets, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from knowledge_base import KnowledgeBase
from rules import words
from rules.facts import CATALOGUE, ELEMENT_VALUE, Fact, Type, fact_of
from rules.facts.read import unit_name
from rules.model import (
    CodeSetOperand,
    FactOperand,
    Literal,
    Operand,
    ParameterOperand,
    Test,
    Words,
)

_EXISTS: Final = ("exists",)
_COMPARED: Final = (*words.ORDER, "between")
FITTING: Final[dict[Type, tuple[str, ...]]] = {
    Type.NUMBER: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.MONEY: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.TEXT: (*words.EQUALITY, *words.MEMBERSHIP, *_EXISTS),
    Type.BOOLEAN: (*words.EQUALITY, *_EXISTS),
    Type.DATE: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.TIME: (*_COMPARED, *_EXISTS),
    Type.LIST: (*words.LIST_MEMBERSHIP, *_EXISTS),
    Type.AMOUNT: (*_COMPARED, *_EXISTS),
    Type.NOTE: _EXISTS,
}
"""The operators of each type of fact."""

Report = Callable[[str, str], None]
"""Takes a message and a fix."""


@dataclass(frozen=True)
class Scope:
    """Where a condition stands: the rule's events and list, and the knowledge it may name."""

    families: tuple[str, ...]
    each: str
    knowledge: KnowledgeBase

    def fact(self, name: str, report: Report) -> Fact | None:
        """The fact of that name if it is available here; what is wrong is reported."""
        fact = fact_of(name, self.each)
        if fact is None:
            if name == ELEMENT_VALUE:
                report(f"`{name}` needs `each:` with a list fact", "e.g. each: patient.allergies")
            elif name.startswith("this."):
                report(f"`{name}`: `this` is not built yet", "it belongs to `history`")
            elif name.startswith("pair."):
                report(f"`{name}`: pairs are not built yet", "")
            else:
                fix = words.nearest(name, CATALOGUE) or "`yijian rules facts` lists all facts"
                report(f"there is no fact `{name}`", fix)
            return None
        if fact.of and fact.of != self.each:
            report(f"`{name}` belongs to an element of {fact.of}", f"add `each: {fact.of}`")
            return None
        for family in self.families:
            if family not in fact.extractors:
                have = words.listing(fact.families)
                report(f"{family} events have no `{name}`", f"it is a fact of {have} events")
                return None
        return fact


def check_test(test: Test, scope: Scope, report: Report) -> bool:
    """Whether the condition has a meaning in its place; every reason why not is reported."""
    fact = scope.fact(test.fact, report)
    if fact is None:
        return False
    if test.operator not in FITTING[fact.type]:
        fit = words.listing(FITTING[fact.type])
        report(f"`{test.operator}` does not fit `{fact.name}` ({fact.type})", f"use {fit}")
        return False
    plain = all(isinstance(operand, ParameterOperand) for operand in test.operands)
    if fact.type is Type.AMOUNT and test.operator == "between" and not plain:
        report("`between` on an amount takes two parameters", "write {parameter: …} twice")
        return False
    fit_all = [_operand(test.operator, fact, o, scope, report) for o in test.operands]
    return all(fit_all)  # every operand is looked at, so that every mistake is reported


def _operand(operator: str, fact: Fact, operand: Operand, scope: Scope, report: Report) -> bool:
    if isinstance(operand, CodeSetOperand):
        return _codeset(operator, fact, operand, scope, report)
    if isinstance(operand, Words):
        return _words(operator, fact, operand, report)
    if isinstance(operand, FactOperand):
        return _fact(operator, fact, operand, scope, report)
    if isinstance(operand, ParameterOperand):
        return _parameter(operator, fact, operand, scope, report)
    return _literal(operator, fact, operand, report)


def _takes_list(operator: str) -> bool:
    return operator in words.MEMBERSHIP or operator in words.LIST_MEMBERSHIP


def _literal(operator: str, fact: Fact, operand: Literal, report: Report) -> bool:
    value = operand.value
    if _takes_list(operator):
        report(f"`{operator}` takes a list or a code set", "write [one, two] or {codeset: …}")
        return False
    if operator == "exists":
        if isinstance(value, bool):
            return True
        report("`exists` takes true or false", "")
        return False
    wanted: dict[Type, tuple[type, str]] = {
        Type.NUMBER: (int, "0, 1 or {parameter: …}"),
        Type.MONEY: (int, "0, 1 or {parameter: …}"),
        Type.TEXT: (str, "text"),
        Type.BOOLEAN: (bool, "true or false"),
        Type.DATE: (date, "a date (YYYY-MM-DD)"),
    }
    kind, what = wanted.get(fact.type, (type(None), "{fact: …} or {parameter: …}"))
    if fact.type is Type.AMOUNT and value == 0 and not isinstance(value, bool):
        return True  # nothing is nothing in every unit
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        report(f"`{fact.name}` ({fact.type}) is compared with {value}", f"expected {what}")
        return False
    if isinstance(value, str) and fact.words and value not in fact.words:
        fix = words.nearest(value, fact.words) or f"expected {words.listing(fact.words)}"
        report(f"`{fact.name}` is never {value}", fix)
        return False
    return True


def _words(operator: str, fact: Fact, operand: Words, report: Report) -> bool:
    if not _takes_list(operator):
        report(f"`{operator}` takes one value", "use `in`, or `any_in` for a list")
        return False
    if fact.words:
        for value in operand.values:
            if value not in fact.words:
                fix = words.nearest(value, fact.words) or f"expected {words.listing(fact.words)}"
                report(f"`{fact.name}` is never {value}", fix)
                return False
    return True


def _codeset(
    operator: str, fact: Fact, operand: CodeSetOperand, scope: Scope, report: Report
) -> bool:
    codeset = scope.knowledge.codeset(operand.codeset)
    if codeset is None:
        fix = words.nearest(operand.codeset, scope.knowledge.codesets)
        report(f"there is no code set `{operand.codeset}`", fix or "add it to the knowledge base")
        return False
    if not _takes_list(operator):
        report(f"`{operator}` takes no code set", "use `in`, or `any_in` for a list")
        return False
    if codeset.of != fact.coding:
        report(
            f"the code set `{codeset.id}` holds codes of kind {codeset.of}, "
            f"`{fact.name}` is of kind {fact.coding}",
            "ask for another fact or code set",
        )
        return False
    return True


def _fact(operator: str, fact: Fact, operand: FactOperand, scope: Scope, report: Report) -> bool:
    other = scope.fact(operand.fact, report)
    if other is None:
        return False
    wanted = Type.LIST if _takes_list(operator) else fact.type
    if operator == "exists":
        report("`exists` takes true or false", "")
        return False
    if other.type is not wanted:
        report(f"`{other.name}` is {other.type}", f"expected a fact of type {wanted}")
        return False
    if unit_name(other.unit) != unit_name(fact.unit) and not _takes_list(operator):
        report(
            f"`{fact.name}` is in {fact.unit or '1'}, `{other.name}` in {other.unit or '1'}",
            "compare facts of one unit",
        )
        return False
    if _takes_list(operator) and other.coding != fact.coding:
        report(f"`{other.name}` holds codes of kind {other.coding}", f"expected {fact.coding}")
        return False
    return True


def _parameter(
    operator: str, fact: Fact, operand: ParameterOperand, scope: Scope, report: Report
) -> bool:
    parameter = scope.knowledge.parameter(operand.parameter)
    if parameter is None:
        fix = words.nearest(operand.parameter, scope.knowledge.parameters)
        report(
            f"there is no parameter `{operand.parameter}`", fix or "add it to the knowledge base"
        )
        return False
    if _takes_list(operator) or operator == "exists":
        report(f"`{operator}` takes no parameter", "compare with `is` or `at_most`")
        return False
    good = _key(operand, parameter.by, scope, report)
    values = [entry.value.value for row in parameter.rows.values() for entry in row]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    fits = {
        Type.NUMBER: numeric,
        Type.MONEY: numeric,
        Type.AMOUNT: numeric,
        Type.TEXT: all(isinstance(v, str) for v in values),
        Type.BOOLEAN: all(isinstance(v, bool) for v in values),
    }.get(fact.type, False)
    if not fits:
        report(f"`{parameter.id}` does not fit `{fact.name}` ({fact.type})", "name another one")
        return False
    if fact.type is Type.AMOUNT:
        return good  # its unit is known only from the event; other units are converted or unknown
    if fact.type in (Type.NUMBER, Type.MONEY) and unit_name(parameter.unit) != unit_name(fact.unit):
        report(
            f"`{parameter.id}` is in {parameter.unit or '1'}, `{fact.name}` in {fact.unit or '1'}",
            "give the parameter in the fact's unit",
        )
        return False
    return good


def _key(operand: ParameterOperand, columns: tuple[str, ...], scope: Scope, report: Report) -> bool:
    if len(operand.by) != len(columns):
        shown = f"[{', '.join(columns)}]" if columns else "no columns"
        report(f"the parameter `{operand.parameter}` is looked up by {shown}", "correct `by`")
        return False
    good = True
    for name, column in zip(operand.by, columns, strict=True):
        fact = scope.fact(name, report)
        if fact is None:
            good = False
        elif fact.type not in (Type.TEXT, Type.BOOLEAN):
            report(f"`{name}` ({fact.type}) cannot name a row", "use a text or true-or-false fact")
            good = False
        elif not _is_column(name, column):
            report(f"`{name}` stands where the column `{column}` is expected", "correct `by`")
            good = False
    return good


def _is_column(fact: str, column: str) -> bool:
    """A column is called like the fact, or like its last words: `control`, `drug.control`."""
    plain = column.replace("_", ".")
    return fact == column or f".{fact}".replace("_", ".").endswith(f".{plain}")
