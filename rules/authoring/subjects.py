"""The memories of a timeline: of the patient, and of the groups that its acts belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from contracts.decision import Decision
from contracts.event import Event, encode_event
from rules.authoring.short_values import ShorthandError
from rules.engine.asked import Asked
from rules.engine.evaluator import Evaluator
from rules.grouping import scope_of
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants, only_lines
from rules.memory.model import Memory, decode, encode
from rules.memory.taken import Taken

_PATIENT: Final = ""


class Waiting(NamedTuple):
    """A timer, and whose it is."""

    fire_us: int
    timer: str
    subject: str


class Subjects:
    """Complete from the beginning of time: nothing is not covered.

    Whoever a timeline names as a subject is its one patient: there is nothing to tie.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._attendants = Attendants(evaluator, has_ties=False)
        self._memories: dict[str, Memory] = {}
        self._coverage = Coverage(is_total=True)

    def meetings(self, event: Event) -> Iterator[tuple[Event, Asked]]:
        """With what an event would be decided, first for the patient; nothing remembers it."""
        attendants = self._attendants
        memory = self._copy(_PATIENT)
        yield event, attendants.patients.meet(event, "", memory, self._coverage)
        for name, attendant in attendants.groups.items():
            for key, lines in attendant.keys(event).lines.items():
                mine = event if lines is None else only_lines(event, lines)
                coverage = self._coverage.of_group(name)
                yield mine, attendant.meet(mine, "", self._copy(key), coverage, scope_of(key))

    def take(self, event: Event) -> Iterator[Decision]:
        """What an event leads to: for the patient, then for the groups."""
        digest = hashlib.sha256(encode_event(event)).hexdigest()
        memory = self._memory(_PATIENT)
        taken = self._attendants.take(event, digest, memory, self._coverage)
        if taken.reused:
            raise ShorthandError(f"the id {event.id} came before with other content")
        yield from taken.decisions
        for activity in taken.activities:
            memory = self._memory(activity.key)
            joined = self._attendants.join(event, digest, memory, self._coverage, activity)
            yield from joined.decisions

    def next(self) -> Waiting | None:
        """The timer that fires first."""
        return min(
            (
                Waiting(timer.fire_us, timer.id, subject)
                for subject, memory in self._memories.items()
                for timer in memory.timers.values()
            ),
            default=None,
        )

    def fire(self, waiting: Waiting) -> Taken:
        """What a timer leads to at its time."""
        memory = self._memories[waiting.subject]
        return self._attendants.fire(memory, self._coverage, waiting.timer, waiting.fire_us)

    def _memory(self, subject: str) -> Memory:
        return self._memories.setdefault(subject, Memory())

    def _copy(self, subject: str) -> Memory:
        return decode(encode(self._memories.get(subject, Memory())))


def without_past(event: Event, evaluator: Evaluator) -> Asked:
    """An event that is the first of all, and that is known: for its first group, if it has one."""
    *_, (_, asked) = list(Subjects(evaluator).meetings(event))[:2]
    return asked
