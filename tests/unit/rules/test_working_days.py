"""Working days: holidays, weekend days that are worked, and the same time of day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.engine.timing import shifted
from rules.working_days import is_working_day, working_day

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(("day", "is_worked"), [
    (date(2025, 1, 24), True),  # a Friday
    (date(2025, 1, 25), False),  # a Saturday
    (date(2025, 1, 26), True),  # a Sunday that is worked for the Spring Festival
    (date(2025, 1, 29), False),  # the Spring Festival
    (date(2025, 10, 8), False),  # the last day of National Day and Mid-Autumn
    (date(2025, 10, 11), True),  # a Saturday that is worked for them
])  # fmt: skip
def test_a_day_is_worked_as_the_state_council_arranged(day: date, is_worked: bool) -> None:
    assert is_working_day(day) is is_worked


@pytest.mark.parametrize(("day", "count", "expected"), [
    (date(2025, 9, 30), 1, date(2025, 10, 9)),
    (date(2025, 9, 30), 3, date(2025, 10, 11)),
    (date(2025, 10, 9), -1, date(2025, 9, 30)),
    (date(2025, 10, 4), 0, date(2025, 10, 4)),
    (date(2025, 6, 6), 5, date(2025, 6, 13)),
])  # fmt: skip
def test_working_days_are_counted_after_the_day_itself(
    day: date, count: int, expected: date
) -> None:
    assert working_day(day, count) == expected


def test_a_time_moves_by_working_days_of_the_institutions_zone() -> None:
    late = datetime.fromisoformat("2025-09-30T16:30:00+00:00")  # already 1 October in Shanghai
    moved = shifted(late, 1, "working_days", SHANGHAI)
    assert moved == datetime(2025, 10, 9, 0, 30, tzinfo=SHANGHAI)
