"""What is known of a patient: demographics, allergies, problems, observed values."""

from __future__ import annotations

from datetime import date

from msgspec import UNSET

from contracts.acts.base import Act
from contracts.values import Allergy, Diagnosis, Instant, Listing, Measurement, Reported, Word


class Patient(Act, frozen=True, kw_only=True):
    """Demographics of the subject, or a link or merge with another of their identities."""

    birth_date: Reported[date] = UNSET
    sex: Reported[Word] = UNSET
    deceased_at: Reported[Instant] = UNSET
    other_subject: Reported[Word] = UNSET
    """For link, merge and unlink: the other identity, as `namespace|id`."""


class AllergyStatement(Act, frozen=True, kw_only=True):
    """What is known of the patient's allergies. Complete and empty states "none known"."""

    allergies: Listing[Allergy]


class Condition(Act, frozen=True, kw_only=True):
    """A problem or diagnosis of the patient, apart from any act."""

    diagnosis: Diagnosis
    onset_at: Reported[Instant] = UNSET
    resolved_at: Reported[Instant] = UNSET


class Observation(Act, frozen=True, kw_only=True):
    """Observed values: weight, pregnancy, vital signs."""

    items: tuple[Measurement, ...] = ()
