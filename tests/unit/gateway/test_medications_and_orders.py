from typing import Any

import pytest
from msgspec import UNSET

from contracts.acts import Order, Prescription, PrescriptionItem
from contracts.values import Actor, Amount, EncounterRef
from gateway.fhir import Skip
from support.fhir_resources import (
    Importer,
    concept,
    condition,
    encounter,
    medication_request,
    notes_of,
    patient,
    quantity,
    service_request,
    types_of,
)


def prescribed(fhir: Importer, *others: dict, **more: Any) -> Prescription:
    outcomes = fhir.outcomes(patient(), encounter(), *others, medication_request(**more))
    found = [o.event.data for o in outcomes if o.resource_type == "MedicationRequest"]
    assert isinstance(found[0], Prescription)
    return found[0]


def item(fhir: Importer, **more: Any) -> PrescriptionItem:
    return prescribed(fhir, **more).items[0]


def test_an_active_request_is_a_signed_prescription(fhir: Importer) -> None:
    act = prescribed(fhir, note=[{"text": "watch"}])
    assert act.act_id == "m1"
    assert act.practitioner == Actor("d1")
    assert isinstance(act.encounter, EncounterRef)
    assert (act.encounter.id, act.encounter.kind) == ("e1", "outpatient")
    assert act.encounter.ended_at is UNSET  # it ended after the prescription
    assert act.note == "watch"
    assert act.items[0].drug.code == "D1"


def test_dose_frequency_supply_and_route(fhir: Importer) -> None:
    found = item(
        fhir,
        dosageInstruction=[
            {
                "text": "one three times a day",
                "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
                "route": concept("oral"),
                "doseAndRate": [{"doseQuantity": quantity(250, "mg")}],
            }
        ],
        dispenseRequest={
            "quantity": {"value": 21, "unit": "capsule"},
            "expectedSupplyDuration": quantity(1, "wk"),
        },
    )
    assert found.dose == Amount(250.0, "mg")
    assert found.doses_per_day == 3.0
    assert found.days_supply == 7.0
    assert found.quantity == Amount(21.0, "capsule")
    assert found.usage == "one three times a day"
    assert found.route.code == "oral"


@pytest.mark.parametrize(
    ("timing", "per_day"),
    [
        ({"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}, 3.0),
        ({"repeat": {"frequency": 1, "period": 2, "periodUnit": "d"}}, 0.5),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}, 0.142857),
        ({"repeat": {"when": ["ACM", "ACD", "ACV"]}}, 3.0),
        ({"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}, 2.0),
        ({"repeat": {"dayOfWeek": ["mon"], "timeOfDay": ["08:00:00"]}}, 0.142857),
        ({"code": concept("BID")}, 2.0),
        ({"code": {"text": "as told"}}, UNSET),
        ({"repeat": {"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}}, UNSET),
        ({"repeat": {"frequency": 1, "period": 0, "periodUnit": "d"}}, UNSET),
    ],
)
def test_doses_a_day(fhir: Importer, timing: dict, per_day: object) -> None:
    assert item(fhir, dosageInstruction=[{"timing": timing}]).doses_per_day == per_day


def test_a_taper_has_no_single_dose(fhir: Importer) -> None:
    steps = [{"doseAndRate": [{"doseQuantity": quantity(n, "mg")}]} for n in (40, 20)]
    outcomes = fhir.outcomes(patient(), encounter(), medication_request(dosageInstruction=steps))
    (act,) = [o.event.data for o in outcomes if o.resource_type == "MedicationRequest"]
    assert act.items[0].dose is UNSET
    assert "dosage_not_single" in notes_of(outcomes)


def test_what_is_not_said_is_not_reported(fhir: Importer) -> None:
    found = item(fhir)
    assert found.dose is UNSET
    assert found.doses_per_day is UNSET
    assert found.days_supply is UNSET


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("draft", ["prescription.draft.v1"]),
        ("active", ["prescription.signed.v1"]),
        ("completed", ["prescription.signed.v1"]),
        ("stopped", ["prescription.signed.v1", "prescription.stopped.v1"]),
        ("cancelled", ["prescription.signed.v1", "prescription.cancelled.v1"]),
        ("entered-in-error", ["prescription.entered_in_error.v1"]),
    ],
)
def test_the_life_of_a_prescription(fhir: Importer, status: str, events: list[str]) -> None:
    meta = {"lastUpdated": "2026-03-04T00:00:00Z"}
    request = medication_request(status=status, meta=meta, encounter=None)
    outcomes = fhir.outcomes(patient(), request)
    assert [t for t in types_of(outcomes) if t.startswith("prescription")] == events


def test_a_stop_at_an_unknown_time_gives_no_event(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), medication_request(status="stopped", encounter=None))
    assert "prescription.stopped.v1" not in types_of(outcomes)
    assert "end_time_unknown" in notes_of(outcomes)


@pytest.mark.parametrize(
    ("more", "reason", "path"),
    [
        ({"intent": "proposal"}, Skip.NOT_AN_ACT, "$.intent"),
        ({"doNotPerform": True}, Skip.NOT_AN_ACT, "$.doNotPerform"),
        ({"status": "unknown"}, Skip.STATUS, "$.status"),
    ],
)
def test_what_is_no_prescription(fhir: Importer, more: dict, reason: Skip, path: str) -> None:
    (skipped,) = fhir.skipped(patient(), encounter(), medication_request(**more))
    assert (skipped.reason, skipped.path) == (reason, path)


def test_a_medication_is_found_in_the_bundle_or_contained(fhir: Importer) -> None:
    drug = {"resourceType": "Medication", "id": "x", "code": concept("D2")}
    by_reference = {
        "medicationCodeableConcept": None,
        "medicationReference": {"reference": "Medication/x"},
    }
    assert prescribed(fhir, drug, **by_reference).items[0].drug.code == "D2"
    inside = {**by_reference, "medicationReference": {"reference": "#x"}, "contained": [drug]}
    assert prescribed(fhir, **inside).items[0].drug.code == "D2"


def test_a_medication_that_is_not_there_is_a_reason(fhir: Importer) -> None:
    request = medication_request(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/none"}
    )
    (skipped,) = fhir.skipped(patient(), encounter(), request)
    assert skipped.reason == Skip.MEDICATION_UNRESOLVED
    assert skipped.path == "$.medicationReference.reference"


def test_indications_come_first_and_the_visit_s_diagnoses_stand_in(fhir: Importer) -> None:
    coded = prescribed(fhir, reasonCode=[concept("J00", "http://hl7.org/fhir/sid/icd-10")])
    assert [d.code.code for d in coded.diagnoses] == ["J00"]
    referred = prescribed(fhir, condition(), reasonReference=[{"reference": "Condition/c1"}])
    assert [d.code.code for d in referred.diagnoses] == ["I10"]
    visit = encounter(diagnosis=[{"condition": {"reference": "Condition/c1"}}])
    events = fhir.events(patient(), visit, condition(), medication_request())
    act = events["prescription.signed.v1"].data
    assert isinstance(act, Prescription)
    assert [d.code.code for d in act.diagnoses] == ["I10"]
    assert prescribed(fhir).diagnoses is UNSET


def test_an_encounter_that_is_not_there_is_noted(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), medication_request())
    (act,) = [o.event.data for o in outcomes if o.resource_type == "MedicationRequest"]
    assert act.encounter is UNSET
    assert "encounter_unresolved" in notes_of(outcomes)


def test_code_systems_can_be_renamed(fhir: Importer) -> None:
    systems = {"urn:test:drug": "urn:local:drug"}
    events = fhir.events(patient(), medication_request(encounter=None), systems=systems)
    act = events["prescription.signed.v1"].data
    assert isinstance(act, Prescription)
    assert act.items[0].drug.system == "urn:local:drug"


def test_an_order_with_its_time_and_site(fhir: Importer) -> None:
    request = service_request(
        occurrencePeriod={"start": "2026-03-02T08:00:00Z", "end": "2026-03-03T08:00:00Z"},
        bodySite=[concept("head")],
        quantityQuantity={"value": 2},
    )
    act = fhir.events(patient(), request)["order.signed.v1"].data
    assert isinstance(act, Order)
    assert act.service_time == act.starts_at
    assert act.items[0].body_site.code == "head"
    assert act.items[0].quantity == Amount(2.0, "")


def test_a_revoked_order_was_stopped(fhir: Importer) -> None:
    request = service_request(status="revoked", meta={"lastUpdated": "2026-03-02T08:00:00Z"})
    events = fhir.events(patient(), request)
    assert list(events) == ["order.signed.v1", "order.stopped.v1"]


def test_an_order_without_a_code_is_a_reason(fhir: Importer) -> None:
    request = {k: v for k, v in service_request().items() if k != "code"}
    (skipped,) = fhir.skipped(patient(), request)
    assert (skipped.reason, skipped.path) == (Skip.CODE_MISSING, "$.code")
