"""What events say of the patient besides their acts: demographics, allergies, values.

An event's own snapshot comes first; where it reports nothing, the latest statement is taken. What
a patient event says of birth and sex outweighs what acts carry along.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from zlib import crc32

import msgspec
from msgspec import UNSET

from contracts.acts import (
    VOIDING,
    AllergyStatement,
    Condition,
    Encounter,
    Observation,
    Patient,
    Result,
)
from contracts.event import EVENT_TYPES, Event
from contracts.values import Listing, PatientSnapshot
from knowledge_base import KnowledgeBase
from rules.memory.applying import raw_of
from rules.memory.instants import us_of
from rules.memory.model import TIMELESS, Measured, Memory, Said, Statements, act_key

FIELDS: Final = ("birth_date", "sex", "pregnant", "lactating", "weight", "chronic_pain")
_KEPT_RUNS: Final = 4
_KEPT_VALUES: Final = 8
"""Values of one analyte: late data and post-event rules look back a little."""
_NONE: Final[list[Measured]] = []
_fields: Final = attrgetter(*FIELDS)
_IN_ERROR: Final = "entered_in_error"
_ENDS: Final = frozenset({"discharged", "ended"})


def learn(event: Event, at_us: int, memory: Memory, knowledge: KnowledgeBase, of: str = "") -> None:
    """Take over what an event says of the patient; `of` is its subject, where that is another."""
    data: Any = event.data
    kind = type(data)
    snapshot = data.patient
    family, verb, _ = EVENT_TYPES[event.type]
    act = act_key(event.source, family, data.act_id)
    if verb == _IN_ERROR:
        _unsay(memory, _short(act))
    elif not _is_in_error(memory, act):
        if memory.links:
            _stated_by(data, at_us, memory, act, of)
        _stated(data, at_us, memory.said, memory.runs, act, of)
    if type(snapshot) is PatientSnapshot and type(snapshot.observations) is Listing:
        _measure(snapshot.observations.items, at_us, memory, knowledge, of=of)
    if kind is Encounter:
        if verb in _ENDS:
            memory.ended[data.act_id] = at_us
    elif kind is Result or kind is Observation:
        revise(act, data.revision, memory)
        is_void = verb in VOIDING
        _measure(data.items, at_us, memory, knowledge, act, data.revision, of, is_void=is_void)
    elif kind is AllergyStatement:
        _listed(memory.allergies, event, data.allergies)
    elif kind is Condition:
        _listed(memory.conditions, event, data.diagnosis)


def said_by(memory: Memory) -> dict[str, Statements]:
    """What each subject of a person said of itself; "": the one that is remembered here.

    Of what was remembered before that was noted, what the others did not hide.
    """
    if memory.said_by:
        return dict(memory.said_by)
    found: dict[str, Statements] = {}
    for name, runs in memory.runs.items():
        for one in runs:
            mine = found.setdefault(one.of, Statements())
            mine.runs[name] = _run((*mine.runs.get(name, ()), _of(one, "")))
    for mine in found.values():
        for name, run in mine.runs.items():
            mine.said[name] = run[-1]
    for name, one in memory.said.items():
        found.setdefault(one.of, Statements()).said[name] = _of(one, "")
    return found


def all_said(statements: Iterable[tuple[str, Statements]]) -> Statements:
    """What several subjects said, together; the same again changes nothing."""
    said: dict[str, Said] = {}
    runs: dict[str, list[Said]] = {}
    for of, mine in statements:
        for name, one in mine.said.items():
            if name not in said or weight(one) > weight(said[name]):
                said[name] = _of(one, of)
        for name, run in mine.runs.items():
            # The last may say again what the first did, after another one said something else.
            found = [_of(one, of) for one in (*run, mine.said[name])]
            runs[name] = runs.get(name, []) + found
    return Statements(said, {name: _run(every) for name, every in runs.items()})


def remember(memory: Memory, by: dict[str, Statements]) -> None:
    """Remember what these subjects said, in place of what was remembered."""
    found = all_said(sorted(by.items()))
    memory.said, memory.runs = found.said, found.runs
    _keep_apart(memory, by)


def _keep_apart(memory: Memory, by: dict[str, Statements]) -> None:
    """Note who said what, where that does not go without saying."""
    memory.said_by = by if len(by) > 1 else {}


def _of(said: Said, of: str) -> Said:
    return said if said.of == of else msgspec.structs.replace(said, of=of)


def _stated_by(data: Any, at_us: int, memory: Memory, act: str, of: str) -> None:
    """Of a person with several subjects: what each says hides nothing of another's for ever."""
    by = said_by(memory)
    mine = Statements()
    if of in by:
        mine = Statements(by[of].said.copy(), by[of].runs.copy())
    _stated(data, at_us, mine.said, mine.runs, act)
    if mine.said:
        _keep_apart(memory, {**by, of: mine})


def _stated(
    data: Any, at_us: int, said: dict[str, Said], runs: dict[str, list[Said]], act: str,
    of: str = "",
) -> None:  # fmt: skip
    if type(data.patient) is PatientSnapshot:
        _snapshot(data.patient, at_us, said, runs, _short(act), of)
    if type(data) is Patient:
        for name in TIMELESS:
            value = getattr(data, name)
            if value is not UNSET:
                _say(said, name, Said(raw_of(value), at_us, "patient", of))


def _snapshot(
    snapshot: PatientSnapshot, at_us: int, said: dict[str, Said], runs: dict[str, list[Said]],
    act: int, of: str,
) -> None:  # fmt: skip
    for name, value in zip(FIELDS, _fields(snapshot), strict=True):
        if value is UNSET:
            continue
        known = said.get(name)
        one = Said(raw_of(value), at_us, of=of, act=act)
        if name not in TIMELESS:
            run = runs.get(name)
            # Nearly always the same is said again, later: the run stays what it is.
            if run is None or run[-1].at_us > at_us or run[-1].value != one.value:
                # What was said last may have said the first again, which one between them ends.
                last = () if known is None else (known,)
                runs[name] = _run((*(run or ()), *last, one))
        if known is None or (at_us >= known.at_us and not known.source):
            said[name] = one


def _short(act: str) -> int:
    """An act among those of one patient, in a few bytes."""
    return crc32(act.encode("utf-8", "surrogatepass"))


def _is_in_error(memory: Memory, act: str) -> bool:
    """Whether an act is known to have been entered in error, as far as it is remembered."""
    known = memory.acts.get(act)
    return known is not None and known.removed == _IN_ERROR


def _unsay(memory: Memory, act: int) -> None:
    """An act was entered in error, for another patient perhaps: what it said is not known."""
    _without(memory.said, memory.runs, act)
    if memory.said_by:
        by = {of: Statements(m.said.copy(), m.runs.copy()) for of, m in memory.said_by.items()}
        for mine in by.values():
            _without(mine.said, mine.runs, act)
        _keep_apart(memory, {of: mine for of, mine in by.items() if mine.said})


def _without(said: dict[str, Said], runs: dict[str, list[Said]], act: int) -> None:
    for name in [name for name, run in runs.items() if any(one.act == act for one in run)]:
        # What was said last may have said again what the act did; since then it is known.
        last = [said[name]] if name in said else []
        left = _run(one for one in (*runs[name], *last) if one.act != act)
        if left:
            runs[name] = left
        else:
            del runs[name]
    for name in [name for name, one in said.items() if one.act == act]:
        if name in runs:
            said[name] = runs[name][-1]
        else:
            del said[name]


def _run(every: Iterable[Said]) -> list[Said]:
    """Since when which value was said; the last few."""
    found: list[Said] = []
    for said in sorted(every, key=lambda said: (said.at_us, repr(said.value))):
        if not found or found[-1].value != said.value:
            found.append(said)
    return found[-_KEPT_RUNS:]


def _say(said: dict[str, Said], name: str, one: Said) -> None:
    known = said.get(name)
    if known is None or weight(one) >= weight(known):
        said[name] = one


def weight(said: Said) -> tuple[bool, int]:
    """Of two statements the one of the greater weight stands."""
    return bool(said.source), said.at_us


def revise(act: str, revision: int, memory: Memory) -> None:
    """What earlier revisions of an act measured does not count any more; it stays for a while,
    so that they are known when they come again."""
    for name, values in memory.measured.items():
        if any(one.act == act and one.revision < revision for one in values):
            memory.measured[name] = [
                one if one.act != act or one.revision >= revision
                else msgspec.structs.replace(one, revision=revision, is_void=True)
                for one in values
            ]  # fmt: skip


def _measure(
    items: Any, at_us: int, memory: Memory, knowledge: KnowledgeBase, act: str = "",
    revision: int = 0, of: str = "", *, is_void: bool = False,
) -> None:  # fmt: skip
    if act and any(
        one.act == act and one.revision > revision
        for values in memory.measured.values()
        for one in values
    ):
        return  # a later revision is known
    for item in items:
        code = item.code
        analyte = knowledge.analyte(code.system, code.code)
        if analyte is None:
            continue
        at = item.at
        when = us_of(at) if isinstance(at, datetime) else at_us
        values = memory.measured.get(analyte.id, _NONE)
        value = item.value if item.value is not UNSET else item.text
        raw = None if value is UNSET else raw_of(value)
        measured = Measured(raw, when, (code.system, code.code), act, revision, is_void, of)
        memory.measured[analyte.id] = values_with(values, measured)


def values_with(values: list[Measured], one: Measured) -> list[Measured]:
    """The values of an analyte with one more: the last few of each subject."""
    if not values or values[-1].at_us < one.at_us:
        every = [*values, one]
    elif one in values:
        return values
    else:
        every = sorted([*values, one], key=_when)
    own = [at for at, value in enumerate(every) if value.of == one.of]
    if len(own) > _KEPT_VALUES:
        del every[own[0]]
    return every


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
