"""What an evaluation without Kafka remembers: the memories of all subjects, and their timers.

A memory lies here as the bytes that the state topic would hold, so what a failed evaluation did to
it is forgotten by not keeping it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from contracts.event import Event
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US, Memory, Timer, decode, encode
from streams.past import Due
from streams.state.clocks import Clocks


class Remembered:
    """The past (streams.past.Past) of one partition number, or of a whole file."""

    def __init__(self) -> None:
        self.coverage = Coverage()
        self.clocks = Clocks()
        self._values: dict[bytes, bytes] = {}
        self._recalled = Memory()
        self._hints: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._values)

    def recall(self, subject: bytes) -> Memory:
        """What is remembered of a subject; an empty memory of a new one."""
        value = self._values.get(subject)
        self._recalled = Memory() if value is None else decode(value)
        return self._recalled

    def keep(self, subject: bytes) -> None:
        """What was recalled last has changed."""
        memory = self._recalled
        self._values[subject] = encode(memory)
        if memory.timers and memory.next_us != NEVER_US:
            heappush(self._hints, (memory.next_us, subject))

    def undo(self, subject: bytes) -> None:
        """What was recalled last is as it was: it was not kept."""

    def is_written(self, subject: bytes) -> bool:
        """Nothing is lost here."""
        return True

    def heard(self, event: Event, received_ms: int | None) -> None:
        """An event was looked at. Whoever asks for timers says how late it is."""
        event_us = us_of(event.time)
        received_us = event_us if received_ms is None else received_ms * 1000
        self.clocks.heard(event.source, event_us, received_us)

    @property
    def values(self) -> Mapping[bytes, bytes]:
        """Every memory as it is encoded, by subject."""
        return self._values

    @property
    def next_us(self) -> int:
        """No timer fires before this."""
        return self._hints[0][0] if self._hints else NEVER_US

    def due(self, clock_us: int) -> Due | None:
        """The timer that fires next when every clock shows `clock_us`; None where none does."""
        while self._hints and self._hints[0][0] <= clock_us:
            fire_us, subject = self._hints[0]
            timers = decode(self._values[subject]).timers.values()
            at_us, timer = min(((t.fire_us, t.id) for t in timers), default=(NEVER_US, ""))
            if at_us == fire_us:
                return Due(subject, timer, clock_us)
            heappop(self._hints)  # it moved or is gone; where it moved there is another hint
        return None

    def waiting(self, until_us: int) -> Iterator[tuple[bytes, Timer]]:
        """The timers that are to fire until then, in no order of time, with their subjects."""
        for subject in sorted({subject for at_us, subject in self._hints if at_us <= until_us}):
            timers = decode(self._values[subject]).timers.values()
            yield from ((subject, timer) for timer in timers if timer.fire_us <= until_us)

    def failed(self, due: Due) -> None:
        """A timer could not be evaluated: it waits until its subject is heard of again."""
        heappop(self._hints)
