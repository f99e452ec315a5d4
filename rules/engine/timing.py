"""What conditions say of time: calendar limits, fresh values, and intervals that meet.

Generated code calls these. Times are instants; an interval is [from, to), and what is not known
of one makes an answer unknown only where it could change it.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from rules import words
from rules.facts.base import Context, Element, Value, unknown
from rules.facts.interval import Interval
from rules.facts.read import judged_at, start_of
from rules.logic import Truth
from rules.working_days import working_day


def shifted(at: datetime, count: int, unit: str, zone: tzinfo) -> datetime:
    """The same time of day so many calendar days, months or years later, in a time zone.

    Where a month has no such day it is the month's last (Civil Code of China, article 202). The
    day of a number of working days does not count itself.
    """
    local = at.astimezone(zone)
    if unit == words.WORKING_DAYS:
        return datetime.combine(working_day(local.date(), count), local.timetz())
    if unit == "days":
        return local + timedelta(count)
    months = local.year * 12 + local.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def is_not_fresh(c: Context, x: Element | None, at: datetime, span: Any, unit: str) -> bool:
    """Whether what was observed then lies outside of the window (t - w, t]: too old, or too late.

    `span` is a timedelta, or with a unit a number of calendar days, months or years.
    """
    until = judged_at(c, x)
    return at > until or at <= (shifted(until, -span, unit, c.zone) if unit else until - span)


def age_of(c: Context, x: Element | None, at: datetime) -> timedelta:
    """How old an observation is at the time judged; negative for one that was made later."""
    return judged_at(c, x) - at


def hours(span: timedelta) -> str:
    """A length of time in hours."""
    return f"{span / timedelta(hours=1):.10g} h"


def instant(end: Any, zone: tzinfo) -> Any:
    """The end of an interval as an instant: a day begins at midnight in the zone."""
    return start_of(end, zone) if type(end) is date else end


def interval(start: Any, end: Any, zone: tzinfo) -> Value:
    """The interval between two ends that are days, times, None (open) or unknown."""
    found = Interval(start=instant(start, zone), end=instant(end, zone))
    return unknown("unrecognised") if found.is_reversed else found


def overlap(a: Value, b: Value) -> Truth:
    """Whether two intervals share an instant."""
    if type(a) is dict or type(b) is dict:
        return None
    parts = (_has_time(a), _has_time(b), _begins_before(a, b), _begins_before(b, a))
    return False if False in parts else None if None in parts else True


def _has_time(a: Interval) -> Truth:
    """Whether it holds an instant at all: from a time up to the same time there is none.

    One with an unknown end is taken to last: what has begun was there.
    """
    if type(a.start) is datetime and type(a.end) is datetime:
        return bool(a.start < a.end)
    return True


def _begins_before(a: Interval, b: Interval) -> Truth:
    """Whether `a` begins before `b` ends; of an unknown end it is known on which side it lies."""
    if a.start is None or b.end is None:
        return True
    if type(a.start) is datetime and type(b.end) is datetime:
        return bool(a.start < b.end)
    if type(a.start) is datetime:  # b has begun when it ends, later than at its start
        return True if type(b.start) is datetime and a.start <= b.start else None
    if type(b.end) is datetime:  # a begins before its own end
        return True if type(a.end) is datetime and a.end <= b.end else None
    return None
