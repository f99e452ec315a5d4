"""The catalogue of facts: everything that a condition can ask for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from rules.facts import event, items, patient
from rules.facts.base import Context, Element, Fact, Type, Value

CATALOGUE: Final = MappingProxyType(
    {fact.name: fact for fact in (*event.FACTS, *patient.FACTS, *items.FACTS)}
)
"""Name to fact, in the order of the documentation."""

LISTS: Final = MappingProxyType({"items": event.WITH_ITEMS, "diagnoses": event.WITH_DIAGNOSES})
"""What `each` can name besides list facts, with the event families that have it."""

ELEMENT_VALUE: Final = "element.value"
"""The name of an element of a list fact under `each`."""

__all__ = [
    "CATALOGUE",
    "ELEMENT_VALUE",
    "LISTS",
    "Context",
    "Element",
    "Fact",
    "Type",
    "Value",
    "fact_of",
]


def fact_of(name: str, each: str = "") -> Fact | None:
    """The fact that a name means inside a rule with this `each`; None where there is none."""
    if name != ELEMENT_VALUE:
        return CATALOGUE.get(name)
    listed = CATALOGUE.get(each)
    if listed is None or listed.type is not Type.LIST:
        return None
    return Fact(
        name,
        Type.TEXT,
        "列表元素",
        "The element of the list that `each` names",
        dict.fromkeys(listed.families, lambda c, x: x.of),
        of=each,
        words=listed.words,
        coding=listed.coding,
    )
