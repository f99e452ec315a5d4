"""Where a fact's value comes from: the fields of the event, and what was looked up.

Found by experiment: a field is an origin if the value changes when the field is changed or left
out. So it holds for every fact, also for one that is added tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from contracts.event import EVENT_TYPES, Event, encode_event
from contracts.intake import SHAPES
from rules.facts import Fact
from rules.facts.base import Context, Element

Path = tuple[str | int, ...]
Find = Callable[[Context], Element | None]
"""The same element in the context of a changed event; None where there is none any more."""

_DAY: Final = re.compile(r"(\d{4})-\d\d-\d\d")
_MAX_CHANGES: Final = 2000


@dataclass(frozen=True)
class Origin:
    """What a value is made of."""

    fields: tuple[str, ...]
    """Paths in the event, `data.items[0].dose.value`; empty where no field says it."""
    looked_up: tuple[str, ...]
    """What the knowledge base was asked for, `drug urn:yijian:demo:drug|D002`."""

    def __str__(self) -> str:
        """In short: a code is told without its system."""
        codes = {name.removesuffix("code") for name in self.fields if name.endswith(".code")}
        said = [name for name in self.fields if name.removesuffix("system") not in codes]
        return "; ".join([*said, *self.looked_up])


class Origins:
    """Asks for the origins of facts of one event."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._family = EVENT_TYPES[event.type].family

    def of(self, fact: Fact, value: Any, c: Context, find: Find | None) -> Origin:
        """The origin of a fact with this value; `find` finds the element of an element's fact."""
        read = fact.extractors[self._family]
        fields: dict[str, None] = {}
        for path, event in self._changed:
            name = _name(path)
            if name not in fields and _value(read, _again(c, event), find) != value:
                fields[name] = None
        return Origin(tuple(fields), self._looked_up(read, c, find))

    def _looked_up(self, read: Any, c: Context, find: Find | None) -> tuple[str, ...]:
        watched = _Watched(c.knowledge)
        _value(read, Context(self._event, c.day, c.zone, watched), find)  # type: ignore[arg-type]
        return tuple(dict.fromkeys(watched.asked))

    @cached_property
    def _changed(self) -> list[tuple[Path, Event]]:
        """The event with one field changed or left out, field by field."""
        raw = msgspec.json.decode(encode_event(self._event))
        found = []
        for path, other in _changes(raw):
            changed = deepcopy(raw)
            _put(changed, path, other)
            try:
                event = msgspec.convert(changed, SHAPES[self._family], str_keys=True)
            except (msgspec.ValidationError, ValueError):
                continue
            found.append((path, event))
            if len(found) == _MAX_CHANGES:
                break
        return found


_GONE: Final = object()


def _changes(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field with another value, and without one."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _changes(child, (*path, name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _changes(child, (*path, index))
        if not node:
            yield path, _GONE
    else:
        other = _other(node)
        if other is not None:
            yield path, other
        if not isinstance(path[-1], int):
            yield path, _GONE


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if not isinstance(value, str):
        return None
    day = _DAY.match(value)
    if day is not None:
        return f"{int(day.group(1)) - 1:04}{value[4:]}"
    return f"1{value}" if value[:1].isdigit() else f"{value}0"


def _put(root: Any, path: Path, value: Any) -> None:
    node = root
    for step in path[:-1]:
        node = node[step]
    if value is _GONE:
        del node[path[-1]]
    else:
        node[path[-1]] = value


def _name(path: Path) -> str:
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")


def _again(c: Context, event: Event) -> Context:
    """A fresh context as of the same day: what the day itself depends on is no origin."""
    again = Context(event, c.day, c.zone, c.knowledge)
    again.recalled = c.recalled
    return again


def _value(read: Any, c: Context, find: Find | None) -> Any:
    """The value that an extractor reads; an object that equals nothing where it cannot."""
    try:
        if find is None:
            return read(c)
        element = find(c)
        return read(c, element) if element is not None else _GONE
    except Exception:  # a changed event may be one that no source can send
        return _GONE


class _Watched:
    """A knowledge base that takes note of what it is asked for."""

    def __init__(self, knowledge: Any) -> None:
        self._knowledge = knowledge
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._knowledge, name)
        if not callable(found):
            self.asked.append(name)
            return found

        def ask(*key: Any) -> Any:
            answer = found(*key)
            words = [part for part in key if isinstance(part, str)]
            said = f"{name} {'|'.join(words)}"
            self.asked.append(said if answer is not None else f"{said} (not known)")
            return answer

        return ask
