"""Events and groups: which groups hear of an event, and what the memory of a group makes of it.

A patient's memory says to which groups each act was given, so that a revision that names another
group reaches the old one as well: there the act is removed. A group remembers acts, never
patients: what is recorded of a decision are facts of the present event, and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from contracts.backfill import Backfill
from contracts.event import EVENT_TYPES, Event
from contracts.tie import GO, JOIN, MOVED
from rules.engine.asked import NONE, Asked
from rules.engine.evaluator import Evaluator
from rules.grouping import Grouping, Keys, facts_of_key, facts_of_scope, scope_of
from rules.memory import applying, ties, versions
from rules.memory.attendant import Attendant, MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory, Seen, Sent, act_key, event_key
from rules.memory.recalled import Recalled
from rules.memory.taken import Activity, Taken
from rules.memory.timers import drop
from rules.memory.uncovered import Uncovered
from rules.naming import line_names

_FORGET_EVERY: Final = 64
"""Events of a patient between two looks at what is old."""


class GroupAttendant(Attendant):
    """Takes the events of groups of one kind, each with the memory of its group."""

    def __init__(self, evaluator: Evaluator, settings: MemorySettings, grouping: Grouping) -> None:
        super().__init__(evaluator, settings, grouping.name)
        self.grouping = grouping

    def keys(self, event: Event) -> Keys:
        """The groups of an event."""
        return self.grouping.keys(self._context(event))

    def join(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, activity: Activity
    ) -> Taken:
        """What an event leads to in one of its groups, or in one that its act belonged to."""
        keys = self.keys(event)
        scope = scope_of(activity.key)
        if activity.key not in keys.lines:
            # An act of which nobody knows the group stays where it was.
            return self._leave(event, digest, memory, coverage, scope, stays=bool(keys.missing))
        names = keys.lines[activity.key]
        if names is not None:
            event = only_lines(event, names)
        taken = self.take(event, digest, memory, coverage, scope)
        # An event that an interrupted run told of already may have come too late this time.
        if not (activity.stands or taken.reused) and _move(memory, event):
            taken.changed = True
        return taken

    def _leave(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, scope: str, *,
        stays: bool,
    ) -> Taken:  # fmt: skip
        """The act is revised by an event that is not of this group: nothing is decided but that."""
        key = event_key(event.source, event.id)
        seen = memory.seen.get(key)
        if seen is not None:
            return self._again(event, digest, seen, scope)
        at_us = us_of(event.time)
        coverage.keep(self.horizon)
        self._remember(event, key, digest, at_us, memory, self._context(event))
        if not stays:
            _move(memory, event)
        asked = Asked(Recalled(memory, coverage), NONE, scope=scope, group=self.group)
        decision = self.evaluator.decide(event, digest, asked)
        return Taken((decision, *self._settled(event, memory, coverage)))


class Attendants:
    """The attendants of patients and of groups, as one; for one thread."""

    def __init__(
        self, evaluator: Evaluator, settings: MemorySettings = MemorySettings(), *,
        has_ties: bool = True,
    ) -> None:  # fmt: skip
        """Without ties all subjects are one person from the beginning, in one memory."""
        self.patients = Attendant(evaluator, settings)
        self._has_ties = has_ties
        self.groupings = Grouping.of(evaluator.pack.rules)
        self.groups = {
            grouping.name: GroupAttendant(evaluator, settings, grouping)
            for grouping in self.groupings
        }
        spans = [attendant.horizon.longest_us for attendant in self.groups.values()]
        self._span_us = max(spans, default=0) + self.patients.lateness_us
        self._takers = {
            event_type: tuple(
                (name, attendant)
                for name, attendant in self.groups.items()
                if attendant.grouping.takes(event_type)
            )
            for event_type in EVENT_TYPES
        }

    def take(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, own: str = ""
    ) -> Taken:
        """What an event leads to for its patient, and the groups that are told of it.

        `own` is whose memory it is; "": the event's subject's.
        """
        own = own or event.subject
        if memory.links or own != event.subject:
            home = ties.elsewhere(memory, own, event.subject)
            if home and event_key(event.source, event.id) not in memory.seen:
                return Taken(changed=False, forwarded=home)
        taken = self.patients.take(event, digest, memory, coverage)
        if taken.changed:
            if not coverage.groups.keys() <= self.groups.keys():
                coverage.forget_groups(self.groups)
            if self.groups:
                taken.activities = self.told(event, memory)
            if self._has_ties:
                known = partial(self.patients.known, memory, coverage)
                taken.mails = ties.tied(event, memory, own, known)
        return taken

    def hear(
        self, kind: str, value: bytes, mark: str, memory: Memory, coverage: Coverage, own: str, *,
        is_written: bool,
    ) -> ties.Told | None:  # fmt: skip
        """What a message of a subject's identities leads to; None where it was heard before.

        `mark` names the message, `is_written` says whether the memory is as it was written last.
        """
        if mark in memory.seen:
            return None
        known = partial(self.patients.known, memory, coverage)
        if kind == JOIN:
            told = ties.join(memory, own, value, known)
        elif kind == GO:
            told = ties.go(memory, own, is_written=is_written)
        elif kind == MOVED:
            told = ties.arrive(memory, own, value, known)
            versions.forget(memory, self.patients.lateness_us)
        else:
            raise ValueError(f"no message is called {kind}")
        memory.seen[mark] = Seen("", memory.latest_us)
        return told

    def join(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, activity: Activity
    ) -> Taken:
        """What an event leads to for a group; `memory` is the group's.

        Nothing where no rule groups acts like that any more.
        """
        name = facts_of_key(activity.key)
        attendant = self.groups.get(name)
        if attendant is None:
            return Taken(changed=False)
        return attendant.join(event, digest, memory, coverage.of_group(name), activity)

    def fire(self, memory: Memory, coverage: Coverage, timer_id: str, clock_us: int) -> Taken:
        """The decision of a timer of a patient or a group whose time has come."""
        timer = memory.timers.get(timer_id)
        name = facts_of_scope(timer.scope) if timer is not None else ""
        if not name:
            return self.patients.fire(memory, coverage, timer_id, clock_us)
        attendant = self.groups.get(name)
        if attendant is None:
            drop(memory, memory.timers[timer_id])  # its rules are not in the pack any more
            return Taken()
        return attendant.fire(memory, coverage.of_group(name), timer_id, clock_us)

    def step(self, coverage: Coverage, step: Backfill) -> bool:
        """Whether a step of a backfill is to be done.

        Acts are brought into the memories of patients; groups are not told of them, and know no
        more of their past than before.
        """
        return self.patients.step(coverage, step)

    def bring(self, event: Event, digest: str, memory: Memory, coverage: Coverage) -> bool:
        """Bring a past event into the timeline of its patient."""
        return self.patients.bring(event, digest, memory, coverage)

    def uncovered(self, coverage: Coverage) -> list[Uncovered]:
        """The rules about patients and groups that look back further than is known."""
        found = self.patients.uncovered(coverage)
        for name, attendant in self.groups.items():
            known = coverage.groups.get(name, Coverage(is_total=coverage.is_total))
            found += attendant.uncovered(known)
        return found

    def next_due_us(self, memory: Memory) -> int | None:
        """The earliest time at which a timer of a memory fires; None where none does."""
        return self.patients.next_due_us(memory)

    def due(self, memory: Memory, clocks_us: Mapping[str, int]) -> list[tuple[int, str]]:
        """The timers of a memory whose time has come by the clock of their source, in order."""
        return self.patients.due(memory, clocks_us)

    def told(self, event: Event, memory: Memory) -> tuple[Activity, ...]:
        """The groups of an event, and those that its act leaves with it; the memory of its patient,
        which the event has met, remembers them."""
        found: dict[str, None] = {}
        open_ones: set[str] = set()
        takers = self._takers[event.type]
        if not (takers or memory.groups):
            return ()
        for name, attendant in takers:
            keys = attendant.keys(event)
            found.update(dict.fromkeys(keys.lines))
            if keys.missing:
                open_ones.add(name)
        family, verb, _ = EVENT_TYPES[event.type]
        act = act_key(event.source, family, event.data.act_id)
        if verb == "draft" or not (takers or act in memory.groups):
            return tuple(map(Activity, found))
        return self._given(event, act, memory, found, open_ones)

    def _given(
        self, event: Event, act: str, memory: Memory, found: dict[str, None], open_ones: set[str]
    ) -> tuple[Activity, ...]:
        """Whom an act is given to; the memory remembers where it belongs."""
        self._forget(memory)
        known = memory.groups.get(act)
        rank = (event.data.revision, us_of(event.time), event.id)
        if known is None:
            memory.groups[act] = Sent(*rank, tuple(found))
            return tuple(map(Activity, found))
        if rank < (known.revision, known.event_us, known.event_id):
            return tuple(Activity(key, key in known.keys) for key in found)
        stay = [key for key in known.keys if facts_of_key(key) in open_ones]
        memory.groups[act] = Sent(*rank, tuple(dict.fromkeys((*found, *stay))))
        return tuple(map(Activity, dict.fromkeys((*found, *known.keys))))

    def _forget(self, memory: Memory) -> None:
        """Drop acts that no group remembers any more."""
        if len(memory.groups) % _FORGET_EVERY != _FORGET_EVERY - 1:
            return
        before = memory.latest_us - self._span_us
        for key in [key for key, sent in memory.groups.items() if sent.event_us < before]:
            del memory.groups[key]


def only_lines(event: Event, names: Iterable[str]) -> Event:
    """The event with these of its lines, each under the name that it has among all."""
    data: Any = event.data
    wanted = frozenset(names)
    items = tuple(
        msgspec.structs.replace(item, line_id=name)
        for item, name in zip(data.items, line_names(data.items), strict=True)
        if name in wanted
    )
    return msgspec.structs.replace(event, data=msgspec.structs.replace(data, items=items))


def _move(memory: Memory, event: Event) -> bool:
    """The act, as this event says it, belongs to another group; whether that is new."""
    key = act_key(event.source, EVENT_TYPES[event.type].family, event.data.act_id)
    act = memory.acts.get(key)
    if act is None or act.event_id != event.id or act.removed == applying.MOVED:
        return False
    memory.acts[key] = msgspec.structs.replace(act, removed=applying.MOVED)
    return True
