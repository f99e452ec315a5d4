"""Operands in words, and what they are worth on a day: with unit, source and locator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from knowledge_base import KnowledgeBase
from rules.engine.truth import key_word
from rules.facts.base import Context
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

_SHOWN_CODES: Final = 5


@dataclass(frozen=True)
class Values:
    """What operands are read with: the knowledge of a day, and the facts of an element."""

    knowledge: KnowledgeBase
    day: date
    fact: Callable[[str], Any]
    """A fact's value by its name."""


@dataclass(frozen=True)
class Compared:
    """What a condition compares with, and who says so."""

    said: str
    value: Any
    """None where the knowledge base has no value that day, or the row's key is not known."""
    unit: str = ""
    source: str = ""
    locator: str = ""
    valid_from: str = ""


def promised(name: str, c: Context) -> Compared | None:
    """The promise for whose sake a fact that did not come counts as absent; None without one."""
    promises = c.knowledge.promises(c.event.source, c.day)
    if promises is None or not c.is_promised(name):
        return None
    basis = promises.basis
    said = f"profile 来源档案 {c.event.source}"
    return Compared(said, f"promises {name}", source=basis.source, locator=basis.locator)


def compared(operand: Operand, values: Values) -> Compared | None:
    """What the operand is worth; None where it is a constant or a fact, which is shown anyway."""
    if isinstance(operand, ParameterOperand):
        return _parameter(operand, values)
    if isinstance(operand, CodeSetOperand):
        return _codeset(operand, values)
    return None


def _parameter(operand: ParameterOperand, values: Values) -> Compared:
    key = []
    for name in operand.by:
        value = values.fact(name)
        if value is None or type(value) is dict:
            return Compared(f"{said_operand(operand)}: {name} is not known", None)
        key.append(key_word(value))
    parameter = values.knowledge.parameter(operand.parameter)
    row = parameter.at(values.day, tuple(key)) if parameter is not None else None
    shown = said_operand(operand) + (f" [{', '.join(key)}]" if key else "")
    if row is None:
        return Compared(shown, None)
    return Compared(shown, row.value, row.unit, row.source, row.locator, row.valid_from.isoformat())


def _codeset(operand: CodeSetOperand, values: Values) -> Compared:
    codeset = values.knowledge.codeset(operand.codeset)
    found = next((e for e in codeset.history if e.covers(values.day)), None) if codeset else None
    if found is None:
        return Compared(said_operand(operand), None)
    codes = sorted(found.value.codes)
    more = len(codes) - _SHOWN_CODES
    shown = ", ".join(codes[:_SHOWN_CODES]) + (f" … and {more} more" if more > 0 else "")
    basis = found.value.basis
    return Compared(
        said_operand(operand), shown, "", basis.source, basis.locator, found.valid_from.isoformat()
    )


def said_operand(operand: Operand) -> str:
    """An operand in words, as a rule names it."""
    if isinstance(operand, FactOperand):
        return operand.fact
    if isinstance(operand, CodeSetOperand):
        return f"code set {operand.codeset}"
    if isinstance(operand, ParameterOperand):
        by = f" by {', '.join(operand.by)}" if operand.by else ""
        return f"parameter {operand.parameter}{by}"
    if isinstance(operand, Words):
        return f"[{', '.join(operand.values)}]"
    if isinstance(operand, QuantityOperand):
        return f"{operand.value:g} {operand.unit}"
    if isinstance(operand, CalendarOperand):
        count = operand.count
        shown = str(count) if isinstance(count, int) else said_operand(count)
        return f"{shown} {operand.unit}"
    if isinstance(operand, IntervalOperand):
        ends = (operand.start, operand.end)
        start, end = ("open" if e is None else said_operand(e) for e in ends)
        return f"[{start}, {end})"
    return _said_literal(operand)


def _said_literal(operand: Literal) -> str:
    value = operand.value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
