"""MedicationRequest → prescription.*; Medication for what requests refer to."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts import Prescription, PrescriptionItem
from contracts.values import Diagnosis, Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.dosage import days_of, directions
from gateway.fhir.index import EncounterFacts, MedicationFacts
from gateway.fhir.mapping.requests import life_of
from gateway.fhir.values import amount, child, children, text


def facts(case: Case) -> MedicationFacts | None:
    """The drug's code, for requests that refer to it."""
    drug = case.coding(child(case.resource, "code"))
    return None if drug is None else MedicationFacts(drug)


def events(case: Case) -> list[Draft]:
    """Signed when authored, then stopped or cancelled where the status says so."""
    resource = case.resource
    life = life_of(case)
    patient, encounter = case.patient(), case.encounter()
    drug = case.medication()
    given = directions(case)
    dispense = child(resource, "dispenseRequest")
    supply = days_of(child(dispense, "expectedSupplyDuration"), "$.dispenseRequest")
    item = PrescriptionItem(
        line_id="1",
        drug=drug,
        dose=given.dose,
        doses_per_day=given.doses_per_day,
        days_supply=given.days if supply is None else supply,
        quantity=amount(child(dispense, "quantity"), "$.dispenseRequest.quantity") or UNSET,
        route=given.route,
        usage=given.usage,
    )
    actor = case.actor(child(resource, "requester"))
    authored = case.time(resource, "authoredOn")
    drafts = []
    for verb, at, revision in life:
        data = Prescription(
            **case.shared(revision, at, encounter, actor, patient),
            items=(item,),
            diagnoses=_diagnoses(case, encounter),
            signed_at=UNSET if verb == "draft" else authored or UNSET,
        )
        drafts.append(Draft(f"prescription.{verb}.v1", at, data))
    return drafts


def _diagnoses(case: Case, encounter: EncounterFacts | None) -> Reported[tuple[Diagnosis, ...]]:
    """The indications of the request; where it gives none, its encounter's diagnoses."""
    coded = [case.diagnosis_code(c) for c in children(case.resource, "reasonCode")]
    found = [Diagnosis(code) for code in coded if code is not None]
    for reference in children(case.resource, "reasonReference"):
        diagnosis = case.diagnosis(text(reference, "reference"))
        if diagnosis is not None:
            found.append(diagnosis)
    return tuple(found) or case.known_diagnoses(encounter) or UNSET
