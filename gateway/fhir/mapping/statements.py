"""Condition → condition.*, AllergyIntolerance → allergy.*: what is known of a patient."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import UNSET

from contracts.acts import AllergyStatement, Condition
from contracts.values import Allergy, Diagnosis, Listing
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import AllergyFacts, ConditionFacts, reference_of
from gateway.fhir.outcome import Note, Refusal, Skip
from gateway.fhir.values import Json, child, children, codes, text, words_of

SNOMED: Final = "http://snomed.info/sct"
NO_KNOWN_ALLERGY: Final = "716186003"
_NO_KNOWN_OF_A_KIND: Final = frozenset({"409137002", "429625007", "428607008", "428197003"})
"""No known drug, food, environmental, insect allergy: silent on all other kinds."""

_OVER: Final = frozenset({"inactive", "remission", "resolved"})
_NOT_SO: Final = frozenset({"refuted", "differential"})
_SEVERITIES: Final = ("severe", "moderate", "mild")


def condition_facts(case: Case) -> ConditionFacts | None:
    """From when to when the condition held, for snapshots and diagnoses; None without a code."""
    resource = case.resource
    code = case.diagnosis_code(child(resource, "code"))
    if code is None:
        return None
    until = _end(case)
    verified = codes(child(resource, "verificationStatus"))
    is_over = bool(_OVER.intersection(codes(child(resource, "clinicalStatus"))))
    return ConditionFacts(
        case.id,
        reference_of(resource, "subject"),
        case.entry.scope,
        code,
        case.time(resource, "recordedDate") or _start(case),
        until,
        not _NOT_SO.union({"entered-in-error"}).intersection(verified)
        and not (is_over and until is None),
    )


def condition_events(case: Case) -> list[Draft]:
    """Recorded, and resolved where its end has a time; or entered in error."""
    resource = case.resource
    verified = codes(child(resource, "verificationStatus"))
    if _NOT_SO.intersection(verified):
        detail = "refuted or one of several possibilities: the patient is not said to have it"
        raise Refusal(Skip.NEGATIVE_STATEMENT, "$.verificationStatus", detail)
    code = case.diagnosis_code(child(resource, "code"))
    if code is None:
        raise Refusal(Skip.CODE_MISSING, "$.code", "expected a code or a text")
    onset, end, updated = _start(case), _end(case), case.last_updated()
    at = case.first_time(case.time(resource, "recordedDate"), onset, updated)
    is_over = bool(_OVER.intersection(codes(child(resource, "clinicalStatus"))))
    if is_over and end is None and updated is not None and updated > at:
        end = updated
        case.note(Note.TIME_SUBSTITUTED)
    encounter = case.encounter()
    actor = case.actor(child(resource, "asserter") or child(resource, "recorder"))

    def draft(verb: str, when: datetime, part: int) -> Draft:
        data = Condition(
            **case.shared(case.revision(part, 2), when, encounter, actor),
            diagnosis=Diagnosis(code),
            onset_at=onset or UNSET,
            resolved_at=(end or UNSET) if verb == "resolved" else UNSET,
        )
        return Draft(f"condition.{verb}.v1", when, data)

    if "entered-in-error" in verified:
        return [draft("entered_in_error", updated or at, 2)]
    if is_over and end is None:
        case.note(Note.END_TIME_UNKNOWN)
    if end is None:
        return [draft("recorded", at, 1)]
    return [draft("recorded", at, 1), draft("resolved", max(end, at), 2)]


def allergy_facts(case: Case) -> AllergyFacts | None:
    """What a snapshot needs of the statement; None where it states nothing it can hold."""
    resource = case.resource
    concept = child(resource, "code")
    if _NO_KNOWN_OF_A_KIND.intersection(codes(concept)):
        return None
    verified = codes(child(resource, "verificationStatus"))
    dismissed = {"refuted", "entered-in-error"}.intersection(verified)
    over = {"inactive", "resolved"}.intersection(codes(child(resource, "clinicalStatus")))
    none_known = NO_KNOWN_ALLERGY in codes(concept)
    allergy = None if none_known else _allergy(case)
    if allergy is None and not none_known:
        return None
    return AllergyFacts(
        case.id,
        reference_of(resource, "patient"),
        case.entry.scope,
        allergy,
        case.time(resource, "recordedDate") or case.time(resource, "onsetDateTime"),
        not dismissed and not over,
    )


def allergy_events(case: Case) -> list[Draft]:
    """A partial list of one substance; "no known allergy" is the complete, empty list."""
    resource = case.resource
    case.patient("patient")
    verified = codes(child(resource, "verificationStatus"))
    if "refuted" in verified:
        raise Refusal(Skip.NEGATIVE_STATEMENT, "$.verificationStatus", "the allergy was refuted")
    if {"inactive", "resolved"}.intersection(codes(child(resource, "clinicalStatus"))):
        detail = "the allergy is over, since a time that FHIR does not carry"
        raise Refusal(Skip.NEGATIVE_STATEMENT, "$.clinicalStatus", detail)
    if _NO_KNOWN_OF_A_KIND.intersection(codes(child(resource, "code"))):
        detail = "no known allergy of one kind: the contract has no such list"
        raise Refusal(Skip.NEGATIVE_STATEMENT, "$.code", detail)
    updated = case.last_updated()
    onset = case.time(resource, "onsetDateTime")
    at = case.first_time(case.time(resource, "recordedDate"), onset, updated)
    wrong = "entered-in-error" in verified
    if wrong:
        at = updated or at
    actor = case.actor(child(resource, "asserter") or child(resource, "recorder"))
    data = AllergyStatement(
        **case.shared(case.revision(), at, case.encounter(), actor), allergies=_listing(case)
    )
    return [Draft(f"allergy.{'entered_in_error' if wrong else 'recorded'}.v1", at, data)]


def _listing(case: Case) -> Listing[Allergy]:
    if NO_KNOWN_ALLERGY in codes(child(case.resource, "code")):
        return Listing((), complete=True)
    allergy = _allergy(case)
    if allergy is None:
        raise Refusal(Skip.CODE_MISSING, "$.code", "expected the substance as a code or a text")
    return Listing((allergy,))


def _allergy(case: Case) -> Allergy | None:
    """The substance with its reactions; the worst of several severities."""
    resource = case.resource
    reactions = children(resource, "reaction")
    substance = case.coding(child(resource, "code"))
    for reaction in reactions:
        substance = substance or case.coding(child(reaction, "substance"))
    if substance is None:
        return None
    shown = [words_of(m) for r in reactions for m in children(r, "manifestation")]
    severities = {text(r, "severity") for r in reactions}
    return Allergy(
        substance,
        reaction="; ".join(w for w in shown if w) or UNSET,
        severity=next((s for s in _SEVERITIES if s in severities), UNSET),
        recorded_at=case.time(resource, "recordedDate") or UNSET,
        line_id=case.id,
    )


def _start(case: Case) -> datetime | None:
    period: Json = child(case.resource, "onsetPeriod")
    return case.time(case.resource, "onsetDateTime") or case.time(period, "start", "$.onsetPeriod")


def _end(case: Case) -> datetime | None:
    period: Json = child(case.resource, "abatementPeriod")
    stated = case.time(case.resource, "abatementDateTime")
    return stated or case.time(period, "end", "$.abatementPeriod")
