"""Lines of clean acts: a drug as it is usually prescribed, a charge that adds up."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from contracts.acts import ChargeItem, OrderItem, PrescriptionItem, ResultItem
from contracts.values import Amount, Coding, Quantity
from knowledge_base import Analyte, ServiceItem
from simulation.catalogue import FALLBACK_PRICE, Medicine, item_coding

CENT: Final = Decimal("0.01")
UDI: Final = "(01)06901234567892(11)260101(21)SIM"

VITAL_SIGNS: Final = frozenset({
    "body_temperature", "consciousness", "oxygen_saturation", "oxygen_saturation_scale",
    "pulse_rate", "respiratory_rate", "supplemental_oxygen", "systolic_pressure",
})  # fmt: skip
"""Analytes that no laboratory reports."""

# Values of healthy adults in the analytes' own units; nothing is judged by them.
_HEALTHY: Final = {
    "potassium": (3.8, 4.8),
    "egfr": (90.0, 115.0),
    "creatinine": (55.0, 85.0),
    "body_weight": (55.0, 75.0),
}


def prescribed(line_id: str, medicine: Medicine, days: float) -> PrescriptionItem:
    """One drug for `days`, as it is usually taken."""
    usual = medicine.usual
    return PrescriptionItem(
        line_id=line_id,
        drug=medicine.coding,
        dose=medicine.dose,
        doses_per_day=usual.doses_per_day,
        days_supply=days,
        quantity=Amount(1.0, "1"),
        route=medicine.route,
        usage=usual.usage,
    )


def ordered(line_id: str, item: ServiceItem) -> OrderItem:
    """One service, once."""
    return OrderItem(line_id=line_id, code=item_coding(item), quantity=Amount(1.0, item.unit))


def ordered_drug(line_id: str, medicine: Medicine) -> OrderItem:
    """One dose of a drug on a ward."""
    code = item_coding(medicine.sold_as) if medicine.sold_as is not None else medicine.coding
    return OrderItem(
        line_id=line_id,
        code=code,
        drug=medicine.coding,
        dose=medicine.dose,
        route=medicine.route,
        quantity=Amount(1.0, "1"),
    )


def charged(line_id: str, item: ServiceItem, rng: Random, quantity: float = 1.0) -> ChargeItem:
    """Some of one item at its price."""
    price = item.price if item.price is not None else FALLBACK_PRICE
    return ChargeItem(
        line_id=line_id,
        item=item_coding(item),
        category=item.category,
        quantity=Amount(quantity, item.unit),
        unit_price=price,
        amount=to_cents(price * Decimal(str(quantity))),
        udi=UNSET if item.requires_udi is False else f"{UDI}{rng.randrange(10**6):06d}",
        trace_codes=(trace_code(rng),) if item.requires_trace_code is not False else UNSET,
    )


def to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def trace_code(rng: Random) -> str:
    """Twenty digits, as the national drug traceability code (药品追溯码) has."""
    return f"8{rng.randrange(10**19):019d}"


def with_trace_codes(
    items: tuple[PrescriptionItem, ...], rng: Random
) -> tuple[PrescriptionItem, ...]:
    """The items as dispensed: each with the code of its pack, where nothing is said of codes."""
    return tuple(
        replace(item, trace_codes=(trace_code(rng),)) if item.trace_codes is UNSET else item
        for item in items
    )


def measured(line_id: str, analyte: Analyte, at: datetime, rng: Random) -> ResultItem:
    """An unremarkable value of what is measured, or the word for it where none is known here."""
    system, code = analyte.codes[0]
    coding = Coding(system, code, analyte.title.zh)
    healthy = _HEALTHY.get(analyte.id)
    if healthy is None:
        return ResultItem(code=coding, text="未见异常", at=at, line_id=line_id, critical=False)
    low, high = healthy
    value = Quantity(round(rng.uniform(low, high), 2), analyte.unit)
    return ResultItem(
        code=coding, value=value, at=at, line_id=line_id, low=low, high=high, critical=False
    )
