"""Whether parameters and lengths of time fit: unit, values, and the facts that name a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rules import units, words
from rules.engine.constants import CALENDAR_UNITS
from rules.facts import CATALOGUE, Fact, Type
from rules.model import CalendarOperand, ParameterOperand, QuantityOperand
from rules.reading.fields import day_of, time_of
from rules.reading.scope import Report, Scope


def span_fits(
    operand: QuantityOperand | CalendarOperand | ParameterOperand,
    scope: Scope,
    report: Report,
    word: str = words.FRESH_WITHIN,
) -> bool:
    """Whether the operand of `fresh_within`, or of another word, is a length of time."""
    if isinstance(operand, QuantityOperand):
        if units.is_duration(operand.unit):
            return True
        report(f"`{word}` is in {operand.unit}", "give a duration: s, min, h, d or wk")
        return False
    if isinstance(operand, CalendarOperand):
        return counted_fits(operand, scope, report)
    parameter = scope.knowledge.parameter(operand.parameter)
    if parameter is None:
        return _no_parameter(operand, scope, report)
    good = _key(operand, parameter.by, scope, report)
    if not _is_span(parameter, report):
        return False
    return good


def takes_list(operator: str) -> bool:
    """Whether an operator compares with several values."""
    return operator in words.MEMBERSHIP or operator in words.LIST_MEMBERSHIP


def unit_fits(fact: Fact, unit: str, what: str, report: Report) -> bool:
    """Whether a number in this unit can be told in the fact's."""
    if fact.type is Type.AMOUNT:
        # Its unit is known only from the event: other units are converted, or unknown.
        wrong = units.unknown_part(unit)
        if wrong:
            report(f"{what} is in {unit}, which is no known unit", "write it as in UCUM: mg, g/d")
        return not wrong
    if fact.type is Type.DURATION:
        if units.is_duration(unit) or unit in CALENDAR_UNITS:
            return True
        fix = "give it in s, min, h, d (24 h) or wk, or in calendar days, months or years"
        report(f"{what} is in {unit or '1'}, `{fact.name}` is a duration", fix)
        return False
    if fact.type not in (Type.NUMBER, Type.MONEY):
        report(f"`{fact.name}` ({fact.type}) is compared with {what}", "it has no unit")
        return False
    if units.unit_name(CALENDAR_UNITS.get(unit, unit)) == units.unit_name(fact.unit):
        return unit not in CALENDAR_UNITS or fact.counts or _as_calendar(fact, unit, report)
    if not fact.counts and fact.type is Type.NUMBER and units.convertible(unit, fact.unit):
        return True
    shown = units.possible(fact.unit) if not fact.counts else (fact.unit,)
    report(
        f"{what} is in {unit or '1'}, `{fact.name}` in {fact.unit or '1'}",
        f"give it in {words.listing(shown or (fact.unit,))}",
    )
    return False


def _as_calendar(fact: Fact, unit: str, report: Report) -> bool:
    report(f"`{fact.name}` counts no calendar {unit}", f"give it in {fact.unit}")
    return False


def counted_fits(operand: CalendarOperand, scope: Scope, report: Report) -> bool:
    """Whether a calendar operand counts with whole numbers of its unit."""
    if not isinstance(operand.count, ParameterOperand):
        return True
    parameter = scope.knowledge.parameter(operand.count.parameter)
    if parameter is None:
        return _no_parameter(operand.count, scope, report)
    good = _key(operand.count, parameter.by, scope, report)
    fits = (operand.unit, CALENDAR_UNITS[operand.unit])
    if parameter.unit not in fits:
        fix = f"give it in {words.listing(fits)}"
        report(f"`{parameter.id}` is in {parameter.unit or '1'}, not in {operand.unit}", fix)
        return False
    if not all(_is_whole(value) for value in _values(parameter)):
        report(f"`{parameter.id}` is no whole number of {operand.unit}", "correct the parameter")
        return False
    return good


def _values(parameter: Any) -> list[Any]:
    return [entry.value.value for row in parameter.rows.values() for entry in row]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FITTING_VALUES: Final[dict[Type, Callable[[Any], bool]]] = {
    Type.NUMBER: _is_number,
    Type.MONEY: _is_number,
    Type.AMOUNT: _is_number,
    Type.DURATION: _is_number,
    Type.TEXT: lambda value: isinstance(value, str),
    Type.BOOLEAN: lambda value: isinstance(value, bool),
    Type.DATE: lambda value: day_of(value) is not None,
    Type.TIME: lambda value: isinstance(value, str) and time_of(value) is not None,
}


def _no_parameter(operand: ParameterOperand, scope: Scope, report: Report) -> bool:
    fix = words.nearest(operand.parameter, scope.knowledge.parameters)
    report(f"there is no parameter `{operand.parameter}`", fix or "add it to the knowledge base")
    return False


def parameter_fits(
    operator: str, fact: Fact, operand: ParameterOperand, scope: Scope, report: Report
) -> bool:
    """Whether a fact can be compared with a parameter."""
    parameter = scope.knowledge.parameter(operand.parameter)
    if parameter is None:
        return _no_parameter(operand, scope, report)
    if takes_list(operator) or operator == "overlaps":
        report(f"`{operator}` takes no parameter", "compare with `is` or `at_most`")
        return False
    good = _key(operand, parameter.by, scope, report)
    fits = _FITTING_VALUES.get(fact.type)
    if fits is None or not all(map(fits, _values(parameter))):
        report(f"`{parameter.id}` does not fit `{fact.name}` ({fact.type})", "name another one")
        return False
    if fact.type is Type.DURATION:
        return _is_span(parameter, report) and good
    if fact.type in (Type.NUMBER, Type.MONEY, Type.AMOUNT):
        return unit_fits(fact, parameter.unit, f"`{parameter.id}`", report) and good
    return good


def _is_span(parameter: Any, report: Report) -> bool:
    """Whether a parameter is a length of time: of the clock, or in whole calendar units."""
    if parameter.unit in (*CALENDAR_UNITS, words.WORKING_DAYS):
        if all(map(_is_whole, _values(parameter))):
            return True
        report(f"`{parameter.id}` is no whole number of {parameter.unit}", "correct the parameter")
        return False
    if units.is_duration(parameter.unit) and all(map(_is_number, _values(parameter))):
        return True
    fix = "give it in s, min, h, d (24 h), wk, working_days, or calendar days, months or years"
    report(f"`{parameter.id}` is in {parameter.unit or '1'}, which is no length of time", fix)
    return False


def _facts_for(column: str) -> str:
    """The facts that can name the rows of a column; else the form of their names."""
    fitting = (Type.TEXT, Type.BOOLEAN)
    found = [n for n, f in CATALOGUE.items() if f.type in fitting and _is_column(n, column)]
    return " or ".join(found[:3]) or f"….{column}"


def _key_words(
    operand: ParameterOperand, place: int, fact: Fact, scope: Scope, report: Report
) -> bool:
    """Whether the keys of a table are words that the fact can have."""
    parameter = scope.knowledge.parameter(operand.parameter)
    keys = {key[place] for key in parameter.rows} if parameter is not None else set()
    wrong = sorted(key for key in keys if key not in fact.words)
    for key in wrong:
        fix = words.nearest(key, fact.words) or f"it is {words.listing(fact.words)}"
        report(f"`{operand.parameter}` has a key `{key}`, no word of `{fact.name}`", fix)
    return not wrong


def _key(operand: ParameterOperand, columns: tuple[str, ...], scope: Scope, report: Report) -> bool:
    if len(operand.by) != len(columns):
        shown = f"[{', '.join(columns)}]" if columns else "no columns"
        fix = "remove `by`"
        if columns:
            facts = ", ".join(_facts_for(column) for column in columns)
            fix = f"write {{parameter: {operand.parameter}, by: [{facts}]}}"
        report(f"the parameter `{operand.parameter}` is looked up by {shown}", fix)
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
            fix = f"write {_facts_for(column)}"
            report(f"`{name}` stands where the column `{column}` is expected", fix)
            good = False
        elif fact.words:
            good = _key_words(operand, columns.index(column), fact, scope, report) and good
    return good


def _is_column(fact: str, column: str) -> bool:
    """A column is called like the fact, or like its last words: `control`, `drug.control`."""
    plain = column.replace("_", ".")
    return fact == column or f".{fact}".replace("_", ".").endswith(f".{plain}")
