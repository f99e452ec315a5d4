"""Pieces of an ordinary visit: charges, and what is given back of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import UNSET
from msgspec.structs import replace

from contracts.acts import Charge, ChargeItem
from simulation.blocks import MINUTE_S
from simulation.chart import Chart, Life, Step
from simulation.lines import (
    charged,
    to_cents,
)


def clean_charge(chart: Chart) -> Life:
    chart.wait(3 * MINUTE_S)
    rng, catalogue = chart.rng, chart.catalogue
    lines = [charged("1", rng.choice(chart.fees), rng)]
    if rng.random() < 0.7:
        sold = [m.sold_as for m in chart.medicines if m.sold_as is not None]
        for item in rng.sample(sold, min(len(sold), rng.randint(1, 3))):
            lines.append(charged(str(len(lines) + 1), item, rng, float(rng.randint(1, 3))))
    if rng.random() < 0.35:
        item = rng.choice(catalogue.consumables)
        lines.append(charged(str(len(lines) + 1), item, rng, float(rng.randint(1, 4))))
    act = Charge(
        **chart.common(),
        act_id=chart.act_id("chg"),
        revision=1,
        items=tuple(lines),
        diagnoses=chart.diagnoses,
        charged_at=UNSET,
    )
    return Life(chart, "billing", act)


def _charge(bill: Life) -> Step:
    return bill.say("charged", charged_at=bill.chart.now())


def refunded(lines: tuple[ChargeItem, ...], share: Decimal) -> tuple[ChargeItem, ...]:
    """The lines with this share of the last one given back, in whole cents."""
    last = lines[-1]
    return (*lines[:-1], replace(last, refunded=to_cents(last.amount * share)))


def charge(chart: Chart) -> Iterator[Step]:
    yield _charge(clean_charge(chart))


def drafted_charge(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield bill.say("draft")
    chart.wait(MINUTE_S)
    yield _charge(bill)


def abandoned_charge(chart: Chart) -> Iterator[Step]:
    yield clean_charge(chart).say("draft")


def refunded_charge(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield _charge(bill)
    chart.wait(40 * MINUTE_S)
    share = Decimal(chart.rng.choice(("0.333", "0.5", "1")))
    yield bill.say("refunded", items=refunded(bill.act.items, share))


def refunded_twice(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield _charge(bill)
    for share in ("0.25", "0.75"):
        chart.wait(30 * MINUTE_S)
        yield bill.say("refunded", items=refunded(bill.act.items, Decimal(share)))


def amended_charge(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield _charge(bill)
    chart.wait(15 * MINUTE_S)
    more = charged(str(len(bill.act.items) + 1), chart.rng.choice(chart.fees), chart.rng)
    yield bill.say("amended", items=(*bill.act.items, more))


def cancelled_charge(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield _charge(bill)
    chart.wait(15 * MINUTE_S)
    yield bill.say("cancelled")


def mistaken_charge(chart: Chart) -> Iterator[Step]:
    bill = clean_charge(chart)
    yield _charge(bill)
    chart.wait(15 * MINUTE_S)
    yield bill.say("entered_in_error")


def refunded_next_day(chart: Chart) -> Iterator[Step]:
    """Charged the evening before; given back on the day itself: charged_at stays."""
    bill = clean_charge(chart)
    yield _charge(bill)
    chart.offset_s = max(chart.offset_s, 0.0)
    chart.wait(9 * 60 * MINUTE_S)
    yield bill.say("refunded", items=refunded(bill.act.items, Decimal("0.5")))
