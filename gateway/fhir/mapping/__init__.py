"""One mapping a resource type: its facts for others, and its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.fhir.case import Case, Draft
from gateway.fhir.index import Facts, NamedFacts, named_id
from gateway.fhir.mapping import (
    claims,
    encounters,
    medications,
    observations,
    orders,
    patients,
    statements,
)
from gateway.fhir.values import child


class Mapping(NamedTuple):
    """How one resource type is read. `events` answers the events in the order of revisions."""

    subject: str
    """The field that refers to the patient."""
    events: Callable[[Case], list[Draft]]


MAPPINGS: Final[dict[str, Mapping]] = {
    "Encounter": Mapping("subject", encounters.events),
    "Condition": Mapping("subject", statements.condition_events),
    "AllergyIntolerance": Mapping("patient", statements.allergy_events),
    "MedicationRequest": Mapping("subject", medications.events),
    "ServiceRequest": Mapping("subject", orders.events),
    "Observation": Mapping("subject", observations.events),
    "Claim": Mapping("patient", claims.events),
}
"""Resource types that become events. Patient is apart: its time can depend on all the others."""


def _named(case: Case) -> NamedFacts:
    return NamedFacts(case.id)


def _practitioner_of_role(case: Case) -> NamedFacts:
    """Who holds the role; the role's own id where it does not say."""
    return NamedFacts(named_id(child(case.resource, "practitioner")) or case.id)


FACTS: Final[dict[str, Callable[[Case], Facts | None]]] = {
    "Patient": patients.facts,
    "Encounter": encounters.facts,
    "Medication": medications.facts,
    "Practitioner": _named,
    "PractitionerRole": _practitioner_of_role,
    "Organization": _named,
    "Location": _named,
    "Condition": statements.condition_facts,
    "AllergyIntolerance": statements.allergy_facts,
}
"""Resource types that others refer to, and how to read what they need."""

REFERENCED_ONLY: Final = frozenset(
    {"Medication", "Organization", "Practitioner", "PractitionerRole", "Location"}
)
"""Resource types of which only the id (and a medication's code) is used."""
