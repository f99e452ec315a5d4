"""The catalogue of facts: everything that a condition can ask for."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Final

from contracts.event import EVENT_TYPES
from rules.facts import (
    accounts,
    care,
    devices,
    early_warning,
    event,
    items,
    pairs,
    past,
    patient,
    records,
    supply,
    times,
)
from rules.facts.base import PARTIAL_LIST, Context, Element, Fact, Type, Value
from rules.facts.records import RECORDS, Found, Records

CATALOGUE: Final = MappingProxyType(
    {
        fact.name: fact
        for fact in (
            *event.FACTS,
            *times.FACTS,
            *patient.FACTS,
            *early_warning.FACTS,
            *items.FACTS,
            *records.FACTS,
            *care.FACTS,
            *devices.FACTS,
            *supply.FACTS,
            *accounts.FACTS,
            *pairs.facts({fact.name: fact for fact in items.FACTS}),
        )
    }
)
"""Name to fact, in the order of the documentation."""

LISTS: Final = MappingProxyType({name: found.families for name, found in RECORDS.items()})
"""The lists of records that `each` can name besides list facts, with the families that have it."""

ELEMENT_VALUE: Final = "element.value"
"""The name of an element of a list fact under `each`."""

LIST_NAMES: Final = (
    *LISTS,
    *sorted(name for name, fact in CATALOGUE.items() if fact.type is Type.LIST and not fact.of),
)
"""Everything that `each` and `some` can go through."""

__all__ = [
    "CATALOGUE",
    "ELEMENT_VALUE",
    "LISTS",
    "LIST_NAMES",
    "RECORDS",
    "Context",
    "Element",
    "Fact",
    "Records",
    "Type",
    "Value",
    "fact_of",
    "list_of",
]


@cache
def list_of(each: str) -> Records | None:
    """The list that `each` and `some` name: of records, or the values of a list fact."""
    found = RECORDS.get(each)
    if found is not None or each not in LIST_NAMES:
        return found
    fact = CATALOGUE[each]

    def read(c: Context) -> Found:
        value = c.facts.get(each)
        if value is None:
            family = EVENT_TYPES[c.event.type].family
            value = c.facts[each] = fact.extractors[family](c)
        why = ""
        if type(value) is dict:
            why = value.get("unknown", PARTIAL_LIST)
            value = value.get("partial", ())
        values = tuple(dict.fromkeys(value))
        return values, values, why

    return Records(each, each, fact.zh, fact.en, fact.families, read)


def fact_of(name: str, each: str = "") -> Fact | None:
    """The fact that a name means inside a rule with this `each`; None where there is none."""
    if name.startswith(past.PREFIXES) or each == past.PAST:
        return past.fact_of(name, CATALOGUE)
    if name != ELEMENT_VALUE:
        found = CATALOGUE.get(name)
        if found is not None and each == pairs.NAME and found.of == "items":
            return pairs.of_item(found)
        return found
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
