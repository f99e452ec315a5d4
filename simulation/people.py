"""The patients: who they are, and what a hospital system tells of them with each event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

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
    Reported,
)

NO_ALLERGIES: Final[Listing[Allergy]] = Listing((), True)
NO_CONDITIONS: Final[Listing[Diagnosis]] = Listing((), True)
NO_OBSERVATIONS: Final[Listing[Measurement]] = Listing((), True)

# Ages of ordinary patients (youngest, oldest) and their shares. Infants come as cases only.
_AGES: Final = ((4, 13), (14, 17), (18, 44), (45, 64), (65, 90))
_CHECKED_FROM: Final = 40  # years of age from which a laboratory check is on file
LOINC: Final = "http://loinc.org"
_CHECKED: Final = (
    ("2823-3", "血钾", "mmol/L", 3.8, 4.8),
    ("33914-3", "估算肾小球滤过率", "mL/min/{1.73_m2}", 78.0, 110.0),
)
_AGE_SHARES: Final = (0.08, 0.03, 0.33, 0.32, 0.24)


@dataclass(frozen=True, slots=True)
class Person:
    """One patient. Every field may be UNSET (the source does not tell) or None (none)."""

    subject: str
    birth_date: Reported[date]
    sex: Reported[str]
    weight_kg: Reported[float]
    pregnant: Reported[bool] = False
    lactating: Reported[bool] = False
    chronic_pain: Reported[bool] = False
    allergies: Reported[Listing[Allergy]] = NO_ALLERGIES
    conditions: Reported[Listing[Diagnosis]] = NO_CONDITIONS
    observations: Reported[Listing[Measurement]] = NO_OBSERVATIONS

    def snapshot(self) -> PatientSnapshot:
        weight = self.weight_kg
        return PatientSnapshot(
            birth_date=self.birth_date,
            sex=self.sex,
            pregnant=self.pregnant,
            lactating=self.lactating,
            weight=Amount(weight, "kg") if isinstance(weight, float) else UNSET,
            chronic_pain=self.chronic_pain,
            allergies=self.allergies,
            conditions=self.conditions,
            observations=self.observations,
        )


def ordinary(subject: str, day: date, rng: Random) -> Person:
    """A person of whom the hospital knows what it should, without anything remarkable."""
    youngest, oldest = rng.choices(_AGES, _AGE_SHARES)[0]
    years = rng.randint(youngest, oldest)
    observations = _laboratory(day, rng) if years >= _CHECKED_FROM else NO_OBSERVATIONS
    return Person(
        observations=observations,
        subject=subject,
        birth_date=birthday(day, years) - timedelta(days=rng.randrange(360)),
        sex=rng.choice(("female", "male")),
        weight_kg=usual_weight_kg(years, rng),
    )


def _laboratory(day: date, rng: Random) -> Listing[Measurement]:
    """Unremarkable values of an earlier check of blood and kidneys."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=rng.randint(2, 60))
    return Listing(
        tuple(
            Measurement(
                Coding(LOINC, code, display),
                Quantity(round(rng.uniform(low, high), 1), unit),
                at=at,
            )
            for code, display, unit, low, high in _CHECKED
        ),
        True,
    )


def adult(subject: str, day: date, rng: Random) -> Person:
    """A man between 30 and 60: nobody whom a rule about age, sex or pregnancy concerns."""
    birth = birthday(day, rng.randint(30, 59)) - timedelta(days=rng.randrange(360))
    return Person(subject, birth_date=birth, sex="male", weight_kg=68.0)


def birthday(day: date, years: int) -> date:
    """The birth date of somebody who reaches `years` on that day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def usual_weight_kg(years: int, rng: Random) -> float:
    base = 8.0 + 3.0 * years if years < 16 else 62.0
    return round(base * rng.uniform(0.85, 1.25), 1)
