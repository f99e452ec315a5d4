"""Fields of the patient: what the event's snapshot says, and where it is silent, the memory.

Of lists that the snapshot calls partial both are known; a complete one stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import UNSET

from contracts.values import (
    Allergy,
    Amount,
    Coding,
    Diagnosis,
    Listing,
    Measurement,
    PatientSnapshot,
    Quantity,
)
from rules.facts.base import Context
from rules.facts.read import as_of
from rules.memory.instants import instant_of, us_of
from rules.memory.model import TIMELESS, Memory, Said

LISTS: Final = frozenset({"allergies", "conditions", "observations"})
_TYPES: Final[dict[str, Any]] = {"birth_date": date, "weight": Amount}


def patient_field(c: Context, name: str) -> Any:
    """The field; None where it is stated absent, UNSET where nobody reported it."""
    snapshot = c.data.patient
    said = getattr(snapshot, name) if type(snapshot) is PatientSnapshot else UNSET
    if c.recalled is None:
        return said
    if name not in LISTS:
        return said if said is not UNSET else _remembered(c, name, said)
    if type(said) is Listing and said.complete:
        return said
    return _remembered(c, name, said)


def _remembered(c: Context, name: str, said: Any) -> Any:
    known = c.remembered
    if known is None:
        known = c.remembered = {}
    if name not in known:
        found = _of_memory(c, c.recalled.memory, name)
        is_complete = name == "allergies" and _states_all(c.recalled.memory)
        is_more = found is not UNSET and (found != () or is_complete)
        known[name] = _merged(found, said, is_complete) if name in LISTS else found
        if not is_more:
            known[name] = _NOTHING
    value = known[name]
    return said if value is _NOTHING else value


_NOTHING: Final = object()
"""The memory has nothing to add."""


def contributed(c: Context) -> tuple[str, ...]:
    """The fields that the memory told, or told of."""
    known = c.remembered or {}
    return tuple(sorted(name for name, value in known.items() if value is not _NOTHING))


def _states_all(memory: Memory) -> bool:
    """Whether a statement about allergies said that it names all."""
    return any(raw and raw.get("complete") for _, _, raw in memory.allergies.values())


def _merged(found: tuple[Any, ...], said: Any, is_complete: bool) -> Listing[Any]:
    own = said.items if type(said) is Listing else ()
    rest = tuple(one for one in found if one not in own)
    return Listing(items=(*rest, *own), complete=is_complete)


def _of_memory(c: Context, memory: Memory, name: str) -> Any:
    if name == "observations":
        return _observations(c, memory)
    if name == "allergies":
        return tuple(_allergies(memory))
    if name == "conditions":
        return tuple(
            msgspec.convert(raw, Diagnosis) for _, _, raw in memory.conditions.values() if raw
        )
    statement = memory.said.get(name)
    if statement is not None and name not in TIMELESS:
        statement = _said_by(c, memory.runs.get(name, (statement,)))
    if statement is None:
        return UNSET
    kind = _TYPES.get(name)
    value = statement.value
    return value if kind is None or value is None else msgspec.convert(value, kind)


def _said_by(c: Context, runs: Iterable[Said]) -> Said | None:
    """What was said last up to the time that the event is judged at, or its duty is due."""
    until = us_of(as_of(c, None))
    if c.recalled.due_us is not None:
        until = max(until, c.recalled.due_us)
    return next((one for one in reversed(tuple(runs)) if one.at_us <= until), None)


def _allergies(memory: Memory) -> list[Allergy]:
    found: dict[str, Allergy] = {}
    for _, _, raw in memory.allergies.values():
        listing = msgspec.convert(raw, Listing[Allergy]) if raw else Listing()
        for allergy in listing.items:
            found[f"{allergy.substance.system}|{allergy.substance.code}"] = allergy
    return list(found.values())


def _observations(c: Context, memory: Memory) -> tuple[Measurement, ...]:
    """The values observed up to the time that the event is judged at, oldest first."""
    until = us_of(as_of(c, None))
    found = []
    for values in memory.measured.values():
        for one in values:
            if one.at_us > until or one.is_void:
                continue
            system, code = one.code
            is_text = isinstance(one.value, str)
            found.append(
                Measurement(
                    code=Coding(system=system, code=code),
                    value=msgspec.convert(one.value, Quantity) if one.value and not is_text
                    else UNSET,
                    text=one.value if is_text else UNSET,
                    at=instant_of(one.at_us),
                )
            )  # fmt: skip
    return tuple(found)
