"""The registry topic over a knowledge base: what is registered now stands for what files say.

A registered institution, practitioner or device has its whole history in one record, so nothing of
the files' history of it is left. Everything else of the knowledge base stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET

from contracts.registry import (
    DeviceEntry,
    Entry,
    InstitutionEntry,
    PractitionerEntry,
    Registered,
    RegisteredDevice,
    RegisteredInstitution,
    RegisteredPractitioner,
    encode_registered,
)
from contracts.values import Reported
from knowledge_base.base import KnowledgeBase
from knowledge_base.model import (
    Dated,
    Department,
    Device,
    History,
    Institution,
    Names,
    Practitioner,
)

T = TypeVar("T")
Pair = tuple[str, str]
_DIGITS: Final = 16
_MODULUS: Final = 2**256
DEFAULT_ZONE: Final = "Asia/Shanghai"


@dataclass(frozen=True)
class Registry:
    """What is registered at one moment, and the digest that names it."""

    digest: str = ""
    """16 hex digits; the same records have the same digest in any order. "": nothing."""
    institutions: Mapping[str, History[Institution]] = field(default_factory=dict)
    practitioners: Mapping[Pair, History[Practitioner]] = field(default_factory=dict)
    approved_beds: Mapping[str, History[int]] = field(default_factory=dict)
    devices: Mapping[Pair, History[Device]] = field(default_factory=dict)


NOTHING: Final = Registry()


class Register:
    """The records of the registry topic, one after the other. Not thread-safe."""

    def __init__(self) -> None:
        self._records: dict[bytes, Registered] = {}
        self._sum = 0
        self._hashes: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    @classmethod
    def of(cls, records: Iterable[Registered]) -> Register:
        found = cls()
        for record in records:
            found.put(record)
        return found

    @property
    def records(self) -> tuple[Registered, ...]:
        """What is registered, by key."""
        return tuple(self._records[key] for key in sorted(self._records))

    @property
    def digest(self) -> str:
        """Names what is registered, whatever came before it."""
        if not self._records:
            return ""
        return sha256(self._sum.to_bytes(32, "big")).hexdigest()[:_DIGITS]

    def put(self, record: Registered) -> None:
        """A record in the place of the one that has its key."""
        key = record.key
        self.remove(key)
        self._records[key] = record
        value = int.from_bytes(sha256(key + b"\x00" + encode_registered(record)).digest(), "big")
        self._hashes[key] = value
        self._sum = (self._sum + value) % _MODULUS

    def remove(self, key: bytes) -> None:
        """The record of a key is taken out, where there is one."""
        if self._records.pop(key, None) is not None:
            self._sum = (self._sum - self._hashes.pop(key)) % _MODULUS

    def registry(self) -> Registry:
        """What is registered now, ready to be looked up."""
        institutions, beds, practitioners, devices = {}, {}, {}, {}
        for record in self._records.values():
            if isinstance(record, RegisteredInstitution):
                institutions[record.id] = _history(
                    (entry, _institution(record, entry)) for entry in record.history
                )
                beds[record.id] = _history(
                    (entry, entry.approved_beds)
                    for entry in record.history
                    if isinstance(entry.approved_beds, int)
                )
            elif isinstance(record, RegisteredPractitioner):
                practitioners[record.institution, record.id] = _history(
                    (entry, _practitioner(record, entry)) for entry in record.history
                )
            elif isinstance(record, RegisteredDevice):
                devices[record.institution, record.id] = _history(
                    (entry, _device(record, entry)) for entry in record.history
                )
        return Registry(self.digest, institutions, practitioners, beds, devices)


def overlaid(base: KnowledgeBase, registry: Registry) -> KnowledgeBase:
    """The knowledge base of files with this registry over it; its digest is that of the files."""
    return replace(
        base,
        registry=registry.digest,
        _institutions={**base._institutions, **registry.institutions},
        _practitioners={**base._practitioners, **registry.practitioners},
        _approved_beds=registry.approved_beds,
        _devices={**base._devices, **registry.devices},
    )


def faults(record: Registered) -> tuple[str, ...]:
    """What is wrong with a record that is well formed; it is not taken over then."""
    if not isinstance(record, RegisteredInstitution):
        return ()
    zones = [entry.time_zone for entry in record.history if isinstance(entry.time_zone, str)]
    return tuple(
        f"`{zone}` is not a time zone; write an IANA name, e.g. {DEFAULT_ZONE}"
        for zone in zones
        if not _is_zone(zone)
    )


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _history(entries: Iterable[tuple[Entry, T]]) -> History[T]:
    return History(Dated(value, entry.start, entry.end) for entry, value in entries)


def _institution(record: RegisteredInstitution, entry: InstitutionEntry) -> Institution:
    return Institution(
        id=record.id,
        name=Names(record.name.zh, record.name.en),
        level=_or_none(entry.level),
        kind=_or_none(entry.type),
        time_zone=_or_none(entry.time_zone) or DEFAULT_ZONE,
        departments=tuple(
            Department(name, Names(name, name), ()) for name in _or_none(entry.departments) or ()
        ),
    )


def _practitioner(record: RegisteredPractitioner, entry: PractitionerEntry) -> Practitioner:
    grants = _or_none(entry.grants)
    return Practitioner(
        institution=record.institution,
        id=record.id,
        name=Names(record.id, record.id),  # the registry carries no names of people
        department=_or_none(entry.department),
        title=_or_none(entry.title),
        grants=None if grants is None else frozenset(grants),
        licensed=_or_none(entry.licensed),
        active_payment=_or_none(entry.active_payment),
    )


def _device(record: RegisteredDevice, entry: DeviceEntry) -> Device:
    if entry.permit is None:  # stated: there is none
        licensed: bool | None = False
    else:
        licensed = True if _or_none(entry.permit) else None
    name = Names(record.name.zh, record.name.en)
    return Device(record.institution, record.id, name, licensed)


def _or_none(value: Reported[T]) -> T | None:
    """What was reported; None for what was not, and for what is stated to be absent."""
    return None if value is UNSET or value is None else value
