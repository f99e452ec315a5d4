"""The medical acts and statements that an event can carry, one class a family.

Each act has an id and a revision; a revision is a full snapshot of the act, never a difference.
What happened to the act (signed, dispensed, refunded …) is the verb of the event's type.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from msgspec import UNSET, Meta

from contracts.values import (
    Actor,
    Allergy,
    Amount,
    Coding,
    Diagnosis,
    EncounterRef,
    Identifier,
    Instant,
    Listing,
    Measurement,
    Money,
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


class PrescriptionItem(Value, frozen=True, kw_only=True):
    """One drug of a prescription."""

    line_id: Identifier
    drug: Coding
    dose: Reported[Amount] = UNSET
    doses_per_day: Reported[Annotated[float, Meta(ge=0)]] = UNSET
    days_supply: Reported[Annotated[float, Meta(ge=0)]] = UNSET
    quantity: Reported[Amount] = UNSET
    route: Reported[Coding] = UNSET
    usage: Reported[str] = UNSET
    """The directions as printed for the patient."""
    skin_test: Reported[Word] = UNSET
    """`negative`, `positive` or `exempt`."""
    reason: Reported[str] = UNSET
    """Why a limit is exceeded on purpose, as the prescriber wrote it."""
    service_time: Reported[Instant] = UNSET
    trace_codes: Reported[tuple[Word, ...]] = UNSET
    infusion_group: Reported[Word] = UNSET
    """Lines of one group (成组) are given in one bag or syringe; null: it is given by itself."""


class Prescription(Act, frozen=True, kw_only=True):
    """A prescription with its items."""

    items: tuple[PrescriptionItem, ...] = ()
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    signed_at: Reported[Instant] = UNSET
    dispensed_at: Reported[Instant] = UNSET
    extended_days: Reported[Annotated[float, Meta(ge=0)]] = UNSET
    """For how many days the prescriber extended its validity."""


class OrderItem(Value, frozen=True, kw_only=True):
    """One ordered service or drug."""

    line_id: Identifier
    code: Coding
    drug: Reported[Coding] = UNSET
    """Set where the ordered thing is a drug."""
    dose: Reported[Amount] = UNSET
    route: Reported[Coding] = UNSET
    quantity: Reported[Amount] = UNSET
    body_site: Reported[Coding] = UNSET
    skin_test: Reported[Word] = UNSET
    consultation: Reported[Word] = UNSET
    """The id of the specialist consultation that supports the order."""
    service_time: Reported[Instant] = UNSET
    infusion_group: Reported[Word] = UNSET
    """As in a prescription."""


class Order(Act, frozen=True, kw_only=True):
    """An order (医嘱) with its items."""

    items: tuple[OrderItem, ...] = ()
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    starts_at: Reported[Instant] = UNSET
    ends_at: Reported[Instant] = UNSET


class ResultItem(Measurement, frozen=True, kw_only=True):
    """One reported value of a result, with its reference range and flags."""

    low: Reported[float] = UNSET
    high: Reported[float] = UNSET
    critical: Reported[bool] = UNSET


class Result(Act, frozen=True, kw_only=True):
    """A laboratory, pathology or imaging result."""

    order_id: Reported[Word] = UNSET
    code: Reported[Coding] = UNSET
    ordered_at: Reported[Instant] = UNSET
    collected_at: Reported[Instant] = UNSET
    reported_at: Reported[Instant] = UNSET
    items: tuple[ResultItem, ...] = ()


class ChargeItem(Value, frozen=True, kw_only=True):
    """One charged line. Amounts are not negative: what was given back stands in `refunded`."""

    line_id: Identifier
    item: Coding
    category: Reported[Word] = UNSET
    """`drug`, `consumable`, `service`; another word is unrecognised."""
    quantity: Reported[Amount] = UNSET
    unit_price: Reported[Money] = UNSET
    amount: Money
    refunded: Money = Money(0)
    """How much of `amount` has been given back, all refunds together."""
    fund_paid: Reported[Money] = UNSET
    """How much of `amount` the insurance fund pays, before any refund."""
    order_id: Reported[Word] = UNSET
    udi: Reported[Word] = UNSET
    """Unique device identification of an implanted or used device."""
    trace_codes: Reported[tuple[Word, ...]] = UNSET
    service_time: Reported[Instant] = UNSET


class Charge(Act, frozen=True, kw_only=True):
    """A bill or part of one, with its lines; its `charged_at` never moves with a refund."""

    items: tuple[ChargeItem, ...] = ()
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    charged_at: Reported[Instant] = UNSET


class Encounter(Act, frozen=True, kw_only=True):
    """A visit or a stay. Its act id is the encounter's id."""

    kind: Reported[Word] = UNSET
    started_at: Reported[Instant] = UNSET
    """Start of a visit, or admission."""
    ended_at: Reported[Instant] = UNSET
    """End of a visit, or discharge."""
    ward: Reported[Word] = UNSET
    is_rescue: Reported[bool] = UNSET
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    disposition: Reported[Word] = UNSET


class Condition(Act, frozen=True, kw_only=True):
    """A problem or diagnosis of the patient, apart from any act."""

    diagnosis: Diagnosis
    onset_at: Reported[Instant] = UNSET
    resolved_at: Reported[Instant] = UNSET


class AllergyStatement(Act, frozen=True, kw_only=True):
    """What is known of the patient's allergies. Complete and empty states "none known"."""

    allergies: Listing[Allergy]


class Observation(Act, frozen=True, kw_only=True):
    """Observed values: weight, pregnancy, vital signs."""

    items: tuple[Measurement, ...] = ()


class Patient(Act, frozen=True, kw_only=True):
    """Demographics of the subject, or a link or merge with another of their identities."""

    birth_date: Reported[date] = UNSET
    sex: Reported[Word] = UNSET
    deceased_at: Reported[Instant] = UNSET
    other_subject: Reported[Word] = UNSET
    """For link, merge and unlink: the other identity, as `namespace|id`."""


AnyAct = (
    Patient
    | AllergyStatement
    | Condition
    | Observation
    | Encounter
    | Prescription
    | Order
    | Result
    | Charge
)

FAMILIES: Final[dict[str, type[AnyAct]]] = {
    "patient": Patient,
    "allergy": AllergyStatement,
    "condition": Condition,
    "observation": Observation,
    "encounter": Encounter,
    "prescription": Prescription,
    "order": Order,
    "result": Result,
    "billing": Charge,
}
"""Family (the first word of an event's type) to the class of its data."""

VERBS: Final[dict[str, tuple[str, ...]]] = {
    "patient": ("registered", "updated", "linked", "merged", "unlinked"),
    "allergy": ("recorded", "amended", "entered_in_error"),
    "condition": ("recorded", "amended", "resolved", "entered_in_error"),
    "observation": ("recorded", "amended", "entered_in_error"),
    "encounter": (
        "started",
        "admitted",
        "transferred",
        "updated",
        "discharged",
        "ended",
        "cancelled",
        "entered_in_error",
    ),
    "prescription": (
        "draft",
        "signed",
        "amended",
        "dispensed",
        "stopped",
        "returned",
        "cancelled",
        "entered_in_error",
    ),
    "order": (
        "draft",
        "signed",
        "amended",
        "executed",
        "stopped",
        "cancelled",
        "entered_in_error",
    ),
    "result": ("reported", "amended", "cancelled", "entered_in_error"),
    "billing": ("draft", "charged", "amended", "refunded", "cancelled", "entered_in_error"),
}
"""Family to the verbs its events may carry: the life cycle of the act."""

VOIDING: Final = frozenset({"cancelled", "entered_in_error"})
"""Verbs after which an act no longer counts."""

_PRE = frozenset({"draft"})
_POST = frozenset({"returned", "refunded", "discharged", "ended"})


def phase_of(verb: str) -> str:
    """`pre`, `during` or `post`: where in the life of an act an event with this verb stands.

    A draft is pre-event (事前); from signature until the act is carried out, its execution,
    dispensing and charging included, is during-event (事中); what was given back, and what follows
    the end of a visit (discharge, settlement), is post-event (事后).
    """
    return "pre" if verb in _PRE else "post" if verb in _POST else "during"
