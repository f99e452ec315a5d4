import json
from datetime import datetime, timedelta, timezone

import pytest
from msgspec import UNSET

from contracts.acts import Encounter
from contracts.values import Actor
from gateway.fhir import Imported, Skip
from support.fhir_resources import (
    SUBJECT,
    Importer,
    concept,
    condition,
    encounter,
    patient,
    types_of,
)

CHINA = timezone(timedelta(hours=8))


def acts(fhir: Importer, *resources: dict) -> dict[str, Encounter]:
    events = fhir.events(patient(), *resources)
    return {t: e.data for t, e in events.items() if isinstance(e.data, Encounter)}


def test_a_finished_stay_was_admitted_and_then_discharged(fhir: Importer) -> None:
    stay = encounter(
        **{"class": {"code": "IMP"}},
        hospitalization={"dischargeDisposition": {"text": "Home"}},
    )
    found = acts(fhir, stay)
    first, last = found["encounter.admitted.v1"], found["encounter.discharged.v1"]
    assert (first.revision, last.revision) == (1, 2)
    assert first.kind == "inpatient"
    assert first.started_at == datetime(2026, 3, 1, 9, tzinfo=CHINA)
    assert first.ended_at is UNSET
    assert first.disposition is UNSET
    assert last.ended_at == datetime(2026, 3, 1, 10, tzinfo=CHINA)
    assert last.disposition == "Home"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AMB", "outpatient"), ("EMER", "emergency"), ("VR", "internet"), ("HH", "HH")],
)
def test_a_visit_started_and_ended(fhir: Importer, code: str, kind: str) -> None:
    found = acts(fhir, encounter(**{"class": {"code": code}}))
    assert list(found) == ["encounter.started.v1", "encounter.ended.v1"]
    assert {a.kind for a in found.values()} == {kind}


def test_an_encounter_in_progress_has_only_begun(fhir: Importer) -> None:
    stay = encounter(
        status="in-progress",
        **{"class": {"code": "IMP"}},
        period={"start": "2026-03-01T09:00:00+08:00"},
    )
    assert list(acts(fhir, stay)) == ["encounter.admitted.v1"]


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("cancelled", "encounter.cancelled.v1"),
        ("entered-in-error", "encounter.entered_in_error.v1"),
    ],
)
def test_a_voided_encounter_gives_its_voiding_alone(
    fhir: Importer, status: str, event: str
) -> None:
    found = acts(fhir, encounter(status=status))
    assert list(found) == [event]
    assert found[event].revision == 2


@pytest.mark.parametrize("status", ["planned", "unknown"])
def test_what_has_not_happened_is_no_event(fhir: Importer, status: str) -> None:
    (skipped,) = fhir.skipped(patient(), encounter(status=status))
    assert (skipped.reason, skipped.path) == (Skip.STATUS, "$.status")


def test_an_encounter_without_any_time_is_skipped(fhir: Importer) -> None:
    (skipped,) = fhir.skipped(patient(), encounter(period={}))
    assert skipped.reason == Skip.TIME_MISSING


def test_revisions_follow_the_version_of_the_resource(fhir: Importer) -> None:
    found = acts(fhir, encounter(meta={"versionId": "4"}))
    assert [a.revision for a in found.values()] == [7, 8]


def test_discharge_diagnoses_are_not_known_on_admission(fhir: Importer) -> None:
    def use(code: str, rank: int, reference: str) -> dict:
        return {"condition": {"reference": reference}, "use": concept(code), "rank": rank}

    stay = encounter(
        **{"class": {"code": "IMP"}},
        diagnosis=[
            use("DD", 1, "Condition/c1"),
            use("AD", 2, "Condition/c2"),
            use("CM", 3, "Condition/c9"),
        ],
    )
    outcomes = fhir.outcomes(patient(), stay, condition(), condition(id="c2"))
    first, last = (o.event.data for o in outcomes if o.resource_type == "Encounter")
    assert isinstance(first, Encounter)
    assert isinstance(last, Encounter)
    assert isinstance(first.diagnoses, tuple)
    assert isinstance(last.diagnoses, tuple)
    assert [d.role for d in first.diagnoses] == ["admission"]
    assert [d.role for d in last.diagnoses] == ["principal", "admission"]
    assert all(
        "diagnosis_unresolved" in o.notes for o in outcomes if o.resource_type == "Encounter"
    )


def test_department_ward_and_attending_are_named_by_their_ids(fhir: Importer) -> None:
    visit = encounter(
        serviceProvider={"reference": "Organization/dept-7"},
        participant=[
            {"individual": {"reference": "Practitioner/other", "display": "Secret"}},
            {"type": [concept("ATND")], "individual": {"reference": "PractitionerRole/r1"}},
        ],
        location=[
            {"location": {"reference": "Location/bed"}, "physicalType": concept("bd")},
            {"location": {"reference": "Location/ward-3"}, "physicalType": concept("wa")},
        ],
    )
    role = {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "practitioner": {"reference": "Practitioner/d1"},
    }
    outcomes = fhir.outcomes(patient(), visit, role)
    (act, _) = (
        o.event.data for o in outcomes if isinstance(o, Imported) and o.resource_type == "Encounter"
    )
    assert isinstance(act, Encounter)
    assert (act.department, act.ward) == ("dept-7", "ward-3")
    assert act.practitioner == Actor("d1")


def test_urn_references_stay_in_their_bundle(fhir: Importer) -> None:
    def visit(number: int) -> dict:
        person = patient(id=f"p{number}")
        resource = encounter(id=f"e{number}", subject={"reference": "urn:uuid:1"})
        entries = [{"fullUrl": "urn:uuid:1", "resource": person}, {"resource": resource}]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    files = [fhir.file(json.dumps(visit(n))) for n in (1, 2)]
    events = [o.event for o in fhir.of(*files) if isinstance(o, Imported)]
    assert {(e.data.act_id, e.subject) for e in events if "encounter" in e.type} == {
        ("e1", "urn:fhir:test|p1"),
        ("e2", "urn:fhir:test|p2"),
    }


def test_events_come_in_order_of_time_with_closings_last(fhir: Importer) -> None:
    at = "2026-03-01T09:00:00+08:00"
    visit = encounter(period={"start": at, "end": at})
    outcomes = fhir.outcomes(visit, condition(recordedDate=at, subject=SUBJECT), patient())
    assert types_of(outcomes) == [
        "patient.registered.v1",
        "condition.recorded.v1",
        "encounter.started.v1",
        "encounter.ended.v1",
    ]
