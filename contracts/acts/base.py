"""What all acts share."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from contracts.values import (
    Actor,
    EncounterRef,
    Identifier,
    Instant,
    PatientSnapshot,
    Reported,
    Value,
    Word,
)

Revision = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Act(Value, frozen=True, kw_only=True):
    """What all acts share: identity, revision, place, people and the patient as then known."""

    act_id: Identifier
    revision: Revision
    institution: Identifier
    department: Reported[Word] = UNSET
    practitioner: Reported[Actor] = UNSET
    encounter: Reported[EncounterRef] = UNSET
    patient: Reported[PatientSnapshot] = UNSET
    service_time: Reported[Instant] = UNSET
    """When the service is or was rendered; the event's time where it is not reported."""
    note: Reported[str] = UNSET
