"""Pieces of an ordinary visit: prescriptions through their life."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from contracts.acts import Prescription
from simulation.blocks import MINUTE_S
from simulation.chart import Chart, Life, Step
from simulation.lines import (
    prescribed,
    with_trace_codes,
)

# How long ordinary prescriptions last, in days, by kind of visit; short enough for any kind.
_DAYS: Final = {"outpatient": (3.0, 5.0, 7.0), "emergency": (1.0, 2.0, 3.0), "inpatient": (1.0,)}


def clean_prescription(chart: Chart) -> Life:
    chart.wait(4 * MINUTE_S)
    rng, medicines = chart.rng, chart.medicines
    herbs = chart.catalogue.herbs
    if herbs and chart.start.desk.department.id == "tcm":  # pieces stand on their own prescription
        chosen = rng.sample(herbs, min(len(herbs), rng.randint(3, 7)))
    else:
        chosen = rng.sample(medicines, min(len(medicines), rng.choice((1, 1, 2, 2, 3, 4))))
    longest = _DAYS[chart.start.kind]
    items = [
        prescribed(str(n), m, min(float(m.usual.days), rng.choice(longest)))
        for n, m in enumerate(chosen, 1)
    ]
    act = Prescription(
        **chart.common(),
        act_id=chart.act_id("rx"),
        revision=1,
        items=tuple(items),
        diagnoses=chart.diagnoses,
    )
    return Life(chart, "prescription", act)


def _sign(rx: Life) -> Step:
    rx.chart.wait(2 * MINUTE_S)
    return rx.say("signed", signed_at=rx.chart.now())


def _dispense(rx: Life) -> Step:
    rx.chart.wait(12 * MINUTE_S)
    chart = rx.chart
    items = with_trace_codes(rx.act.items, chart.rng)
    return rx.say("dispensed", dispensed_at=chart.now(), items=items)


def prescription(chart: Chart) -> Generator[Step, None, Life]:
    """A prescription from its draft to its packs; it is returned."""
    rx = clean_prescription(chart)
    yield rx.say("draft")
    yield _sign(rx)
    yield _dispense(rx)
    return rx


def amended_prescription(chart: Chart) -> Iterator[Step]:
    rx = clean_prescription(chart)
    yield rx.say("draft")
    yield _sign(rx)
    chart.wait(5 * MINUTE_S)
    yield rx.say("amended", items=rx.act.items[:1])
    yield _dispense(rx)


def cancelled_prescription(chart: Chart) -> Iterator[Step]:
    rx = clean_prescription(chart)
    yield _sign(rx)
    chart.wait(6 * MINUTE_S)
    yield rx.say("cancelled")


def returned_prescription(chart: Chart) -> Iterator[Step]:
    rx = clean_prescription(chart)
    yield _sign(rx)
    yield _dispense(rx)
    chart.wait(25 * MINUTE_S)
    yield rx.say("returned")


def stopped_prescription(chart: Chart) -> Iterator[Step]:
    rx = clean_prescription(chart)
    yield _sign(rx)
    chart.wait(15 * MINUTE_S)
    yield rx.say("stopped")
