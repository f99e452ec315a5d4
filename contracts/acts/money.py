"""What care costs: bills and their settlement."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts.base import Act
from contracts.values import (
    Amount,
    Coding,
    Diagnosis,
    Identifier,
    Instant,
    Money,
    Reported,
    Value,
    Word,
)


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
    """How much of `amount` has been given back, all refunds together. A line that was given back
    as a whole is charged no more."""
    fund_paid: Reported[Money] = UNSET
    """How much of `amount` the insurance fund pays, before any refund."""
    order_id: Reported[Word] = UNSET
    udi: Reported[Word] = UNSET
    """Unique device identification of an implanted or used device."""
    device: Reported[Word] = UNSET
    """Id in the registry of the device that the service was rendered with (设备编号)."""
    trace_codes: Reported[tuple[Word, ...]] = UNSET
    service_time: Reported[Instant] = UNSET


class Charge(Act, frozen=True, kw_only=True):
    """A bill or part of one, with its lines; its `charged_at` never moves with a refund."""

    items: tuple[ChargeItem, ...] = ()
    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    charged_at: Reported[Instant] = UNSET


class SettledProcedure(Value, frozen=True, kw_only=True):
    """A procedure as the front page codes it."""

    code: Coding
    line_id: Reported[Word] = UNSET
    role: Reported[Word] = UNSET
    """`principal` or `secondary`."""
    performed_at: Reported[Instant] = UNSET


class Settlement(Act, frozen=True, kw_only=True):
    """What was settled with the insurer, with the front page (病案首页) that it rests on."""

    diagnoses: Reported[tuple[Diagnosis, ...]] = UNSET
    """With their roles: `principal`, `secondary`."""
    procedures: Reported[tuple[SettledProcedure, ...]] = UNSET
    drg_code: Reported[Word] = UNSET
    """The group as the grouper wrote it."""
    benefit: Reported[Word] = UNSET
    """The kind of benefit that it is settled under (医疗类别), as its source names it."""
    admitted_at: Reported[Instant] = UNSET
    discharged_at: Reported[Instant] = UNSET
    settled_at: Reported[Instant] = UNSET
    outcome: Reported[Word] = UNSET
    """How the patient left (离院方式): `home`, `transferred`, `community`, `against_advice`,
    `died`, `other`; another word is unrecognised."""
    total: Reported[Money] = UNSET
    fund_paid: Reported[Money] = UNSET
    items: tuple[ChargeItem, ...] = ()
    """Its lines, where the source sends them."""
