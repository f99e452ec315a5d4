"""The broker's time up to which everything that it took was looked at.

A tick says how late it is, not that nothing waits. So at a tick the ends of the logs are noted,
as they were when each was fetched last, and the time of the tick before it is reached once all
that stood before them is worked through: what was appended until then has been fetched since.
After an outage, or under load, clocks stand until the backlog is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.offsets import Work


class Reach:
    """Of one partition number; one tick at a time is waited for."""

    def __init__(self) -> None:
        self._before_ms: int | None = None
        """The time of the last tick: nothing from before it is unknown at this one."""
        self._waiting_ms: int | None = None
        self._ends: dict[str, int] = {}

    def tick(self, broker_ms: int, work: Mapping[str, Work]) -> int | None:
        """The broker's time that is reached now; None where it is not known to be later."""
        before_ms, self._before_ms = self._before_ms, broker_ms
        reached = None
        if self._waiting_ms is not None and self._is_done(work):
            reached, self._waiting_ms = self._waiting_ms, None
        if before_ms is None or self._waiting_ms is not None:
            return reached
        if all(w.end is not None for w in work.values()):
            self._ends = {topic: w.end for topic, w in work.items() if w.end is not None}
            if self._is_done(work):
                return before_ms
            self._waiting_ms = before_ms
        return reached

    def _is_done(self, work: Mapping[str, Work]) -> bool:
        return all(topic in work and work[topic].done >= end for topic, end in self._ends.items())
