"""One clock for the whole product, so that time can be given instead of taken."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the wall time comes from. Nothing else in the product may ask the system for it."""

    def now(self) -> datetime:
        """The present instant, in UTC."""

    def now_ms(self) -> int:
        """The present instant, in milliseconds since 1970-01-01T00:00Z (Kafka's unit)."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is told to move; for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def now_ms(self) -> int:
        return int(self._at.timestamp() * 1000)

    def set(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
