"""Drugs on their way to the patient: prescribed, dispensed, given."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from contracts.acts.base import Act
from contracts.values import (
    Actor,
    Amount,
    Coding,
    Diagnosis,
    Identifier,
    Instant,
    Reported,
    Value,
    Word,
)


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
    """A prescription with its items. One that is `returned` came back as a whole; how much of a
    drug came back is told by its dispense."""

    items: tuple[PrescriptionItem, ...] = ()
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    signed_at: Reported[Instant] = UNSET
    dispensed_at: Reported[Instant] = UNSET
    extended_days: Reported[Annotated[float, Meta(ge=0)]] = UNSET
    """For how many days the prescriber extended its validity."""


class DispenseItem(Value, frozen=True, kw_only=True):
    """One drug as it was handed out."""

    line_id: Identifier
    drug: Coding
    prescription_line: Reported[Word] = UNSET
    """The line id of the prescription that it fills."""
    quantity: Reported[Amount] = UNSET
    returned: Reported[Amount] = UNSET
    """How much of `quantity` has come back, all returns together. Where a `returned` dispense does
    not report it, all of the line may have come back; null: nothing of it did."""
    days_supply: Reported[Annotated[float, Meta(ge=0)]] = UNSET
    trace_codes: Reported[tuple[Word, ...]] = UNSET
    """Trace codes of the packs (药品追溯码)."""
    lot: Reported[Word] = UNSET
    service_time: Reported[Instant] = UNSET


class Dispense(Act, frozen=True, kw_only=True):
    """What a pharmacy handed out for a prescription; its `dispensed_at` never moves."""

    prescription_id: Reported[Word] = UNSET
    items: tuple[DispenseItem, ...] = ()
    dispensed_at: Reported[Instant] = UNSET
    pharmacist: Reported[Actor] = UNSET
    """Who handed it out (发药)."""
    reviewer: Reported[Actor] = UNSET
    """The pharmacist who reviewed the prescription (审方)."""


class AdministrationItem(Value, frozen=True, kw_only=True):
    """One drug as it was given, or as it should have been where it was not."""

    line_id: Identifier
    drug: Coding
    order_line: Reported[Word] = UNSET
    """The line id of the order that it carries out."""
    dose: Reported[Amount] = UNSET
    route: Reported[Coding] = UNSET
    given_at: Reported[Instant] = UNSET
    infusion_group: Reported[Word] = UNSET
    """As in a prescription."""
    trace_codes: Reported[tuple[Word, ...]] = UNSET
    reason: Reported[str] = UNSET
    """Why it was not given, as the nurse wrote it."""

    @property
    def service_time(self) -> Reported[Instant]:
        """A drug's service is its being given: its time decides the law of the line."""
        return self.given_at


class Administration(Act, frozen=True, kw_only=True):
    """Drugs given to the patient, or left out; who gave them is the practitioner."""

    order_id: Reported[Word] = UNSET
    items: tuple[AdministrationItem, ...] = ()
    checked_by: Reported[Actor] = UNSET
    """The second person of a double check (双人核对)."""
