"""One resource on its way to events: its settings, references, and what all acts share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from contracts.acts import AnyAct
from contracts.values import (
    Actor,
    Allergy,
    Coding,
    Diagnosis,
    EncounterRef,
    Listing,
    PatientSnapshot,
    Reported,
    is_icd10,
)
from gateway.fhir.index import (
    ConditionFacts,
    EncounterFacts,
    Facts,
    Index,
    MedicationFacts,
    NamedFacts,
    PatientFacts,
    named_id,
    reference_of,
)
from gateway.fhir.outcome import Note, Refusal, Skip
from gateway.fhir.reading import Entry
from gateway.fhir.values import EMPTY, Json, child, children, coding, instant, text

_MAX_REVISION = 2**30 - 1  # two revisions a version must fit the contract's 2**31 - 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an import comes from: what the resources themselves do not say."""

    source: str
    zone: ZoneInfo
    institution: str
    namespace: str
    """Of patient ids: the first half of each event's subject."""
    systems: Mapping[str, str] = field(default_factory=dict)
    """Code systems to rename, as FHIR URI to the catalogue's name."""


class Draft(NamedTuple):
    """An event before it has an envelope."""

    type: str
    time: datetime
    data: AnyAct


@dataclass(slots=True)
class Case:
    """One resource with everything that its mapping may ask for."""

    entry: Entry
    origin: Origin
    index: Index
    notes: list[Note] = field(default_factory=list)

    @property
    def resource(self) -> Json:
        return self.entry.resource

    @property
    def id(self) -> str:
        """The resource's id; in a transaction the urn: it goes by; else a digest of its content."""
        named = text(self.resource, "id") or self.entry.full_url.rpartition(":")[2]
        return named or digest_of(self.resource)

    @property
    def version(self) -> str:
        return text(child(self.resource, "meta"), "versionId")

    def revision(self, part: int = 1, parts: int = 1) -> int:
        """The act's revision: from the resource's version where that is a number, else from 1.

        A resource that gives two events (admitted, discharged) takes two revisions a version.
        """
        version = self.version
        number = int(version) if version.isdecimal() and len(version) < 11 else 1
        if not 1 <= number <= _MAX_REVISION:
            number = 1
        return (number - 1) * parts + part

    def note(self, note: Note) -> None:
        if note not in self.notes:
            self.notes.append(note)

    # times -----------------------------------------------------------------------------------

    def time(self, node: Json, name: str, path: str = "$") -> datetime | None:
        """The point in time in a field, or None; refuses a text that is no time."""
        written = text(node, name)
        if not written:
            return None
        if "T" not in written:
            self.note(Note.ZONE_ASSUMED if len(written) == 10 else Note.PARTIAL_DATE)
        try:
            return instant(written, self.origin.zone)
        except (ValueError, OverflowError):
            detail = "expected a FHIR date, or a time with its offset"
            raise Refusal(Skip.TIME_INVALID, f"{path}.{name}", detail) from None

    def last_updated(self) -> datetime | None:
        return self.time(child(self.resource, "meta"), "lastUpdated", "$.meta")

    def first_time(self, *candidates: datetime | None) -> datetime:
        """The first known of the candidates, best first; refuses where there is none."""
        for rank, at in enumerate(candidates):
            if at is not None:
                if rank:
                    self.note(Note.TIME_SUBSTITUTED)
                return at
        raise Refusal(Skip.TIME_MISSING, "$", "the resource carries no time to date the event by")

    # references ------------------------------------------------------------------------------

    def find(self, reference: str) -> Facts | None:
        return self.index.find(reference, self.entry.scope)

    def contained(self, reference: str) -> Json:
        """The contained resource that `#id` names, or an empty one."""
        found = (c for c in children(self.resource, "contained") if text(c, "id") == reference[1:])
        return next(found, EMPTY) if reference.startswith("#") else EMPTY

    def patient(self, name: str = "subject") -> PatientFacts:
        """The patient that the resource is about; refuses one that is missing or unknown."""
        reference = reference_of(self.resource, name)
        if not reference:
            raise Refusal(Skip.SUBJECT_MISSING, f"$.{name}", "expected a reference to a Patient")
        found = self.find(reference)
        if not isinstance(found, PatientFacts):
            detail = "the reference does not lead to a Patient of this input"
            raise Refusal(Skip.SUBJECT_UNRESOLVED, f"$.{name}.reference", detail)
        return found

    def encounter(self, node: Json | None = None, name: str = "encounter") -> EncounterFacts | None:
        """The encounter that a field refers to, or None (noted where a reference is not found)."""
        reference = reference_of(self.resource if node is None else node, name)
        found = self.find(reference)
        if isinstance(found, EncounterFacts):
            return found
        if reference:
            self.note(Note.ENCOUNTER_UNRESOLVED)
        return None

    def named(self, reference: Json) -> str:
        """The id of whom or what a reference names; "" for none.

        The resource's own id where the input holds it, else the id in the reference.
        """
        found = self.find(text(reference, "reference"))
        return found.id if isinstance(found, NamedFacts) else named_id(reference)

    def actor(self, reference: Json) -> Actor | UnsetType:
        """Who a reference names, by id alone: no name leaves the gateway."""
        named = self.named(reference)
        return Actor(named) if named else UNSET

    # codes -----------------------------------------------------------------------------------

    def coding(self, concept: Json) -> Coding | None:
        found = coding(concept, self.origin.systems)
        return self._noted(found)

    def required_coding(self, concept: Json, path: str) -> Coding:
        found = self.coding(concept)
        if found is None:
            raise Refusal(Skip.CODE_MISSING, path, "expected a code or a text")
        return found

    def diagnosis_code(self, concept: Json) -> Coding | None:
        """The code of a diagnosis: ICD-10 where the source gives it among others."""
        return self._noted(coding(concept, self.origin.systems, is_icd10))

    def _noted(self, found: Coding | None) -> Coding | None:
        if found is not None and not found.system:
            self.note(Note.CODE_IS_TEXT)
        return found

    def medication(self) -> Coding:
        """The drug of a request: coded, contained, or referred to in the input."""
        concept = child(self.resource, "medicationCodeableConcept")
        reference = reference_of(self.resource, "medicationReference")
        if reference.startswith("#"):
            concept = child(self.contained(reference), "code")
        elif reference:
            found = self.find(reference)
            if not isinstance(found, MedicationFacts):
                detail = "the reference does not lead to a Medication of this input"
                raise Refusal(Skip.MEDICATION_UNRESOLVED, "$.medicationReference.reference", detail)
            return found.drug
        return self.required_coding(concept, "$.medicationCodeableConcept")

    # what acts share -------------------------------------------------------------------------

    def shared(
        self,
        revision: int,
        at: datetime,
        encounter: EncounterFacts | None = None,
        practitioner: Reported[Actor] = UNSET,
        patient: PatientFacts | None = None,
    ) -> dict[str, Any]:
        """The fields that all acts have; with a snapshot where a patient is given."""
        if practitioner is UNSET and encounter is not None:
            practitioner = encounter.practitioner
        notes = [words for n in children(self.resource, "note") if (words := text(n, "text"))]
        return {
            "act_id": self.id,
            "revision": revision,
            "institution": self.origin.institution,
            "department": UNSET if encounter is None else encounter.department,
            "practitioner": practitioner,
            "encounter": UNSET if encounter is None else _as_of(encounter.ref, at),
            "patient": UNSET if patient is None else self.snapshot(patient, at),
            "note": "\n".join(notes) or UNSET,
        }

    def snapshot(self, patient: PatientFacts, at: datetime) -> PatientSnapshot:
        """What the input knew of the patient at that time; lists say that they are partial."""
        stated = self.index.allergies_at(patient.id, at)
        allergies: Listing[Allergy] | UnsetType = UNSET
        if stated:
            items = tuple(a.allergy for a in stated if a.allergy is not None)
            allergies = Listing(items, complete=not items)
        conditions = self.index.conditions_at(patient.id, at)
        return PatientSnapshot(
            birth_date=patient.birth_date,
            sex=patient.sex,
            allergies=allergies,
            conditions=Listing(conditions) if conditions else UNSET,
        )

    def subject(self, patient: PatientFacts) -> str:
        return f"{self.origin.namespace}|{patient.id}"

    def known_diagnoses(self, encounter: EncounterFacts | None) -> tuple[Diagnosis, ...]:
        """The encounter's diagnoses as an act in it could know them.

        Those of a discharge come after the acts of a stay; those of a visit belong to its acts.
        """
        if encounter is None:
            return ()
        return self.diagnoses_of(encounter, final=encounter.ref.kind != "inpatient")

    def diagnoses_of(self, encounter: EncounterFacts, final: bool) -> tuple[Diagnosis, ...]:
        """The encounter's diagnoses; those made at its end only where `final`."""
        uses = [u for u in encounter.diagnoses if final or not u.is_final]
        found = [self.diagnosis(u.reference, u.role, encounter.scope) for u in uses]
        return tuple(d for d in found if d is not None)

    def diagnosis(self, reference: str, role: str = "", scope: str = "") -> Diagnosis | None:
        """The diagnosis that a reference to a Condition leads to, or None (noted)."""
        found = self.index.find(reference, scope or self.entry.scope)
        if isinstance(found, ConditionFacts):
            return Diagnosis(found.code, line_id=found.id, role=role or UNSET)
        self.note(Note.DIAGNOSIS_UNRESOLVED)
        return None


def _as_of(ref: EncounterRef, at: datetime) -> EncounterRef:
    """The encounter as it was known at that time: an end that lay ahead is left out."""
    ends_later = isinstance(ref.ended_at, datetime) and ref.ended_at > at
    return replace(ref, ended_at=UNSET) if ends_later else ref


def digest_of(resource: Json) -> str:
    """16 hex digits over a resource's content, whatever the order of its fields."""
    canonical = json.dumps(resource, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    return sha256(canonical).hexdigest()[:16]
