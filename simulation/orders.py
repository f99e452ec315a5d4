"""Pieces of an ordinary visit: orders and the results they lead to."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime

from contracts.acts import Order, Result
from simulation.blocks import MINUTE_S
from simulation.chart import Chart, Life, Step
from simulation.lines import (
    VITAL_SIGNS,
    measured,
    ordered,
    ordered_drug,
)


def _order(chart: Chart) -> Life:
    chart.wait(5 * MINUTE_S)
    rng, catalogue = chart.rng, chart.catalogue
    chosen = rng.sample(catalogue.tests, min(len(catalogue.tests), rng.randint(1, 3)))
    items = [ordered(str(n), item) for n, item in enumerate(chosen, 1)]
    if chart.start.kind == "inpatient":
        items.append(ordered_drug(str(len(items) + 1), rng.choice(chart.medicines)))
    act = Order(
        **chart.common(),
        act_id=chart.act_id("ord"),
        revision=1,
        items=tuple(items),
        diagnoses=chart.diagnoses,
        starts_at=chart.now(),
    )
    return Life(chart, "order", act)


def test(chart: Chart) -> Iterator[Step]:
    yield from reported_test(chart)


def reported_test(chart: Chart) -> Generator[Step, None, Life]:
    """A test from its order to its result, which is returned."""
    order = _order(chart)
    yield order.say("signed")
    chart.wait(15 * MINUTE_S)
    collected_at = chart.now()
    yield order.say("executed")
    chart.wait(30 * MINUTE_S)
    result = _result(chart, order, collected_at)
    yield result.say("reported")
    return result


def corrected_test(chart: Chart) -> Iterator[Step]:
    order = _order(chart)
    yield order.say("draft")
    chart.wait(MINUTE_S)
    yield order.say("signed")
    chart.wait(15 * MINUTE_S)
    collected_at = chart.now()
    yield order.say("executed")
    chart.wait(30 * MINUTE_S)
    result = _result(chart, order, collected_at)
    yield result.say("reported")
    chart.wait(20 * MINUTE_S)
    yield result.say("amended", reported_at=chart.now())


def _result(chart: Chart, order: Life, collected_at: datetime) -> Life:
    rng, now = chart.rng, chart.now()
    analytes = [a for a in chart.catalogue.analytes if a.id not in VITAL_SIGNS]
    chosen = rng.sample(analytes, min(len(analytes), 2))
    act = Result(
        **chart.common(),
        act_id=chart.act_id("res"),
        revision=1,
        order_id=order.act.act_id,
        code=order.act.items[0].code,
        ordered_at=order.act.starts_at,
        collected_at=collected_at,
        reported_at=now,
        items=tuple(measured(str(n), a, now, rng) for n, a in enumerate(chosen, 1)),
    )
    return Life(chart, "result", act)


def cancelled_order(chart: Chart) -> Iterator[Step]:
    order = _order(chart)
    yield order.say("draft")
    chart.wait(2 * MINUTE_S)
    yield order.say("cancelled")


def stopped_order(chart: Chart) -> Iterator[Step]:
    order = _order(chart)
    yield order.say("signed")
    chart.wait(4 * MINUTE_S)
    yield order.say("amended")
    chart.wait(60 * MINUTE_S)
    yield order.say("stopped", ends_at=chart.now())
