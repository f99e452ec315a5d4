"""The courses: for each rule that looks back or waits one that it must find and a near miss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from contracts.acts import AdministrationItem, ResultItem
from contracts.values import Coding, Diagnosis, Measurement, Quantity
from simulation.blocks import vital_signs
from simulation.catalogue import item_coding
from simulation.chart import Chart
from simulation.faults.course import VISIT, Course, Fields, Lives, Told
from simulation.faults.parts import Choose, containing, plain
from simulation.lines import charged, ordered, ordered_drug, prescribed
from simulation.people import LOINC

ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
_ITEM: Final = "urn:yijian:demo:item"
_ANTIMICROBIAL: Final = containing("ceftazidime")


# ---- what acts say


def given(**fields: Any) -> Fields:
    return lambda chart, lives: fields


def _at(*names: str, **fields: Any) -> Fields:
    """These fields, and the present time in the named ones."""
    return lambda chart, lives: {**fields, **dict.fromkeys(names, chart.now())}


def _signed(kind: str, about: str = "", level: str = "attending") -> Fields:
    """A record that is signed now; `about`: the act of the course that it documents."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        subject = {"about": lives[about].act.act_id} if about else {}
        now = chart.now()
        return {
            "kind": kind, "signed_at": now, "signed_at_trusted": True, "signer_level": level,
            **subject,
        }  # fmt: skip

    return write


def _about(name: str, field: str = "about", **fields: Any) -> Fields:
    """These fields, and the id of another act of the course."""
    return lambda chart, lives: {field: lives[name].act.act_id, **fields}


def _prescribed(choose: Choose, days: float) -> Fields:
    return lambda chart, lives: {
        "items": (prescribed("1", choose(chart.catalogue), days),),
        "diagnoses": chart.diagnoses,
        "signed_at": chart.now(),
    }


def _ordered(choose: Choose, **line: Any) -> Fields:
    return lambda chart, lives: {
        "items": (replace(ordered_drug("1", choose(chart.catalogue)), **line),),
        "diagnoses": chart.diagnoses,
    }


def _item(chart: Chart, code: str) -> Any:
    return chart.catalogue.find_item(code, lambda item: item.code == code)


def _ordered_item(code: str) -> Fields:
    return lambda chart, lives: {
        "items": (ordered("1", _item(chart, code)),),
        "diagnoses": chart.diagnoses,
    }


def _charged(code: str) -> Fields:
    return lambda chart, lives: {
        "items": (charged("1", _item(chart, code), chart.rng),),
        "charged_at": chart.now(),
    }


def _given(choose: Choose) -> Fields:
    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        medicine = choose(chart.catalogue)
        line = AdministrationItem(
            line_id="1", drug=medicine.coding, dose=medicine.dose, route=medicine.route,
            given_at=chart.now(),
        )  # fmt: skip
        return {"items": (line,), "checked_by": None}

    return write


def _potassium(value: float, is_critical: bool) -> Fields:
    """A result of potassium, reported now."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        analyte = next(a for a in chart.catalogue.analytes if a.id == "potassium")
        line = ResultItem(
            code=Coding(*analyte.codes[0], analyte.title.zh),
            value=Quantity(value, analyte.unit), at=chart.now(), line_id="1", critical=is_critical,
        )  # fmt: skip
        return {"items": (line,), "reported_at": chart.now()}

    return write


def _examined(code: str, is_recognised: bool) -> Fields:
    return lambda chart, lives: {
        "code": item_coding(_item(chart, code)),
        "mutually_recognised": is_recognised,
        "reported_at": chart.now(),
    }


def _diagnosed(code: str, text: str) -> Fields:
    return given(diagnosis=Diagnosis(Coding(ICD10, code, text)))


def _reported(code: str) -> Fields:
    return _about("condition", "condition", disease=Coding(ICD10, code), case_class="confirmed")


# ---- courses that wait


def _record(
    rule: str, begins: Told, limit_hours: float, kind: str, other: str, about: str = "",
    level: str = "attending", other_level: str = "attending", is_rescue: bool = False,
) -> tuple[Course, Course]:  # fmt: skip
    """A record that is missing where another one is written, and one that comes in time."""
    fits, differs = _signed(kind, about, level), _signed(other, about, other_level)
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
    0, "procedure.ended", _at("ended_at", kind="surgery", planned=True), "operation", True
)
_NOTE: Final = Told(0, "document.signed", _signed("progress_note"), "first", True)
_CRITICAL: Final = Told(0, "result.reported", _potassium(6.9, True), "result", True)
_URGENT: Final = Told(
    0, "consultation.requested", _at("requested_at", kind="department", urgency="urgent"),
    "consultation", True,
)  # fmt: skip
_EMERGENCY: Final = Told(
    0, "order.signed", _ordered(containing("tigecycline"), consultation=None), "order", True
)
_TREATED: Final = Told(0, "order.signed", _ordered(_ANTIMICROBIAL), "order", True)
_CHOLERA: Final = Told(0, "condition.recorded", _diagnosed("A00.9", "霍乱"), "condition", True)
_MUMPS: Final = Told(
    0, "condition.recorded", _diagnosed("B26.9", "流行性腮腺炎"), "condition", True
)

WAITING: Final = (
    *_record("records.first_progress_note", _ADMITTED, 8, "first_progress_note", "nursing_record"),
    *_record("records.admission_note", _ADMITTED, 24, "admission_note", "nursing_record"),
    *_record("records.first_attending_round", _ADMITTED, 48, "ward_round", "ward_round",
             other_level="resident"),
    *_record("records.transfer_note", Told(0, "encounter.transferred", is_labelled=True), 24,
             "transfer_note", "nursing_record"),
    *_record("records.discharge_record",
             Told(0, "encounter.discharged", _at("ended_at"), is_labelled=True), 24,
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
                            _about("result", kind="received"), "ack")), 1, waits=True),
    Course("consultations.urgent_arrival", "nobody", "alert", (_URGENT,), 1, waits=True),
    Course("consultations.urgent_arrival", "in time", "silent",
           (_URGENT, Told(0.1, "consultation.arrived", _at("arrived_at"), "consultation")), 1,
           waits=True),
    Course("antimicrobials.emergency_consultation", "never", "alert", (_EMERGENCY,), 25,
           is_rescue=True, waits=True),
    Course("antimicrobials.emergency_consultation", "answered", "silent",
           (_EMERGENCY, Told(3, "consultation.answered", _about("order", kind="antimicrobial"),
                             "consultation")), 25, is_rescue=True, waits=True),
    Course("infections.report_class_a", "never", "alert", (_CHOLERA,), 3, waits=True),
    Course("infections.report_class_a", "in time", "silent",
           (_CHOLERA, Told(1, "infection_report.reported", _reported("A00.9"), "card")), 3,
           waits=True),
    Course("infections.report_other", "never", "alert", (_MUMPS,), 25, waits=True),
    Course("infections.report_other", "in time", "silent",
           (_MUMPS, Told(20, "infection_report.reported", _reported("B26.9"), "card")), 25,
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


_DOSE: Final = Told(1, "administration.administered", _given(containing("potassium-chloride",
                    "injection")), "dose", True)  # fmt: skip
_PENICILLIN: Final = containing("benzylpenicillin")
_PENICILLIN_DOSE: Final = Told(1, "administration.administered", _given(_PENICILLIN), "dose", True)
_CEFTAZIDIME_DOSE: Final = Told(
    2, "administration.administered", _given(_ANTIMICROBIAL), "dose", True
)

LOOKING_BACK: Final = (
    *_back("medication_safety.repeated_ingredient",
           Told(0, "prescription.signed", _prescribed(plain, 3), "first"),
           Told(24, "prescription.signed", _prescribed(plain, 3), "second", True),
           Told(0, "prescription.signed", _prescribed(plain, 1), "first"), kind="outpatient"),
    *_back("medication_safety.potassium_after_critical_result",
           Told(0, "result.reported", _potassium(6.9, True), "result"), _DOSE,
           Told(0, "result.reported", _potassium(4.2, False), "result")),
    *_back("medication_safety.skin_test_not_found",
           Told(0, "order.signed", _ordered_item("S015"), "order"),
           _PENICILLIN_DOSE,
           Told(0, "order.signed", _ordered(_PENICILLIN, skin_test="negative"), "order"),
           waits=True),
    *_back("antimicrobials.no_specimen_before",
           Told(0, "order.signed", _ordered_item("S018"), "order"), _CEFTAZIDIME_DOSE,
           Told(0, "order.signed", _ordered_item("S025"), "order"), waits=True),
    *_back("examinations.repeated_recognised",
           Told(0, "result.reported", _examined("S030", True), "result"),
           Told(48, "order.signed", _ordered_item("S030"), "order", True),
           Told(0, "result.reported", _examined("S030", False), "result")),
    *_back("billing.item_frequency",
           Told(0, "billing.charged", _charged("S023"), "first"),
           Told(72, "billing.charged", _charged("S023"), "second", True), kind="outpatient"),
    *_back("billing.same_day_charge",
           Told(0, "billing.charged", _charged("S005"), "first"),
           Told(0, "billing.charged", _charged("S005"), "second", True),
           Told(0, "billing.charged", _charged("S004"), "first")),
    *_back("billing.after_discharge",
           Told(0, "encounter.discharged", _at("ended_at"), VISIT),
           Told(48, "billing.charged", _charged("S027"), "bill", True)),
    *_back("care_outcomes.unplanned_readmission",
           Told(0, "encounter.discharged", _at("ended_at", kind="inpatient"), "earlier"),
           Told(240, "encounter.admitted", given(planned=False), VISIT, True),
           Told(0, "encounter.ended", _at("ended_at", kind="outpatient"), "earlier")),
    *_back("care_outcomes.unplanned_reoperation",
           Told(0, "procedure.ended", _at("ended_at", kind="surgery", planned=True), "first"),
           Told(72, "procedure.ended", _at("ended_at", kind="surgery", planned=False), "second",
                True),
           Told(0, "procedure.ended", _at("ended_at", kind="endoscopy", planned=True), "first")),
    *_days("conduct.frequent_visits", 16, "encounter.started", given(kind="outpatient"),
           "outpatient", 15),
    *_days("billing.drug_days", 15, "billing.charged", _charged("C076"), "inpatient", 14),
)  # fmt: skip


def _observed(**changed: float) -> Fields:
    """A whole set of vital signs, of somebody who is well but for what is changed."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        now = chart.now()
        warm = Measurement(
            code=Coding(LOINC, "8310-5", "体温"), value=Quantity(36.8, "Cel"), at=now, line_id="1"
        )
        return {"items": (warm, *vital_signs(now, chart.rng, **changed))}

    return write


_NEWS2: Final = "early_warning.news2_urgent"
SCORED: Final = (
    Course(_NEWS2, "a fast pulse", "alert",
           (Told(0, "observation.recorded", _observed(pulse=131.0), "set", True),)),
    Course(_NEWS2, "just not", "silent",
           (Told(0, "observation.recorded", _observed(pulse=130.0, rate=21.0), "set", True),)),
)  # fmt: skip

COURSES: Final[tuple[Course, ...]] = (*LOOKING_BACK, *WAITING, *SCORED)
