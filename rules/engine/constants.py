"""What the knowledge base says on one day, as the constants of compiled conditions.

Between two boundary days nothing that a pack reads changes, so that all days between them share
their constants: an epoch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from contracts.decision import Threshold
from knowledge_base import KnowledgeBase, ParameterValue
from rules import units
from rules.engine.source import Constant, Resolve
from rules.engine.truth import Contains, prefix_matcher
from rules.facts import Fact, Type
from rules.model import (
    CodeSetOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Rule,
    Words,
)
from rules.reading.fields import day_of, time_of

CALENDAR_UNITS: Final = {"days": "d", "months": "mo", "years": "a"}
"""Units of the calendar, and of a number of them."""


@dataclass(frozen=True)
class Members:
    """The members of a set of codes on a day, and how a code is looked for among them."""

    codes: frozenset[str]
    contains: Contains
    lengths: tuple[int, ...] = ()
    """Lengths of code prefixes; empty where a code is compared as a whole."""


def members_of(operand: Operand, knowledge: KnowledgeBase, day: date) -> Members | None:
    """The members that a list operand names; None where the knowledge base has none that day."""
    if isinstance(operand, Words):
        codes = frozenset(operand.values)
        return Members(codes, codes.__contains__)
    if not isinstance(operand, CodeSetOperand):
        return None
    codeset = knowledge.codeset(operand.codeset)
    found = codeset.history.at(day) if codeset is not None else None
    if codeset is None or found is None:
        return None
    if codeset.of == "icd10":
        return Members(found.codes, prefix_matcher(found.codes, found.lengths), found.lengths)
    return Members(found.codes, found.codes.__contains__)


def value_for(fact: Fact, value: Any, unit: str) -> Any:
    """A parameter's value as the fact's type is compared; None where the units do not fit.

    A number is in the fact's unit then, a duration is a timedelta; of calendar days, months and
    years it stays their number, and an amount keeps its own unit.
    """
    if fact.type is Type.MONEY:
        return Decimal(str(value))
    if fact.type is Type.DURATION:
        return value if unit in CALENDAR_UNITS else units.duration(value, unit)
    if fact.type is Type.DATE:
        return day_of(value)
    if fact.type is Type.TIME:
        return time_of(value)
    if fact.type is Type.NUMBER:
        return units.convert(value, CALENDAR_UNITS.get(unit, unit), fact.unit)
    return value


def parameter_values(
    operand: ParameterOperand, knowledge: KnowledgeBase, day: date
) -> dict[tuple[str, ...], ParameterValue]:
    """The rows of a parameter that hold on a day, by key; the key of a plain one is ()."""
    parameter = knowledge.parameter(operand.parameter)
    if parameter is None:
        return {}
    rows = {key: history.at(day) for key, history in parameter.rows.items()}
    return {key: value for key, value in rows.items() if value is not None}


def threshold_of(parameter_id: str, value: ParameterValue) -> Threshold:
    """The value with where it comes from, as a finding shows it."""
    return Threshold(
        parameter=parameter_id,
        value=value.value,
        unit=value.unit,
        source=value.source,
        locator=value.locator,
        valid_from=value.valid_from.isoformat(),
    )


def boundaries(rules: Iterable[Rule], knowledge: KnowledgeBase) -> tuple[date, ...]:
    """Every day on which something that these rules read begins or ends, sorted."""
    days: set[date] = set()
    for rule in rules:
        days.add(rule.effective.start)
        if rule.effective.end is not None:
            days.add(rule.effective.end)
        for operand in rule.operands:
            days.update(_days_of(operand, knowledge))
    return tuple(sorted(days))


def _days_of(operand: Operand, knowledge: KnowledgeBase) -> Iterable[date]:
    entries: list[tuple[date, date | None]] = []
    if isinstance(operand, CodeSetOperand):
        codeset = knowledge.codeset(operand.codeset)
        if codeset is not None:
            entries = [(e.valid_from, e.valid_to) for e in codeset.history]
    elif isinstance(operand, ParameterOperand):
        parameter = knowledge.parameter(operand.parameter)
        if parameter is not None:
            entries = [(e.valid_from, e.valid_to) for row in parameter.rows.values() for e in row]
    return {day for entry in entries for day in entry if day is not None}


def epoch_start(days: tuple[date, ...], day: date) -> date:
    """The first day of the epoch that a day lies in."""
    index = bisect_right(days, day) - 1
    return days[index] if index >= 0 else date.min


def resolver(knowledge: KnowledgeBase, day: date) -> Resolve:
    """What constants are in the epoch that begins with `day`."""
    return lambda constant: _constant_value(constant, knowledge, day)


def _constant_value(constant: Constant, knowledge: KnowledgeBase, day: date) -> Any:
    operand, fact = constant.operand, constant.fact
    if constant.kind == "unit":
        return unit_of(operand, knowledge)
    if isinstance(operand, Literal):
        return timedelta(0) if fact.type is Type.DURATION else operand.value
    if isinstance(operand, QuantityOperand):
        return value_for(fact, operand.value, operand.unit)
    if isinstance(operand, ParameterOperand):
        rows = parameter_values(operand, knowledge, day)
        values = {key: value_for(fact, row.value, row.unit) for key, row in rows.items()}
        return values if constant.kind == "rows" else values.get(())
    members = members_of(operand, knowledge, day)
    if members is None:
        return None
    return getattr(members, constant.kind)


def unit_of(operand: Operand, knowledge: KnowledgeBase) -> str:
    """The unit in which an operand is given; "" where it has none of its own."""
    if isinstance(operand, QuantityOperand):
        return operand.unit
    if not isinstance(operand, ParameterOperand):
        return ""
    parameter = knowledge.parameter(operand.parameter)
    return parameter.unit if parameter is not None else ""
