"""The memories of a timeline: of the patient, and of the groups that its acts belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from contracts.decision import Decision
from contracts.event import Event, encode_event
from rules.authoring.short_values import ShorthandError
from rules.engine.asked import DUE, Asked
from rules.engine.duties import AT_DUE
from rules.engine.evaluator import Evaluator
from rules.grouping import facts_of_scope, scope_of
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants, only_lines
from rules.memory.instants import instant_of
from rules.memory.model import NEVER_US, Memory, decode, encode
from rules.memory.recalled import Recalled
from rules.memory.taken import Taken
from rules.memory.timers import after, event_of

_PATIENT: Final = ""


class Waiting(NamedTuple):
    """A timer, and whose it is."""

    fire_us: int
    timer: str
    subject: str


class Standing(NamedTuple):
    """A duty as it is known: of which event and line, and what has become of it."""

    event_id: str
    element: str
    due: datetime
    state: str
    """waits, over (it was due, and has been decided), settled (what was expected came, or what
    ends it), late_data, or withdrawn (its act expects nothing any more)."""
    by: str = ""
    """The id of the event that settled it."""


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

    def due(self, waiting: Waiting, cause: str) -> tuple[Event, str, Asked]:
        """The event and the line of a duty that has just fired, and with what it was decided."""
        memory = self._copy(waiting.subject)
        timer = memory.timers[waiting.timer]
        group = facts_of_scope(timer.scope)
        coverage = self._coverage.of_group(group) if group else self._coverage
        due_us = timer.due_us + timer.extended_us
        recalled = Recalled(memory, coverage, memory.acts.get(timer.act), due_us)
        asked = Asked(recalled, f"{DUE}{timer.rule}", cause, timer.scope, group)
        return event_of(memory, timer), timer.element, asked

    def duties(self) -> Iterator[Standing]:
        """All duties that are known, in the order in which they are due."""
        found = [
            (timer, memory)
            for memory in self._memories.values()
            for timer in memory.timers.values()
        ]
        for timer, memory in sorted(found, key=lambda one: one[0].due_us):
            by = memory.acts.get(timer.by)
            state = "over" if any(step.name == AT_DUE for step in timer.done) else "waits"
            if timer.is_denied:
                state = "withdrawn"
            elif timer.by:
                state = "settled"
            elif timer.is_late:
                state = "late_data"
            due_us = timer.due_us + timer.extended_us
            if (
                timer.steps and timer.fire_us != NEVER_US
            ):  # what extends it may do so before it fires
                due_us = timer.fire_us - after(timer.steps[0].after_us)
            due = instant_of(due_us)
            brought = event_of(memory, timer).id
            yield Standing(brought, timer.element, due, state, by.event_id if by else "")

    def _memory(self, subject: str) -> Memory:
        return self._memories.setdefault(subject, Memory())

    def _copy(self, subject: str) -> Memory:
        return decode(encode(self._memories.get(subject, Memory())))


def without_past(event: Event, evaluator: Evaluator) -> Asked:
    """An event that is the first of all, and that is known: for its first group, if it has one."""
    *_, (_, asked) = list(Subjects(evaluator).meetings(event))[:2]
    return asked
