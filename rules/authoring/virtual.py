"""The virtual time of timelines: `8 h 11 min` after the start, or a time of the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, TypeAlias

from rules import units
from rules.reading.fields import time_of

At: TypeAlias = timedelta | datetime
"""So long after the start; or a time of the calendar, for months, leap days and summer time."""

START: Final = (2026, 1, 1)
"""The day at whose first instant, in the institution's time zone, virtual time begins."""
TIMED: Final = re.compile(r"(^|_)(at|time)$")
"""Fields that are times, by their name."""
_PART: Final = re.compile(r"(\d+(?:\.\d+)?) ?([a-zA-Z]+)")
_SPAN: Final = re.compile(r"\d+(?:\.\d+)? ?[a-zA-Z]+(?: \d+(?:\.\d+)? ?[a-zA-Z]+)*")


def at_of(text: object) -> At | None:
    """The time that a text means; None where it means none."""
    if not isinstance(text, str):
        return None
    if _SPAN.fullmatch(text) is None:
        return time_of(text)
    total = timedelta(0)
    for number, unit in _PART.findall(text):
        part = units.duration(float(number), unit)
        if part is None:
            return None
        total += part
    return total


def instant(at: At, zone: tzinfo) -> datetime:
    """The instant of a time, where the timeline begins in this zone."""
    if isinstance(at, datetime):
        return at
    start = datetime(*START, tzinfo=zone)
    return (start.astimezone(UTC) + at).astimezone(zone)


def in_calendar(value: Any, zone: tzinfo, name: str = "") -> Any:
    """An event in shorthand with its virtual times as times of the calendar."""
    if isinstance(value, dict):
        return {key: in_calendar(child, zone, str(key)) for key, child in value.items()}
    if isinstance(value, list):
        return [in_calendar(child, zone, name) for child in value]
    if TIMED.search(name) and isinstance(found := at_of(value), timedelta):
        return instant(found, zone).isoformat()
    return value
