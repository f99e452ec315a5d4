"""A labelled course: several events in time, for rules that look back or wait.

It is a visit of its own like a case, written so that it ends on the day: what a rule looks back at,
and what it has waited for in vain, lies before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from contracts.acts import FAMILIES
from simulation.blocks import Block
from simulation.chart import Chart, Life, Step
from simulation.faults.case import DoctorFilter, Who, anybody, authorised, elements_of
from simulation.faults.governed import GOVERNED
from simulation.labels import Expected, Label

HOUR_S: Final = 3600.0
VISIT: Final = ""
"""As the name of an act: the visit itself."""

Lives: TypeAlias = Mapping[str, Life]
"""The acts of a course that were written so far, by their names in it."""
Fields: TypeAlias = Callable[[Chart, Lives], Mapping[str, Any]]
"""The fields that an event gives its act, at its time."""


def nothing(chart: Chart, lives: Lives) -> Mapping[str, Any]:
    """No field beside those that every act of the visit has."""
    return {}


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a course."""

    hours: float
    """After the event before."""
    type: str
    """family.verb"""
    fields: Fields = nothing
    act: str = VISIT
    """Events that name the same act are its revisions."""
    is_labelled: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """Which rule it is about, what is expected, and the events one after the other."""

    rule_id: str
    name: str
    expected: Expected
    events: tuple[Told, ...]
    after_hours: float = 0.0
    """How much time passes after the last event: what is overdue is told then."""
    kind: str = "inpatient"
    who: Who = anybody
    doctor: DoctorFilter = authorised
    is_rescue: bool = False
    waits: bool = False
    """Whether the answer needs to know that something did not happen."""

    @property
    def id(self) -> str:
        return f"{self.rule_id}: {self.name}"

    @property
    def hours(self) -> float:
        """From its first event to the time at which everything is told."""
        return sum(told.hours for told in self.events) + self.after_hours

    def in_force(self, day: date) -> bool:
        return day - timedelta(hours=self.hours, days=1) >= GOVERNED[self.rule_id].since

    def blocks(self) -> list[Block]:
        """The course is the whole visit."""
        return [Block(self.write, len(self.events))]

    def write(self, chart: Chart) -> Iterator[Step]:
        """The events, with the label on those that say so."""
        lives: dict[str, Life] = {VISIT: chart.visit}
        for told in self.events:
            chart.offset_s += told.hours * HOUR_S
            family, _, verb = told.type.partition(".")
            fields = told.fields(chart, lives)
            life = lives.get(told.act)
            if life is None:
                life = lives[told.act] = _begun(chart, family, told.act, fields)
                fields = {}
            yield life.say(verb, self._labels(told, life.act, fields), **fields)

    def _labels(self, told: Told, act: Any, fields: Mapping[str, Any]) -> Iterator[Label]:
        if told.is_labelled:
            each = GOVERNED[self.rule_id].each
            for element in elements_of(act, each):
                yield Label(self.rule_id, element, self.expected)


def _begun(chart: Chart, family: str, name: str, fields: Mapping[str, Any]) -> Life:
    act = FAMILIES[family](
        **{**chart.common(), "act_id": chart.act_id(name), "revision": 1, **fields}
    )
    return Life(chart, family, act)
