"""What source systems promise to send, since when they are complete, and its reader.

A field that was not reported is unknown. Where the event's source promises to send it whenever
there is something to send, one that did not come is as good as stated absent. Where the site states
since when a source delivers every act of a family, an act that did not come did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from contracts.acts import FAMILIES
from knowledge_base.fields import Context, Defaults, Fields
from knowledge_base.histories import Row, build
from knowledge_base.model import Basis, Dated, History, Names
from knowledge_base.strict_yaml import Node

_PROMISE_KEYS: Final = ("from", "to", "promises", "complete_from", "source", "locator")


@dataclass(frozen=True, slots=True)
class Promises:
    """The facts that a source promises to send, by event family, and where it says so."""

    facts: Mapping[str, frozenset[str]]
    basis: Basis
    complete_from: Mapping[str, date] = field(default_factory=dict)
    """By event family the day from which the source delivers every act, as the site states."""


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """The promises of one source over time."""

    sender: str
    """The `source` of its events."""
    title: Names
    history: History[Promises]


def profile(node: Node, context: Context, defaults: Defaults) -> SourceProfile:
    """A profile as a file has it. Whether the facts exist is for the rules to check."""
    f = Fields(node, context, ("sender", "title", "intervals"), defaults)
    sender = f.text("sender")
    rows: list[Row[Promises]] = []
    for child in f.elements("intervals", required=True):
        i = Fields(child, context, _PROMISE_KEYS, defaults)
        start, end = i.interval()
        complete = _complete(i, context)
        promises = Promises(_facts(i, context, complete), i.basis(), complete)
        rows.append((Dated(promises, start, end), child))
    return SourceProfile(sender, f.names("title"), build(rows, context, f"profile {sender}"))


def _complete(interval: Fields, context: Context) -> dict[str, date]:
    node = interval.get("complete_from")
    if node is None:
        return {}
    f = Fields(node, context, tuple(FAMILIES))
    days = {family: f.day(family) for family in FAMILIES}
    if node.is_mapping and not any(f.get(family) for family in FAMILIES):
        context.report(node, "`complete_from` states nothing", "prescription: 2026-01-01")
    return {family: day for family, day in days.items() if day is not None}


def _facts(
    interval: Fields, context: Context, complete: Mapping[str, date]
) -> dict[str, frozenset[str]]:
    node = interval.get("promises")
    if node is None:
        if complete:
            return {}
        context.report(interval.node, "`promises` is missing", "prescription: [item.skin_test]")
        return {}
    f = Fields(node, context, tuple(FAMILIES))
    found: dict[str, frozenset[str]] = {}
    for family in FAMILIES:
        listed = f.get(family)
        if listed is not None:
            names = f.texts(family)
            if listed.is_list and not names:
                context.report(listed, f"`{family}` is empty", "name at least one fact")
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                context.report(node, f"`{twice[0]}` is promised twice", "remove one")
            found[family] = frozenset(names)
    if not found and node.is_mapping:
        context.report(node, "`promises` promises nothing", "prescription: [item.skin_test]")
    return found
