"""The courses: for each rule that looks back or waits one that it must find and a near miss."""

from __future__ import annotations

from typing import Any, Final

from simulation.faults.course import VISIT, Course, Fields, Told
from simulation.faults.course_acts import (
    about_act,
    card,
    charged,
    diagnosed,
    dispensed,
    dose,
    elsewhere,
    examined,
    given,
    now_in,
    observed,
    ordered,
    ordered_item,
    potassium,
    prescribed,
    reported,
    signed,
)
from simulation.faults.parts import containing, plain

_ANTIMICROBIAL: Final = containing("ceftazidime")


# ---- courses that wait


def _record(
    rule: str, begins: Told, limit_hours: float, kind: str, other: str, about: str = "",
    level: str = "attending", other_level: str = "attending", is_rescue: bool = False,
) -> tuple[Course, Course]:  # fmt: skip
    """A record that is missing where another one is written, and one that comes in time."""
    fits, differs = signed(kind, about, level), signed(other, about, other_level)
    written = Told(0.5, "document.signed", fits, "record")
    another = Told(0.5, "document.signed", differs, "record")
    after = limit_hours + 1
    return (
        Course(rule, "another record", "alert", (begins, another), after, is_rescue=is_rescue,
               waits=True),
        Course(rule, "in time", "silent", (begins, written), after, is_rescue=is_rescue,
               waits=True),
    )  # fmt: skip


_ADMITTED: Final = Told(0, "encounter.admitted", is_labelled=True)
_OPERATED: Final = Told(
    0, "procedure.ended", now_in("ended_at", kind="surgery", planned=True), "operation", True
)
_NOTE: Final = Told(0, "document.signed", signed("progress_note"), "first", True)
_CRITICAL: Final = Told(0, "result.reported", potassium(6.9, True), "result", True)
_URGENT: Final = Told(
    0, "consultation.requested", now_in("requested_at", kind="department", urgency="urgent"),
    "consultation", True,
)  # fmt: skip
_EMERGENCY: Final = Told(
    0, "order.signed", ordered(containing("tigecycline"), consultation=None), "order", True
)
_TREATED: Final = Told(0, "order.signed", ordered(_ANTIMICROBIAL), "order", True)
_CHOLERA: Final = Told(0, "condition.recorded", diagnosed("A00.9", "霍乱"), "condition", True)
_MUMPS: Final = Told(0, "condition.recorded", diagnosed("B26.9", "流行性腮腺炎"), "condition", True)

WAITING: Final = (
    *_record("records.first_progress_note", _ADMITTED, 8, "first_progress_note", "nursing_record"),
    *_record("records.admission_note", _ADMITTED, 24, "admission_note", "nursing_record"),
    *_record("records.first_attending_round", _ADMITTED, 48, "ward_round", "ward_round",
             other_level="resident"),
    *_record("records.transfer_note", Told(0, "encounter.transferred", is_labelled=True), 24,
             "transfer_note", "nursing_record"),
    *_record("records.discharge_record",
             Told(0, "encounter.discharged", now_in("ended_at"), is_labelled=True), 24,
             "discharge_record", "nursing_record"),
    *_record("records.rescue_record", Told(0, "encounter.updated", is_labelled=True), 6,
             "rescue_record", "nursing_record", is_rescue=True),
    *_record("records.operation_record", _OPERATED, 24, "operation_record",
             "anaesthesia_record", about="operation"),
    *_record("records.progress_note_interval", _NOTE, 72, "ward_round", "informed_consent"),
    *_record("antimicrobials.review_overdue", _TREATED, 72, "antimicrobial_review",
             "nursing_record"),
    Course("critical_values.not_acknowledged", "nobody", "alert", (_CRITICAL,), 1, waits=True),
    Course("critical_values.not_acknowledged", "in time", "silent",
           (_CRITICAL, Told(0.2, "acknowledgement.acknowledged",
                            about_act("result", kind="received"), "ack")), 1, waits=True),
    Course("consultations.urgent_arrival", "nobody", "alert", (_URGENT,), 1, waits=True),
    Course("consultations.urgent_arrival", "in time", "silent",
           (_URGENT, Told(0.1, "consultation.arrived", now_in("arrived_at"), "consultation")), 1,
           waits=True),
    Course("antimicrobials.emergency_consultation", "never", "alert", (_EMERGENCY,), 25,
           is_rescue=True, waits=True),
    Course("antimicrobials.emergency_consultation", "answered", "silent",
           (_EMERGENCY, Told(3, "consultation.answered", about_act("order", kind="antimicrobial"),
                             "consultation")), 25, is_rescue=True, waits=True),
    Course("infections.report_class_a", "never", "alert", (_CHOLERA,), 3, waits=True),
    Course("infections.report_class_a", "in time", "silent",
           (_CHOLERA, Told(1, "infection_report.reported", reported("A00.9"), "card")), 3,
           waits=True),
    Course("infections.report_other", "never", "alert", (_MUMPS,), 25, waits=True),
    Course("infections.report_other", "in time", "silent",
           (_MUMPS, Told(20, "infection_report.reported", reported("B26.9"), "card")), 25,
           waits=True),
)  # fmt: skip


# ---- courses that look back


def _back(
    rule: str, before: Told, now: Told, other: Told | None = None, **course: Any
) -> tuple[Course, Course]:
    """What is found where `before` happened, and the near miss: `other` instead of it."""
    found = Course(rule, "after it", "alert", (before, now), **course)
    events = (now,) if other is None else (other, now)
    return found, Course(rule, "near miss", "silent", events, **course)


def _days(rule: str, number: int, event: str, fields: Fields, kind: str, miss: int) -> Any:
    """An act on each of so many days: one too many, and the last one that is fine."""

    def course(name: str, expected: Any, days: int) -> Course:
        told = tuple(
            Told(24.0 * bool(n), event, fields, f"act{n}-", n == days - 1) for n in range(days)
        )
        return Course(rule, name, expected, told, kind=kind)

    return course("one too many", "alert", number), course("just not", "silent", miss)


_DOSE: Final = Told(1, "administration.administered", dose(containing("potassium-chloride",
                    "injection")), "dose", True)  # fmt: skip
_PENICILLIN: Final = containing("benzylpenicillin")
_PENICILLIN_DOSE: Final = Told(1, "administration.administered", dose(_PENICILLIN), "dose", True)
_CEFTAZIDIME_DOSE: Final = Told(
    2, "administration.administered", dose(_ANTIMICROBIAL), "dose", True
)

LOOKING_BACK: Final = (
    *_back("medication_safety.repeated_ingredient",
           Told(0, "prescription.signed", prescribed(plain, 3), "first"),
           Told(24, "prescription.signed", prescribed(plain, 3), "second", True),
           Told(0, "prescription.signed", prescribed(plain, 1), "first"), kind="outpatient"),
    *_back("medication_safety.potassium_after_critical_result",
           Told(0, "result.reported", potassium(6.9, True), "result"), _DOSE,
           Told(0, "result.reported", potassium(4.2, False), "result")),
    *_back("medication_safety.skin_test_not_found",
           Told(0, "order.signed", ordered_item("S015"), "order"),
           _PENICILLIN_DOSE,
           Told(0, "order.signed", ordered(_PENICILLIN, skin_test="negative"), "order"),
           waits=True),
    *_back("antimicrobials.no_specimen_before",
           Told(0, "order.signed", ordered_item("S018"), "order"), _CEFTAZIDIME_DOSE,
           Told(0, "order.signed", ordered_item("S025"), "order"), waits=True),
    *_back("examinations.repeated_recognised",
           Told(0, "result.reported", examined("S030", True), "result"),
           Told(48, "order.signed", ordered_item("S030"), "order", True),
           Told(0, "result.reported", examined("S030", False), "result")),
    *_back("billing.item_frequency",
           Told(0, "billing.charged", charged("S023"), "first"),
           Told(72, "billing.charged", charged("S023"), "second", True), kind="outpatient"),
    *_back("billing.same_day_charge",
           Told(0, "billing.charged", charged("S005"), "first"),
           Told(0, "billing.charged", charged("S005"), "second", True),
           Told(0, "billing.charged", charged("S004"), "first")),
    *_back("billing.after_discharge",
           Told(0, "encounter.discharged", now_in("ended_at"), VISIT),
           Told(48, "billing.charged", charged("S027"), "bill", True)),
    *_back("care_outcomes.unplanned_readmission",
           Told(0, "encounter.discharged", now_in("ended_at", kind="inpatient"), "earlier"),
           Told(240, "encounter.admitted", given(planned=False), VISIT, True),
           Told(0, "encounter.ended", now_in("ended_at", kind="outpatient"), "earlier")),
    *_back("care_outcomes.unplanned_reoperation",
           Told(0, "procedure.ended", now_in("ended_at", kind="surgery", planned=True), "first"),
           Told(72, "procedure.ended", now_in("ended_at", kind="surgery", planned=False), "second",
                True),
           Told(0, "procedure.ended", now_in("ended_at", kind="endoscopy", planned=True), "first")),
    *_days("conduct.frequent_visits", 16, "encounter.started", given(kind="outpatient"),
           "outpatient", 15),
    *_days("billing.drug_days", 15, "billing.charged", charged("C076"), "inpatient", 14),
)  # fmt: skip


_NEWS2: Final = "early_warning.news2_urgent"
SCORED: Final = (
    Course(_NEWS2, "a fast pulse", "alert",
           (Told(0, "observation.recorded", observed(pulse=131.0), "set", True),)),
    Course(_NEWS2, "just not", "silent",
           (Told(0, "observation.recorded", observed(pulse=130.0, rate=21.0), "set", True),)),
)  # fmt: skip


# ---- courses of a group


_PACK: Final = Told(24, "dispense.dispensed", dispensed("pack"), "second", True)
_CARD: Final = "infection_report.reported"
_RX: Final = "prescription.signed"

GROUPED: Final = (
    *_back("billing.trace_code_repeated",
           Told(0, "dispense.dispensed", dispensed("pack"), "first"), _PACK,
           Told(0, "dispense.dispensed", dispensed("another"), "first"), kind="outpatient"),
    Course("infections.cluster", "three", "alert",
           (Told(0, _CARD, card, "a"), Told(24, _CARD, card, "b"),
            Told(24, _CARD, card, "c", True))),
    Course("infections.cluster", "two", "silent",
           (Told(0, _CARD, card, "a"), Told(24, _CARD, card, "b", True))),
    *_back("qualification.two_places",
           Told(0, _RX, elsewhere("demo-h1"), "first"),
           Told(0.3, _RX, elsewhere("demo-h2"), "second", True),
           Told(0, _RX, elsewhere("demo-h2"), "first"), kind="outpatient"),
)  # fmt: skip

COURSES: Final[tuple[Course, ...]] = (*LOOKING_BACK, *WAITING, *SCORED, *GROUPED)
