"""FHIR's JSON, read without trusting its shape, and FHIR data types as values of the contract.

Every reader here answers "nothing" for a value of the wrong shape: shape is validation's affair,
and with validation off a wrong shape must not become an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from msgspec import UNSET

from contracts.values import Amount, Coding, Quantity, Reported
from gateway.fhir.outcome import Refusal, Skip

T = TypeVar("T")
Json = Mapping[str, Any]

EMPTY: Final[Json] = {}
UCUM: Final = "http://unitsofmeasure.org"
ABSENT_URL: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def child(node: Json, name: str) -> Json:
    """The object in a field, or an empty one."""
    value = node.get(name)
    return value if isinstance(value, dict) else EMPTY


def children(node: Json, name: str) -> list[Json]:
    """The objects in a list field; anything else in it is left out."""
    value = node.get(name)
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def text(node: Json, name: str) -> str:
    """The text in a field, or ""."""
    value = node.get(name)
    return value if isinstance(value, str) else ""


def number(node: Json, name: str, path: str) -> float | None:
    """The number in a field as a float; refuses one that no float can hold."""
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        result = float(value)
    except (OverflowError, ValueError):
        result = float("inf")
    if not isfinite(result):
        raise Refusal(Skip.NUMBER_OUT_OF_RANGE, f"{path}.{name}", "expected a finite number")
    return result


def codes(concept: Json) -> list[str]:
    """The codes of a concept, whatever their system."""
    return [c for coding in children(concept, "coding") if (c := text(coding, "code"))]


def is_absent(node: Json, name: str) -> bool:
    """Whether the field says by a data-absent-reason that there is no value."""
    carriers = (child(node, f"_{name}"), child(node, name))
    return any(
        text(extension, "url") == ABSENT_URL
        for carrier in carriers
        for extension in children(carrier, "extension")
    )


def reported(node: Json, name: str, read: Callable[[Json, str], T | None]) -> Reported[T]:
    """What `read` finds in the field; else None where it is stated absent, UNSET where missing."""
    value = read(node, name)
    if value is not None:
        return value
    return None if is_absent(node, name) else UNSET


def quantity(node: Json, path: str) -> Quantity | None:
    """The quantity with its UCUM code where it has one, else its unit as written."""
    value = number(node, "value", path)
    if value is None:
        return None
    code = text(node, "code") if text(node, "system") == UCUM else ""
    return Quantity(value, code or text(node, "unit") or text(node, "code"))


def amount(node: Json, path: str) -> Amount | None:
    """The quantity where it is one that cannot be negative: a dose, a number of packs."""
    found = quantity(node, path)
    return None if found is None else Amount(found.value, found.unit)


def coding(
    concept: Json, systems: Mapping[str, str], prefer: Callable[[str], bool] | None = None
) -> Coding | None:
    """One code of a concept: of a preferred system, else what the user chose, else the first.

    `systems` renames code systems; a concept with a text alone becomes a code without a system.
    """
    found = [c for c in children(concept, "coding") if text(c, "code")]
    if not found:
        words = text(concept, "text").strip()
        return Coding("", words) if words else None

    def rank(c: Json) -> tuple[bool, bool]:
        system = text(c, "system")
        preferred = prefer(system) if prefer else system in systems
        return (not preferred, c.get("userSelected") is not True)

    best = min(found, key=rank)
    system = text(best, "system")
    display = text(best, "display") or text(concept, "text")
    return Coding(systems.get(system, system), text(best, "code"), display or UNSET)


def words_of(concept: Json) -> str:
    """What a person reads for a concept: its text, else a display, else a code; or ""."""
    shown = [text(concept, "text")]
    shown += [text(c, "display") for c in children(concept, "coding")]
    return next((w for w in (*shown, *codes(concept)) if w.strip()), "")


def whole_date(node: Json, name: str) -> date | None:
    """The date in a field where it has year, month and day."""
    written = text(node, name)
    try:
        return date.fromisoformat(written) if len(written) == 10 else None
    except ValueError:
        return None


def instant(written: str, zone: ZoneInfo) -> datetime:
    """A FHIR date, dateTime or instant as a point in time; raises ValueError where it is none.

    A date has no offset: it is read as its first moment in `zone`; a year or a month alone as
    its first day. Offsets of no whole minute (local mean time, before 1901) become UTC, since
    RFC 3339 cannot write them.
    """
    if "T" not in written:
        whole = f"{written}-01-01"[:10] if len(written) == 4 else f"{written}-01"[:10]
        day = date.fromisoformat(whole)
        at = datetime(day.year, day.month, day.day, tzinfo=zone)
    else:
        at = datetime.fromisoformat(written)
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("a time without an offset")
    return at.astimezone(_UTC) if offset.total_seconds() % 60 else at


_UTC: Final = ZoneInfo("UTC")
