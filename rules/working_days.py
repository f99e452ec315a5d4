"""Working days as the State Council arranges them: holidays, and weekend days that are worked.

Of a year whose arrangement is not published yet the library estimates the holidays and knows no
exchanged days. An institution's own closing days are not known here.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

from holidays import HolidayBase, country_holidays

COUNTRY: Final = "CN"


@cache
def _calendar() -> HolidayBase:
    return country_holidays(COUNTRY)


def is_working_day(day: date) -> bool:
    """Whether a day is worked: no weekend day that is not exchanged, and no holiday."""
    return bool(_calendar().is_working_day(day))


def working_day(day: date, count: int) -> date:
    """The working day that is `count` working days after a day, or before it where negative.

    The day itself does not count; 0 is the day itself.
    """
    step = timedelta(1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_working_day(day)
    return day
