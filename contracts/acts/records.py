"""What is written about care: documents, report cards, acknowledgements."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts.base import Act
from contracts.values import Actor, Coding, Instant, Reported, Word


class Document(Act, frozen=True, kw_only=True):
    """A record that was written (病历文书): what kind, of what, signed by whom and when.

    Its text stays in the source; the practitioner is who wrote it.
    """

    kind: Reported[Word] = UNSET
    """What is written, e.g. `admission_note`; the words stand in the facts' catalogue."""
    about: Reported[Word] = UNSET
    """The act id of what it documents: a procedure, a consultation, a rescue order."""
    signed_at: Reported[Instant] = UNSET
    signed_at_trusted: Reported[bool] = UNSET
    """Whether a trusted time stamp vouches for `signed_at` (可信时间戳)."""
    signer: Reported[Actor] = UNSET
    """The highest signature so far."""
    signer_level: Reported[Word] = UNSET
    """`resident`, `attending`, `chief`; another word is unrecognised."""
    starts_at: Reported[Instant] = UNSET
    """From when on it covers what happened."""
    ends_at: Reported[Instant] = UNSET


class InfectionReport(Act, frozen=True, kw_only=True):
    """A report card of an infectious disease (传染病报告卡)."""

    disease: Reported[Coding] = UNSET
    case_class: Reported[Word] = UNSET
    """`suspected`, `clinical`, `confirmed`, `carrier`; another word is unrecognised."""
    condition: Reported[Word] = UNSET
    """The act id of the condition or result that it reports."""
    onset_at: Reported[Instant] = UNSET
    diagnosed_at: Reported[Instant] = UNSET
    reported_at: Reported[Instant] = UNSET


class Acknowledgement(Act, frozen=True, kw_only=True):
    """Somebody says that they have seen, or dealt with, a critical value or an alert."""

    kind: Reported[Word] = UNSET
    """`received` (接获) or `handled` (处置)."""
    about: Reported[Word] = UNSET
    """The act id of the result."""
    line_id: Reported[Word] = UNSET
    """The line of the result."""
    alert_id: Reported[Word] = UNSET
    acknowledged_at: Reported[Instant] = UNSET
