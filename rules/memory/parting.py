"""One memory becomes two: what came with some subjects leaves with them.

What names acts, visits and alerts alone, and hides or shows nothing of anybody else's, is known to
both afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from copy import copy
from typing import TypeVar

import msgspec

from rules.memory import person
from rules.memory.merging import recount
from rules.memory.model import Memory
from rules.memory.timers import event_of, release

T = TypeVar("T")


def parted(memory: Memory, leaving: Set[str], to: str) -> Memory:
    """The part that came with `leaving`, as `to` remembers it; the memory keeps the rest."""
    part = Memory(latest_us=memory.latest_us)
    for name in ("seen", "ended", "groups", "forgotten", "delivered", "words"):
        setattr(part, name, dict(getattr(memory, name)))
    came = dict(memory.came)

    def leaves(key: str) -> bool:
        return came.get(key, "") in leaving

    for name in ("acts", "former", "allergies", "conditions"):
        _divide(memory, part, name, leaves)
    part.came = {key: of for key, of in came.items() if of in leaving and of != to}
    memory.came = {key: of for key, of in came.items() if of not in leaving}
    for name, values in list(memory.measured.items()):
        gone = [msgspec.structs.replace(v, of=_of(v.of, to)) for v in values if v.of in leaving]
        stay = [v for v in values if v.of not in leaving]
        _put(memory.measured, name, stay)
        _put(part.measured, name, gone)
    _statements(memory, part, leaving, to)
    _timers(memory, part, leaving)
    return part


def _divide(memory: Memory, part: Memory, name: str, leaves: Callable[[str], bool]) -> None:
    known = getattr(memory, name)
    setattr(part, name, {key: value for key, value in known.items() if leaves(key)})
    setattr(memory, name, {key: value for key, value in known.items() if not leaves(key)})


def _put(store: dict[str, list[T]], name: str, values: list[T]) -> None:
    if values:
        store[name] = values
    else:
        store.pop(name, None)


def _of(subject: str, to: str) -> str:
    return "" if subject == to else subject


def _statements(memory: Memory, part: Memory, leaving: Set[str], to: str) -> None:
    by = person.said_by(memory)
    person.remember(part, {_of(of, to): one for of, one in by.items() if of in leaving})
    person.remember(memory, {of: one for of, one in by.items() if of not in leaving})


def _timers(memory: Memory, part: Memory, leaving: Set[str]) -> None:
    part.kept = dict(memory.kept)
    for name, timer in list(memory.timers.items()):
        if event_of(memory, timer).subject in leaving:
            part.timers[name] = copy(timer)
            del memory.timers[name]
    for one, other in ((memory, part), (part, memory)):
        for timer in one.timers.values():
            if timer.by in other.acts:
                release(timer, one.latest_us)
    recount(memory)
    recount(part)
