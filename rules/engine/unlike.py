"""Elements that differ from the rest of their event: by their date, or by what is known of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rules.facts.base import Element, Value, unknown


def merged(
    rules: dict[str, int], others: Iterable[tuple[str, dict[str, int]]]
) -> dict[str, dict[str, int]]:
    """By element of another date: the rules of which another version decided about it.

    `others` are element and versions; rules that decided about those elements alone are added to
    `rules`.
    """
    listed = list(others)
    for _, versions in listed:
        for rule_id, version in versions.items():
            rules.setdefault(rule_id, version)
    found: dict[str, dict[str, int]] = {}
    for element, versions in listed:
        differing = {name: version for name, version in versions.items() if rules[name] != version}
        if differing:
            found.setdefault(element, {}).update(differing)
    return found


def element_with(known: dict[str, Value]) -> Element:
    """An element of which only these facts are known, as nobody knows whether it is there."""
    x = Element(None, "")
    x.facts = _Unknown(known)
    return x


_NOT_LISTED: Final = unknown("not_listed")
"""Never absent: who promises a fact of each line did not promise the lines that did not come."""


class _Unknown(dict[str, Value]):
    """The facts of an element of which little is known."""

    def get(self, name: str, default: Any = None) -> Value:
        return super().get(name, _NOT_LISTED)
