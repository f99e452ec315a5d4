"""What a program reads of an event and an element, and the properties that it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rules.durable import terms
from rules.durable.rete import Plain
from rules.engine.constants import Members
from rules.engine.truth import amount_in
from rules.facts.base import Value
from rules.logic import Truth
from rules.model import Condition, Test


class Facts(Protocol):
    """Where values come from: an event being decided, or the record of a decision."""

    def value(self, name: str) -> Value:
        """The value of a fact in one of its three shapes."""
        ...

    def truth(self, tree: Condition) -> Truth:
        """The truth of a condition that durable_rules has no words for."""
        ...

    def is_promised(self, name: str) -> bool:
        """Whether the event's source promises to send a fact."""
        ...

    def is_known_code(self, name: str) -> bool:
        """Whether the knowledge base knows the code that a fact holds."""
        ...


Read = Callable[[Facts], Plain | None]
"""Gives the property's value; None leaves it out."""


@dataclass(frozen=True)
class Input:
    """A property of the facts that a ruleset is given."""

    name: str
    read: Read


def plain(fact: str) -> Read:
    """The fact's value itself."""

    def read(facts: Facts) -> Plain | None:
        value = facts.value(fact)
        return None if type(value) is dict else terms.term(value)

    return read


def number(fact: str, digits: int) -> Read:
    """A number, in halves of its units of that many digits."""

    def read(facts: Facts) -> Plain | None:
        value = facts.value(fact)
        return None if type(value) is dict else terms.number(value, digits)

    return read


def amount(fact: str, unit: str, digits: int) -> Read:
    """An amount in a unit ("": its own); left out where it cannot be told in that unit."""

    def read(facts: Facts) -> Plain | None:
        value = facts.value(fact)
        if type(value) is dict:
            return None
        found = amount_in(value, unit) if unit else value.value
        return None if found is None else terms.number(found, digits)

    return read


def key(names: tuple[str, ...]) -> Read:
    """The values that name a row of a parameter, as one word."""

    def read(facts: Facts) -> Plain | None:
        values = [facts.value(name) for name in names]
        if any(type(value) is dict for value in values):
            return None
        return row_word([_key_word(value) for value in values])

    return read


def row_word(values: list[str] | tuple[str, ...]) -> str:
    """One word for a row's key; different keys have different words."""
    return terms.word("\n".join(part.replace("\\", "\\\\").replace("\n", "\\n") for part in values))


def _key_word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def state(fact: str) -> Read:
    """True where there is something, false where it is stated, or promised, that there is not."""

    def read(facts: Facts) -> Plain | None:
        value = facts.value(fact)
        if type(value) is not dict:
            return bool(value != ())
        if "partial" in value:
            return True if value["partial"] else None
        why = value.get("unknown")
        is_absent = why == "stated_absent" or (why == "not_reported" and facts.is_promised(fact))
        return False if is_absent else None

    return read


def listed(fact: str, code: str) -> Read:
    """Whether a list holds a code; left out where a partial list does not show it."""

    def read(facts: Facts) -> Plain | None:
        value = facts.value(fact)
        if type(value) is not dict:
            return code in value
        return True if code in value.get("partial", ()) else None

    return read


def known_code(fact: str) -> Read:
    """Whether the knowledge base knows the code."""

    def read(facts: Facts) -> Plain | None:
        return None if type(facts.value(fact)) is dict else facts.is_known_code(fact)

    return read


def given(tree: Condition) -> Read:
    """The truth of a condition that is decided outside durable_rules."""
    return lambda facts: facts.truth(tree)


def membership(test: Test, members: Members, asks_known: bool) -> Read:
    """Whether a code, or a list's codes, belong to a big or hierarchical set."""

    def holds(code: str) -> bool:
        if not members.lengths:
            return code in members.codes
        return any(code[:size] in members.codes for size in members.lengths)

    def one(facts: Facts) -> Truth:
        value = facts.value(test.fact)
        if type(value) is dict:
            return None
        if holds(value):
            return True
        return None if asks_known and not facts.is_known_code(test.fact) else False

    def some(facts: Facts) -> Truth:
        value = facts.value(test.fact)
        is_partial = type(value) is dict
        if any(holds(code) for code in (value.get("partial", ()) if is_partial else value)):
            return True
        return None if is_partial else False

    def every(facts: Facts) -> Truth:
        value = facts.value(test.fact)
        is_partial = type(value) is dict
        codes = value.get("partial", ()) if is_partial else value
        if not all(holds(code) for code in codes):
            return False
        return None if is_partial else bool(codes)

    read = {"in": one, "not_in": one, "all_in": every}.get(test.operator, some)
    if test.operator not in ("not_in", "none_in"):
        return read

    def negated(facts: Facts) -> Truth:
        found = read(facts)
        return None if found is None else not found

    return negated
