"""Names of elements: how findings, and the ids of their alerts, tell them apart within an act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET

_NO_NAME: Final = frozenset({UNSET, None, ""})


def line_names(items: Sequence[Any]) -> Sequence[str]:
    """A name for each item: its line id, else its place."""
    if len(items) == 1:
        name = items[0].line_id
        return (name if name and type(name) is str else "#1",)
    return distinct([item.line_id for item in items])


def distinct(names: Sequence[Any]) -> Sequence[str]:
    """The names, each once: `#3` for the third element where it has none, `x#2` for a second `x`.

    A name that a source gave is never given to another element.
    """
    given = set(names)
    if len(given) == len(names) and _NO_NAME.isdisjoint(given):
        return names
    taken = given - _NO_NAME
    found: list[str] = []
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if name in seen or name in _NO_NAME:
            found.append(_free(f"#{place}" if name in _NO_NAME else name, taken, numbers))
        else:
            seen.add(name)
            found.append(name)
    return found


def _free(name: str, taken: set[str], numbers: dict[str, int]) -> str:
    """The name, or the first numbered form of it that nobody has; it is taken then."""
    number = numbers.get(name, 1)
    free = name
    while free in taken:
        number += 1
        free = f"{name}#{number}"
    numbers[name] = number
    taken.add(free)
    return free
