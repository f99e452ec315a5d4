"""What a labelled case is, and how it is written into a visit of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeAlias

from contracts.acts import Charge, Order, Prescription
from knowledge_base import Institution, Practitioner
from simulation import journeys as j
from simulation.blocks import MINUTE_S, Block
from simulation.catalogue import Catalogue
from simulation.charges import refunded
from simulation.chart import Chart, Life, Step
from simulation.faults.governed import GOVERNED
from simulation.labels import Expected, Label
from simulation.lines import with_trace_codes
from simulation.people import Person, adult

LIVES: Final[Mapping[str, tuple[str, ...]]] = {
    "prescription": ("draft", "signed", "dispensed"),
    "order": ("draft", "signed", "executed"),
    "billing": ("draft", "charged", "refunded"),
    "encounter": ("updated", "ended"),
}
"""The events that a case writes of its act, by family."""

_ACTS: Final = {"prescription": Prescription, "order": Order, "billing": Charge}
_WORDS: Final = {"prescription": "rx", "order": "ord", "billing": "chg"}
_STAMPS: Final = {
    ("prescription", "signed"): "signed_at",
    ("prescription", "dispensed"): "dispensed_at",
    ("billing", "charged"): "charged_at",
}

Who: TypeAlias = Callable[[str, date, Catalogue, Random], Person]
"""The person a case is about: made of a subject, the day, the catalogue and a generator."""
DoctorFilter: TypeAlias = Callable[[Institution, Practitioner], bool]


def anybody(subject: str, day: date, catalogue: Catalogue, rng: Random) -> Person:
    return adult(subject, day, rng)


def authorised(institution: Institution, practitioner: Practitioner) -> bool:
    """A practitioner of a tertiary hospital with every grant, of whom no rule complains."""
    return (
        institution.level == "tertiary"
        and practitioner.licensed is True
        and practitioner.active_payment is True
        and {"antimicrobial_special", "narcotic"} <= (practitioner.grants or frozenset())
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """The act of a case: its items and other fields; those in `at` stand on one verb's event."""

    items: tuple[Any, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled case: which rule it is about, what is expected, and how its act looks."""

    rule_id: str
    name: str
    expected: Expected
    draft: Callable[[Chart], Draft]
    family: str = "prescription"
    kind: str = "outpatient"
    who: Who = anybody
    doctor: DoctorFilter = authorised
    is_rescue: bool = False
    alone: bool = False
    """Whether the visit has no other act than this one."""
    pair: str = ""
    """Of a rule about pairs: the name of the pair or line that it is about."""

    @property
    def id(self) -> str:
        return f"{self.rule_id}: {self.name}"

    def in_force(self, day: date) -> bool:
        return day >= GOVERNED[self.rule_id].since

    def write(self, chart: Chart) -> Iterator[Step]:
        """The act through its life, with the label on the events that the rule judges."""
        chart.wait(4 * MINUTE_S)
        draft = self.draft(chart)
        life = self._life(chart, draft)
        for verb in LIVES[self.family]:
            chart.wait(2 * MINUTE_S)
            changes = {**self._stamp(verb, chart, draft), **draft.at.get(verb, {})}
            if verb == "dispensed":
                changes["items"] = with_trace_codes(life.act.items, chart.rng)
            elif verb == "refunded":
                changes["items"] = refunded(life.act.items, Decimal("0.5"))
            yield life.say(verb, self._labels(verb, life.act), **changes)

    def _life(self, chart: Chart, draft: Draft) -> Life:
        if self.family == "encounter":
            return chart.visit
        act = _ACTS[self.family](
            **{
                **chart.common(),
                "act_id": chart.act_id(_WORDS[self.family]),
                "revision": 1,
                "items": draft.items,
                "diagnoses": chart.diagnoses,
                **draft.fields,
            }
        )
        return Life(chart, self.family, act)

    def _stamp(self, verb: str, chart: Chart, draft: Draft) -> dict[str, Any]:
        """The act's own time of what just happened, unless the case says another."""
        name = _STAMPS.get((self.family, verb))
        return {} if name is None or name in draft.fields else {name: chart.now()}

    def _labels(self, verb: str, act: Any) -> Iterator[Label]:
        governed = GOVERNED[self.rule_id]
        if self.expected == "silent" or governed.judges(self.family, verb):
            named = [self.pair] if self.pair else elements_of(act, governed.each)
            for element in named:
                yield Label(self.rule_id, element, self.expected)


def elements_of(act: Any, each: str) -> Iterable[str]:
    """What a rule judges of an act: its lines, its diagnoses, or the whole of it."""
    return [element.line_id for element in getattr(act, each)] if each else [""]


def case_blocks(case: Case) -> list[Block]:
    """The visit of a case: ordinary but for the act that is labelled."""
    act = Block(case.write, len(LIVES[case.family]))
    if case.family == "encounter":
        return [j.REGISTER, j.ARRIVE, j.ALLERGIES, act]
    if case.alone:
        return [j.REGISTER, j.ARRIVE, act, j.LEAVE]
    return [j.REGISTER, j.ARRIVE, j.ALLERGIES, act, j.CHARGE, j.LEAVE]
