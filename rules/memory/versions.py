"""Acts as they were said to be up to a time, for rules that wait for late data.

Such a rule asks what there was at its own event. What was said of acts after that comes before or
after the rule is decided, as it happens; so it does not count, and what the acts were said to be
before is kept until no event from before can come any more.
"""

from __future__ import annotations

from copy import copy

import msgspec

from rules.memory import applying
from rules.memory.model import Act, Memory


def enter(memory: Memory, act: Act, lateness_us: int) -> None:
    """Put an act into the timeline, and keep what else it was said to be where it may matter."""
    known = memory.acts.get(act.key)
    now = applying.enter(memory, act)
    if known is None or not lateness_us:
        return
    other = known if now.event_id == act.event_id else act
    if memory.latest_us <= now.event_us + lateness_us:
        keep(memory, act.key, [other])


def keep(memory: Memory, key: str, former: list[Act]) -> None:
    """Keep what an act was said to be besides; the same again changes nothing."""
    known = memory.former.get(key, [])
    ids = {one.event_id for one in known}
    memory.former[key] = [*known, *(one for one in former if one.event_id not in ids)]


def forget(memory: Memory, lateness_us: int) -> None:
    """Drop what nobody can ask for any more: the events from before the latest word have come."""
    if not lateness_us:
        memory.former = {}
    if memory.former:
        before = memory.latest_us - lateness_us
        memory.former = {
            key: former
            for key, former in memory.former.items()
            if key in memory.acts and memory.acts[key].event_us >= before
        }


def as_of(memory: Memory, at_us: int) -> Memory:
    """The memory with its acts as they were said to be up to a time, and visits as they had ended.

    The same memory where nothing was said after.
    """
    if all(act.event_us <= at_us for act in memory.acts.values()):
        return memory
    then = copy(memory)
    then.acts = {}
    for key, act in memory.acts.items():
        found = _version(act, memory.former.get(key, []), at_us)
        if found is not None:
            then.acts[key] = found
    then.ended = {visit: at for visit, at in memory.ended.items() if at <= at_us}
    return then


def _version(act: Act, former: list[Act], at_us: int) -> Act | None:
    """What an act was said to be up to a time; None where nothing was."""
    if act.event_us <= at_us:
        return act
    known = [one for one in former if one.event_us <= at_us]
    if not known:
        return None
    reached = {verb: at for verb, at in act.reached.items() if at <= at_us}
    return msgspec.structs.replace(max(known, key=applying.rank), reached=reached)
