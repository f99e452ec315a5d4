"""Patient → patient.registered, and patient.updated for a death with its time."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET

from contracts.acts import Patient
from contracts.values import Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import PatientFacts
from gateway.fhir.outcome import Note
from gateway.fhir.values import Json, children, reported, text, whole_date


def facts(case: Case) -> PatientFacts:
    """Birth date and sex; a partial birth date is not reported, since ages hang on it."""
    resource = case.resource
    if 0 < len(text(resource, "birthDate")) < 10:
        case.note(Note.PARTIAL_DATE)
    return PatientFacts(case.id, reported(resource, "birthDate", whole_date), _sex(resource))


def events(case: Case, first_seen: datetime | None) -> list[Draft]:
    """Registered when the resource was last updated, else at the patient's first other event."""
    resource, known = case.resource, facts(case)
    if children(resource, "link"):
        case.note(Note.LINK_NOT_MAPPED)
    at = case.last_updated()
    if at is None:
        at = case.first_time(None, first_seen or case.time(resource, "birthDate"))
    died = case.time(resource, "deceasedDateTime")
    parts = 1 if died is None else 2
    alive = resource.get("deceasedBoolean") is False
    drafts = [_draft(case, known, "registered", at, parts, None if alive else UNSET)]
    if died is not None:
        drafts.append(_draft(case, known, "updated", max(died, at), parts, died))
    return drafts


def _draft(
    case: Case,
    known: PatientFacts,
    verb: str,
    at: datetime,
    parts: int,
    deceased_at: Reported[datetime],
) -> Draft:
    shared = case.shared(case.revision(1 if verb == "registered" else 2, parts), at)
    data = Patient(**shared, birth_date=known.birth_date, sex=known.sex, deceased_at=deceased_at)
    return Draft(f"patient.{verb}.v1", at, data)


def _sex(resource: Json) -> Reported[str]:
    """FHIR's own word for "it is not known" is a statement, not a sex."""
    sex = reported(resource, "gender", lambda node, name: text(node, name) or None)
    return None if sex == "unknown" else sex
