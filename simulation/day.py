"""The hours of one simulated day: when visits begin, and which instant an offset is.

An offset is in seconds since the local midnight that begins the day; before it, it is negative.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from simulation.errors import NothingToSimulate

DAY_S: Final = 86_400.0

# Arrivals by hour of day, as a share of the busiest hour. Outpatient departments open in the
# morning and after the midday rest; emergency departments peak in the evening.
_ARRIVALS: Final[dict[str, tuple[float, ...]]] = {
    "outpatient": (
        0, 0, 0, 0, 0, 0, 0.05, 0.45, 1.0, 0.95, 0.8, 0.45,
        0.12, 0.3, 0.75, 0.7, 0.5, 0.2, 0.06, 0.02, 0, 0, 0, 0,
    ),
    "emergency": (
        0.45, 0.35, 0.3, 0.25, 0.25, 0.3, 0.4, 0.5, 0.6, 0.65, 0.65, 0.6,
        0.55, 0.55, 0.55, 0.6, 0.65, 0.75, 0.9, 1.0, 1.0, 0.95, 0.8, 0.6,
    ),
    "inpatient": (
        0.05, 0.03, 0.03, 0.03, 0.05, 0.2, 0.5, 0.8, 1.0, 1.0, 0.9, 0.6,
        0.3, 0.4, 0.7, 0.8, 0.7, 0.4, 0.25, 0.2, 0.15, 0.1, 0.08, 0.05,
    ),
}  # fmt: skip
_CUMULATED: Final = {kind: tuple(accumulate(hours)) for kind, hours in _ARRIVALS.items()}


def arrival_offset(kind: str, rng: Random) -> float:
    """When a visit of this kind begins, drawn from the day's curve."""
    totals = _CUMULATED[kind]
    drawn = rng.random() * totals[-1]
    hour = bisect_right(totals, drawn)
    return (hour + rng.random()) * 3600.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Turns offsets into instants; the day is squeezed where it may not last until midnight."""

    midnight: datetime
    scale: float

    @classmethod
    def of(cls, day: date, zone_name: str, until: datetime | None) -> Frame:
        """The frame of a calendar day in a zone, ending at `until` or at the next midnight.

        Raises NothingToSimulate where the day begins after `until`.
        """
        zone = ZoneInfo(zone_name)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        begin = midnight.astimezone(UTC)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)
        if until is not None:
            end = min(end, until.astimezone(UTC))
        length = (end - begin).total_seconds()
        if length <= 0:
            raise NothingToSimulate(
                f"the day {day} has not begun in {zone_name} at {until}; choose an earlier --date"
            )
        return cls(begin, min(1.0, length / DAY_S))

    def epoch_s(self, offset_s: float) -> float:
        """Seconds since 1970 of an offset; only the day itself is squeezed, not what was before."""
        scaled = offset_s * self.scale if offset_s > 0 else offset_s
        return self.midnight.timestamp() + scaled

    def instant(self, offset_s: float, zone: tzinfo) -> datetime:
        """The instant of an offset as a clock in `zone` shows it, to the millisecond below."""
        return datetime.fromtimestamp(int(self.epoch_s(offset_s) * 1000) / 1000, zone)
