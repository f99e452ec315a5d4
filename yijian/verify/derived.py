"""Derived facts once more, by other means: from the event's JSON with whole numbers and fractions.

Nothing here is shared with rules.facts: dates are triples, days are counted by the civil calendar's
own arithmetic, units come from the short table below. A fact that this module has no opinion on
(another unit, a missing field) is left out, never confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from contracts.decision import Decision
from knowledge_base import KnowledgeBase

Date: TypeAlias = tuple[int, int, int]

FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "patient.age": frozenset({"birth_date"}),
    "patient.age_months": frozenset({"birth_date"}),
    "patient.age_days": frozenset({"birth_date"}),
    "patient.weight": frozenset({"weight", "observations"}),
    "patient.potassium": frozenset({"observations"}),
    "patient.egfr": frozenset({"observations"}),
    "patient.creatinine": frozenset({"observations"}),
}
"""The fields of the patient that a fact is made of: what is remembered stands in no event."""

_KILOGRAMS: Final = {"kg": Fraction(1), "g": Fraction(1, 1000), "mg": Fraction(1, 10**6)}
_CLOSE: Final = Fraction(1, 10**9)


class Recomputed(NamedTuple):
    """One fact as recorded and as recomputed."""

    fact: str
    element: str
    recorded: Any
    found: Any

    @property
    def agrees(self) -> bool:
        return _equal(self.recorded, self.found)


def recompute(decision: Decision, value: bytes, knowledge: KnowledgeBase) -> tuple[Recomputed, ...]:
    """The derived facts of a decision that can be recomputed from the bytes of its event.

    Raises ValueError, KeyError or TypeError where the bytes are no event.
    """
    event = _Event(json.loads(value, parse_float=Fraction), decision, knowledge)
    return tuple(event.all())


def from_memory(decision: Decision) -> frozenset[str]:
    """The derived facts that are made of remembered fields: no event tells whether they hold."""
    remembered = frozenset(decision.remembered)
    return frozenset(
        name for name in decision.facts if not FIELDS.get(name, frozenset()).isdisjoint(remembered)
    )


def is_about(decision: Decision, value: bytes) -> bool:
    """Whether these are the bytes of the decision's event: another one may have led to it."""
    raw = json.loads(value)
    return (raw["source"], raw["id"]) == (decision.event.source, decision.event.id)


class _Event:
    def __init__(self, raw: Any, decision: Decision, knowledge: KnowledgeBase) -> None:
        self.raw = raw
        self.data = raw["data"]
        self.decision = decision
        self.knowledge = knowledge
        self.day = _date(decision.as_of)

    def all(self) -> Iterator[Recomputed]:
        found = self.service_day()
        if found is not None:
            yield Recomputed("event.service_date", "", self.decision.as_of, found)
        facts: Mapping[str, Callable[[], Any]] = {
            "patient.age": self.years,
            "patient.age_months": self.months,
            "patient.age_days": self.days,
            "patient.weight": self.weight,
            "event.days_since_signed": self.days_since_signed,
            "patient.potassium": lambda: self.latest("potassium"),
            "patient.egfr": lambda: self.latest("egfr"),
            "patient.creatinine": lambda: self.latest("creatinine"),
        }
        remembered = from_memory(self.decision)
        for name, again in facts.items():
            recorded = self.decision.facts.get(name)
            if recorded is None or isinstance(recorded, Mapping) or name in remembered:
                continue
            value = again()
            if value is not None:
                yield Recomputed(name, "", recorded, value)
        yield from self.doses()

    def service_day(self) -> str | None:
        """The calendar day of the act in the institution's zone."""
        zone = self.zone()
        at = self.data.get("service_time") or self.raw["time"]
        if zone is None or not isinstance(at, str):
            return None
        return "{:04}-{:02}-{:02}".format(*_local(at, zone))

    def zone(self) -> ZoneInfo | None:
        names = {
            entry.time_zone for entry in self.knowledge.institutions()
            if entry.id == self.data.get("institution")
        }  # fmt: skip
        return ZoneInfo(names.pop()) if len(names) == 1 else None

    def born(self) -> Date | None:
        source = self.data if "birth_date" in self.data else self.data.get("patient") or {}
        said = source.get("birth_date")
        return _date(said) if isinstance(said, str) else None

    def months(self) -> int | None:
        born = self.born()
        if born is None or born > self.day:
            return None
        (y, m, d), (by, bm, bd) = self.day, born
        whole = 12 * (y - by) + (m - bm)
        return whole if d >= bd else whole - 1

    def years(self) -> int | None:
        months = self.months()
        return None if months is None else months // 12

    def days(self) -> int | None:
        born = self.born()
        return None if born is None or born > self.day else _number(self.day) - _number(born)

    def weight(self) -> Fraction | None:
        said = (self.data.get("patient") or {}).get("weight")
        return _in(said, _KILOGRAMS) if isinstance(said, Mapping) else None

    def days_since_signed(self) -> int | None:
        zone = self.zone()
        signed = self.data.get("signed_at")
        until = self.data.get("dispensed_at") or self.raw["time"]
        if zone is None or not isinstance(signed, str):
            return None
        return _number(_local(until, zone)) - _number(_local(signed, zone))

    def latest(self, analyte_id: str) -> Fraction | None:
        """The newest value of an analyte; None where times or units leave it open."""
        listed = (self.data.get("patient") or {}).get("observations") or {}
        chosen: list[tuple[str, Fraction]] = []
        for one in listed.get("items", ()):
            code = one["code"]
            analyte = self.knowledge.analyte(code["system"], code["code"])
            if analyte is None or analyte.id != analyte_id:
                continue
            scales = {unit: _fraction(f) for unit, f in analyte.factors.items()}
            amount = _in(one.get("value"), {**scales, analyte.unit: Fraction(1)})
            at = one.get("at")
            if amount is None or not isinstance(at, str) or not at.endswith("Z"):
                return None
            chosen.append((at.rstrip("Z"), amount))
        newest = max((at for at, _ in chosen), default=None)
        values = {amount for at, amount in chosen if at == newest}
        return values.pop() if len(values) == 1 else None

    def doses(self) -> Iterator[Recomputed]:
        """Dose times doses a day, in the unit that is recorded: `mg` a day is `mg/d`."""
        items = {str(i.get("line_id")): i for i in self.data.get("items") or ()}
        for name, facts in self.decision.elements.items():
            recorded = facts.get("item.daily_dose")
            item = items.get(name)
            if not isinstance(recorded, Mapping) or "value" not in recorded or item is None:
                continue
            dose, times = item.get("dose"), item.get("doses_per_day")
            if not isinstance(dose, Mapping) or times is None:
                continue
            if recorded.get("unit") == f"{dose['unit']}/d":
                found = _fraction(dose["value"]) * _fraction(times)
                yield Recomputed("item.daily_dose", name, recorded["value"], found)


def _date(text: str) -> Date:
    year, month, day = text.split("-")
    return int(year), int(month), int(day)


def _local(at: str, zone: ZoneInfo) -> Date:
    """The calendar day of an instant; nothing but the zone's offset is asked of datetime."""
    local = datetime.fromisoformat(at).astimezone(zone)
    return local.year, local.month, local.day


def _number(date: Date) -> int:
    """Days since 0000-03-01 of the proleptic Gregorian calendar: months counted from March."""
    year, month, day = date
    year -= month <= 2
    month = (month + 9) % 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day


def _in(amount: Any, scales: Mapping[str, Fraction]) -> Fraction | None:
    if not isinstance(amount, Mapping):
        return None
    scale = scales.get(str(amount.get("unit")))
    return None if scale is None else _fraction(amount["value"]) * scale


def _fraction(number: Any) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(Decimal(str(number)))


def _equal(recorded: Any, found: Any) -> bool:
    if isinstance(found, str):
        return bool(recorded == found)
    a, b = _fraction(recorded), _fraction(found)
    return abs(a - b) <= _CLOSE * max(abs(a), abs(b))
