"""Whether an operand fits its fact: type, unit, code set; of parameters see reading.parameters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from rules import units, words
from rules.facts import Fact, Type
from rules.facts.read import icd_form
from rules.model import (
    CalendarOperand,
    CodeSetOperand,
    FactOperand,
    IntervalOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Words,
)
from rules.reading.parameters import counted_fits, parameter_fits, takes_list, unit_fits
from rules.reading.scope import Report, Scope

_LITERALS: Final[dict[Type, tuple[type, str]]] = {
    Type.NUMBER: (int, "0, 1 or {parameter: …}"),
    Type.MONEY: (int, "0, 1 or {parameter: …}"),
    Type.TEXT: (str, "text"),
    Type.BOOLEAN: (bool, "true or false"),
    Type.DATE: (date, "a date (YYYY-MM-DD)"),
    Type.TIME: (datetime, "a time with its offset (2026-03-02T10:00+08:00), or {fact: …}"),
}
_FROM_NOTHING: Final = frozenset({Type.AMOUNT, Type.DURATION})
"""Nothing is nothing in every unit: 0 needs none."""


def operand_fits(operator: str, fact: Fact, operand: Operand, scope: Scope, report: Report) -> bool:
    """Whether a fact can be compared with the operand; what is wrong is reported."""
    if operator == "exists":
        return _exists(operand, report)
    if isinstance(operand, CodeSetOperand):
        return _codeset(operator, fact, operand, scope, report)
    if isinstance(operand, Words):
        return _words(operator, fact, operand, report)
    if isinstance(operand, FactOperand):
        return _fact(operator, fact, operand, scope, report)
    if isinstance(operand, ParameterOperand):
        return parameter_fits(operator, fact, operand, scope, report)
    if isinstance(operand, IntervalOperand):
        return _interval(operator, operand, scope, report)
    if isinstance(operand, QuantityOperand):
        return _quantity(operator, fact, operand, report)
    if isinstance(operand, CalendarOperand):
        return _calendar(operator, fact, operand, scope, report)
    return _literal(operator, fact, operand, report)


def _exists(operand: Operand, report: Report) -> bool:
    if isinstance(operand, Literal) and isinstance(operand.value, bool):
        return True
    report("`exists` takes true or false", "")
    return False


def _one_value(operator: str, report: Report) -> bool:
    if takes_list(operator):
        report(f"`{operator}` takes a list or a code set", "write [one, two] or {codeset: …}")
        return False
    if operator == "overlaps":
        report("`overlaps` takes an interval", "write {fact: …} or [from, to]")
        return False
    return True


def _literal(operator: str, fact: Fact, operand: Literal, report: Report) -> bool:
    value = operand.value
    if not _one_value(operator, report):
        return False
    if fact.type in _FROM_NOTHING and value == 0 and not isinstance(value, bool):
        return True
    kind, what = _LITERALS.get(fact.type, (type(None), _expected(fact)))
    if type(value) is not kind:  # a bool is no number here, a time is no date
        report(f"`{fact.name}` ({fact.type}) is compared with {value}", f"expected {what}")
        return False
    return not isinstance(value, str) or _is_word(fact, value, report)


def _expected(fact: Fact) -> str:
    if fact.type in _FROM_NOTHING:
        return "0, a quantity with its unit, {fact: …} or {parameter: …}"
    return "{fact: …} or {parameter: …}"


def _is_word(fact: Fact, value: str, report: Report) -> bool:
    if not fact.words:
        return _is_code(fact, value, report)
    if value in fact.words:
        return True
    fix = words.nearest(value, fact.words) or f"expected {words.listing(fact.words)}"
    report(f"`{fact.name}` is never {value}", fix)
    return False


def _is_code(fact: Fact, value: str, report: Report) -> bool:
    """Whether a code is written as the fact's codes are: another spelling is never found."""
    if fact.coding == "icd10" and icd_form(value) != value:
        form = icd_form(value)
        fix = f"write {form}" if form else "write it as in ICD-10: J18.9"
        report(f"`{fact.name}` is never {value}", fix)
        return False
    if fact.coding in ("drug", "item") and "|" not in value:
        report(f"`{fact.name}` is never {value}", "write the code with its system: system|code")
        return False
    if fact.coding == "ingredient" and value != value.strip().lower():
        fix = f"ingredients stand in lower case: {value.lower()}"
        report(f"`{fact.name}` is never {value}", fix)
        return False
    return True


def _words(operator: str, fact: Fact, operand: Words, report: Report) -> bool:
    if not takes_list(operator):
        report(f"`{operator}` takes one value", "use `in`, or `any_in` for a list")
        return False
    return all(_is_word(fact, value, report) for value in operand.values)


def _codeset(
    operator: str, fact: Fact, operand: CodeSetOperand, scope: Scope, report: Report
) -> bool:
    codeset = scope.knowledge.codeset(operand.codeset)
    if codeset is None:
        fix = words.nearest(operand.codeset, scope.knowledge.codesets)
        report(f"there is no code set `{operand.codeset}`", fix or "add it to the knowledge base")
        return False
    if not takes_list(operator):
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
    if operand.fact == fact.name:
        this = f"{words.THIS}{fact.name.removeprefix(words.THIS)}"
        is_past = scope.present is not None and fact.name != this
        fix = f"did you mean {this}?" if is_past else "name another fact, or a parameter"
        report(f"`{fact.name}` is compared with itself", fix)
        return False
    other = scope.fact(operand.fact, report)
    if other is None:
        return False
    wanted = Type.LIST if takes_list(operator) else fact.type
    if other.type is not wanted:
        report(f"`{other.name}` is {other.type}", f"expected a fact of type {wanted}")
        return False
    if takes_list(operator):
        if other.coding != fact.coding:
            report(f"`{other.name}` holds codes of kind {other.coding}", f"expected {fact.coding}")
            return False
        return True
    if fact.type is Type.AMOUNT:
        units.atoms()  # both units are known only from events: be ready for them
    if units.unit_name(other.unit) != units.unit_name(fact.unit):
        report(
            f"`{fact.name}` is in {fact.unit or '1'}, `{other.name}` in {other.unit or '1'}",
            "compare facts of one unit",
        )
        return False
    return True


def _quantity(operator: str, fact: Fact, operand: QuantityOperand, report: Report) -> bool:
    if not _one_value(operator, report):
        return False
    return unit_fits(fact, operand.unit, f"{operand.value} {operand.unit}", report)


def _calendar(
    operator: str, fact: Fact, operand: CalendarOperand, scope: Scope, report: Report
) -> bool:
    if not _one_value(operator, report) or not counted_fits(operand, scope, report):
        return False
    if fact.type in (Type.NUMBER, Type.DURATION):
        return unit_fits(fact, operand.unit, f"a number of {operand.unit}", report)
    report(f"`{fact.name}` ({fact.type}) has no {operand.unit}", "compare a duration with them")
    return False


def _interval(operator: str, operand: IntervalOperand, scope: Scope, report: Report) -> bool:
    if operator != "overlaps":
        report(f"`{operator}` takes no interval", "use `overlaps` or `between`")
        return False
    good = True
    for end in (operand.start, operand.end):
        if not isinstance(end, FactOperand):
            continue
        fact = scope.fact(end.fact, report)
        if fact is None:
            good = False
        elif fact.type not in (Type.DATE, Type.TIME):
            report(f"`{fact.name}` ({fact.type}) is no end of an interval", "name a date or time")
            good = False
    return good
