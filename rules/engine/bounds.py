"""The certain and the possible bound of what a history adds up or tells apart.

Of members each with whether it is one, and its value (None: not known). `possible` is None where
it has no bound.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.values import Amount, Quantity
from rules.facts.base import Fact, Type, Value
from rules.logic import Truth
from rules.units import convert, tidy


def summed(values: list[tuple[Truth, Value]], is_covered: bool) -> dict[str, Any]:
    """The bounds of a sum, in the unit of its values."""
    certain: Any = 0
    possible: Any = 0
    is_bounded = is_covered
    lacks = False
    for truth, value in values:
        if value is None:
            is_bounded, lacks = False, True
            continue
        possible += value
        if truth is True:
            certain += value
    if isinstance(possible, float):  # three times 0.1 is 0.3
        certain, possible = tidy(certain), tidy(possible)
    found = {"certain": certain, "possible": possible if is_bounded else None}
    return {**found, "why": "values_unknown"} if lacks else found


def distinct(values: list[tuple[Truth, Value]], is_covered: bool) -> dict[str, Any]:
    """The bounds of how many different values there are."""
    certain = {value for truth, value in values if truth is True and value is not None}
    possible = {value for _, value in values if value is not None} | certain
    unknown = sum(1 for _, value in values if value is None)
    bound = len(possible) + unknown if is_covered else None
    found: dict[str, Any] = {"certain": len(certain), "possible": bound}
    return {**found, "why": "values_unknown"} if unknown else found


def in_unit(value: Value, unit: str) -> Value:
    """A number, of an amount in this unit; None where it is not known or cannot be told in it."""
    if isinstance(value, Amount | Quantity):
        return convert(value.value, value.unit, unit)
    return value


def typed(value: Any, fact: Fact | None, unit: str) -> Any:
    """A bound as the fact's type is compared; recorded money is text."""
    if fact is not None and fact.type is Type.AMOUNT:
        return Amount(value=value, unit=unit or "1")
    if fact is not None and fact.type is Type.MONEY:
        return Decimal(str(value))
    return value
