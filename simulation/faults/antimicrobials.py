"""Antimicrobial grades, grants and consultations (抗菌药物分级管理)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from simulation.faults.case import Case
from simulation.faults.parts import Choose, medicine, order, prescription, with_grants

GRANT: Final = "antimicrobials.grade_without_grant"
CONSULTATION: Final = "antimicrobials.special_grade_consultation"
OUTPATIENT: Final = "antimicrobials.special_grade_outpatient"


def graded(grade: str) -> Choose:
    return medicine(
        f"an antimicrobial of grade {grade} without a skin test",
        lambda drug: drug.antimicrobial_grade == grade and not drug.requires_skin_test,
    )


_RESIDENT = with_grants(has="antimicrobial_unrestricted", lacks="antimicrobial_restricted")
_ATTENDING = with_grants(has="antimicrobial_restricted", lacks="antimicrobial_special")
_SPECIAL = graded("special")
_RESTRICTED = graded("restricted")

CASES: Final = (
    Case(GRANT, "restricted grade by a resident", "alert", prescription(_RESTRICTED),
         doctor=_RESIDENT),
    Case(GRANT, "restricted grade with the grant", "silent", prescription(_RESTRICTED),
         doctor=_ATTENDING),
    Case(GRANT, "unrestricted grade by a resident", "silent", prescription(graded("unrestricted")),
         doctor=_RESIDENT),
    Case(GRANT, "special grade ordered without its grant", "alert",
         order(_SPECIAL, consultation="CONS-1"), "order", "inpatient", doctor=_ATTENDING),
    Case(GRANT, "restricted grade by a resident in a rescue", "silent",
         prescription(_RESTRICTED), kind="emergency", doctor=_RESIDENT, is_rescue=True),
    Case(CONSULTATION, "no consultation", "alert", order(_SPECIAL, consultation=None),
         "order", "inpatient"),
    Case(CONSULTATION, "with a consultation", "silent", order(_SPECIAL, consultation="CONS-2"),
         "order", "inpatient"),
    Case(CONSULTATION, "no consultation in a rescue", "silent", order(_SPECIAL, consultation=None),
         "order", "emergency", is_rescue=True),
    Case(CONSULTATION, "consultation not reported", "not_evaluable",
         order(_SPECIAL, consultation=UNSET), "order", "inpatient"),
    Case(OUTPATIENT, "for an outpatient", "alert", prescription(_SPECIAL)),
    Case(OUTPATIENT, "for an in-patient", "silent", prescription(_SPECIAL), kind="inpatient"),
)  # fmt: skip
