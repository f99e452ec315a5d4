"""The envelope: a CloudEvents 1.0 event whose data is one of our acts."""

from __future__ import annotations

from typing import Annotated, Final, Generic, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.acts import VERBS, AnyAct
from contracts.identity import EventKey, Subject
from contracts.values import Identifier, Instant, Value

D = TypeVar("D")

SubjectText = Annotated[str, Meta(pattern=r"^[^|\n]+\|[^\n]+$(?!\n)", max_length=512)]


class Envelope(Value, Generic[D], frozen=True, kw_only=True):
    """One event. `subject` is the patient as `namespace|id`; the Kafka key is the same text."""

    specversion: Literal["1.0"]
    id: Identifier
    source: Identifier
    type: Identifier
    time: Instant
    subject: SubjectText
    datacontenttype: str | UnsetType = UNSET
    dataschema: str | UnsetType = UNSET
    data: D

    @property
    def key(self) -> EventKey:
        return EventKey(self.source, self.id)

    @property
    def patient(self) -> Subject:
        namespace, _, identifier = self.subject.partition("|")
        return Subject(namespace, identifier)


Event = Envelope[AnyAct]


class EventType(NamedTuple):
    """`prescription.signed.v1`, taken apart."""

    family: str
    verb: str
    version: int


EVENT_TYPES: Final[dict[str, EventType]] = {
    f"{family}.{verb}.v1": EventType(family, verb, 1)
    for family, verbs in VERBS.items()
    for verb in verbs
}
"""Every supported type."""

_encode = msgspec.json.Encoder(decimal_format="string").encode


def encode_event(event: Event) -> bytes:
    """The event as structured-mode CloudEvents JSON, UTF-8."""
    return _encode(event)


def family_of(event_type: str) -> str:
    """The family of a supported type."""
    return EVENT_TYPES[event_type].family
