"""Orders and what they bring: results of laboratory, pathology and imaging."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts.base import Act
from contracts.values import (
    Amount,
    Coding,
    Diagnosis,
    Identifier,
    Instant,
    Measurement,
    Reported,
    Value,
    Word,
)


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
    mutually_recognised: Reported[bool] = UNSET
    """Whether other institutions are to accept it instead of examining again (检查检验互认)."""
    device: Reported[Word] = UNSET
    """Id in the registry of the device that the examination was made with (设备编号)."""
    items: tuple[ResultItem, ...] = ()
