"""Kleene's three-valued logic: True, False, and None for unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Truth: TypeAlias = bool | None


def all_of(values: Iterable[Truth]) -> Truth:
    """False where any is false, else unknown where any is unknown, else true."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def any_of(values: Iterable[Truth]) -> Truth:
    """True where any is true, else unknown where any is unknown, else false."""
    result: Truth = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def negate(value: Truth) -> Truth:
    """Unknown stays unknown."""
    return None if value is None else not value
