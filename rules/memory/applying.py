"""An event enters the timeline: acts by their latest revision, whatever the order of arrival.

Of two revisions of an act the higher one says what the act is; of equal ones the later event.
When an act was signed, executed or dispensed is told by the first event of that kind (for duties
by the act itself, see rules.memory.moments). A cancelled act no longer counts unless it was carried
out before; one entered in error never happened. What came back as a whole is gone; what came back
in part is there.
"""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

import msgspec
from msgspec import UNSET

from contracts.acts import Charge, Dispense, DispenseItem, Encounter
from contracts.acts.lifecycle import VOIDING
from contracts.event import EVENT_TYPES, Event
from contracts.values import Amount, EncounterRef
from rules import units
from rules.facts.base import Context, Element
from rules.facts.halves import HALF, is_given_back, raw_half
from rules.facts.past import UNCERTAIN
from rules.logic import Truth, any_of
from rules.memory.horizon import Horizon, Kept, Read
from rules.memory.instants import us_of
from rules.memory.model import Act, Line, Memory, Raw
from rules.naming import line_names

CARRIED_OUT: Final = frozenset({"executed", "dispensed", "administered", "started", "ended"})
MOVED: Final = "moved"
"""As what removed an act: it belongs to another group now."""
BASE: Final = {
    "prescription": "signed",
    "order": "signed",
    "result": "reported",
    "billing": "charged",
    "document": "signed",
    "procedure": "signed",
    "consultation": "requested",
    "dispense": "dispensed",
    "administration": "administered",
    "settlement": "settled",
    "stock": "moved",
    "infection_report": "reported",
    "observation": "recorded",
    "condition": "recorded",
    "allergy": "recorded",
}
"""What an amended act must have been before, where that event was not heard."""
NO_VISIT: Final = "\x1f"
"""In place of a visit's id, which holds no separator: the act is stated to belong to none."""
_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None)})
_GONE: Final = frozenset({"cancelled", "entered_in_error", "returned", "refuted"})
_NO_HALVES: Final[tuple[None, ...]] = ()
_NO_FACTS: Final[dict[str, Raw]] = {}


def act_of(event: Event, at_us: int, c: Context, kept: Kept) -> Act:
    """The event as the timeline keeps it; `at_us` is its time."""
    data = event.data
    known = EVENT_TYPES[event.type]
    service = data.service_time
    is_timed = isinstance(service, datetime)
    verb = known.verb
    reached = {verb: at_us}
    stands = _stands(data, verb)
    if verb in ("amended", "stopped", "updated") and known.family in BASE:
        reached[BASE[known.family]] = at_us
    return Act(
        source=event.source,
        family=known.family,
        act_id=data.act_id,
        revision=data.revision,
        verb=verb,
        at_us=us_of(service) if isinstance(service, datetime) else at_us,
        reached=reached,
        facts=_read_act(kept.reads, c) if kept.reads else _NO_FACTS,
        lines=_lines(data, verb, c, kept),
        encounter=encounter_of(data),
        event_id=event.id,
        event_us=at_us,
        is_timed=is_timed,
        removed=_removed(data, verb, stands),
        stands=stands,
    )


def _removed(data: Any, verb: str, stands: Truth) -> str:
    """The verb after which the act no longer counts, "" while it does."""
    if type(data) is Dispense and verb not in VOIDING:  # it says how much of it came back
        return "returned" if stands is False else ""
    return verb if verb in _GONE else ""


def _stands(data: Any, verb: str) -> Truth:
    """Whether anything is left of an act after what came back; None: nobody knows."""
    if type(data) is Dispense and not data.items and verb == "returned":
        return None
    if type(data) in (Charge, Dispense) and data.items:
        return any_of(_line_stands(item, verb) for item in data.items)
    return True


def _line_stands(item: Any, verb: str) -> Truth:
    """Whether anything is left of a line; None where nobody says how much of it came back, or the
    amounts cannot be compared."""
    if type(item) is not DispenseItem:
        return not is_given_back(item)
    back, whole = item.returned, item.quantity
    if type(back) is not Amount:
        return None if back is UNSET and verb == "returned" else True
    if not back.value:
        return True
    if type(whole) is not Amount:
        return None
    found = units.convert(back.value, back.unit, whole.unit)
    return None if found is None else found < whole.value


def encounter_of(data: Any) -> str:
    """The id of the visit that an act belongs to, "" where it is not reported."""
    if type(data) is Encounter:
        return data.act_id
    encounter = data.encounter
    if encounter is None:
        return NO_VISIT
    return encounter.id if type(encounter) is EncounterRef else ""


def _lines(data: Any, verb: str, c: Context, kept: Kept) -> list[Line]:
    facts, halves = kept.line_reads, kept.halves
    if not facts and halves is None:
        return []
    items = data.items
    raw = [raw_half(c, item, halves) for item in items] if halves is not None else _NO_HALVES
    if not facts and not any(raw):
        return []
    found = []
    for item, name, half in zip_longest(items, line_names(items), raw):
        if not facts and half is None:
            continue
        at = getattr(item, "service_time", UNSET)
        at_us = us_of(at) if isinstance(at, datetime) else None
        of_line = _read_line(facts, c, Element(item, name))
        if half is not None:
            of_line[HALF] = half
        found.append(Line(name, of_line, at_us, _line_stands(item, verb)))
    return found


def _read_act(facts: tuple[Read, ...], c: Context) -> dict[str, Raw]:
    """The values of facts of an act as JSON has them."""
    found: dict[str, Raw] = {}
    for name, read, _ in facts:
        value = read(c)
        found[name] = value if type(value) in _AS_THEY_ARE else raw_of(value)
    return found


def _read_line(facts: tuple[Read, ...], c: Context, x: Element) -> dict[str, Raw]:
    """The values of facts of a line as JSON has them, and which codes nobody knows."""
    found: dict[str, Raw] = {}
    foreign: list[str] = []
    for name, read, in_knowledge in facts:
        value = read(c, x)
        if type(value) in _AS_THEY_ARE:
            found[name] = value
            if in_knowledge is not None and type(value) is str and not in_knowledge(c, x):
                foreign.append(name)
        else:
            found[name] = raw_of(value)
    if foreign:
        found[UNCERTAIN] = foreign
    return found


def raw_of(value: Any) -> Raw:
    """A fact's value as JSON has it."""
    if type(value) in _AS_THEY_ARE:
        return value
    return msgspec.to_builtins(value, str_keys=True)


def enter(memory: Memory, act: Act) -> Act:
    """Put an act, as one event says it, into the timeline; the act as it is known now."""
    key = act.key
    known = memory.acts.get(key)
    if known is None:
        memory.acts[key] = act
        return act
    reached = dict(known.reached)
    for verb, at in act.reached.items():
        reached[verb] = min(at, reached.get(verb, at))
    later = act if rank(act) > rank(known) else known
    found = memory.acts[key] = msgspec.structs.replace(later, reached=reached)
    return found


def rank(act: Act) -> tuple[int, int, str]:
    """Of two revisions the one of the higher rank says what the act is."""
    return act.revision, act.event_us, act.event_id


def counts(act: Act) -> bool:
    """Whether an act is there at all, as far as is known: one that may have come back is."""
    if not act.removed:
        return True
    return act.removed == "cancelled" and not CARRIED_OUT.isdisjoint(act.reached)


def forget(memory: Memory, horizon: Horizon, lateness_us: int) -> None:
    """Drop what no window can reach any more, neither of what comes nor of what waits."""
    timers = memory.timers.values()
    waiting = [timer.fire_us - lateness_us for timer in timers if timer.kind == "late"]
    latest = min(memory.latest_us, *waiting, memory.latest_us)
    needed = {timer.by for timer in timers}
    old = []
    for key, act in memory.acts.items():
        kept = horizon.families.get(act.family)
        before = latest - (kept.longest_us if kept is not None else 0) - lateness_us
        if max(act.at_us, act.event_us) < before and key not in needed:
            old.append(key)
            memory.forgotten[act.family] = max(before, memory.forgotten.get(act.family, before))
    for key in old:
        del memory.acts[key]
    if memory.came:
        known = memory.acts.keys() | memory.allergies.keys() | memory.conditions.keys()
        memory.came = {key: subject for key, subject in memory.came.items() if key in known}
    visits = {act.encounter for act in memory.acts.values()}
    ends = latest - horizon.longest_us - max(_REPEATS_US, lateness_us)
    for visit in [v for v, at in memory.ended.items() if at < ends and v not in visits]:
        del memory.ended[visit]
    latest = memory.latest_us
    before = latest - max(_REPEATS_US, lateness_us)
    repeats = [key for key, seen in memory.seen.items() if seen.at_us < before]
    for key in repeats:
        del memory.seen[key]


_REPEATS_US: Final = 7 * 86_400_000_000
"""For how long an event that comes again is known to be one: systems send again for days."""
