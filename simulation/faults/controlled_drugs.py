"""Narcotic and psychotropic drugs (麻醉药品和精神药品): days, doses, grants, places."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from knowledge_base import Drug
from simulation.catalogue import Catalogue, Medicine
from simulation.chart import Chart
from simulation.diagnoses import diagnosis
from simulation.faults.case import Case, Draft
from simulation.faults.parts import (
    Choose,
    Write,
    among,
    at_level,
    containing,
    limit,
    medicine,
    order,
    prescription,
    someone,
    with_grants,
)
from simulation.lines import prescribed

PAIN_DAYS: Final = "controlled_drugs.chronic_pain_days"
LEVEL: Final = "controlled_drugs.dihydroetorphine_level"
INJECTION: Final = "controlled_drugs.injection_one_dose"
INPATIENT: Final = "controlled_drugs.inpatient_one_day"
ADHD: Final = "controlled_drugs.methylphenidate_adhd_days"
DAYS: Final = "controlled_drugs.outpatient_days"
GRANT: Final = "controlled_drugs.prescriber_grant"
PSYCHOTROPIC: Final = "controlled_drugs.psychotropic_2_days"
SINGLE: Final = "controlled_drugs.single_dose_in_hospital"


def _narcotic(form: str) -> Choose:
    def choose(catalogue: Catalogue) -> Medicine:
        single = catalogue.members("single_dose_narcotics")

        def wanted(drug: Drug) -> bool:
            return (
                drug.control == "narcotic"
                and drug.form == form
                and single.isdisjoint(drug.ingredients)
            )

        return catalogue.find(f"a narcotic of form {form}", wanted)

    return choose


def _with_adhd(days: float) -> Write:
    """Methylphenidate for a hyperkinetic disorder, `days` more than its limit."""

    def write(chart: Chart) -> Draft:
        supply = chart.catalogue.number("controlled.methylphenidate_adhd_days") + days
        line = prescribed("1", _METHYLPHENIDATE(chart.catalogue), supply)
        code = min(chart.catalogue.members("adhd")) + ".0"
        return Draft((line,), {"diagnoses": (diagnosis(code, "注意缺陷多动障碍"),)})

    return write


_CR = _narcotic("controlled_release")
_INJECTION = _narcotic("injection")
_METHYLPHENIDATE = containing("methylphenidate")
_PSYCHOTROPIC = medicine("a second-class psychotropic", lambda d: d.control == "psychotropic_2")
_DIHYDROETORPHINE = containing("dihydroetorphine")
_PAIN = someone(chronic_pain=True)
_CR_KEY = ("narcotic", "controlled_release")
_ONCE = {"doses_per_day": 1.0}
_PSYCHOTROPIC_DAYS = "controlled.psychotropic_2_days"

CASES: Final = (
    Case(PAIN_DAYS, "a day over the limit", "alert",
         prescription(_CR, limit("controlled.chronic_pain_days", *_CR_KEY, more=1)), who=_PAIN),
    Case(PAIN_DAYS, "exactly the limit", "silent",
         prescription(_CR, limit("controlled.chronic_pain_days", *_CR_KEY)), who=_PAIN),
    Case(LEVEL, "at a primary institution", "alert", prescription(_DIHYDROETORPHINE, **_ONCE),
         doctor=at_level("primary", "narcotic")),
    Case(LEVEL, "at a secondary hospital", "silent", prescription(_DIHYDROETORPHINE, **_ONCE),
         doctor=at_level("secondary", "narcotic")),
    Case(INJECTION, "two days", "alert", prescription(_INJECTION, 2, **_ONCE)),
    Case(INJECTION, "two doses in a day", "alert", prescription(_INJECTION, 1, doses_per_day=2.0)),
    Case(INJECTION, "one dose", "silent", prescription(_INJECTION, 1, **_ONCE)),
    Case(INJECTION, "three days for cancer pain", "silent",
         prescription(_INJECTION, limit("controlled.chronic_pain_days", "narcotic", "injection"),
                      **_ONCE), who=_PAIN),
    Case(INPATIENT, "a day over the limit", "alert",
         prescription(_CR, limit("controlled.inpatient_days", more=1)), kind="inpatient"),
    Case(INPATIENT, "exactly the limit", "silent",
         prescription(_CR, limit("controlled.inpatient_days")), kind="inpatient"),
    Case(ADHD, "a day over the limit", "alert", _with_adhd(1)),
    Case(ADHD, "exactly the limit", "silent", _with_adhd(0)),
    Case(DAYS, "a day over the limit", "alert",
         prescription(_CR, limit("controlled.outpatient_days", *_CR_KEY, more=1))),
    Case(DAYS, "exactly the limit", "silent",
         prescription(_CR, limit("controlled.outpatient_days", *_CR_KEY))),
    Case(DAYS, "a day over the limit with chronic pain", "silent",
         prescription(_CR, limit("controlled.outpatient_days", *_CR_KEY, more=1)), who=_PAIN),
    Case(DAYS, "days not reported", "not_evaluable", prescription(_CR, days_supply=UNSET)),
    Case(GRANT, "without the grant", "alert", prescription(_CR),
         doctor=with_grants(lacks="narcotic")),
    Case(GRANT, "with the grant", "silent", prescription(_CR), doctor=with_grants("narcotic")),
    Case(GRANT, "ordered without the grant", "alert", order(_INJECTION), "order", "inpatient",
         doctor=with_grants(lacks="narcotic")),
    Case(PSYCHOTROPIC, "a day over the limit", "alert",
         prescription(_PSYCHOTROPIC, limit(_PSYCHOTROPIC_DAYS, more=1), reason=None)),
    Case(PSYCHOTROPIC, "exactly the limit", "silent",
         prescription(_PSYCHOTROPIC, limit(_PSYCHOTROPIC_DAYS), reason=None)),
    Case(PSYCHOTROPIC, "over the limit with a reason", "silent",
         prescription(_PSYCHOTROPIC, limit(_PSYCHOTROPIC_DAYS, more=1), reason="慢性失眠")),
    Case(SINGLE, "two days", "alert", prescription(among("single_dose_narcotics"), 2, **_ONCE)),
    Case(SINGLE, "one dose", "silent", prescription(among("single_dose_narcotics"), 1, **_ONCE)),
)  # fmt: skip
