"""Typed reading of one mapping of a knowledge file; what is wrong becomes a problem with its line.

Every reader returns a value of its type even after a problem, so that all problems of a file are
found in one pass; nothing read is used when there was a problem anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

from knowledge_base.model import Basis, Names, Scalar
from knowledge_base.strict_yaml import Node, Problem

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass
class Context:
    """What all readers of one load share: the problems, and the citations to be resolved."""

    problems: list[Problem] = field(default_factory=list)
    citations: list[tuple[str, Node]] = field(default_factory=list)
    included: dict[tuple[str, str], Node] = field(default_factory=dict)
    """Where a code set (first) names another one that it includes (second)."""
    pairs: list[tuple[Any, Node]] = field(default_factory=list)
    """The dated rows of pair tables, to be checked once all classes are known."""

    def report(self, node: Node, message: str, fix: str = "") -> None:
        self.problems.append(node.problem(message, fix))


@dataclass(frozen=True)
class Defaults:
    """What a file states once for all of its entries."""

    source: Node | None = None
    locator: Node | None = None
    valid_from: Node | None = None
    system: Node | None = None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """What to do about a name that is not known: take the nearest one, or do otherwise."""
    near = get_close_matches(name, list(known), 1)
    return f"did you mean `{near[0]}`?" if near else otherwise


QUOTE: Final = 'if it belongs to the text before the comma, put that text in quotes: "…"'


class Fields:
    """One mapping, read field by field; unknown keys are reported at once with the nearest name."""

    def __init__(
        self, node: Node, context: Context, allowed: Sequence[str], defaults: Defaults | None = None
    ) -> None:
        self.node = node
        self.context = context
        self.defaults = defaults or Defaults()
        self._is_mapping = node.is_mapping
        if not self._is_mapping:
            context.report(node, f"expected a mapping with {', '.join(allowed)}, not {node.kind}")
            return
        for name, key, value in node.items():
            if name not in allowed:
                known = f"known are {', '.join(allowed)}"
                # `{zh: 疗程,成人, en: …}`: the second half of a text reads as a key.
                fix = QUOTE if value.is_null else did_you_mean(name, allowed, known)
                context.report(key, f"unknown key `{name}`", fix)

    def get(self, name: str) -> Node | None:
        return self.node.get(name) if self._is_mapping else None

    def _needed(self, name: str, required: bool) -> Node | None:
        node = self.get(name)
        if node is None and required and self._is_mapping:
            self.context.report(self.node, f"`{name}` is missing")
        return node

    def text(self, name: str, required: bool = True) -> str:
        node = self._needed(name, required)
        return text_of(node, self.context, f"`{name}`") if node is not None else ""

    def system(self) -> str:
        """The code system of this entry, or the one that its file states for all entries."""
        node = self.get("system") or self.defaults.system
        if node is not None:
            return text_of(node, self.context, "`system`")
        return self.text("system")

    def identifier(self, name: str = "id") -> str:
        value = self.text(name)
        node = self.get(name)
        if value and node is not None and not _ID.fullmatch(value):
            fix = "use lower-case letters, digits, `_`, `-` and `.`"
            self.context.report(node, f"`{value}` cannot be an id", fix)
        return value

    def names(self, name: str) -> Names:
        node = self._needed(name, True)
        if node is None:
            return Names("", "")
        both = Fields(node, self.context, ("zh", "en"))
        return Names(both.text("zh"), both.text("en"))

    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        node = self._needed(name, default is None)
        if node is None:
            return default or options[0]
        if node.value not in options:
            fix = f"choose one of {', '.join(options)}"
            self.context.report(node, f"`{name}` is `{node.raw or node.kind}`", fix)
            return options[0]
        return str(node.value)

    def flag(self, name: str) -> bool | None:
        """true or false; None where the key is missing."""
        node = self.get(name)
        if node is None:
            return None
        if isinstance(node.value, bool):
            return node.value
        self.context.report(node, f"`{name}` is {node.kind}", "write true or false")
        return None

    def number(self, name: str) -> float:
        node = self._needed(name, True)
        if node is None:
            return 0.0
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return float(node.value)
        self.context.report(node, f"`{name}` is {node.kind}", "write a number")
        return 0.0

    def money(self, name: str) -> Decimal | None:
        """An amount in quotes, so that no float comes between; None where it is missing."""
        node = self.get(name)
        if node is None:
            return None
        try:
            if isinstance(node.value, str) and (amount := Decimal(node.value)) >= 0:
                return amount
        except InvalidOperation:
            pass
        self.context.report(node, f"`{name}` is not an amount", 'write it in quotes: "12.50"')
        return None

    def scalar(self, name: str) -> Scalar:
        node = self._needed(name, True)
        if node is None:
            return ""
        if isinstance(node.value, int | float | str | bool):
            return node.value
        self.context.report(node, f"`{name}` is {node.kind}", "write a number, a word or a flag")
        return ""

    def texts(self, name: str, required: bool = False) -> tuple[str, ...]:
        node = self._needed(name, required)
        if node is None:
            return ()
        return tuple(text_of(child, self.context, f"`{name}`") for child in self.elements(name))

    def elements(self, name: str, required: bool = False) -> Iterator[Node]:
        node = self._needed(name, required)
        if node is None:
            return
        if not node.is_list:
            self.context.report(node, f"`{name}` is {node.kind}", "write a list")
            return
        if required and not list(node):
            self.context.report(node, f"`{name}` is empty", "name at least one")
        yield from node

    def day(self, name: str) -> date | None:
        node = self.get(name)
        return day_of(node, self.context, name) if node is not None else None

    def interval(self) -> tuple[date, date | None]:
        """[from, to): `from` is required here or once for the file; `to` is open where missing."""
        node = self.get("from") or self.defaults.valid_from
        if node is None:
            if self._is_mapping:
                self.context.report(self.node, "`from` is missing", "since when does it hold?")
            return date.min, None
        start, end = day_of(node, self.context, "from") or date.min, self.day("to")
        if end is not None and end <= start:
            where = self.get("to") or self.node
            self.context.report(where, f"`to` {end} is not after `from` {start}")
        return start, end

    def basis(self) -> Basis:
        """Source and locator of this entry, or those that its file states for all entries."""
        source = self.get("source") or self.defaults.source
        locator = self.get("locator") or self.defaults.locator
        for name, found in (("source", source), ("locator", locator)):
            if found is None and self._is_mapping:
                self.context.report(
                    self.node, f"`{name}` is missing", "every value names its place"
                )
        if source is None or locator is None:
            return Basis("", "")
        source_id = text_of(source, self.context, "`source`")
        self.context.citations.append((source_id, source))
        return Basis(source_id, text_of(locator, self.context, "`locator`"))


def text_of(node: Node, context: Context, what: str) -> str:
    """The text of a scalar; numbers and flags are not silently turned into text."""
    if isinstance(node.value, str) and node.value.strip():
        return node.value
    if node.is_null or isinstance(node.value, str):
        context.report(node, f"{what} is empty", "write text")
    else:
        context.report(node, f"{what} is {node.kind}, expected text", "put it in quotes")
    return ""


def is_code(text: str, kind: str, node: Node, context: Context) -> bool:
    """Whether it is written as codes of its kind are; another spelling would match nothing."""
    if kind in ("drug", "item") and "|" not in text:
        context.report(node, f"`{text}` names no code system", "write system|code")
    elif kind == "ingredient" and text != text.lower():
        fix = f"ingredients stand in lower case: {text.lower()}"
        context.report(node, f"`{text}` is no name of an ingredient", fix)
    else:
        return True
    return False


def day_of(node: Node, context: Context, what: str) -> date | None:
    """A calendar day written YYYY-MM-DD."""
    if isinstance(node.value, str) and _DAY.fullmatch(node.value):
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            pass
    context.report(node, f"`{what}` is not a date", "write YYYY-MM-DD")
    return None
