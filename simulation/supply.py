"""Pieces of an ordinary visit that run behind it: packs handed out, bills settled, data sent on."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from contracts.acts import (
    Charge,
    Dispense,
    DispenseItem,
    Prescription,
    Settlement,
    StockItem,
    StockMovement,
    Upload,
)
from contracts.values import Actor, Quantity
from simulation.blocks import MINUTE_S
from simulation.chart import Chart, Life, Step
from simulation.prescriptions import prescription

_STORE: Final = "pharmacy"


def _handed_out(chart: Chart, rx: Prescription) -> Dispense:
    items = tuple(
        DispenseItem(
            line_id=item.line_id,
            drug=item.drug,
            prescription_line=item.line_id,
            quantity=item.quantity,
            days_supply=item.days_supply,
            trace_codes=item.trace_codes,
        )
        for item in rx.items
    )
    return Dispense(
        **chart.common(),
        act_id=chart.act_id("dsp"),
        revision=1,
        prescription_id=rx.act_id,
        items=items,
        dispensed_at=chart.now(),
        pharmacist=Actor(f"{chart.institution}-pharmacist-1", "pharmacist"),
        reviewer=Actor(f"{chart.institution}-pharmacist-2", "pharmacist"),
    )


def _moved(chart: Chart, dispensed: Dispense, kind: str) -> Step:
    """The store's own record of it: no patient stands in it."""
    items = tuple(
        StockItem(
            line_id=item.line_id,
            code=item.drug,
            drug=item.drug,
            quantity=Quantity(1.0, "1"),
            trace_codes=item.trace_codes,
        )
        for item in dispensed.items
    )
    act = StockMovement(
        institution=chart.institution,
        act_id=chart.act_id("stk"),
        revision=1,
        kind=kind,
        store=_STORE,
        about=dispensed.act_id,
        moved_at=chart.now(),
        items=items,
    )
    return Life(chart, "stock", act, place=_STORE).say("moved")


def dispensed_prescription(chart: Chart) -> Iterator[Step]:
    """A prescription, the packs of it, and the store that they leave."""
    rx = yield from prescription(chart)
    chart.wait(MINUTE_S)
    act = _handed_out(chart, rx.act)
    yield Life(chart, "dispense", act).say("dispensed")
    yield _moved(chart, act, "out")


def returned_packs(chart: Chart) -> Iterator[Step]:
    """Packs that come back in full, to the store as well."""
    rx = yield from prescription(chart)
    chart.wait(MINUTE_S)
    act = _handed_out(chart, rx.act)
    packs = Life(chart, "dispense", act)
    yield packs.say("dispensed")
    yield _moved(chart, act, "out")
    chart.wait(30 * MINUTE_S)
    items = tuple(replace(item, returned=item.quantity) for item in act.items)
    yield packs.say("returned", items=items)
    yield _moved(chart, act, "in")


def settle(chart: Chart) -> Iterator[Step]:
    """What stands of the visit's bills, with its diagnoses."""
    chart.wait(10 * MINUTE_S)
    stay = chart.visit.act
    total = sum((_standing(bill) for bill in chart.bills.values()), Decimal("0.00"))
    first, *others = chart.diagnoses
    act = Settlement(
        **chart.common(),
        act_id=chart.act_id("set"),
        revision=1,
        diagnoses=(
            replace(first, role="principal"),
            *(replace(other, role="secondary") for other in others),
        ),
        procedures=None,
        admitted_at=chart.started_at,
        discharged_at=stay.ended_at,
        settled_at=chart.now(),
        outcome="home",
        total=total,
    )
    yield Life(chart, "settlement", act).say("settled")


def _standing(bill: Charge) -> Decimal:
    return sum((line.amount - line.refunded for line in bill.items), Decimal("0.00"))


def send_on(chart: Chart) -> Iterator[Step]:
    """The receipt of what the institution uploaded in the last minutes."""
    chart.wait(MINUTE_S)
    last = chart.now()
    chart.wait(MINUTE_S)
    act = Upload(
        institution=chart.institution,
        act_id=chart.act_id("upl"),
        revision=1,
        feed="billing",
        records=chart.rng.randint(1, 500),
        refused=0,
        last_event_at=last,
        received_at=chart.now(),
    )
    yield Life(chart, "upload", act, place="billing").say("received")
