"""FHIR dosage instructions as a single dose, a daily frequency and a length of treatment."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import UNSET

from contracts.values import Amount, Coding, Reported
from gateway.fhir.case import Case
from gateway.fhir.outcome import Note
from gateway.fhir.values import Json, amount, child, children, codes, number, text

_DAYS: Final = {
    "s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.4375, "a": 365.25,
}  # fmt: skip
"""UCUM units of time in days; month and year are UCUM's mean Julian ones."""

_A_DAY: Final = {
    "QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, "AM": 1.0, "PM": 1.0, "BED": 1.0, "QOD": 0.5,
    "Q1H": 24.0, "Q2H": 12.0, "Q3H": 8.0, "Q4H": 6.0, "Q6H": 4.0, "Q8H": 3.0,
    "WK": 1 / 7, "MO": 1 / 30.4375,
}  # fmt: skip
"""Doses a day by HL7's code of a timing (GTSAbbreviation)."""

_AT: Final = "$.dosageInstruction"


class Directions(NamedTuple):
    """How a drug is to be taken, as far as one number can say it."""

    dose: Reported[Amount]
    doses_per_day: Reported[float]
    days: Reported[float]
    route: Reported[Coding]
    usage: Reported[str]


def directions(case: Case) -> Directions:
    """The directions of a request.

    Where instructions differ (a taper, a range), no single number is true: not reported, noted.
    """
    instructions = children(case.resource, "dosageInstruction")
    if not instructions:
        return Directions(UNSET, UNSET, UNSET, UNSET, UNSET)
    doses = [_dose(case, i) for i in instructions]
    rates = [_doses_per_day(case, child(i, "timing")) for i in instructions]
    routes = [r for i in instructions if (r := case.coding(child(i, "route"))) is not None]
    bounds = [
        days_of(child(child(child(i, "timing"), "repeat"), "boundsDuration"), _AT)
        for i in instructions
    ]
    lengths = [days for days in bounds if days is not None]
    shown = [text(i, "text") or text(i, "patientInstruction") for i in instructions]
    same = all(d == doses[0] for d in doses) and all(r == rates[0] for r in rates)
    if not same:
        case.note(Note.DOSAGE_NOT_SINGLE)
    return Directions(
        dose=doses[0] if same and doses[0] is not None else UNSET,
        doses_per_day=rates[0] if same and rates[0] is not None else UNSET,
        days=sum(lengths) if lengths else UNSET,
        route=routes[0] if routes else UNSET,
        usage="; ".join(s for s in shown if s) or UNSET,
    )


def days_of(duration: Json, path: str) -> float | None:
    """A FHIR Duration in days, or None where it has no value or no unit of time."""
    value = number(duration, "value", path)
    factor = _DAYS.get(text(duration, "code") or text(duration, "unit"))
    return None if value is None or factor is None else round(value * factor, 6)


def _dose(case: Case, instruction: Json) -> Amount | None:
    given = children(instruction, "doseAndRate")
    ordered = [g for g in given if "ordered" in codes(child(g, "type"))]
    for dose in (*ordered, *given):
        if child(dose, "doseRange"):
            case.note(Note.DOSAGE_NOT_SINGLE)
            return None
        if found := amount(child(dose, "doseQuantity"), f"{_AT}.doseAndRate.doseQuantity"):
            return found
    return None


def _doses_per_day(case: Case, timing: Json) -> float | None:
    repeat = child(timing, "repeat")
    if any(name in repeat for name in ("frequencyMax", "periodMax")):
        case.note(Note.DOSAGE_NOT_SINGLE)
        return None
    week = repeat.get("dayOfWeek")
    share = len(week) / 7 if isinstance(week, list) and week else 1.0
    for name in ("timeOfDay", "when"):
        moments = repeat.get(name)
        if isinstance(moments, list) and moments:
            return round(len(moments) * share, 6)
    period = number(repeat, "period", f"{_AT}.timing.repeat")
    unit = _DAYS.get(text(repeat, "periodUnit"))
    if period is not None and period > 0 and unit is not None:
        frequency = number(repeat, "frequency", f"{_AT}.timing.repeat")
        a_day = (1.0 if frequency is None else frequency) / (period * unit)
        return round(a_day * (share if text(repeat, "periodUnit") == "d" else 1.0), 6)
    known = (_A_DAY.get(code.upper()) for code in codes(child(timing, "code")))
    return next((rate for rate in known if rate is not None), None)
