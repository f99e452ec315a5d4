"""What events say of the patient besides their acts: demographics, allergies, values.

An event's own snapshot comes first; where it reports nothing, the latest statement is taken. What
a patient event says of birth and sex outweighs what acts carry along.
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET

from contracts.acts import AllergyStatement, Condition, Encounter, Observation, Patient, Result
from contracts.event import EVENT_TYPES, Event
from contracts.values import Listing, PatientSnapshot
from knowledge_base import KnowledgeBase
from rules.memory.applying import raw_of
from rules.memory.instants import us_of
from rules.memory.model import Measured, Memory, Said, act_key

FIELDS: Final = ("birth_date", "sex", "pregnant", "lactating", "weight", "chronic_pain")
_OWN: Final = ("birth_date", "sex")
_KEPT_VALUES: Final = 8
"""Values of one analyte: late data and post-event rules look back a little."""
_NONE: Final[list[Measured]] = []
_fields: Final = attrgetter(*FIELDS)
_ENDS: Final = frozenset({"discharged", "ended"})


def learn(event: Event, at_us: int, memory: Memory, knowledge: KnowledgeBase) -> None:
    """Take over what an event says of the patient."""
    data: Any = event.data
    kind = type(data)
    snapshot = data.patient
    if type(snapshot) is PatientSnapshot:
        _snapshot(snapshot, at_us, memory, knowledge)
    if kind is Encounter:
        if EVENT_TYPES[event.type].verb in _ENDS:
            memory.ended[data.act_id] = at_us
    elif kind is Patient:
        for name in _OWN:
            value = getattr(data, name)
            if value is not UNSET:
                _say(memory, name, value, at_us, "patient")
    elif kind is Result or kind is Observation:
        _measure(data.items, at_us, memory, knowledge, data.act_id)
    elif kind is AllergyStatement:
        _listed(memory.allergies, event, data.allergies)
    elif kind is Condition:
        _listed(memory.conditions, event, data.diagnosis)


def _snapshot(
    snapshot: PatientSnapshot, at_us: int, memory: Memory, knowledge: KnowledgeBase
) -> None:
    said = memory.said
    for name, value in zip(FIELDS, _fields(snapshot), strict=True):
        if value is UNSET:
            continue
        known = said.get(name)
        if known is None or (at_us >= known.at_us and not known.source):
            said[name] = Said(raw_of(value), at_us)
    observed = snapshot.observations
    if type(observed) is Listing:
        _measure(observed.items, at_us, memory, knowledge, "")


def _say(memory: Memory, name: str, value: Any, at_us: int, source: str) -> None:
    known = memory.said.get(name)
    if known is None or (bool(source), at_us) >= (bool(known.source), known.at_us):
        memory.said[name] = Said(raw_of(value), at_us, source)


def _measure(items: Any, at_us: int, memory: Memory, knowledge: KnowledgeBase, act_id: str) -> None:
    for item in items:
        code = item.code
        analyte = knowledge.analyte(code.system, code.code)
        if analyte is None:
            continue
        at = item.at
        when = us_of(at) if isinstance(at, datetime) else at_us
        values = memory.measured.get(analyte.id, _NONE)
        if len(values) == _KEPT_VALUES and when < values[0].at_us:
            continue
        value = item.value if item.value is not UNSET else item.text
        raw = None if value is UNSET else raw_of(value)
        measured = Measured(raw, when, (code.system, code.code), act_id)
        if measured not in values:
            memory.measured[analyte.id] = sorted([*values, measured], key=_when)[-_KEPT_VALUES:]


def _when(measured: Measured) -> tuple[int, str, str]:
    return measured.at_us, measured.act, repr(measured.value)


def _listed(listed: dict[str, Any], event: Event, said: Any) -> None:
    """A statement that is an act of its own: its latest revision, until it is taken back."""
    family, verb, _ = EVENT_TYPES[event.type]
    data: Any = event.data
    key = act_key(event.source, family, data.act_id)
    known = listed.get(key)
    at_us = us_of(event.time)
    if known is not None and (known[0], known[1]) > (data.revision, at_us):
        return
    is_there = verb not in ("entered_in_error", "cancelled", "resolved")
    raw = msgspec.to_builtins(said) if is_there else None
    listed[key] = [data.revision, at_us, raw]
