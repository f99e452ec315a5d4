"""What is registered: institutions, practitioners, devices and beds, each with its whole history.

A record of the compacted registry topic tells everything of one of them: its key is
`kind/institution/id`, and its history is a list of entries that hold from a day up to another one
that no longer belongs to them. A correction is the whole record again; a record without a value
takes it out. It is about no patient and reaches every worker. It carries no names of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta

from contracts.decision import Record, Words
from contracts.intake import Reason, Rejected
from contracts.values import Identifier, Reported, Word

SCHEMA: Final = 1

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Entry(Record, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What holds from the day `from` up to the day `to`; without `to` it still holds."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError("an entry ends after the day on which it begins")


class InstitutionEntry(Entry, frozen=True, kw_only=True):
    level: Reported[Word] = UNSET
    """`tertiary`, `secondary`, `primary`."""
    type: Reported[Word] = UNSET
    """`hospital`, `clinic` …"""
    time_zone: Reported[Word] = UNSET
    """An IANA name."""
    departments: Reported[tuple[Word, ...]] = UNSET
    """The departments that its licence names (诊疗科目)."""
    approved_beds: Reported[Count] = UNSET


class PractitionerEntry(Entry, frozen=True, kw_only=True):
    department: Reported[Word] = UNSET
    title: Reported[Word] = UNSET
    grants: Reported[tuple[Word, ...]] = UNSET
    """What the person may prescribe or do."""
    licensed: Reported[bool] = UNSET
    active_payment: Reported[bool] = UNSET
    """Whether the insurer pays for the person's acts (医保支付资格)."""
    sites: Reported[tuple[Identifier, ...]] = UNSET
    """Other institutions where the person may practise (多机构执业备案)."""


class DeviceEntry(Entry, frozen=True, kw_only=True):
    department: Reported[Word] = UNSET
    udi: Reported[Word] = UNSET
    permit: Reported[Word] = UNSET
    """The number of the permit for a large device (配置许可证); null states that it has none."""
    in_use: Reported[bool] = UNSET


class BedEntry(Entry, frozen=True, kw_only=True):
    department: Reported[Word] = UNSET
    ward: Reported[Word] = UNSET
    approved: Reported[bool] = UNSET
    """Whether it is one of the beds that the licence counts (核准床位)."""


class _Registered(Record, frozen=True, kw_only=True, tag_field="kind", omit_defaults=False):
    schema: Literal[1] = SCHEMA
    institution: Identifier
    id: Identifier
    """For an institution the institution's own id again."""

    @property
    def key(self) -> bytes:
        """The key of its record."""
        kind = self.__struct_config__.tag
        return f"{kind}/{self.institution}/{self.id}".encode("utf-8", "surrogatepass")


class RegisteredInstitution(_Registered, frozen=True, kw_only=True, tag="institution"):
    name: Words
    history: tuple[InstitutionEntry, ...] = ()

    def __post_init__(self) -> None:
        if self.id != self.institution:
            raise ValueError("an institution is registered under its own id")
        _in_order(self.history)


class RegisteredPractitioner(_Registered, frozen=True, kw_only=True, tag="practitioner"):
    history: tuple[PractitionerEntry, ...] = ()

    def __post_init__(self) -> None:
        _in_order(self.history)


class RegisteredDevice(_Registered, frozen=True, kw_only=True, tag="device"):
    name: Words
    history: tuple[DeviceEntry, ...] = ()

    def __post_init__(self) -> None:
        _in_order(self.history)


class RegisteredBed(_Registered, frozen=True, kw_only=True, tag="bed"):
    history: tuple[BedEntry, ...] = ()

    def __post_init__(self) -> None:
        _in_order(self.history)


Registered = RegisteredInstitution | RegisteredPractitioner | RegisteredDevice | RegisteredBed

KINDS: Final = ("institution", "practitioner", "device", "bed")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Registered).decode


def _in_order(history: Sequence[Entry]) -> None:
    for earlier, later in pairwise(history):
        if earlier.end is None or earlier.end > later.start:
            raise ValueError("entries stand in the order of their days and do not overlap")


def encode_registered(record: Registered) -> bytes:
    """The value of its record. Equal records have equal bytes."""
    return _encode(record)


def read_registered(key: bytes | None, value: bytes | None) -> Registered | Rejected:
    """What a record of the registry topic says, or why it says nothing. Quotes no value."""
    found = parse_registered(value)
    if not isinstance(found, Rejected) and key != found.key:
        return Rejected(Reason.KEY_MISMATCH, "$.id", "the key is not `kind/institution/id`")
    return found


def parse_registered(value: bytes | None) -> Registered | Rejected:
    """The same of a value that does not stand under its key yet."""
    if not value:
        return Rejected(Reason.EMPTY_VALUE, "$", "the record has no value: it is taken out")
    try:
        record: Registered = _decode(value)
    except msgspec.ValidationError as e:
        text, at, path = str(e).partition(" - at `")
        plain = text if at and not text.startswith("Invalid") else "not as the schema says"
        return Rejected(Reason.FIELD_TYPE, path.rstrip("`") or "$", plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Rejected(Reason.NOT_JSON, "$", "not JSON in UTF-8; send one JSON object a record")
    return record
