"""What resources refer to: patients, encounters, medications and statements, by reference.

Built in a first pass over all inputs, because a reference may point forwards, into another file
of a bulk export, or to another page of a search. Holds small facts, not resources.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeAlias

from contracts.values import Actor, Allergy, Coding, Diagnosis, EncounterRef, Reported
from gateway.fhir.values import Json, child, text

_LITERAL: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A patient as a snapshot needs them."""

    id: str
    birth_date: Reported[date]
    sex: Reported[str]


@dataclass(frozen=True, slots=True)
class DiagnosisUse:
    """A diagnosis of an encounter: the condition it refers to, and in which role."""

    reference: str
    role: str
    is_final: bool
    """Known only when the encounter ends."""


@dataclass(frozen=True, slots=True)
class EncounterFacts:
    """An encounter as the acts in it need it."""

    ref: EncounterRef
    department: Reported[str]
    practitioner: Reported[Actor]
    diagnoses: tuple[DiagnosisUse, ...]
    scope: str


@dataclass(frozen=True, slots=True)
class MedicationFacts:
    """A medication as a prescription refers to it."""

    drug: Coding


@dataclass(frozen=True, slots=True)
class NamedFacts:
    """A practitioner, organisation or place, of which only the id leaves the gateway."""

    id: str


@dataclass(frozen=True, slots=True)
class ConditionFacts:
    """A condition, and from when to when it is known to hold."""

    id: str
    patient: str
    scope: str
    code: Coding
    since: datetime | None
    until: datetime | None
    holds: bool
    """False where it was refuted, entered in error, or is over at an unknown time."""

    def held_at(self, at: datetime) -> bool:
        """Whether the condition was known and not over at that time."""
        started = self.since is None or self.since <= at
        return self.holds and started and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class AllergyFacts:
    """A statement on allergies: a substance, or that none are known (`allergy` is None)."""

    id: str
    patient: str
    scope: str
    allergy: Allergy | None
    since: datetime | None
    holds: bool

    def known_at(self, at: datetime) -> bool:
        """Whether the statement had been made at that time and holds."""
        return self.holds and (self.since is None or self.since <= at)


Facts: TypeAlias = (
    PatientFacts | EncounterFacts | MedicationFacts | NamedFacts | ConditionFacts | AllergyFacts
)


@dataclass(slots=True)
class Index:
    """Facts by reference. Filled first; then `settle` relates statements to their patients."""

    _facts: dict[str, Facts] = field(default_factory=dict)
    _statements: list[ConditionFacts | AllergyFacts] = field(default_factory=list)
    _conditions: dict[str, dict[str, ConditionFacts]] = field(default_factory=dict)
    _allergies: dict[str, dict[str, AllergyFacts]] = field(default_factory=dict)

    def add(self, resource_type: str, resource_id: str, scope: str, url: str, facts: Facts) -> None:
        """Make the facts findable by full URL (in its bundle, then anywhere) and by type/id."""
        if url:
            self._facts[f"{scope}\n{url}"] = facts
            self._facts.setdefault(url, facts)
        if resource_id:
            self._facts[f"{resource_type}/{resource_id}"] = facts
        if isinstance(facts, ConditionFacts | AllergyFacts):
            self._statements.append(facts)

    def settle(self) -> None:
        """Group the statements by patient, once everything has been added."""
        for statement in self._statements:
            owner = self.find(statement.patient, statement.scope)
            if not isinstance(owner, PatientFacts):
                continue
            if isinstance(statement, ConditionFacts):
                self._conditions.setdefault(owner.id, {})[statement.id] = statement
            else:
                self._allergies.setdefault(owner.id, {})[statement.id] = statement
        self._statements.clear()

    def find(self, reference: str, scope: str) -> Facts | None:
        """What a reference of a resource in that bundle points to, or None."""
        if not reference:
            return None
        found = self._facts.get(f"{scope}\n{reference}") or self._facts.get(reference)
        if found is None and (literal := _LITERAL.search(reference)):
            found = self._facts.get(f"{literal[1]}/{literal[2]}")
        return found

    def conditions_at(self, patient: str, at: datetime) -> tuple[Diagnosis, ...]:
        """The patient's conditions known at that time."""
        known = self._conditions.get(patient, {}).values()
        return tuple(Diagnosis(c.code, line_id=c.id) for c in known if c.held_at(at))

    def allergies_at(self, patient: str, at: datetime) -> tuple[AllergyFacts, ...]:
        """What was stated of the patient's allergies by that time."""
        known = self._allergies.get(patient, {}).values()
        return tuple(a for a in known if a.known_at(at))


def reference_of(node: Json, name: str) -> str:
    """The literal reference in a field, or ""."""
    return text(child(node, name), "reference")


def named_id(reference: Json) -> str:
    """The id that a reference names, whether or not it resolves; or "".

    `Practitioner/7` and `urn:uuid:7` name 7, `Practitioner?identifier=system|7` and a logical
    reference by identifier name the identifier's value.
    """
    literal = text(reference, "reference")
    if "?" in literal:
        return literal.rpartition("|")[2] if "|" in literal else literal.rpartition("=")[2]
    if match := _LITERAL.search(literal):
        return match[2]
    if literal.startswith("urn:"):
        return literal.rpartition(":")[2]
    return literal.lstrip("#") or text(child(reference, "identifier"), "value")
