"""Instants as ClickHouse holds them: whole milliseconds, within what DateTime64 can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DAY_MS: Final = 86_400_000
EARLIEST_MS: Final = -2_208_988_800_000  # 1900-01-01T00:00Z
LATEST_MS: Final = 10_413_791_999_999  # 2299-12-31T23:59:59.999Z


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00Z, rounded down; exact where float seconds are not."""
    return (instant - _EPOCH) // _MS


def clamp_ms(ms: int) -> int:
    """The nearest instant that DateTime64 holds. For broker timestamps, which producers choose."""
    return min(max(ms, EARLIEST_MS), LATEST_MS)


def month_of(ms: int) -> int:
    """The table partition (toYYYYMM in UTC) of an instant."""
    return _month_of_day(ms // _DAY_MS)


@lru_cache(maxsize=65_536)
def _month_of_day(day: int) -> int:
    date = _EPOCH + timedelta(days=day)
    return date.year * 100 + date.month
