import json
from datetime import UTC, date, datetime

import pytest
from msgspec import UNSET

from contracts.acts import AllergyStatement, Condition, Patient, Prescription
from contracts.values import Listing, PatientSnapshot
from gateway.fhir import Imported, Skip
from support.fhir_resources import (
    Importer,
    absent,
    allergy,
    bundle,
    concept,
    condition,
    encounter,
    medication_request,
    notes_of,
    patient,
    types_of,
    without,
)


def patients_in(fhir: Importer, *resources: dict) -> list[Patient]:
    events = [o.event for o in fhir.outcomes(*resources) if isinstance(o, Imported)]
    return [e.data for e in events if isinstance(e.data, Patient)]


def test_a_patient_is_registered_when_the_resource_was_last_updated(fhir: Importer) -> None:
    meta = {"lastUpdated": "2026-01-02T03:04:05Z", "versionId": "3"}
    (outcome,) = fhir.outcomes(patient(meta=meta))
    assert isinstance(outcome, Imported)
    assert outcome.event.type == "patient.registered.v1"
    assert outcome.event.subject == "urn:fhir:test|p1"
    assert outcome.event.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert outcome.event.data.revision == 3


def test_a_patient_without_a_time_is_registered_at_the_first_other_event(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), encounter(), condition())
    assert types_of(outcomes)[:2] == ["patient.registered.v1", "encounter.started.v1"]
    assert outcomes[0].event.time == outcomes[1].event.time
    assert "time_substituted" in notes_of(outcomes)


def test_a_death_is_an_update_at_its_own_time(fhir: Importer) -> None:
    first, then = patients_in(fhir, patient(deceasedDateTime="2026-04-01T00:00:00Z"), encounter())
    assert first.deceased_at is UNSET
    assert then.deceased_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert (first.revision, then.revision) == (1, 2)


def test_alive_absent_and_not_reported_are_three_things(fhir: Importer) -> None:
    (alive,) = patients_in(fhir, patient(deceasedBoolean=False))
    (silent,) = patients_in(fhir, patient())
    assert alive.deceased_at is None
    assert silent.deceased_at is UNSET
    resource = {**without(patient(), "birthDate", "gender"), "_birthDate": absent()}
    (unknown,) = patients_in(fhir, resource, encounter())
    assert unknown.birth_date is None
    assert unknown.sex is UNSET
    assert patients_in(fhir, patient(gender="unknown"))[0].sex is None


def test_a_partial_birth_date_is_not_reported(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(birthDate="1980"))
    (only,) = [o.event.data for o in outcomes if isinstance(o, Imported)]
    assert isinstance(only, Patient)
    assert only.birth_date is UNSET
    assert "partial_date" in notes_of(outcomes)


def test_no_name_leaves_the_gateway(fhir: Importer) -> None:
    contact = [{"system": "phone", "value": "555-0100"}]
    outcomes = fhir.outcomes(patient(telecom=contact), encounter(), condition())
    sent = b"".join(o.value for o in outcomes if isinstance(o, Imported))
    assert b"Secret" not in sent
    assert b"555-0100" not in sent


def test_a_condition_is_recorded_and_resolved(fhir: Importer) -> None:
    events = fhir.events(
        patient(),
        condition(clinicalStatus=concept("resolved"), abatementDateTime="2026-03-05T00:00:00Z"),
    )
    recorded, resolved = events["condition.recorded.v1"], events["condition.resolved.v1"]
    assert isinstance(recorded.data, Condition)
    assert isinstance(resolved.data, Condition)
    assert recorded.data.resolved_at is UNSET
    assert resolved.time == resolved.data.resolved_at == datetime(2026, 3, 5, tzinfo=UTC)
    assert (recorded.data.revision, resolved.data.revision) == (1, 2)


def test_a_resolution_recorded_afterwards_does_not_precede_its_record(fhir: Importer) -> None:
    late = condition(abatementDateTime="2025-01-01T00:00:00Z")
    events = fhir.events(patient(), late)
    assert events["condition.resolved.v1"].time == events["condition.recorded.v1"].time


def test_a_condition_that_ended_at_an_unknown_time_stays_without_its_end(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), condition(clinicalStatus=concept("resolved")))
    assert "condition.resolved.v1" not in types_of(outcomes)
    assert "end_time_unknown" in notes_of(outcomes)


def test_a_condition_entered_in_error_says_so(fhir: Importer) -> None:
    resource = condition(verificationStatus=concept("entered-in-error"))
    assert list(fhir.events(patient(), resource)) == ["condition.entered_in_error.v1"]


@pytest.mark.parametrize("word", ["refuted", "differential"])
def test_what_the_patient_is_not_said_to_have_is_no_event(fhir: Importer, word: str) -> None:
    (skipped,) = fhir.skipped(patient(), condition(verificationStatus=concept(word)))
    assert (skipped.reason, skipped.path) == (Skip.NEGATIVE_STATEMENT, "$.verificationStatus")


def test_of_several_codes_a_diagnosis_takes_icd_10(fhir: Importer) -> None:
    code = {
        "coding": [
            {"system": "http://snomed.info/sct", "code": "59621000"},
            {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10"},
        ]
    }
    act = fhir.events(patient(), condition(code=code))["condition.recorded.v1"].data
    assert isinstance(act, Condition)
    assert act.diagnosis.code.code == "I10"


def test_a_text_without_a_code_travels_without_a_system(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), condition(code={"text": "头痛"}))
    (act,) = [o.event.data for o in outcomes if isinstance(o.event.data, Condition)]
    assert (act.diagnosis.code.system, act.diagnosis.code.code) == ("", "头痛")
    assert "code_is_text" in notes_of(outcomes)


def test_an_allergy_is_a_partial_list(fhir: Importer) -> None:
    reaction = [
        {"manifestation": [{"text": "皮疹"}], "severity": "mild"},
        {"manifestation": [concept("dyspnoea")], "severity": "severe"},
    ]
    act = fhir.events(patient(), allergy(reaction=reaction))["allergy.recorded.v1"].data
    assert isinstance(act, AllergyStatement)
    assert not act.allergies.complete
    (only,) = act.allergies.items
    assert only.substance.code == "penicillin"
    assert only.reaction == "皮疹; dyspnoea"
    assert only.severity == "severe"


def test_no_known_allergy_is_the_complete_empty_list(fhir: Importer) -> None:
    none = allergy(code=concept("716186003", "http://snomed.info/sct"))
    act = fhir.events(patient(), none)["allergy.recorded.v1"].data
    assert isinstance(act, AllergyStatement)
    assert act.allergies == Listing((), complete=True)


@pytest.mark.parametrize(
    "more",
    [
        {"verificationStatus": concept("refuted")},
        {"clinicalStatus": concept("resolved")},
        {"code": concept("409137002", "http://snomed.info/sct")},
    ],
)
def test_an_allergy_that_is_not_or_no_longer_so_is_no_event(fhir: Importer, more: dict) -> None:
    (skipped,) = fhir.skipped(patient(), allergy(**more))
    assert skipped.reason == Skip.NEGATIVE_STATEMENT


def snapshot_in(fhir: Importer, *resources: dict) -> PatientSnapshot:
    outcomes = fhir.outcomes(patient(), *resources, medication_request(encounter=None))
    (act,) = [o.event.data for o in outcomes if o.resource_type == "MedicationRequest"]
    assert isinstance(act, Prescription)
    assert isinstance(act.patient, PatientSnapshot)
    return act.patient


def test_a_snapshot_holds_what_was_known_at_the_time(fhir: Importer) -> None:
    seen = snapshot_in(fhir, condition(), allergy())
    assert seen.birth_date == date(1980, 5, 6)
    assert seen.sex == "female"
    assert isinstance(seen.conditions, Listing)
    assert [d.code.code for d in seen.conditions.items] == ["I10"]
    assert isinstance(seen.allergies, Listing)
    assert [a.substance.code for a in seen.allergies.items] == ["penicillin"]
    assert not seen.conditions.complete
    assert not seen.allergies.complete


def test_a_snapshot_leaves_out_what_became_known_later(fhir: Importer) -> None:
    later = "2026-03-02T00:00:00+08:00"
    seen = snapshot_in(fhir, condition(recordedDate=later), allergy(recordedDate=later))
    assert seen.conditions is UNSET
    assert seen.allergies is UNSET


def test_a_snapshot_leaves_out_what_was_over(fhir: Importer) -> None:
    seen = snapshot_in(
        fhir,
        condition(recordedDate="2025-01-01", abatementDateTime="2025-02-01"),
    )
    assert seen.conditions is UNSET


def test_a_snapshot_says_none_known_only_where_that_was_stated(fhir: Importer) -> None:
    none = allergy(code=concept("716186003", "http://snomed.info/sct"))
    assert snapshot_in(fhir, none).allergies == Listing((), complete=True)
    both = snapshot_in(fhir, none, allergy(id="a2")).allergies
    assert isinstance(both, Listing)
    assert not both.complete


def test_statements_of_another_file_reach_the_snapshot(fhir: Importer) -> None:
    acts = fhir.file(json.dumps(bundle(medication_request(encounter=None))))
    people = fhir.file("\n".join(map(json.dumps, (patient(), condition()))), ".ndjson")
    outcomes = fhir.of(acts, people)
    (act,) = [o.event.data for o in outcomes if o.resource_type == "MedicationRequest"]
    assert isinstance(act.patient.conditions, Listing)
