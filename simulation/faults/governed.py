"""Which events each rule of the starter pack judges, and since when.

A label must only be given where the rule is in force. A test compares this table with the pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple


class Governed(NamedTuple):
    """The first service date that a rule governs, and the types of the events it looks at."""

    since: date
    on: tuple[str, ...]
    each: str = "items"
    """The list whose elements are judged one by one; "" where the event is judged as a whole."""

    def judges(self, family: str, verb: str) -> bool:
        return f"{family}.{verb}" in self.on


def _on(family: str, *verbs: str) -> tuple[str, ...]:
    return tuple(f"{family}.{verb}" for verb in verbs)


_RX: Final = _on("prescription", "draft", "signed", "amended")
_ORDERS: Final = _on("order", "draft", "signed")
_ORDERS_AMENDED: Final = _on("order", "draft", "signed", "amended")
_CHARGES: Final = _on("billing", "charged", "amended")
_MONEY: Final = (*_CHARGES, "billing.refunded")
_PAIRS: Final = "item.interactions"
_CODED: Final = (
    *_on("prescription", "signed", "amended"),
    *_on("order", "signed"),
    *_on("encounter", "discharged", "ended"),
)
_MEASURES: Final = date(2007, 5, 1)  # 处方管理办法 comes into force
_ANTIMICROBIALS: Final = date(2012, 8, 1)
_FUND: Final = date(2021, 5, 1)

_RECORDS: Final = date(2010, 3, 1)  # 病历书写基本规范 comes into force
_POINTS: Final = date(2025, 1, 1)  # rule classes and knowledge points of the insurance

GOVERNED: Final[Mapping[str, Governed]] = {
    "antimicrobials.grade_without_grant": Governed(_ANTIMICROBIALS, (*_RX, *_ORDERS)),
    "antimicrobials.special_grade_consultation": Governed(_ANTIMICROBIALS, _ORDERS_AMENDED),
    "antimicrobials.special_grade_outpatient": Governed(_ANTIMICROBIALS, _RX),
    "billing.dispensed_without_trace_code": Governed(
        date(2026, 1, 1), _on("prescription", "dispensed")
    ),
    "billing.exclusive_charges": Governed(_FUND, _MONEY, _PAIRS),
    "billing.hours_over_day": Governed(_FUND, _MONEY),
    "billing.outside_stay": Governed(_FUND, _CHARGES),
    "billing.trace_code_missing": Governed(date(2025, 7, 1), _CHARGES),
    "billing.udi_missing": Governed(
        date(2022, 6, 1), _on("billing", "draft", "charged", "amended")
    ),
    "controlled_drugs.chronic_pain_days": Governed(_MEASURES, _RX),
    "controlled_drugs.dihydroetorphine_level": Governed(_MEASURES, (*_RX, *_ORDERS)),
    "controlled_drugs.injection_one_dose": Governed(_MEASURES, _RX),
    "controlled_drugs.inpatient_one_day": Governed(_MEASURES, _RX),
    "controlled_drugs.methylphenidate_adhd_days": Governed(_MEASURES, _RX),
    "controlled_drugs.outpatient_days": Governed(_MEASURES, _RX),
    "controlled_drugs.prescriber_grant": Governed(_MEASURES, (*_RX, *_ORDERS)),
    "controlled_drugs.psychotropic_2_days": Governed(_MEASURES, _RX),
    "controlled_drugs.single_dose_in_hospital": Governed(_MEASURES, _RX),
    "data_quality.charge_category": Governed(_FUND, _CHARGES),
    "data_quality.discharge_before_admission": Governed(
        date(2000, 1, 1), _on("encounter", "discharged", "ended", "updated"), ""
    ),
    "data_quality.female_only_diagnosis": Governed(date(2000, 1, 1), _CODED, "diagnoses"),
    "data_quality.male_only_diagnosis": Governed(date(2000, 1, 1), _CODED, "diagnoses"),
    "medication_safety.allergy": Governed(_MEASURES, (*_RX, *_ORDERS_AMENDED)),
    "medication_safety.fluoroquinolone_minor": Governed(date(2017, 7, 5), (*_RX, *_ORDERS)),
    "medication_safety.interaction_contraindicated": Governed(
        date(2016, 8, 31), (*_RX, *_ORDERS), _PAIRS
    ),
    "medication_safety.interaction_warning": Governed(date(2016, 8, 31), (*_RX, *_ORDERS), _PAIRS),
    "medication_safety.metformin_egfr": Governed(date(2016, 4, 8), (*_RX, *_ORDERS)),
    "medication_safety.potassium_high": Governed(date(2013, 8, 1), (*_RX, *_ORDERS_AMENDED)),
    "medication_safety.pregnancy": Governed(_MEASURES, (*_RX, *_ORDERS)),
    "medication_safety.skin_test_missing": Governed(
        _FUND, (*_on("prescription", "signed", "amended"), *_on("order", "signed", "amended"))
    ),
    "medication_safety.skin_test_positive": Governed(
        _MEASURES,
        (*_RX, "prescription.dispensed", *_ORDERS_AMENDED, "order.executed"),
    ),
    "prescription_standards.days_supply": Governed(_MEASURES, _RX),
    "prescription_standards.diagnosis_missing": Governed(_MEASURES, _RX, ""),
    "prescription_standards.expired_when_dispensed": Governed(
        _MEASURES, _on("prescription", "dispensed"), ""
    ),
    "prescription_standards.herbal_separate": Governed(_MEASURES, _RX, ""),
    "prescription_standards.too_many_items": Governed(_MEASURES, _RX, ""),
    "prescription_standards.vague_directions": Governed(_MEASURES, _RX),
    "qualification.licence_not_valid": Governed(_MEASURES, (*_RX, *_ORDERS_AMENDED), ""),
    "qualification.payment_suspended": Governed(
        date(2025, 1, 1),
        (*_on("prescription", "draft", "signed"), *_ORDERS, "billing.charged"),
        "",
    ),
    # ---- rules that look back
    "antimicrobials.no_specimen_before": Governed(
        _ANTIMICROBIALS, ("order.executed", "administration.administered")
    ),
    "billing.after_discharge": Governed(_FUND, _MONEY),
    "billing.drug_days": Governed(_POINTS, _MONEY),
    "billing.item_frequency": Governed(_POINTS, _MONEY),
    "billing.same_day_charge": Governed(_FUND, _MONEY),
    "care_outcomes.unplanned_readmission": Governed(_POINTS, ("encounter.admitted",), ""),
    "care_outcomes.unplanned_reoperation": Governed(_POINTS, ("procedure.ended",), ""),
    "conduct.frequent_visits": Governed(_POINTS, ("encounter.started",), ""),
    "examinations.repeated_recognised": Governed(date(2022, 3, 1), _on("order", "draft", "signed")),
    "medication_safety.potassium_after_critical_result": Governed(
        date(2013, 8, 1), ("order.executed", "administration.administered")
    ),
    "medication_safety.repeated_ingredient": Governed(date(2010, 2, 10), _RX),
    "medication_safety.skin_test_not_found": Governed(_FUND, ("administration.administered",)),
    "early_warning.news2_urgent": Governed(
        date(2017, 12, 1), ("observation.recorded", "observation.amended"), ""
    ),
    # ---- rules about the acts of a group
    "billing.trace_code_repeated": Governed(date(2025, 7, 1), ("dispense.dispensed",)),
    "infections.cluster": Governed(_POINTS, ("infection_report.reported",), ""),
    "qualification.two_places": Governed(_POINTS, ("prescription.signed",), ""),
    # ---- rules that wait
    "antimicrobials.emergency_consultation": Governed(_ANTIMICROBIALS, ("order.signed",)),
    "antimicrobials.review_overdue": Governed(_ANTIMICROBIALS, ("order.signed",)),
    "consultations.urgent_arrival": Governed(_RECORDS, ("consultation.requested",), ""),
    "critical_values.not_acknowledged": Governed(_POINTS, ("result.reported",)),
    "infections.report_class_a": Governed(date(2026, 1, 30), ("condition.recorded",), ""),
    "infections.report_other": Governed(date(2026, 1, 30), ("condition.recorded",), ""),
    "records.admission_note": Governed(_RECORDS, ("encounter.admitted",), ""),
    "records.discharge_record": Governed(_RECORDS, ("encounter.discharged",), ""),
    "records.first_attending_round": Governed(_RECORDS, ("encounter.admitted",), ""),
    "records.first_progress_note": Governed(_RECORDS, ("encounter.admitted",), ""),
    "records.operation_record": Governed(_RECORDS, ("procedure.ended",), ""),
    "records.progress_note_interval": Governed(_RECORDS, ("document.signed",), ""),
    "records.rescue_record": Governed(_RECORDS, ("encounter.updated",), ""),
    "records.transfer_note": Governed(_RECORDS, ("encounter.transferred",), ""),
}
"""Rule id to what it governs."""
