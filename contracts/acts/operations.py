"""What surrounds care: stock, uploads, and answers to alerts.

Stock and uploads are about no patient: their subject names a place of the institution in the same
form, `institution:<institution>|<store or feed>`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta

from contracts.acts.base import Act
from contracts.values import Coding, Identifier, Instant, Quantity, Reported, Value, Word

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class StockItem(Value, frozen=True, kw_only=True):
    """One article of a stock movement."""

    line_id: Identifier
    code: Coding
    drug: Reported[Coding] = UNSET
    """Set where the article is a drug."""
    quantity: Reported[Quantity] = UNSET
    """How much moved, or was counted; only an adjustment can be negative."""
    lot: Reported[Word] = UNSET
    expires_on: Reported[date] = UNSET
    trace_codes: Reported[tuple[Word, ...]] = UNSET


class StockMovement(Act, frozen=True, kw_only=True):
    """Articles that came into a store, left it, or were counted there."""

    kind: Reported[Word] = UNSET
    """`in`, `out`, `adjust`, `count`; another word is unrecognised."""
    store: Reported[Word] = UNSET
    about: Reported[Word] = UNSET
    """The act id of what moved it: a dispense, a delivery."""
    moved_at: Reported[Instant] = UNSET
    items: tuple[StockItem, ...] = ()


class Upload(Act, frozen=True, kw_only=True):
    """The receipt of data that an institution uploaded."""

    feed: Reported[Word] = UNSET
    """Which data: `prescriptions`, `billing` …, as the receiver names it."""
    records: Reported[Count] = UNSET
    refused: Reported[Count] = UNSET
    """How many of the records the receiver refused."""
    first_event_at: Reported[Instant] = UNSET
    last_event_at: Reported[Instant] = UNSET
    received_at: Reported[Instant] = UNSET


class Feedback(Act, frozen=True, kw_only=True):
    """What somebody answers to an alert: accepted, overridden, contested; and how that went.

    A revision replaces the answer; one that was entered in error was never given. An appeal (申诉)
    is an act beside the answer, its stages may be revisions of it. contracts.alert_states says what
    state they bring the alert to.
    """

    alert_id: Identifier
    response: Reported[Word] = UNSET
    """`accepted`, `overridden`, `false_positive`, `appeal_opened`, `appeal_first_review` (初审),
    `appeal_lodged` (申诉), `appeal_second_review` (复审), `appeal_closed`; another word is
    unrecognised."""
    reason: Reported[Coding] = UNSET
    rule_id: Reported[Word] = UNSET
    rule_version: Reported[Count] = UNSET
    decision_id: Reported[Word] = UNSET
    outcome: Reported[Word] = UNSET
    """What a review found: `upheld`, `withdrawn`, `partly_upheld`; another word is unrecognised."""
