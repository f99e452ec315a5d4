"""What source systems promise to send, and its reader.

A field that was not reported is unknown. Where the event's source promises to send it whenever
there is something to send, one that did not come is as good as stated absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.acts import FAMILIES
from knowledge_base.fields import Context, Defaults, Fields
from knowledge_base.histories import Row, build
from knowledge_base.model import Basis, Dated, History, Names
from knowledge_base.strict_yaml import Node

_PROMISE_KEYS: Final = ("from", "to", "promises", "source", "locator")


@dataclass(frozen=True, slots=True)
class Promises:
    """The facts that a source promises to send, by event family, and where it says so."""

    facts: Mapping[str, frozenset[str]]
    basis: Basis


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
        promises = Promises(_facts(i, context), i.basis())
        rows.append((Dated(promises, start, end), child))
    return SourceProfile(sender, f.names("title"), build(rows, context, f"profile {sender}"))


def _facts(interval: Fields, context: Context) -> dict[str, frozenset[str]]:
    node = interval.get("promises")
    if node is None:
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
