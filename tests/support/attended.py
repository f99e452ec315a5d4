"""Decides events as one worker does that has known everything from the beginning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from contracts.decision import Decision
from contracts.event import Event
from rules import Evaluator
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory


def attended(events: Iterable[tuple[Event, bytes]], evaluator: Evaluator) -> Iterator[Decision]:
    """The decisions of events in order of time, and of the timers that are due in between."""
    attendant = Attendant(evaluator)
    coverage = Coverage(is_total=True)
    memories: dict[str, Memory] = {}
    hints: list[tuple[int, str]] = []
    for event, content in events:
        now_us = us_of(event.time)
        yield from _fired(attendant, coverage, memories, hints, now_us)
        memory = memories.setdefault(event.subject, Memory())
        digest = hashlib.sha256(content).hexdigest()
        yield from attendant.take(event, digest, memory, coverage).decisions
        _hint(attendant, memory, event.subject, hints)


def _fired(
    attendant: Attendant,
    coverage: Coverage,
    memories: dict[str, Memory],
    hints: list[tuple[int, str]],
    now_us: int,
) -> Iterator[Decision]:
    while hints and hints[0][0] <= now_us:
        _, subject = heappop(hints)
        memory = memories[subject]
        due = sorted((t.fire_us, t.id) for t in memory.timers.values() if t.fire_us <= now_us)
        for _, timer in due[:1]:
            yield from attendant.fire(memory, coverage, timer, now_us).decisions
        _hint(attendant, memory, subject, hints)


def _hint(attendant: Attendant, memory: Memory, subject: str, hints: list[tuple[int, str]]) -> None:
    following = attendant.next_due_us(memory)
    if following is not None:
        heappush(hints, (following, subject))
