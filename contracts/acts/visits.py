"""Visits and stays, and the opinions asked for in them."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts.base import Act
from contracts.values import Actor, Diagnosis, Instant, Reported, Word


class Encounter(Act, frozen=True, kw_only=True):
    """A visit or a stay. Its act id is the encounter's id."""

    kind: Reported[Word] = UNSET
    started_at: Reported[Instant] = UNSET
    """Start of a visit, or admission."""
    ended_at: Reported[Instant] = UNSET
    """End of a visit, or discharge."""
    ward: Reported[Word] = UNSET
    planned: Reported[bool] = UNSET
    """Whether the visit or admission was planned beforehand."""
    is_rescue: Reported[bool] = UNSET
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    disposition: Reported[Word] = UNSET


class Consultation(Act, frozen=True, kw_only=True):
    """A colleague's opinion that was asked for (会诊). The practitioner is who asks."""

    kind: Reported[Word] = UNSET
    """`department`, `hospital`, `multidisciplinary`, `antimicrobial`, `remote`; another word is
    unrecognised."""
    urgency: Reported[Word] = UNSET
    """`routine` or `urgent`."""
    about: Reported[Word] = UNSET
    """The act id of what it is about: an order, a procedure."""
    of_department: Reported[Word] = UNSET
    """The department that is asked."""
    consultant: Reported[Actor] = UNSET
    requested_at: Reported[Instant] = UNSET
    arrived_at: Reported[Instant] = UNSET
    answered_at: Reported[Instant] = UNSET
