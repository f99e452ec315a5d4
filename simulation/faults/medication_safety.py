"""Medicines that are dangerous for this patient: allergy, age, pregnancy, kidney, potassium."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Final

from msgspec import UNSET

from contracts.values import Allergy, Coding, Listing
from simulation.catalogue import ROUTES, Catalogue
from simulation.faults.case import Case, Who
from simulation.faults.parts import (
    Write,
    among,
    containing,
    limit,
    measured,
    medicine,
    order,
    ordered_together,
    plain,
    prescription,
    someone,
    together,
)
from simulation.people import Person, adult, birthday

ALLERGY: Final = "medication_safety.allergy"
MINOR: Final = "medication_safety.fluoroquinolone_minor"
INTERACTION: Final = "medication_safety.interaction_contraindicated"
WARNING: Final = "medication_safety.interaction_warning"
METFORMIN: Final = "medication_safety.metformin_egfr"
POTASSIUM: Final = "medication_safety.potassium_high"
PREGNANCY: Final = "medication_safety.pregnancy"
NO_TEST: Final = "medication_safety.skin_test_missing"
POSITIVE: Final = "medication_safety.skin_test_positive"

INGREDIENTS: Final = "urn:yijian:ingredient"


def _allergic_to(system: str, code: str | None = None, complete: bool = True) -> Who:
    """Allergic to a substance; without a code, to the first ingredient of a plain medicine."""

    def make(subject: str, day: date, catalogue: Catalogue, rng: Random) -> Person:
        substance = code if code is not None else plain(catalogue).drug.ingredients[0]
        allergies = Listing((Allergy(Coding(system, substance), reaction="皮疹"),), complete)
        return replace(adult(subject, day, rng), allergies=allergies)

    return make


def _aged(years: str, days_short: int = 0) -> Who:
    """Somebody who reaches the age of a parameter in so many days."""

    def make(subject: str, day: date, catalogue: Catalogue, rng: Random) -> Person:
        reached = birthday(day, int(catalogue.number(years)))
        birth = reached + timedelta(days=days_short)
        return replace(adult(subject, day, rng), birth_date=birth, weight_kg=55.0)

    return make


def _with_inhibitor(ingredient: str) -> Write:
    """Ordered with linezolid, for which a consultation was held."""
    choices = containing("linezolid"), containing(ingredient)
    return ordered_together(*choices, consultation="con-1")


def _sedative_with(ingredient: str) -> Write:
    return together(containing("estazolam"), containing(ingredient))


_PLAIN = prescription(plain)
_QUINOLONE = prescription(among("fluoroquinolones"))
_QUINOLONE_AGE = "fluoroquinolone.minimum_age"
_METFORMIN = prescription(containing("metformin"))
_EGFR = "metformin.minimum_egfr"
_POTASSIUM = order(among("potassium_supplements"))
_UPPER = "potassium.upper_reference"
_TERATOGEN = prescription(among("contraindicated_in_pregnancy"))
_PENICILLIN = medicine(
    "an oral one that needs a skin test", lambda d: d.requires_skin_test and d.form == "other"
)
_EYE = Coding(ROUTES, "ophthalmic")
_PREGNANT = someone(sex="female", pregnant=True)

CASES: Final = (
    Case(ALLERGY, "to the ingredient", "alert", _PLAIN, who=_allergic_to(INGREDIENTS)),
    Case(ALLERGY, "to another ingredient", "silent", _PLAIN,
         who=_allergic_to(INGREDIENTS, "benzylpenicillin")),
    Case(ALLERGY, "ordered in spite of it", "alert", order(plain), "order", "inpatient",
         who=_allergic_to(INGREDIENTS)),
    Case(ALLERGY, "to something in an unmapped code", "not_evaluable", _PLAIN,
         who=_allergic_to("urn:yijian:simulation:substance", "X-404")),
    Case(MINOR, "a day before the birthday", "alert", _QUINOLONE, who=_aged(_QUINOLONE_AGE, 1)),
    Case(MINOR, "on the birthday", "silent", _QUINOLONE, who=_aged(_QUINOLONE_AGE)),
    Case(MINOR, "eye drops", "silent",
         prescription(among("fluoroquinolones"), route=_EYE),
         who=_aged(_QUINOLONE_AGE, 400)),
    Case(MINOR, "age unknown", "not_evaluable", _QUINOLONE, who=someone(birth_date=UNSET)),
    Case(INTERACTION, "an inhibitor with tramadol", "alert", _with_inhibitor("tramadol"),
         "order", "inpatient", pair="1~2:tramadol_maoi"),
    Case(INTERACTION, "an inhibitor with paracetamol", "silent", _with_inhibitor("paracetamol"),
         "order", "inpatient", pair="1~2:tramadol_maoi"),
    Case(WARNING, "a sedative with tramadol", "alert", _sedative_with("tramadol"),
         pair="1~2:opioid_benzodiazepine"),
    Case(WARNING, "two sedatives", "silent", _sedative_with("diazepam"),
         pair="1~2:opioid_benzodiazepine"),
    Case(METFORMIN, "just below the limit", "alert", _METFORMIN,
         who=measured("egfr", limit(_EGFR, more=-0.1))),
    Case(METFORMIN, "exactly the limit", "silent", _METFORMIN,
         who=measured("egfr", limit(_EGFR))),
    Case(METFORMIN, "no eGFR", "not_evaluable", _METFORMIN),
    Case(POTASSIUM, "just above the limit", "alert", _POTASSIUM, "order", "inpatient",
         who=measured("potassium", limit(_UPPER, more=0.1))),
    Case(POTASSIUM, "exactly the limit", "silent", _POTASSIUM, "order", "inpatient",
         who=measured("potassium", limit(_UPPER))),
    Case(POTASSIUM, "above the limit in another unit", "alert", _POTASSIUM, "order", "inpatient",
         who=measured("potassium", limit(_UPPER, more=1.0), "meq/L")),
    Case(POTASSIUM, "in a unit that nobody can convert", "not_evaluable", _POTASSIUM, "order",
         "inpatient", who=measured("potassium", limit(_UPPER), "drops")),
    Case(PREGNANCY, "pregnant", "alert", _TERATOGEN, who=_PREGNANT),
    Case(PREGNANCY, "not pregnant", "silent", _TERATOGEN, who=someone(sex="female")),
    Case(PREGNANCY, "pregnant, another medicine", "silent", _PLAIN, who=_PREGNANT),
    Case(PREGNANCY, "pregnancy not reported", "not_evaluable", _TERATOGEN,
         who=someone(sex="female", pregnant=UNSET)),
    Case(NO_TEST, "no result", "alert", prescription(_PENICILLIN, skin_test=None)),
    Case(NO_TEST, "negative", "silent", prescription(_PENICILLIN, skin_test="negative")),
    Case(NO_TEST, "exempt", "silent", prescription(_PENICILLIN, skin_test="exempt")),
    Case(POSITIVE, "positive", "alert", prescription(_PENICILLIN, skin_test="positive")),
    Case(POSITIVE, "negative on an order", "silent", order(_PENICILLIN, skin_test="negative"),
         "order", "inpatient"),
)  # fmt: skip
