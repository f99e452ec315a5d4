"""Calendar limits, stale values and intervals that meet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.engine.timing import hours, interval, overlap, shifted
from rules.facts.base import unknown
from rules.facts.interval import Interval

CHINA = ZoneInfo("Asia/Shanghai")
WEST = ZoneInfo("America/Los_Angeles")
WHY = unknown("not_reported")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "count", "unit", "zone", "expected"),
    [
        ("2026-03-01T10:00+08:00", 30, "days", CHINA, "2026-03-31T10:00+08:00"),
        ("2026-03-01T02:00+00:00", 1, "days", CHINA, "2026-03-02T10:00+08:00"),
        ("2026-03-07T10:00-08:00", 1, "days", WEST, "2026-03-08T10:00-07:00"),
        ("2026-01-31T10:00+08:00", 1, "months", CHINA, "2026-02-28T10:00+08:00"),
        ("2024-01-31T10:00+08:00", 1, "months", CHINA, "2024-02-29T10:00+08:00"),
        ("2026-11-30T10:00+08:00", 3, "months", CHINA, "2027-02-28T10:00+08:00"),
        ("2026-03-31T10:00+08:00", -1, "months", CHINA, "2026-02-28T10:00+08:00"),
        ("2024-02-29T10:00+08:00", 1, "years", CHINA, "2025-02-28T10:00+08:00"),
        ("2024-02-29T10:00+08:00", 4, "years", CHINA, "2028-02-29T10:00+08:00"),
        ("2026-12-31T17:00+00:00", 1, "months", CHINA, "2027-02-01T01:00+08:00"),
    ],
)
def test_a_calendar_limit_is_the_same_time_of_day(
    start: str, count: int, unit: str, zone: Any, expected: str
) -> None:
    assert shifted(at(start), count, unit, zone) == at(expected)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 4000),
)
def test_calendar_days_are_days_of_24_hours_where_clocks_never_change(
    start: datetime, count: int
) -> None:
    plain = timezone(timedelta(hours=8))
    assert shifted(start, count, "days", plain) == start + timedelta(count)


T = [at(f"2026-03-0{day}T00:00+08:00") for day in range(1, 7)]
POINTS = [*T, *(t + timedelta(hours=12) for t in T)]


def completions(a: Interval) -> list[tuple[Any, Any]]:
    """Every interval that an interval with unknown ends may be; one that is not known to be
    empty holds something."""
    starts = POINTS if type(a.start) is dict else [a.start]
    ends = POINTS if type(a.end) is dict else [a.end]
    is_known = type(a.start) is not dict and type(a.end) is not dict
    return [(s, e) for s, e in product(starts, ends) if is_known or s is None or e is None or s < e]


def share(a: tuple[Any, Any], b: tuple[Any, Any]) -> bool:
    start = max(x for x in (a[0], b[0], POINTS[0] - timedelta(99)) if x is not None)
    end = min(x for x in (a[1], b[1], POINTS[-1] + timedelta(99)) if x is not None)
    return bool(start < end)


ENDS = st.one_of(st.sampled_from(T[1:5]), st.none(), st.just(WHY))
INTERVALS = st.builds(lambda s, e: Interval(start=s, end=e), ENDS, ENDS).filter(
    lambda i: (
        not i.is_reversed
        and not (type(i.start) is dict and (type(i.end) is dict or i.end is None))
        and not (i.start is None and type(i.end) is dict)
    )
)


@given(INTERVALS, INTERVALS)
def test_an_overlap_is_what_all_completions_have_in_common(a: Interval, b: Interval) -> None:
    answers = {share(x, y) for x in completions(a) for y in completions(b)}
    assert overlap(a, b) is (answers.pop() if len(answers) == 1 else None)


@given(INTERVALS, INTERVALS)
def test_an_overlap_is_mutual(a: Interval, b: Interval) -> None:
    assert overlap(a, b) is overlap(b, a)


def test_an_interval_that_is_not_known_overlaps_perhaps() -> None:
    whole = Interval(start=T[0], end=T[1])
    assert overlap(WHY, whole) is None
    assert overlap(whole, WHY) is None


def test_a_day_begins_at_midnight_in_the_institution() -> None:
    found = interval(date(2026, 3, 1), None, CHINA)
    assert found == Interval(start=T[0], end=None)
    assert interval(T[1], T[0], CHINA) == unknown("unrecognised")


def test_an_age_is_said_in_hours() -> None:
    assert hours(timedelta(hours=75, minutes=30)) == "75.5 h"
