"""Which subject has something to fire next: heaps of (time, subject), one a source.

What is on a heap is a hint to look, not a promise: the memory itself says what is due. So nothing
is ever taken off a heap but its top, and an entry that is no longer true costs one look.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from rules.memory.model import NEVER_US, Timer
from streams.state.clocks import Clocks

ANY: Final = ""
"""The heap of subjects that were read back: of which source their timers are is not known yet."""


class Timers:
    """The subjects of one partition number that wait for a time."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[tuple[int, bytes]]] = {}
        self._hints: dict[tuple[str, bytes], int] = {}

    def __len__(self) -> int:
        return len(self._hints)

    @property
    def next_us(self) -> int:
        """The earliest time at which a subject is to be looked at; NEVER_US where none waits."""
        return min(self._hints.values(), default=NEVER_US)

    def hint(self, subject: bytes, due_us: int, source: str = ANY) -> None:
        """Look at a subject when the clock of a source shows `due_us`."""
        if due_us == NEVER_US:
            self._hints.pop((source, subject), None)
        elif self._hints.get((source, subject)) != due_us:
            self._hints[source, subject] = due_us
            heappush(self._heaps.setdefault(source, []), (due_us, subject))

    def set(self, subject: bytes, timers: Iterable[Timer]) -> None:
        """Look at a subject when the first of its timers of each source is due."""
        first: dict[str, int] = {}
        for timer in timers:
            if timer.fire_us < first.get(timer.source, NEVER_US):
                first[timer.source] = timer.fire_us
        for source, due_us in first.items():
            self.hint(subject, due_us, source)

    def pop(self, clocks: Clocks) -> bytes | None:
        """A subject that is to be looked at, taken off; None where there is none."""
        for source, heap in self._heaps.items():
            now_us = clocks.latest_us if source == ANY else clocks.of(source)
            while heap and heap[0][0] <= now_us:
                due_us, subject = heappop(heap)
                if self._hints.get((source, subject)) == due_us:
                    del self._hints[source, subject]
                    return subject
        return None
