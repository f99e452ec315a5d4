"""What an engine under measurement can do, and how a run of it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from benchmarks.engine.neutral import Firing

_BATCH: Final = 100
"""So many events between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Lap:
    """Events that were decided in a time; `latencies_us` only where each was timed by itself."""

    events: int
    seconds: float
    """Of the processor, over all threads of the process: neighbours on its core take none."""
    latencies_us: tuple[float, ...] = ()


class Bench(Protocol):
    """One engine with its rules and events loaded."""

    def found(self, most: int, seconds: float) -> list[set[Firing]]:
        """What fires for the first events: at most so many, and for so much processor time."""
        ...

    def lap(self, seconds: float) -> Lap:
        """Decide events, again from the first after the last, for so much processor time."""
        ...

    def timed_lap(self, seconds: float) -> Lap:
        """The same with the time of each event."""
        ...

    def memory_mb(self) -> float | None:
        """Resident memory where it is another process that decides; None: it is this one."""
        ...

    def close(self) -> None: ...


class InProcess:
    """An engine that is a function of Python: from a prepared event to an answer."""

    def __init__(
        self,
        prepared: Sequence[Any],
        fire: Callable[[Any], Any],
        read: Callable[[Any], set[Firing]],
    ) -> None:
        """`read` turns an answer into firings; it is not timed."""
        self._prepared = prepared
        self._fire = fire
        self._read = read
        self._next = 0

    def found(self, most: int, seconds: float) -> list[set[Firing]]:
        start = time.process_time()
        answers: list[set[Firing]] = []
        for prepared in self._prepared[:most]:
            answers.append(self._read(self._fire(prepared)))
            if time.process_time() - start > seconds:
                break
        return answers

    def lap(self, seconds: float) -> Lap:
        fire = self._fire
        start = end = time.process_time()
        done = 0
        while end - start < seconds:
            for prepared in self._batch():
                fire(prepared)
                done += 1
            end = time.process_time()
        return Lap(done, end - start)

    def timed_lap(self, seconds: float) -> Lap:
        fire, clock = self._fire, time.perf_counter_ns
        taken: list[float] = []
        start = end = time.process_time()
        while end - start < seconds:
            for prepared in self._batch():
                before = clock()
                fire(prepared)
                taken.append((clock() - before) / 1e3)
            end = time.process_time()
        return Lap(len(taken), end - start, tuple(taken))

    def memory_mb(self) -> float | None:
        return None

    def close(self) -> None:
        """Nothing is open."""

    def _batch(self) -> Sequence[Any]:
        if self._next >= len(self._prepared):
            self._next = 0
        batch = self._prepared[self._next : self._next + self._size]
        self._next += self._size
        return batch

    _size = _BATCH


class Slow(InProcess):
    """The same for engines that need milliseconds an event: the clock is looked at each time."""

    _size = 1
