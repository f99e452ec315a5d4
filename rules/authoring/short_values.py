"""The values of a test event as authors write them: times, quantities, codes, lists."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from rules import words
from rules.facts.patient import INGREDIENT_SYSTEM

LEFT_OUT: Final = "not_reported"
NONE_KNOWN: Final = "none_known"
NO_CODE: Final = {"system": "urn:yijian:test:no-code", "code": "not-reported"}
"""The contracts want a code of every diagnosis; this one is of no system that rules know."""
DEFAULT_AT: Final = "2026-03-02T10:00:00+08:00"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"

LOCAL: Final = timezone(timedelta(hours=8))
_QUANTITY: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?(\S*)")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d|Z)?")
_TIMED: Final = re.compile(r"(^|_)(at|time)$")
_QUANTITIES: Final = frozenset({"dose", "quantity", "returned", "weight", "value"})
_MONEY: Final = frozenset({"amount", "refunded", "unit_price", "fund_paid", "total"})
_SHOWN: Final = 12


class ShorthandError(ValueError):
    """A test event that cannot be understood: its message says what to write."""


def none_of(what: str, name: Any, known: list[str]) -> str:
    """That there is no such thing, and what there is."""
    listed = sorted(set(known))
    some = ", ".join(listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "")
    if not listed:
        return (
            f"no {what} {name}: no catalogue is loaded; with YIJIAN_KNOWLEDGE the demonstration "
            "catalogue is left out, name your own, or knowledge_base/data/demo"
        )
    return f"no {what} {name}; {words.nearest(str(name), listed) or f'there are {some}'}"


def pruned(value: Any) -> Any:
    """Without the fields that are said to be left out."""
    if isinstance(value, dict):
        return {name: pruned(v) for name, v in value.items() if v != LEFT_OUT}
    return [pruned(v) for v in value] if isinstance(value, list) else value


def fields(short: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(name, value) for name, value in short.items()}


def plain(name: str, value: Any) -> Any:
    """A field by the kind its name says: times, quantities, money; else as it is."""
    if isinstance(value, str) and _TIMED.search(name):
        return time_of(value)
    if name in _QUANTITIES and isinstance(value, str | int | float):
        return quantity(name, value)
    if name in _MONEY and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def time_of(value: Any) -> str:
    text = str(value)
    if not _TIME.fullmatch(text):
        raise ShorthandError(f"the time {text} is not written like {DEFAULT_AT}")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as e:  # the 30th of February, the 13th month
        raise ShorthandError(f"the time {text} is none of the calendar: {e}") from e
    return (at if at.tzinfo else at.replace(tzinfo=LOCAL)).isoformat()


def quantity(name: str, value: str | int | float) -> dict[str, Any]:
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise ShorthandError(f"{name}: {value} is not written like 500 mg")
    return {"value": float(match.group(1)), "unit": match.group(2) or "1"}


def coding_of(name: Any) -> dict[str, Any] | None:
    """A code that names its system itself."""
    if isinstance(name, dict):
        return name
    system, bar, code = str(name).rpartition("|")
    return {"system": system, "code": code} if bar else None


def code_of(name: str, value: Any) -> dict[str, Any]:
    coding = coding_of(value)
    if coding is None:
        raise ShorthandError(f"{name}: {value} is not written like system|code")
    return coding


def procedure(entry: Any) -> dict[str, Any]:
    """A procedure of the front page: its code alone, or with its role."""
    if not isinstance(entry, dict):
        return {"code": code_of("procedures", entry)}
    return {**fields(entry), "code": code_of("procedures", entry.get("code", ""))}


def diagnosis(entry: Any) -> dict[str, Any]:
    if isinstance(entry, str):
        return {"code": coding_of(entry) or {"system": ICD10, "code": entry}}
    if isinstance(entry, dict) and "code" not in entry and entry:  # `code: not_reported`
        return {**fields(entry), "code": dict(NO_CODE)}
    if isinstance(entry, dict) and isinstance(entry.get("code"), str):
        return {
            **fields(entry),
            "code": coding_of(entry["code"]) or {"system": ICD10, "code": entry["code"]},
        }
    raise ShorthandError(
        "a diagnosis is written I10 or {code: I10, role: principal}; one without a code "
        "{code: not_reported, role: principal}"
    )


def allergy(entry: Any) -> dict[str, Any]:
    if isinstance(entry, dict):
        return entry
    return {"substance": coding_of(entry) or {"system": INGREDIENT_SYSTEM, "code": str(entry)}}


def listing(value: Any, read: Any) -> Any:
    if value is None:
        return None
    if value == NONE_KNOWN:
        return {"complete": True, "items": []}
    if isinstance(value, list):
        return {"complete": True, "items": [read(entry) for entry in value]}
    if isinstance(value, dict) and set(value) == {"partial"}:
        return {"complete": False, "items": [read(entry) for entry in value["partial"]]}
    raise ShorthandError("a list is written none_known, [one, two] or {partial: [one]}")
