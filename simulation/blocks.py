"""The pieces of an ordinary visit: each writes one act through part of its life cycle.

A block says beforehand how many events it writes, so that a day can be planned to the event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import Final, NamedTuple

from contracts.acts import (
    AllergyStatement,
    Condition,
    Observation,
    Patient,
)
from contracts.values import Coding, Measurement, Quantity
from simulation.chart import Chart, Life, Step
from simulation.people import LOINC

Write = Callable[[Chart], Iterator[Step]]
MINUTE_S: Final = 60.0


class Block(NamedTuple):
    """One piece of a visit and the number of events it writes."""

    write: Write
    size: int


# ---- who the patient is


def register(chart: Chart) -> Iterator[Step]:
    person = chart.person
    act = Patient(
        **chart.common(),
        act_id=chart.act_id("pat"),
        revision=1,
        birth_date=person.birth_date,
        sex=person.sex,
    )
    yield Life(chart, "patient", act).say("registered" if chart.rng.random() < 0.3 else "updated")


def state_allergies(chart: Chart) -> Iterator[Step]:
    chart.wait(2 * MINUTE_S)
    listing = chart.person.allergies
    if not listing:
        return
    act = AllergyStatement(
        **chart.common(), act_id=chart.act_id("alg"), revision=1, allergies=listing
    )
    yield Life(chart, "allergy", act).say("recorded")


def record_condition(chart: Chart) -> Iterator[Step]:
    chart.wait(3 * MINUTE_S)
    act = Condition(
        **chart.common(), act_id=chart.act_id("cnd"), revision=1, diagnosis=chart.diagnoses[0]
    )
    yield Life(chart, "condition", act).say("recorded")


def resolve_condition(chart: Chart) -> Iterator[Step]:
    yield from record_condition(chart)
    chart.wait(10 * MINUTE_S)
    act = Condition(
        **chart.common(), act_id=chart.act_id("cnd"), revision=1, diagnosis=chart.diagnoses[0]
    )
    yield Life(chart, "condition", act).say("resolved", resolved_at=chart.now())


def vital_signs(at: datetime, rng: Random, **changed: float) -> list[Measurement]:
    """What is observed at a bedside beside the temperature, of somebody who is well."""
    drawn = {name: float(rng.randint(*bounds)) for name, (*_, bounds) in _SIGNS.items()}
    values = {**drawn, **changed}
    found = [
        Measurement(
            code=Coding(LOINC, code, title), value=Quantity(values[name], unit), at=at,
            line_id=str(number),
        )
        for number, (name, (code, title, unit, _)) in enumerate(_SIGNS.items(), 3)
    ]  # fmt: skip
    alert = Measurement(code=_CONSCIOUSNESS, text="A", at=at, line_id=str(3 + len(found)))
    return [*found, alert]


_SIGNS: Final = {
    "rate": ("9279-1", "呼吸频率", "/min", (13, 19)),
    "saturation": ("59408-5", "血氧饱和度", "%", (96, 99)),
    "oxygen": ("3151-8", "吸氧流量", "L/min", (0, 0)),
    "pressure": ("8480-6", "收缩压", "mm[Hg]", (112, 138)),
    "pulse": ("8867-4", "脉搏", "/min", (60, 88)),
}
"""Name to LOINC code, title, unit and the bounds of somebody who is well."""
_CONSCIOUSNESS: Final = Coding("urn:yijian:demo:observation", "consciousness", "意识")


def observe(chart: Chart) -> Iterator[Step]:
    chart.wait(2 * MINUTE_S)
    at = chart.now()
    weight = chart.person.weight_kg
    items = [
        Measurement(
            code=Coding(LOINC, "8310-5", "体温"),
            value=Quantity(round(chart.rng.uniform(36.2, 38.2), 1), "Cel"),
            at=at,
            line_id="1",
        )
    ]
    if isinstance(weight, float):
        value = Quantity(weight, "kg")
        items.append(
            Measurement(code=Coding(LOINC, "29463-7", "体重"), value=value, at=at, line_id="2")
        )
    if chart.start.kind != "outpatient":
        items += vital_signs(at, chart.rng)
    act = Observation(**chart.common(), act_id=chart.act_id("obs"), revision=1, items=tuple(items))
    yield Life(chart, "observation", act).say("recorded")


# ---- the visit itself


def arrive(chart: Chart) -> Iterator[Step]:
    chart.wait(MINUTE_S / 6)
    if chart.start.ago:
        yield chart.visit.say("updated", revision=2)
    else:
        yield chart.visit.say("admitted" if chart.start.kind == "inpatient" else "started")


def transfer(chart: Chart) -> Iterator[Step]:
    chart.wait(20 * MINUTE_S)
    yield chart.visit.say("transferred", ward=f"{chart.start.desk.department.id}-W2")


def leave(chart: Chart) -> Iterator[Step]:
    chart.wait(8 * MINUTE_S)
    verb = "discharged" if chart.start.kind == "inpatient" else "ended"
    yield chart.visit.say(verb, ended_at=chart.now(), disposition="home")


def call_off(chart: Chart) -> Iterator[Step]:
    chart.wait(5 * MINUTE_S)
    yield chart.visit.say("cancelled" if chart.rng.random() < 0.7 else "entered_in_error")
