"""Past acts are brought into the timeline: nothing is decided, and no timer is set or fires.

What was brought in once changes nothing when it is brought in again. An event that is brought in
is not noted as answered: one that comes for the first time afterwards is decided all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from contracts.event import EVENT_TYPES, Event
from rules.facts.halves import HALF
from rules.facts.past import UNCERTAIN
from rules.memory.applying import rank
from rules.memory.coverage import Coverage, Reread
from rules.memory.horizon import Horizon
from rules.memory.instants import us_of
from rules.memory.model import Act, Memory, event_key

_AS_KNOWLEDGE_HAS_IT: Final = {HALF, UNCERTAIN}
"""What is kept of a line, but said by the knowledge and not by the event."""


def begins(coverage: Coverage, horizon: Horizon, backfill: str, number: int) -> bool:
    """Whether a step of a backfill is the next one; with number 0 a new one begins.

    A step that was lost, or rules that are others now, end the backfill: nothing is called
    complete that may not be.
    """
    if number == 0:
        coverage.keep(horizon)
        coverage.reread = Reread(backfill)
        return True
    reread = coverage.reread
    if reread is None or reread.id != backfill or reread.next != number:
        return False
    if coverage.horizon != horizon.digest:
        return False
    reread.next += 1
    return True


def notes(coverage: Coverage, event: Event) -> None:
    """An event was read, whether anything of it is kept or not."""
    reread = coverage.reread
    if reread is not None:
        families = reread.first.setdefault(event.source, {})
        families.setdefault(EVENT_TYPES[event.type].family, us_of(event.time))


def ends(coverage: Coverage, complete: Mapping[str, int]) -> None:
    """Everything was read: by family, of all records since when.

    A source is known from its first event that was read on, as it is from the first that comes;
    where Kafka has deleted what stood before, only from the time that is given.
    """
    reread = coverage.reread
    if reread is None:
        return
    for family, since_us in complete.items():
        for source, families in reread.first.items():
            if family in families:
                coverage.backfilled(source, family, max(since_us, families[family]))
        coverage.refilled(family, since_us)
    coverage.refilled_by, coverage.reread = reread.id, None


def is_wanted(event: Event, digest: str, memory: Memory) -> bool:
    """Whether an event has a place in the timeline: no draft, no other content under its key."""
    seen = memory.seen.get(event_key(event.source, event.id))
    return EVENT_TYPES[event.type].verb != "draft" and (seen is None or seen.digest == digest)


def bring(memory: Memory, act: Act) -> bool:
    """Put a past act, as one event says it, into the timeline; False where it was there already.

    What the timeline has of the same event may have been kept for other rules: it is kept anew, as
    these ask, unless what both say differs. Then it is other content under the same key.
    """
    known = memory.acts.get(act.key)
    if known is None:
        memory.acts[act.key] = act
        memory.latest_us = max(memory.latest_us, act.event_us)
        return True
    reached = dict(known.reached)
    for verb, at in act.reached.items():
        reached[verb] = min(at, reached.get(verb, at))
    is_later = rank(act) > rank(known)
    is_same = rank(act) == rank(known) and _agree(act, known)
    later = act if is_later or is_same else known
    found = msgspec.structs.replace(later, reached=reached)
    if found == known:
        return False
    memory.acts[act.key] = found
    return True


def _agree(act: Act, known: Act) -> bool:
    """Whether two readings of an event say the same wherever both say something."""
    lines = {line.id: line.facts for line in known.lines}
    pairs = [(act.facts, known.facts)]
    pairs += [(line.facts, lines.get(line.id, {})) for line in act.lines]
    return all(
        one[name] == other[name]
        for one, other in pairs
        for name in one.keys() & other.keys() - _AS_KNOWLEDGE_HAS_IT
    )
