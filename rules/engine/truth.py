"""What a condition means where a value is unknown or a list is partial.

These are the cases that the compiled code leaves to a call; plainly known values never come here
except through `all_in` over ICD-10 codes. The table is the design's: a hit decides, a miss in a
partial list does not, `all_in` of an empty list is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from contracts.values import Amount, Quantity
from rules.facts.base import Value
from rules.logic import Truth
from rules.units import convert

Contains: TypeAlias = Callable[[str], bool]


class Promised(Protocol):
    """Knows what the event's source promises to send."""

    def is_promised(self, name: str) -> bool: ...


def exists(value: Value, name: str, sender: Promised) -> Truth:
    """Known is true, stated absent is false; a list needs an element.

    Not reported is unknown, and false where the sender promises to send the fact `name`.
    """
    if type(value) is not dict:
        return bool(value) if type(value) is tuple else True
    if "partial" in value:
        return True if value["partial"] else None
    why = value["unknown"]
    is_absent = why == "stated_absent" or (why == "not_reported" and sender.is_promised(name))
    return False if is_absent else None


def exists_not(value: Value, name: str, sender: Promised) -> Truth:
    found = exists(value, name, sender)
    return None if found is None else not found


def any_in(value: Value, contains: Contains) -> Truth:
    """Whether an element of the list is contained."""
    if type(value) is not dict:
        return any(map(contains, value))
    return True if any(map(contains, value.get("partial", ()))) else None


def none_in(value: Value, contains: Contains) -> Truth:
    found = any_in(value, contains)
    return None if found is None else not found


def all_in(value: Value, contains: Contains) -> Truth:
    """Whether the list has elements and all of them are contained."""
    if type(value) is not dict:
        return bool(value) and all(map(contains, value))
    return None if all(map(contains, value.get("partial", ()))) else False


def in_list(value: Value, listed: Value) -> Truth:
    """Whether a scalar stands in a list that is itself a fact."""
    if type(value) is dict:
        return None
    if type(listed) is not dict:
        return value in listed
    return True if value in listed.get("partial", ()) else None


def not_in_list(value: Value, listed: Value) -> Truth:
    found = in_list(value, listed)
    return None if found is None else not found


def any_in_list(value: Value, listed: Value) -> Truth:
    """Whether two lists share an element; a complete empty one shares none."""
    left, right = _elements(value), _elements(listed)
    if left is None or right is None:
        return None
    if not left.isdisjoint(right):
        return True
    complete_left, complete_right = type(value) is not dict, type(listed) is not dict
    if (complete_left and complete_right) or (complete_left and not left):
        return False
    return False if complete_right and not right else None


def none_in_list(value: Value, listed: Value) -> Truth:
    found = any_in_list(value, listed)
    return None if found is None else not found


def all_in_list(value: Value, listed: Value) -> Truth:
    """Whether the first list has elements, and each of them stands in the second."""
    left, right = _elements(value), _elements(listed)
    if left is None or right is None:
        return None
    complete_left, complete_right = type(value) is not dict, type(listed) is not dict
    if complete_left and not left:
        return False
    if left <= right:
        return True if complete_left else None
    return False if complete_right else None


def _elements(value: Value) -> frozenset[str] | None:
    if type(value) is not dict:
        return frozenset(value)
    known = value.get("partial")
    return None if known is None else frozenset(known)


def amount_in(value: Amount | Quantity, unit: str) -> float | None:
    """The amount in a unit; None where the units do not belong together."""
    return value.value if value.unit == unit else convert(value.value, value.unit, unit)


def prefix_matcher(
    codes: frozenset[str], lengths: Iterable[int], *, whole: bool = False
) -> Contains:
    """Whether a code or one of its parent categories is among the codes (ICD-10).

    Parents have one of the lengths; with `whole` the code itself may have any.
    """
    sizes = tuple(lengths)
    if whole:
        return lambda code: code in codes or any(code[:size] in codes for size in sizes)
    if len(sizes) == 1:
        size = sizes[0]
        return lambda code: code[:size] in codes

    def matches(code: str) -> bool:
        return any(code[:size] in codes for size in sizes)

    return matches


def key_word(value: Any) -> str:
    """How a fact's value stands in the key of a parameter's row."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)
