"""Decides events as one worker does that has known everything from the beginning."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from contracts.decision import Decision
from contracts.event import Event
from rules import Evaluator
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants
from rules.memory.instants import us_of
from rules.memory.model import Memory


def attended(events: Iterable[tuple[Event, bytes]], evaluator: Evaluator) -> Iterator[Decision]:
    """The decisions of events in order of time, and of the timers that are due in between."""
    ward = _Ward(Attendants(evaluator))
    for event, content in events:
        yield from ward.wait(us_of(event.time))
        yield from ward.take(event, hashlib.sha256(content).hexdigest())


class _Ward:
    """The memories of patients and groups, by their names, and when to look at their timers."""

    def __init__(self, attendants: Attendants) -> None:
        self._attendants = attendants
        self._coverage = Coverage(is_total=True)
        self._memories: defaultdict[str, Memory] = defaultdict(Memory)
        self._hints: list[tuple[int, str]] = []

    def take(self, event: Event, digest: str) -> Iterator[Decision]:
        """What an event leads to, for its patient and for its groups."""
        memory = self._memories[event.subject]
        taken = self._attendants.take(event, digest, memory, self._coverage)
        yield from taken.decisions
        self._note(event.subject)
        for activity in taken.activities:
            shared = self._memories[activity.key]
            found = self._attendants.join(event, digest, shared, self._coverage, activity)
            yield from found.decisions
            self._note(activity.key)

    def wait(self, now_us: int) -> Iterator[Decision]:
        """What the timers say that are due until then."""
        while self._hints and self._hints[0][0] <= now_us:
            _, name = heappop(self._hints)
            memory = self._memories[name]
            due = sorted((t.fire_us, t.id) for t in memory.timers.values() if t.fire_us <= now_us)
            for _, timer in due[:1]:
                fired = self._attendants.fire(memory, self._coverage, timer, now_us)
                yield from fired.decisions
            self._note(name)

    def _note(self, name: str) -> None:
        following = self._attendants.next_due_us(self._memories[name])
        if following is not None:
            heappush(self._hints, (following, name))
