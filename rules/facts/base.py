"""What a fact is, and the three shapes of its value: known, unknown, and a partial list.

A known value is plain Python (a list is a tuple). An unknown one is `{"unknown": why}` and a
partial list `{"partial": (known elements,)}`: dicts, so that the values that conditions read
go into the decision as they are, and "is it plainly known?" is one look at its type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, tzinfo
from enum import StrEnum
from typing import Any, Final, TypeAlias

from contracts.acts import FAMILIES
from contracts.event import EVENT_TYPES, Event
from knowledge_base import KnowledgeBase

OF_PLACES: Final = ("stock", "upload")
"""Families that are about a place, and no patient, though every act could name one."""
OF_PATIENTS: Final = tuple(family for family in FAMILIES if family not in OF_PLACES)

Value: TypeAlias = Any
"""A fact's value in one of its three shapes."""


class Type(StrEnum):
    """What kind of value a fact has; operators fit types."""

    NUMBER = "number"
    MONEY = "money"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    """How long something took; it knows the two times that it lies between."""
    INTERVAL = "interval"
    """From a time up to another one, which does not belong to it."""
    LIST = "list"
    AMOUNT = "amount"
    """A number with a unit of its own, as the source wrote both."""
    NOTE = "note"
    """Free text: only whether it exists is asked, and its words are never recorded."""


def unknown(why: str) -> Value:
    """A value that is not known, and why."""
    return {"unknown": why}


NOT_REPORTED: Final = unknown("not_reported")
STATED_ABSENT: Final = unknown("stated_absent")
NOT_IN_KNOWLEDGE: Final = unknown("not_in_knowledge")
NOT_IN_REGISTRY: Final = unknown("not_in_registry")
UNRECOGNISED: Final = unknown("unrecognised")
OTHER_UNIT: Final = unknown("unit")
PARTIAL_LIST: Final = "partial_list"
NO_ELEMENTS: Final[tuple[str, ...]] = ()


def partial(values: tuple[str, ...]) -> Value:
    """A list of which only these elements are known."""
    return {"partial": values}


class Context:
    """What extractors read of one event, as of one day."""

    __slots__ = (
        "_promised", "data", "day", "derived", "drugs", "entries", "event", "facts", "hits",
        "knowledge", "person", "recalled", "records", "remembered", "zone",
    )  # fmt: skip

    def __init__(self, event: Event, day: date, zone: tzinfo, knowledge: KnowledgeBase) -> None:
        self.event = event
        self.data: Any = event.data
        self.day = day
        self.zone = zone
        self.knowledge = knowledge
        self.facts: dict[str, Value] = {}
        self.derived: dict[str, Any] = {}
        """What compiled conditions worked out of facts of the event, by a name of theirs."""
        self.drugs: dict[int, Any] = {}
        """Drugs of the items, looked up once; by the identity of the item."""
        self.entries: dict[int, Any] = {}
        """The same for entries of the catalogue of services."""
        self.person: Any = None
        """Who signed, looked up once."""
        self.records: dict[str, Any] | None = None
        """Lists of records that conditions looked into, see rules.facts.records."""
        self.recalled: Any = None
        """What is remembered of the subject, see rules.memory.history.Recalled; None: nothing."""
        self.remembered: dict[str, Any] | None = None
        """Fields of the patient that the memory was asked for, see rules.facts.remembered."""
        self.hits: dict[tuple[str, str], Element] | None = None
        """The elements that decided a `some`, or left it open, by list and name."""
        self._promised: frozenset[str] | None = None

    def is_promised(self, name: str) -> bool:
        """Whether the event's source promises to send a fact whenever there is something to send.

        Looked up once, and only for events of which something that is asked for did not come.
        """
        if self._promised is None:
            event = self.event
            family = EVENT_TYPES[event.type].family
            self._promised = self.knowledge.promised(event.source, family, self.day)
        return name in self._promised


class Element:
    """What extractors read of one element of a list: an item, a diagnosis or a bare value."""

    __slots__ = ("facts", "id", "of", "outer")

    def __init__(self, of: Any, element_id: str) -> None:
        self.of = of
        self.id = element_id
        self.facts: dict[str, Value] = {}
        self.outer: Element | None = None
        """Whose time it is judged at where it has none: a pair's later line, or the element whose
        rule asks `some`."""


EventExtractor: TypeAlias = Callable[[Context], Value]
ElementExtractor: TypeAlias = Callable[[Context, Element], Value]


@dataclass(frozen=True, eq=False)
class Fact:
    """A named, typed value that conditions can ask for.

    `of` is "" for a fact of the event and else the list whose elements have it. `extractors`
    maps each event family that has the fact to the function that reads it. `words` closes a
    text's vocabulary. `coding` says which kind of code set fits.
    """

    name: str
    type: Type
    zh: str
    en: str
    extractors: dict[str, Callable[..., Value]] = field(repr=False)
    of: str = ""
    unit: str = ""
    words: tuple[str, ...] = ()
    coding: str = "text"
    always_known: bool = False
    in_knowledge: Callable[[Context, Element], bool] | None = field(default=None, repr=False)
    """Whether the knowledge base knows the code; of others no code set says that it lacks them."""
    english: Callable[..., Value] | None = field(default=None, repr=False)
    """The words for an English message, where the value is a Chinese name."""
    time: str = ""
    """The fact that says when the value was observed."""
    ends: tuple[str, str] | None = None
    """Of a duration: the facts between whose times it lies."""
    parameters: tuple[str, ...] = ()
    """The parameters of the knowledge base that it is worked out with."""
    counts: bool = False
    """Whether it counts completed units: 1 year and 11 months are 1 year, whatever the limit."""

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self.extractors)

    @property
    def cardinality(self) -> int:
        """A guess of how many values it takes; an index prefers facts with many."""
        if self.type is Type.BOOLEAN:
            return 2
        return len(self.words) or 10_000
