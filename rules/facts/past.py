"""Facts inside `history`: those of the past member as they were kept, and `this.*` of the present.

What is compared with a limit in the end is a fact as well: the count, or a sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from contracts.acts import FAMILIES
from rules.facts.base import Context, Element, Fact, Type, Value, unknown

PAST: Final = "past"
"""As `each`: the members of a history."""
THIS: Final = "this."
SUM: Final = "sum:"
COUNT: Final = "history.count"
PREFIXES: Final = (THIS, SUM, COUNT)
UNCERTAIN: Final = "$foreign"
"""Among the kept facts: the names of those whose code the knowledge base did not know."""
NOT_KEPT: Final = unknown("not_kept")

_COUNT: Final = Fact(
    COUNT, Type.NUMBER, "次数", "How many acts or lines a history counts",
    dict.fromkeys(FAMILIES, lambda c: NOT_KEPT), unit="1", counts=True,
)  # fmt: skip


def fact_of(name: str, catalogue: Mapping[str, Fact]) -> Fact | None:
    """The fact that a name means inside a history; None where there is none."""
    if name == COUNT:
        return _COUNT
    prefix = next((one for one in (THIS, SUM) if name.startswith(one)), "")
    found = catalogue.get(name[len(prefix) :])
    if found is None:
        return None
    return _present(name, found) if prefix else _member(found)


@lru_cache(maxsize=1024)
def _present(name: str, fact: Fact) -> Fact:
    """Of the present act: its value is given to whoever asks."""
    return replace(
        fact, name=name, of="", extractors=dict.fromkeys(FAMILIES, _not_kept),
        in_knowledge=None, time="", ends=None, english=None,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _member(fact: Fact) -> Fact:
    """Of a past member: its value was kept."""
    of = PAST if fact.of else ""
    known = None if fact.in_knowledge is None else _was_known(fact.name)
    read: Any = _not_kept_of_line if of else _not_kept
    return replace(
        fact, of=of, extractors=dict.fromkeys(fact.extractors, read), in_knowledge=known,
        time="", english=None,
    )  # fmt: skip


def _not_kept(c: Context) -> Value:
    return NOT_KEPT


def _not_kept_of_line(c: Context, x: Element) -> Value:
    return NOT_KEPT


def _was_known(name: str) -> Any:
    def known(c: Context, x: Element) -> bool:
        return name not in x.facts.get(UNCERTAIN, ())

    return known
