"""Two memories become one: what either knows is known, and to add the same again changes nothing.

Acts go by the life cycle's precedence, and what the other one knew of an act is what it was said
to be besides; statements go by their time, whatever else by its key. What came with an event of
another subject is marked with it, so that it can leave again.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from contracts.event import Event
from rules.memory import applying, last_word, person, versions
from rules.memory.model import Measured, Memory, Sent, event_key


def merge(memory: Memory, own: str, moved: Memory, sender: str, known: Mapping[str, int]) -> None:
    """Add to the memory of `own` that of `sender`; `known` says since when its acts are known."""
    subjects = _Subjects(own, sender)
    memory.latest_us = max(memory.latest_us, moved.latest_us)
    for key, seen in moved.seen.items():
        memory.seen.setdefault(key, seen)
    last_word.add(memory, moved.words)
    _acts(memory, moved, subjects)
    _statements(memory, moved, subjects)
    _measured(memory, moved, subjects)
    _timers(memory, moved)
    for name, told in moved.delivered.items():
        have = memory.delivered.get(name, [])
        ids = {one.alert_id for one in have}
        memory.delivered[name] = [*have, *(one for one in told if one.alert_id not in ids)]
    for key, former in moved.former.items():
        versions.keep(memory, key, former)
    for visit, at_us in moved.ended.items():
        memory.ended[visit] = max(at_us, memory.ended.get(visit, at_us))
    for key, sent in moved.groups.items():
        here = memory.groups.get(key)
        if here is None or _given(sent) > _given(here):
            memory.groups[key] = sent
    for since in (moved.forgotten, known):
        for family, at_us in since.items():
            memory.forgotten[family] = max(at_us, memory.forgotten.get(family, at_us))


def _given(sent: Sent) -> tuple[int, int, str]:
    return sent.revision, sent.event_us, sent.event_id


class _Subjects:
    """With whose event something came, as the one memory says it and as the other does."""

    def __init__(self, own: str, sender: str) -> None:
        self._own, self._sender = own, sender

    def of(self, subject: str) -> str:
        subject = subject or self._sender
        return "" if subject == self._own else subject


def _acts(memory: Memory, moved: Memory, subjects: _Subjects) -> None:
    for key, act in moved.acts.items():
        here = memory.acts.get(key)
        now = applying.enter(memory, act)
        if here is not None and here.event_id != act.event_id:
            versions.keep(memory, key, [here if now.event_id == act.event_id else act])
        if here is None or applying.rank(act) > applying.rank(here):
            came(memory, key, subjects.of(moved.came.get(key, "")))
    pairs = ((memory.allergies, moved.allergies), (memory.conditions, moved.conditions))
    for mine, others in pairs:
        for key, listed in others.items():
            here = mine.get(key)
            if here is None or listed[:2] > here[:2]:
                mine[key] = listed
                came(memory, key, subjects.of(moved.came.get(key, "")))


def says(memory: Memory, key: str, event: Event, at_us: int) -> bool:
    """Whether an event is the one that says what an act is, which is remembered."""
    act = memory.acts.get(key)
    if act is not None:
        return act.event_id == event.id
    listed = memory.allergies.get(key) or memory.conditions.get(key)
    return listed is not None and listed[:2] == [event.data.revision, at_us]


def came(memory: Memory, key: str, subject: str) -> None:
    """Note with whose event an act came; "": of the subject that is remembered here."""
    if subject:
        memory.came[key] = subject
    else:
        memory.came.pop(key, None)


def _statements(memory: Memory, moved: Memory, subjects: _Subjects) -> None:
    by = person.said_by(memory)
    for of, more in person.said_by(moved).items():
        name = subjects.of(of)
        by[name] = person.all_said((("", by[name]), ("", more))) if name in by else more
    person.remember(memory, by)


def _measured(memory: Memory, moved: Memory, subjects: _Subjects) -> None:
    latest: dict[str, int] = {}
    for name, values in moved.measured.items():
        for one in values:
            mine = msgspec.structs.replace(one, of=subjects.of(one.of))
            memory.measured[name] = person.values_with(memory.measured.get(name, []), mine)
    for values in memory.measured.values():
        for one in values:
            latest[one.act] = max(one.revision, latest.get(one.act, 0))
    for act, revision in latest.items():
        if act:
            person.revise(act, revision, memory)
    for name, values in memory.measured.items():
        memory.measured[name] = _different(values)


def _different(values: list[Measured]) -> list[Measured]:
    found: list[Measured] = []
    for one in values:
        if one not in found:
            found.append(one)
    return found


def _timers(memory: Memory, moved: Memory) -> None:
    """A duty that both know of is as the later revision of its act brought it."""
    memory.kept = moved.kept | memory.kept
    for name, timer in moved.timers.items():
        here = memory.timers.get(name)
        if here is None or timer.revision > here.revision:
            memory.timers[name] = timer
    recount(memory)


def recount(memory: Memory) -> None:
    """Keep the events that timers decide about, by how many, and revisions of acts; no others."""
    uses = {event_key(a.source, a.event_id): 0 for a in memory.acts.values()} if memory.kept else {}
    for timer in memory.timers.values():
        uses[timer.event] = uses.get(timer.event, 0) + 1
    memory.kept = {
        key: msgspec.structs.replace(kept, uses=uses[key])
        for key, kept in memory.kept.items()
        if uses.get(key) or (key in uses and kept.until_us >= memory.latest_us)
    }
