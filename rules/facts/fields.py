"""Short ways to say that a fact of the event is one field of its act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules.facts.base import Context, Fact, Type, Value
from rules.facts.read import key_of, other_word, reported, text, words
from rules.facts.times import end_of, interval, start_at

Reader = Callable[[Context], Value]


def plain(name: str) -> Reader:
    """The field as it is, or why it is unknown."""
    return lambda c: reported(getattr(c.data, name))


def worded(name: str) -> Reader:
    """A field of text."""
    return lambda c: text(getattr(c.data, name))


def closed(name: str, vocabulary: tuple[str, ...]) -> Reader:
    """A field with a closed vocabulary; another word is unrecognised."""

    def extract(c: Context) -> Value:
        value = getattr(c.data, name)
        return value if value in vocabulary else other_word(value)

    return extract


def coded(name: str) -> Reader:
    """A code with its system, `system|code`."""
    return lambda c: key_of(getattr(c.data, name))


class Family:
    """Makes the facts of one family, each called `family.name` and read of one field."""

    def __init__(self, family: str) -> None:
        self.family = family

    def fact(self, name: str, kind: Type, zh: str, en: str, read: Reader, **more: Any) -> Fact:
        return Fact(f"{self.family}.{name}", kind, zh, en, {self.family: read}, **more)

    def text(self, name: str, zh: str, en: str) -> Fact:
        return self.fact(name, Type.TEXT, zh, en, worded(name))

    def word(self, name: str, zh: str, en: str, vocabulary: tuple[str, ...]) -> Fact:
        return self.fact(name, Type.TEXT, zh, en, closed(name, vocabulary), words=vocabulary)

    def code(self, name: str, zh: str, en: str) -> Fact:
        return self.fact(name, Type.TEXT, zh, en, coded(name), coding="item")

    def time(self, name: str, zh: str, en: str) -> Fact:
        return self.fact(name, Type.TIME, zh, en, plain(name))

    def flag(self, name: str, zh: str, en: str, of: str = "") -> Fact:
        return self.fact(name, Type.BOOLEAN, zh, en, plain(of or name))

    def number(self, name: str, zh: str, en: str) -> Fact:
        return self.fact(name, Type.NUMBER, zh, en, plain(name), unit="1", counts=True)

    def money(self, name: str, zh: str, en: str) -> Fact:
        return self.fact(name, Type.MONEY, zh, en, plain(name), unit="CNY")

    def listed(
        self, name: str, zh: str, en: str, of_entry: Callable[[Any], Value], **more: Any
    ) -> Fact:
        """What is read of each entry of a list; one that is stated absent is the empty one."""

        def read(c: Context) -> Value:
            found = getattr(c.data, name)
            return tuple(map(of_entry, found)) if type(found) is tuple else words(found)

        return self.fact(name, Type.LIST, zh, en, read, **more)

    def period(self, zh: str, en: str, start: str, end: str) -> Fact:
        """From one of its times until another one."""

        def read(c: Context) -> Value:
            return interval(start_at(getattr(c.data, start)), end_of(getattr(c.data, end)))

        return self.fact("period", Type.INTERVAL, zh, en, read)

    def lasted(self, name: str, zh: str, en: str, start: str, end: str) -> Fact:
        """How long it took from one of its times to another one."""

        def read(c: Context) -> Value:
            first, last = reported(getattr(c.data, start)), reported(getattr(c.data, end))
            for at in (first, last):
                if type(at) is dict:
                    return at
            return last - first

        ends = (f"{self.family}.{start}", f"{self.family}.{end}")
        return self.fact(name, Type.DURATION, zh, en, read, ends=ends)
