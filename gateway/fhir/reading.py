"""Files become entries: one resource each, with where it stood and how it is referred to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from gateway.errors import UnreadableInput
from gateway.fhir.outcome import Place, Skip, Skipped

_TYPE_NAME: Final = re.compile("[A-Za-z]{1,64}")
_MAX_DEPTH: Final = 4  # bundles within bundles; nobody nests deeper but to break a reader
NDJSON_SUFFIXES: Final = frozenset({".ndjson", ".jsonl"})


class Entry(NamedTuple):
    """One resource as it was sent. `scope` names its bundle: `urn:` references live in there."""

    place: Place
    scope: str
    full_url: str
    type: str
    resource: dict[str, Any]


def is_bulk(path: Path) -> bool:
    """Whether the file is bulk data: one resource a line."""
    return path.suffix.lower() in NDJSON_SUFFIXES


def read(path: Path, position: int) -> Iterator[Entry | Skipped]:
    """The entries of one file in its order; what is not JSON or no resource is a `Skipped`."""
    if is_bulk(path):
        yield from _lines(path, position)
        return
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise unreadable(path, e) from None
    yield from _document(raw, Place(position, "document"), f"{position}")


def unreadable(path: Path, error: OSError) -> UnreadableInput:
    """The error for a file that cannot be opened or read."""
    return UnreadableInput(
        f"{path}: cannot be read ({error.strerror}); expected a FHIR JSON or NDJSON file"
    )


def _lines(path: Path, position: int) -> Iterator[Entry | Skipped]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    place = Place(position, f"line {number}")
                    yield from _document(line, place, f"{position}/{number}")
    except OSError as e:
        raise unreadable(path, e) from None


def _document(raw: bytes, place: Place, scope: str) -> Iterator[Entry | Skipped]:
    try:
        document = json.loads(
            raw, parse_float=_exact, parse_int=_whole, parse_constant=_no_constant
        )
    except (ValueError, RecursionError, ArithmeticError):
        yield Skipped("", place, Skip.NOT_JSON, "$", "not JSON in UTF-8")
        return
    yield from _resources(document, place, scope, "")


def _exact(written: str) -> Decimal:
    """Money to the cent; an exponent that nothing can hold becomes infinite, for the mapper."""
    try:
        return Decimal(written)
    except ArithmeticError:
        return Decimal("Infinity")


def _whole(written: str) -> int | Decimal:
    return int(written) if len(written) < 20 else Decimal("Infinity")


def _no_constant(word: str) -> NoReturn:
    """NaN and Infinity are not JSON, whatever Python thinks."""
    raise ValueError(word)


def _resources(
    document: object, place: Place, scope: str, full_url: str, depth: int = 0
) -> Iterator[Entry | Skipped]:
    if not isinstance(document, dict):
        detail = "expected one JSON object with a resourceType"
        yield Skipped("", place, Skip.NOT_A_RESOURCE, "$", detail)
        return
    kind = document.get("resourceType")
    if not isinstance(kind, str) or not _TYPE_NAME.fullmatch(kind) or depth > _MAX_DEPTH:
        detail = "expected the name of a FHIR resource type"
        yield Skipped("", place, Skip.NOT_A_RESOURCE, "$.resourceType", detail)
    elif kind == "Bundle":
        yield from _entries(document, place, scope, depth)
    else:
        yield Entry(place, scope, full_url, kind, document)


def _entries(
    bundle: dict[str, Any], place: Place, scope: str, depth: int
) -> Iterator[Entry | Skipped]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        yield Skipped("Bundle", place, Skip.INVALID, "$.entry", "expected a list of entries")
        return
    for number, entry in enumerate(entries):
        at = Place(place.file, f"{place.entry} > entry[{number}]")
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            yield Skipped("", at, Skip.NO_RESOURCE, "$.resource", "the entry holds no resource")
            continue
        resource, url = entry["resource"], entry.get("fullUrl")
        # A bundle within a bundle has a scope of its own for its urn: references.
        inner = f"{scope}/{number}" if resource.get("resourceType") == "Bundle" else scope
        yield from _resources(resource, at, inner, url if isinstance(url, str) else "", depth + 1)
