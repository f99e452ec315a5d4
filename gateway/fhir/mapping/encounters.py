"""Encounter → encounter.started and ended; for in-patients admitted and discharged."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import UNSET

from contracts.acts import Encounter
from contracts.values import Actor, EncounterRef, Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import DiagnosisUse, EncounterFacts, PatientFacts, reference_of
from gateway.fhir.outcome import Refusal, Skip
from gateway.fhir.values import Json, child, children, codes, number, text, words_of

KINDS: Final = {
    "AMB": "outpatient",
    "EMER": "emergency",
    "IMP": "inpatient",
    "ACUTE": "inpatient",
    "NONAC": "inpatient",
    "VR": "internet",
}
"""Codes of HL7's ActCode for an encounter's class; any other travels as it is."""

_OPEN: Final = frozenset({"arrived", "triaged", "in-progress", "onleave"})
_VOID: Final = {"cancelled": "cancelled", "entered-in-error": "entered_in_error"}


def facts(case: Case) -> EncounterFacts:
    """What acts of the encounter need: kind, times, department, who attends, diagnoses."""
    resource = case.resource
    period = child(resource, "period")
    kind = text(child(resource, "class"), "code")
    ref = EncounterRef(
        case.id,
        kind=KINDS.get(kind.upper(), kind) or UNSET,
        started_at=case.time(period, "start", "$.period") or UNSET,
        ended_at=case.time(period, "end", "$.period") or UNSET,
    )
    return EncounterFacts(
        ref, _department(case), _attending(case), _diagnoses(resource), case.entry.scope
    )


def events(case: Case) -> list[Draft]:
    """What the status supports: a finished stay was admitted first and discharged then."""
    status = text(case.resource, "status")
    if status not in _OPEN and status != "finished" and status not in _VOID:
        raise Refusal(Skip.STATUS, "$.status", "planned or unknown: nothing has happened yet")
    patient, known = case.patient(), facts(case)
    start = known.ref.started_at if isinstance(known.ref.started_at, datetime) else None
    end = known.ref.ended_at if isinstance(known.ref.ended_at, datetime) else None
    inpatient = known.ref.kind == "inpatient"
    first, last = ("admitted", "discharged") if inpatient else ("started", "ended")
    if status in _VOID:
        at = case.first_time(case.last_updated(), end, start)
        return [_draft(case, patient, known, _VOID[status], at)]
    drafts = []
    if status in _OPEN or start is not None:
        drafts.append(_draft(case, patient, known, first, case.first_time(start)))
    if status == "finished":
        at = case.first_time(end, case.last_updated(), start)
        drafts.append(_draft(case, patient, known, last, max(at, start or at)))
    return drafts


def _draft(
    case: Case, patient: PatientFacts, known: EncounterFacts, verb: str, at: datetime
) -> Draft:
    opening = verb in ("admitted", "started")
    shared = case.shared(case.revision(1 if opening else 2, 2), at, known, patient=patient)
    hospitalization = child(case.resource, "hospitalization")
    diagnoses = case.diagnoses_of(known, final=not opening)
    data = Encounter(
        **shared,
        kind=known.ref.kind,
        started_at=known.ref.started_at,
        ended_at=UNSET if opening else known.ref.ended_at,
        ward=_ward(case),
        diagnoses=diagnoses if known.diagnoses else UNSET,
        disposition=UNSET
        if opening
        else words_of(child(hospitalization, "dischargeDisposition")) or UNSET,
    )
    return Draft(f"encounter.{verb}.v1", at, data)


def _department(case: Case) -> Reported[str]:
    """The service's code or name, else the id of the organisation that provides the encounter."""
    service = child(case.resource, "serviceType")
    return (
        next(iter(codes(service)), "")
        or words_of(service)
        or case.named(child(case.resource, "serviceProvider"))
        or UNSET
    )


def _ward(case: Case) -> Reported[str]:
    """The id of the location that is marked as a ward, where one is."""
    for place in children(case.resource, "location"):
        if "wa" in codes(child(place, "physicalType")):
            return case.named(child(place, "location")) or UNSET
    return UNSET


def _attending(case: Case) -> Reported[Actor]:
    """The attender (ATND), else the first who took part."""
    taking_part = children(case.resource, "participant")
    attending = [p for p in taking_part if any("ATND" in codes(t) for t in children(p, "type"))]
    for participant in (*attending, *taking_part):
        actor = case.actor(child(participant, "individual"))
        if isinstance(actor, Actor):
            return actor
    return UNSET


def _diagnoses(resource: Json) -> tuple[DiagnosisUse, ...]:
    found = []
    for entry in children(resource, "diagnosis"):
        used = codes(child(entry, "use"))
        use = used[0] if used else ""
        rank = number(entry, "rank", "$.diagnosis")
        reference = reference_of(entry, "condition")
        found.append(DiagnosisUse(reference, _role(use, rank), use == "DD"))
    return tuple(found)


def _role(use: str, rank: float | None) -> str:
    """FHIR's diagnosis role in the contract's words; a role of another kind travels as it is."""
    if use == "AD":
        return "admission"
    if use == "DD" and rank in (None, 1.0):
        return "principal"
    return "secondary" if use in ("DD", "CM") else use
