"""What conditions compare with: constants, facts, parameters, lengths of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from rules import words

Constant: TypeAlias = str | bool | int | date | datetime


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the rule's text. Numbers other than 0 and 1 come from parameters."""

    value: Constant

    def __post_init__(self) -> None:
        if isinstance(self.value, int) and self.value not in (0, 1):
            raise ValueError("a number other than 0 and 1 comes from a parameter")


@dataclass(frozen=True, slots=True)
class Words:
    """A list of text constants."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactOperand:
    fact: str


@dataclass(frozen=True, slots=True)
class CodeSetOperand:
    codeset: str


@dataclass(frozen=True, slots=True)
class ParameterOperand:
    """A dated value of the knowledge base; with `by`, the row that these facts name."""

    parameter: str
    by: tuple[str, ...] = ()

    @property
    def missing_name(self) -> str:
        """How a decision names it where the knowledge base has no row for the day."""
        return f"parameter:{self.parameter}"


@dataclass(frozen=True, slots=True)
class QuantityOperand:
    """A number with its unit: an amount (`1 g/d`) or a duration (`1 h`; `1 d` is 24 h)."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class CalendarOperand:
    """So many calendar days, months or years, in the institution's time zone."""

    count: int | ParameterOperand
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in words.CALENDAR:
            raise ValueError(f"calendar unit {self.unit!r} is none of {words.CALENDAR}")


@dataclass(frozen=True, slots=True)
class IntervalOperand:
    """The time from `start` up to `end`, which does not belong to it; None is an open end."""

    start: Literal | FactOperand | None
    end: Literal | FactOperand | None

    def __post_init__(self) -> None:
        if self.start is None and self.end is None:
            raise ValueError("an interval with two open ends is all of time")


Operand: TypeAlias = (
    Literal
    | Words
    | FactOperand
    | CodeSetOperand
    | ParameterOperand
    | QuantityOperand
    | CalendarOperand
    | IntervalOperand
)

Span: TypeAlias = ParameterOperand | CalendarOperand | QuantityOperand
"""A length of time."""


def whole(operands: Iterable[Operand | None]) -> tuple[Operand, ...]:
    """Operands with those inside them."""
    found: list[Operand] = []
    waiting = list(operands)
    for operand in waiting:
        if operand is None:
            continue
        found.append(operand)
        if isinstance(operand, CalendarOperand) and isinstance(operand.count, ParameterOperand):
            waiting.append(operand.count)
        elif isinstance(operand, IntervalOperand):
            waiting += (operand.start, operand.end)
    return tuple(found)
