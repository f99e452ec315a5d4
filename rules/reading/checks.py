"""Whether a condition's parts fit together: operator and type, operands, freshness."""

from __future__ import annotations

from typing import Final

from rules import words
from rules.facts import Fact, Type
from rules.model import Test
from rules.reading.fitting import operand_fits
from rules.reading.parameters import span_fits
from rules.reading.scope import Report, Scope

__all__ = ["FITTING", "Report", "Scope", "check_test"]

_EXISTS: Final = ("exists",)
_COMPARED: Final = (*words.ORDER, "between")
FITTING: Final[dict[Type, tuple[str, ...]]] = {
    Type.NUMBER: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.MONEY: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.TEXT: (*words.EQUALITY, *words.MEMBERSHIP, *_EXISTS),
    Type.BOOLEAN: (*words.EQUALITY, *_EXISTS),
    Type.DATE: (*words.EQUALITY, *_COMPARED, *_EXISTS),
    Type.TIME: (*_COMPARED, *_EXISTS),
    Type.DURATION: (*_COMPARED, *_EXISTS),
    Type.INTERVAL: ("overlaps", *_EXISTS),
    Type.LIST: (*words.LIST_MEMBERSHIP, *_EXISTS),
    Type.AMOUNT: (*_COMPARED, *_EXISTS),
    Type.NOTE: _EXISTS,
}
"""The operators of each type of fact."""


def check_test(test: Test, fact: Fact, scope: Scope, report: Report) -> bool:
    """Whether the condition has a meaning in its place; every reason why not is reported."""
    if test.operator not in FITTING[fact.type]:
        fit = words.listing(FITTING[fact.type])
        report(f"`{test.operator}` does not fit `{fact.name}` ({fact.type})", f"use {fit}")
        return False
    good = [operand_fits(test.operator, fact, o, scope, report) for o in test.operands]
    if test.fresh_within is not None:
        good.append(_has_time(fact, report))
        good.append(span_fits(test.fresh_within, scope, report))
    return all(good)  # every operand is looked at, so that every mistake is reported


def _has_time(fact: Fact, report: Report) -> bool:
    """Whether it is known when the fact was observed."""
    if fact.time:
        return True
    fix = "remove `fresh_within`, or ask for a fact that carries its time (patient.potassium)"
    report(f"nobody says when `{fact.name}` was observed", fix)
    return False
