"""A day of several institutions as a stream of events, in order of time.

Visits are planned first, to the event, and written when their time comes: the memory used is
that of the visits under way, not that of the day.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count, cycle, islice
from random import Random
from typing import Final, NamedTuple

from contracts.event import Event, encode_event
from knowledge_base import KnowledgeBase
from simulation.blocks import Block
from simulation.catalogue import Catalogue, Desk
from simulation.chart import Chart, Start, Step
from simulation.day import DAY_S, Frame, arrival_offset
from simulation.diagnoses import Complaints
from simulation.errors import NothingToSimulate
from simulation.faults import CASES, Case, Course, case_blocks
from simulation.journeys import JOURNEYS, yesterday
from simulation.labels import Label
from simulation.people import Person, ordinary

_NAMESPACE: Final = "urn:yijian:simulation:patient"
DEFAULT_FAULT_RATE: Final = 0.12
_KINDS: Final = ("outpatient", "emergency", "inpatient")
_KIND_SHARES: Final = (0.66, 0.17, 0.17)
_YESTERDAY_SHARE: Final = 0.015
_MIDNIGHT_VISITS: Final = {3: -31.0, 4: 0.0, 5: DAY_S - 45.0}  # number: offset
_LATEST_CASE_S: Final = 20 * 3600.0  # cases end before midnight: ages and dates are to the day


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One event of the day: what it is, how it is sent, and what supervision must answer."""

    event: Event
    topic_family: str
    bytes: builtins.bytes
    labels: tuple[Label, ...]

    @property
    def key(self) -> builtins.bytes:
        """The Kafka key: the subject."""
        return self.event.subject.encode()


class Visit(NamedTuple):
    """A planned visit: when and where, and what it is made of."""

    number: int
    kind: str
    offset_s: float
    ago: int
    blocks: Sequence[Block]
    size: int
    case: Case | Course | None


class Simulator:
    """Simulated traffic of one day; the same arguments give the same events, to the byte.

    `patients` people share the ordinary visits; each labelled case brings a person of its own.
    `until` is the last instant any event may have (for the present day: now); the day is
    squeezed before it. `fault_rate` is the share of visits that carry a labelled case.
    Raises NothingToSimulate where the knowledge base lacks what a day needs.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        seed: int,
        patients: int,
        day: date,
        until: datetime | None = None,
        fault_rate: float = DEFAULT_FAULT_RATE,
        cases: Sequence[Case | Course] = CASES,
    ) -> None:
        if patients < 1:
            raise ValueError(f"patients is {patients}; at least one is needed")
        if not 0 <= fault_rate <= 1:
            raise ValueError(f"fault_rate is {fault_rate}; expected a share between 0 and 1")
        if until is not None and until.tzinfo is None:
            raise ValueError("until has no UTC offset; expected an instant such as Clock.now()")
        self._seed = seed
        self._patients = patients
        self._day = day
        self._until = until
        self._fault_rate = fault_rate
        self._cases = tuple(case for case in cases if case.in_force(day))
        self._catalogue = Catalogue(knowledge, day)
        self._complaints = Complaints(knowledge, day)
        self._frames = {
            zone: Frame.of(day, zone, until)
            for zone in {i.time_zone for i in knowledge.institutions(day)}
        }

    def events(self, limit: int | None = None) -> Iterator[SimulatedEvent]:
        """The events in order of time: exactly `limit` of them, or one visit a patient."""
        run = self._run(limit)
        visits = (
            (self._earliest_s(visit.offset_s), visit.number, self._written(run, visit))
            for visit in self._plan(run, limit)
        )
        for step in _merged(visits):
            yield SimulatedEvent(step.event, step.family, encode_event(step.event), step.labels)

    def _run(self, limit: int | None) -> str:
        """The name of this run, in every id: no other day, seed or size shares one with it."""
        told = (self._seed, self._patients, self._day, self._until, self._fault_rate, limit,
                self._catalogue.knowledge.digest, [c.id for c in self._cases])  # fmt: skip
        digest = sha256(repr(told).encode()).hexdigest()[:8]
        return f"{self._day:%Y%m%d}-{self._seed}-{digest}"

    # ---- planning

    def _plan(self, run: str, limit: int | None) -> list[Visit]:
        """Visits whose events add up to `limit`; the last one is cut short if need be."""
        rng = Random(f"{run} plan")
        turns = cycle(self._cases)  # cases take turns, so that all of them occur
        visits: list[Visit] = []
        planned = 0
        for number in count():
            if (number >= self._patients) if limit is None else (planned >= limit):
                break
            visit = self._visit(number, turns, rng)
            if limit is not None and planned + visit.size > limit:
                if isinstance(visit.case, Course):  # without its end it would be another course
                    visit = self._ordinary(number, rng)
                visit = visit._replace(size=min(visit.size, limit - planned))
            visits.append(visit)
            planned += visit.size
        return visits

    def _visit(self, number: int, turns: Iterator[Case | Course], rng: Random) -> Visit:
        if number in _MIDNIGHT_VISITS:
            kind, ago, blocks = "emergency", 0, JOURNEYS["emergency"](rng)
            offset_s = _MIDNIGHT_VISITS[number]
            return Visit(number, kind, offset_s, ago, blocks, sum(b.size for b in blocks), None)
        if self._cases and rng.random() < self._fault_rate:
            return _case_visit(number, next(turns), rng)
        return self._ordinary(number, rng)

    def _ordinary(self, number: int, rng: Random) -> Visit:
        if rng.random() < _YESTERDAY_SHARE:
            kind, ago, blocks = "outpatient", 0, yesterday(rng)
            offset_s = -3600.0 * rng.uniform(3, 8)
        else:
            kind = rng.choices(_KINDS, _KIND_SHARES)[0]
            offset_s = arrival_offset(kind, rng)
            blocks = JOURNEYS[kind](rng)
            ago = rng.choice((0, 0, 1, 2, 4, 9)) if kind == "inpatient" else 0
        return Visit(number, kind, offset_s, ago, blocks, sum(b.size for b in blocks), None)

    # ---- writing

    def _written(self, run: str, visit: Visit) -> Iterator[Step]:
        rng = Random(f"{run} {visit.number}")
        case = visit.case
        if case is None:
            desk = rng.choice(self._catalogue.desks[visit.kind])
            person = self._person(visit.number % self._patients)
        else:
            desk = self._case_desk(case, rng)
            person = case.who(f"{_NAMESPACE}|{run}-{visit.number}", self._day, self._catalogue, rng)
        chart = Chart(
            run,
            Start(visit.number, visit.kind, desk, visit.offset_s, visit.ago),
            person,
            self._catalogue,
            self._frames[desk.institution.time_zone],
            rng,
            self._complaints.draw(rng),
            case is not None and case.is_rescue,
        )
        steps = (step for block in visit.blocks for step in block.write(chart))
        yield from islice(steps, visit.size)

    def _earliest_s(self, offset_s: float) -> float:
        return min(frame.epoch_s(offset_s) for frame in self._frames.values())

    def _person(self, index: int) -> Person:
        """The person of a number: the same one whenever this seed and day are asked for."""
        name = f"{self._day:%Y%m%d}-{self._seed}-{index}"
        return ordinary(f"{_NAMESPACE}|{name}", self._day, Random(f"person {name}"))

    def _case_desk(self, case: Case | Course, rng: Random) -> Desk:
        """A desk with one practitioner, whom the case asks for."""
        knowledge = self._catalogue.knowledge
        found = [
            Desk(institution, department, (practitioner,))
            for institution in knowledge.institutions(self._day)
            for practitioner in knowledge.practitioners(self._day)
            if practitioner.institution == institution.id and case.doctor(institution, practitioner)
            for department in institution.departments
            if department.id == practitioner.department
        ]
        if not found:
            raise NothingToSimulate(
                f"case `{case.id}`: the demo registry has no practitioner as it asks for on "
                f"{self._day}; add one to the demo catalogue"
            )
        return rng.choice(found)


def _case_visit(number: int, case: Case | Course, rng: Random) -> Visit:
    offset_s = min(arrival_offset(case.kind, rng), _LATEST_CASE_S)
    if isinstance(case, Course):
        blocks = case.blocks()
        offset_s -= case.hours * 3600.0
    else:
        blocks = case_blocks(case)
    return Visit(number, case.kind, offset_s, 0, blocks, sum(b.size for b in blocks), case)


def _merged(visits: Iterable[tuple[float, int, Iterator[Step]]]) -> Iterator[Step]:
    """The steps of all visits by time. A visit is opened when its first step may be next."""
    waiting = list(visits)
    heapify(waiting)
    ready: list[tuple[float, int, Step, Iterator[Step]]] = []
    while waiting or ready:
        while waiting and (not ready or waiting[0][0] <= ready[0][0]):
            _, number, steps = heappop(waiting)
            first = next(steps, None)
            if first is not None:
                heappush(ready, (first.epoch_s, number, first, steps))
        if not ready:
            return
        _, number, step, steps = ready[0]
        yield step
        following = next(steps, None)
        if following is None:
            heappop(ready)
        else:
            heapreplace(ready, (following.epoch_s, number, following, steps))
