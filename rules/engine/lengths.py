"""A time so much later or earlier, by a length that a rule names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final, TypeAlias

from knowledge_base import ParameterValue
from rules import words
from rules.engine.timing import shifted
from rules.model import CalendarOperand, ParameterOperand, QuantityOperand
from rules.units import duration

Length: TypeAlias = ParameterOperand | CalendarOperand | QuantityOperand
Row: TypeAlias = Callable[[ParameterOperand], ParameterValue | None]
"""The value of a parameter for the act at hand; None where there is none."""

_NAMED: Final = (*words.CALENDAR, words.WORKING_DAYS)
IN_CALENDAR: Final = {"mo": "months", "a": "years", **{unit: unit for unit in _NAMED}}
"""Units of parameters that are counted in the calendar; a day is 24 hours unless said otherwise."""


def moved(
    at: datetime, length: Length, sign: int, zone: tzinfo, row: Row
) -> datetime | None:  # fmt: skip
    """`at` moved by `sign` times the length; None where the length has no value that day."""
    if isinstance(length, QuantityOperand):
        return _by(at, length.value, length.unit, sign, zone)
    if isinstance(length, ParameterOperand):
        found = row(length)
        return None if found is None else _by(at, float(found.value), found.unit, sign, zone)
    count = length.count
    if isinstance(count, ParameterOperand):
        found = row(count)
        return None if found is None else shifted(at, sign * int(found.value), length.unit, zone)
    return shifted(at, sign * count, length.unit, zone)


def _by(at: datetime, value: float, unit: str, sign: int, zone: tzinfo) -> datetime | None:
    if unit in IN_CALENDAR:
        return shifted(at, sign * int(value), IN_CALENDAR[unit], zone)
    span = duration(value, unit)
    return None if span is None else at + sign * span
