"""Small FHIR resources to start a test from, and the way from resources to outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.event import Event
from gateway.fhir import Imported, Outcome, Skipped, import_bundles

Resource = dict[str, Any]

SOURCE = "urn:fhir:test"
ZONE = "Asia/Shanghai"
INSTITUTION = "h1"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UCUM = "http://unitsofmeasure.org"
SUBJECT = {"reference": "Patient/p1"}
VISIT = {"reference": "Encounter/e1"}


def patient(**more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "female",
        "birthDate": "1980-05-06",
        "name": [{"family": "Secret", "given": ["Name"]}],
        **more,
    }


def encounter(**more: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": SUBJECT,
        "period": {"start": "2026-03-01T09:00:00+08:00", "end": "2026-03-01T10:00:00+08:00"},
        **more,
    }


def condition(**more: Any) -> Resource:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": concept("active"),
        "verificationStatus": concept("confirmed"),
        "code": concept("I10", "http://hl7.org/fhir/sid/icd-10"),
        "subject": SUBJECT,
        "recordedDate": "2026-03-01T09:10:00+08:00",
        **more,
    }


def allergy(**more: Any) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": concept("active"),
        "verificationStatus": concept("confirmed"),
        "code": concept("penicillin", "urn:test:substance"),
        "patient": SUBJECT,
        "recordedDate": "2026-03-01T09:05:00+08:00",
        **more,
    }


def medication_request(**more: Any) -> Resource:
    base = {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept("D1", "urn:test:drug"),
        "subject": SUBJECT,
        "encounter": VISIT,
        "authoredOn": "2026-03-01T09:30:00+08:00",
        "requester": {"reference": "Practitioner/d1"},
        **more,
    }
    return {name: value for name, value in base.items() if value is not None}


def service_request(**more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "active",
        "intent": "order",
        "code": concept("CT", "urn:test:item"),
        "subject": SUBJECT,
        "authoredOn": "2026-03-01T09:20:00+08:00",
        **more,
    }


def observation(**more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": concept("2823-3", "http://loinc.org"),
        "subject": SUBJECT,
        "effectiveDateTime": "2026-03-01T09:15:00+08:00",
        **more,
    }


def laboratory(**more: Any) -> Resource:
    category = [concept("laboratory")]
    return observation(category=category, issued="2026-03-01T11:00:00+08:00", **more)


def claim(items: list[Resource], **more: Any) -> Resource:
    return {
        "resourceType": "Claim",
        "id": "b1",
        "status": "active",
        "use": "claim",
        "type": concept("professional"),
        "patient": SUBJECT,
        "created": "2026-03-01T10:00:00+08:00",
        "provider": {"display": "hospital"},
        "priority": concept("normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "none"}}],
        "item": items,
        **more,
    }


def line(sequence: int, net: float | None = None, **more: Any) -> Resource:
    money = {} if net is None else {"net": {"value": net, "currency": "CNY"}}
    return {"sequence": sequence, "productOrService": concept(f"S{sequence}"), **money, **more}


def concept(code: str, system: str = "urn:test:code") -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def absent(reason: str = "unknown") -> Resource:
    return {"extension": [{"url": ABSENT, "valueCode": reason}]}


def bundle(*resources: Resource, kind: str = "collection") -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": r} for r in resources]}


class Importer:
    """Imports resources from a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def file(self, text: str | bytes, suffix: str = ".json") -> Path:
        self._count += 1
        path = self.folder / f"{self._count:03}{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def outcomes(self, *resources: Resource, **options: Any) -> list[Outcome]:
        """Of the resources in one bundle."""
        return self.of(self.file(json.dumps(bundle(*resources))), **options)

    def of(self, *paths: Path, zone: str = ZONE, **options: Any) -> list[Outcome]:
        return list(import_bundles(paths, SOURCE, zone, INSTITUTION, **options))

    def events(self, *resources: Resource, **options: Any) -> dict[str, Event]:
        """By type, of resources of which none may be skipped; the patient's own are left out."""
        outcomes = self.outcomes(*resources, **options)
        assert [o for o in outcomes if isinstance(o, Skipped)] == []
        found = [o.event for o in outcomes if isinstance(o, Imported)]
        events = {e.type: e for e in found if not e.type.startswith("patient.")}
        assert len(events) == len([e for e in found if not e.type.startswith("patient.")])
        return events

    def skipped(self, *resources: Resource, **options: Any) -> list[Skipped]:
        return [o for o in self.outcomes(*resources, **options) if isinstance(o, Skipped)]


def notes_of(outcomes: list[Outcome]) -> set[str]:
    return {note for o in outcomes if isinstance(o, Imported) for note in o.notes}


def types_of(outcomes: list[Outcome]) -> list[str]:
    return [o.event.type for o in outcomes if isinstance(o, Imported)]


def without(resource: Mapping[str, Any], *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}
