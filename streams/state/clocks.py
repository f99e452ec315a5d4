"""How late it is for each source, on one partition number.

A source's clock shows the time of its latest event, and goes on with the broker's while the
source is silent: a deadline passes although nothing happens. It never goes back, never shows
more than the broker's time, and stands while records wait that nobody has looked at, so that
a backlog after an outage is no missed deadline. Sources beyond so many share a clock: it is as
late as the one of them that is furthest, so their deadlines pass too early rather than never.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rules.memory.coverage import MOST_SOURCES

_OTHERS: Final = ""
"""In place of a source: those that have no clock of their own."""


class SourceClock(msgspec.Struct, array_like=True):
    """The clock of one source, in microseconds."""

    latest_us: int
    """The time of its latest event."""
    seen_us: int
    """The broker's time when that event was appended."""
    now_us: int = 0
    """What the clock shows."""


class Clocks(msgspec.Struct, array_like=True):
    """The clocks of all sources of a partition number."""

    broker_us: int = 0
    """The broker's time up to which everything was looked at."""
    sources: dict[str, SourceClock] = {}

    def heard(self, source: str, event_us: int, received_us: int) -> None:
        """An event of a source; its clock shows so at the next tick."""
        clock = self.sources.get(source)
        if clock is None and len(self.sources) >= MOST_SOURCES:
            source, clock = _OTHERS, self.sources.get(_OTHERS)
        if clock is None:
            self.sources[source] = SourceClock(event_us, received_us)
        elif event_us > clock.latest_us:
            clock.latest_us, clock.seen_us = event_us, received_us

    def advance(self, broker_us: int) -> None:
        """Everything that the broker took before `broker_us` was looked at."""
        if broker_us <= self.broker_us:
            return
        self.broker_us = broker_us
        for clock in self.sources.values():
            passed = max(broker_us - clock.seen_us, 0)
            clock.now_us = max(clock.now_us, min(broker_us, clock.latest_us + passed))

    def of(self, source: str) -> int:
        """What a source's clock shows, or that of the others; 0 where none of them was heard."""
        clock = self.sources.get(source) or self.sources.get(_OTHERS)
        return clock.now_us if clock is not None else 0

    @property
    def latest_us(self) -> int:
        """What the clock shows that is furthest ahead."""
        return max((clock.now_us for clock in self.sources.values()), default=0)
