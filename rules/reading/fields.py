"""Reading the entries of a mapping, with a problem for everything that is not as expected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from knowledge_base.fields import QUOTE
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.later import later


def day_of(text: object) -> date | None:
    """A date written as YYYY-MM-DD; None for anything else."""
    if not isinstance(text, str) or len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def time_of(text: object) -> datetime | None:
    """A date-time with its UTC offset; None for anything else."""
    if not isinstance(text, str) or len(text) <= len("YYYY-MM-DD"):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


_ANYWHERE: Final = frozenset({"indicator"})
"""Words of later that can mean nothing else, wherever they stand."""


class Fields:
    """The entries of one mapping. Every mistake is reported once and read as nothing.

    `check` is the id that its problems carry, see rules.lint.reading.
    """

    def __init__(self, node: Node, what: str, problems: list[Problem], check: str = "") -> None:
        self.node = node
        self.what = what
        self.problems = problems
        self.check = check

    def report(self, node: Node, message: str, fix: str = "", check: str = "") -> None:
        self.problems.append(node.problem(message, fix, check or self.check))

    def expect(
        self,
        required: Iterable[str],
        optional: Iterable[str] = (),
        not_built: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether it is a mapping; its unknown and missing keys are reported."""
        if not self.node.is_mapping:
            fix = "write `name: value`, one a line"
            self.report(self.node, f"{self.what} is {self.node.kind}, expected a mapping", fix)
            return False
        garbled = [key for _, key, _ in self.node.items() if key.slip is not None]
        if garbled:  # what is missing then is no mistake of its own
            for key in garbled:
                self.report(key, f"{self.what} has no `{key.raw}`")
            return False
        required = tuple(required)
        known = tuple(dict.fromkeys((*required, *optional)))
        for name, key, value in self.node.items():
            if name in known:
                continue
            if (refused := later(name)) is not None and (name in not_built or name in _ANYWHERE):
                self.report(key, refused.message, refused.instead)
            else:
                fix = words.nearest(name, known) or f"expected {words.listing(known)}"
                if name in words.PLACES:
                    fix = f"it stands {words.PLACES[name]}"
                fix = words.INSTEAD.get(name, fix)
                if value.is_null and {"zh", "en"} <= set(known):
                    fix = QUOTE  # `{zh: 疗程,成人, en: …}`: half of a text reads as a key
                self.report(key, f"{self.what} has no `{name}`", fix)
        for name in required:
            if self.node.get(name) is None:
                self.report(self.node, f"{self.what} has no `{name}`", f"add `{name}: …`")
        return True

    def get(self, name: str) -> Node | None:
        return self.node.get(name)

    def text(self, name: str, *, may_be_empty: bool = False) -> str:
        """The text of an entry; "" where it is absent, empty where it may be, or wrong (reported).

        An empty entry that is read as none would leave out half of a rule without a word.
        """
        node = self.get(name)
        if node is None or self._is_empty(node, name, may_be_empty):
            return ""
        if not isinstance(node.value, str):
            self.report(node, f"`{name}` is {node.kind}, expected text")
            return ""
        return node.value.strip()

    def _is_empty(self, node: Node, name: str, may_be_empty: bool) -> bool:
        """Whether nothing stands behind a key; reported where something must."""
        if not node.is_null and not (isinstance(node.value, str) and not node.value.strip()):
            return False
        if not (node.is_null and may_be_empty):
            self.report(node, f"`{name}` is empty", f"write `{name}: …`, or remove what needs it")
        return True

    def choice(self, name: str, known: tuple[str, ...], default: str = "") -> str:
        """One of a closed set of words."""
        node = self.get(name)
        if node is None:
            return default
        value = node.value
        if isinstance(value, str) and value in known:
            return value
        shown = value if isinstance(value, str) else node.kind
        fix = (words.nearest(shown, known) if isinstance(value, str) else "") or (
            f"expected {words.listing(known)}"
        )
        self.report(node, f"`{name}` is {shown}", fix)
        return default

    def texts(self, name: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of text; each of the known words where there are any."""
        node = self.get(name)
        if node is None:
            return ()
        if not node.is_list:
            word = node.raw if isinstance(node.value, str) and node.raw else "one, two"
            self.report(node, f"`{name}` is {node.kind}, expected a list", f"write [{word}]")
            return ()
        found: list[str] = []
        for child in node:
            if not isinstance(child.value, str):
                self.report(child, f"an entry of `{name}` is {child.kind}, expected text")
            elif known and child.value not in known:
                fix = words.nearest(child.value, known) or f"expected {words.listing(known)}"
                self.report(child, f"`{name}` cannot hold {child.value}", fix)
            elif child.value in found:
                self.report(child, f"{child.value} stands twice in `{name}`", "keep one of them")
            else:
                found.append(child.value)
        return tuple(found)

    def day(self, name: str, *, may_be_empty: bool = False) -> date | None:
        """A date; None where it is absent, empty where it may be, or wrong (reported)."""
        node = self.get(name)
        if node is None or self._is_empty(node, name, may_be_empty):
            return None
        day = day_of(node.value)
        if day is None:
            fix = "write a day of the calendar as YYYY-MM-DD"
            self.report(node, f"`{name}` is no date", fix)
        return day

    def names(self, name: str) -> Names:
        """A text in both languages."""
        node = self.get(name)
        if node is None:
            return Names("", "")
        inner = Fields(node, f"`{name}`", self.problems)
        return (
            Names(inner.text("zh"), inner.text("en"))
            if inner.expect(("zh", "en"))
            else Names("", "")
        )

    def positive(self, name: str) -> int:
        """A whole number of 1 or more; 1 where it is wrong (reported)."""
        node = self.get(name)
        if node is None:
            return 1
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            fix = f"write {name}: 1, and count on from there"
            self.report(node, f"`{name}` is not a whole number of 1 or more", fix)
            return 1
        return value
