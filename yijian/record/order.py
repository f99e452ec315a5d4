"""The order of record of one partition number, as its decisions say it.

A run that ended before it was remembered leaves decisions that another run makes again. Of the
decisions about an event the last one is its place. What an interrupted run decided at a timer is
withdrawn by a record of its own; so is that a timer had nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from contracts.backfill import Backfill
from contracts.decision import Basis, KindHeaders, Reader, Repeat
from contracts.identity import EventKey
from contracts.lapse import Lapse
from contracts.tie import Forwarded, Tie
from rules.engine.asked import EVENT
from yijian.kafka_log import LogRecord, Origin

PATIENT: Final = "patient"
"""The scope of decisions about one patient."""


class _Ref(msgspec.Struct, frozen=True, gc=False):
    source: str
    id: str


class _Told(msgspec.Struct, frozen=True, gc=False):
    """The part of a decision that says what it is about and what it was computed with."""

    decision_id: str
    event: _Ref
    scope: str
    cause: str
    basis: Basis


_decision: Final = Reader(_Told)
_repeat: Final = Reader(Repeat)
_backfill: Final = Reader(Backfill)
_forward: Final = Reader(Forwarded)
_tie: Final = Reader(Tie)
_lapse: Final = Reader(Lapse)
NO_EVENT: Final = EventKey("", "")

Kind = Literal[
    "event", "timer", "lapse", "repeat", "withdrawn", "orphan", "backfill", "forward", "tie"
]
"""An orphan stood behind a decision that the log does not keep any more."""


@dataclass(slots=True)
class Step:
    """One thing that happened: an event was taken, came again or was sent on, a timer fired, with
    something to say or without (`lapse`), or was withdrawn, or a message about identities was
    taken."""

    kind: Kind
    origin: Origin
    """Where the intake record stands; of a timer the tick."""
    subject: bytes
    event: EventKey
    decision_id: str
    """Of the decision that it led to first."""
    basis: Basis | None = None
    timer: str = ""
    clock_us: int = 0
    backfill: Backfill | None = None
    """Which past acts were brought in."""
    tie: Tie | None = None
    """What a message about identities led to."""
    generation: int = 0
    """Of what is remembered."""
    recorded: list[tuple[Origin, bytes]] = field(default_factory=list)
    """The decisions that it led to: where each stands, and its bytes."""
    is_void: bool = False
    """Another run did it again, or withdrew it."""


@dataclass
class Order:
    """What the decisions of one partition number say."""

    steps: list[Step] = field(default_factory=list)
    answered: dict[Origin, EventKey] = field(default_factory=dict)
    """The intake records that any decision, or repeat, is about."""
    disordered: list[Origin] = field(default_factory=list)
    """Records whose first decision came after that of a later record.

    A crash repeats decisions but never lets a later record overtake: the first decisions of one
    intake partition stand in the order of its records. Re-keyed records have another order.
    """
    of_groups: int = 0
    """Decisions about groups among them."""


def order_of(records: Iterable[LogRecord]) -> Order:
    """The steps that these records of the decisions topic, of one partition number, tell of."""
    reading = _Reading()
    for record in records:
        reading.take(record)
    return reading.order


class _Reading:
    def __init__(self) -> None:
        self.order = Order()
        self._placed: dict[tuple[bytes, str], Step] = {}
        """The event's step, by the subject it is remembered with and the decision's id."""
        self._fired: dict[tuple[bytes, str], list[Step]] = {}
        self._lapsed: dict[tuple[bytes, str], list[Step]] = {}
        self._repeated: dict[tuple[bytes, Origin], Step] = {}
        self._sent_on: dict[tuple[bytes, str], list[Step]] = {}
        self._brought: dict[Origin, Step] = {}
        self._highest: dict[tuple[str, int], int] = {}
        self._bases: dict[Basis, Basis] = {}

    def take(self, record: LogRecord) -> None:
        headers = dict(record.headers)
        kind = headers.get(KindHeaders.KIND)
        if kind == KindHeaders.REPEAT:
            self._repeat(record)
            return
        if kind == KindHeaders.BACKFILL:
            self._backfill(record)
            return
        if kind == KindHeaders.FORWARD:
            self._forward(record)
            return
        if kind == KindHeaders.TIE:
            self._tie(record)
            return
        if kind == KindHeaders.LAPSE:
            self._lapse(record)
            return
        told = _decision(record.value or b"")
        self.order.of_groups += told.scope != PATIENT
        if kind == KindHeaders.INTERRUPTED:
            self._withdrawn(record, told)
        elif KindHeaders.TIMER in headers:
            step = self._step("timer", record, told)
            step.timer = headers[KindHeaders.TIMER].decode()
            step.clock_us = int(headers[KindHeaders.CLOCK_US])
            self._fired.setdefault((step.subject, told.decision_id), []).append(step)
        elif told.cause == EVENT:
            self._event(record, told)
        else:
            self._further(record, told)

    def _step(self, kind: Kind, record: LogRecord, told: _Told) -> Step:
        basis = self._bases.setdefault(told.basis, told.basis)
        key = EventKey(told.event.source, told.event.id)
        step = Step(kind, record.origin, record.key or b"", key, told.decision_id, basis)
        step.generation = int(dict(record.headers).get(KindHeaders.GENERATION, b"0"))
        step.recorded.append((record.place, record.value or b""))
        self.order.steps.append(step)
        return step

    def _event(self, record: LogRecord, told: _Told) -> None:
        step = self._step("event", record, told)
        name, place = (step.subject, told.decision_id), (step.subject, step.origin)
        known = [self._placed.get(name), self._repeated.pop(place, None)]
        for earlier in (*known, *self._sent_on.pop(name, ())):
            if earlier is not None:
                earlier.is_void = True
        self._placed[name] = step
        self._answered(record, step)

    def _forward(self, record: LogRecord) -> None:
        """Whatever was remembered of the event here was of a run that was interrupted."""
        told = _forward(record.value or b"")
        key = EventKey(told.source, told.id)
        step = Step("forward", record.origin, record.key or b"", key, told.decision_id)
        step.recorded.append((record.place, record.value or b""))
        self.order.steps.append(step)
        name, place = (step.subject, told.decision_id), (step.subject, step.origin)
        for one in (self._placed.pop(name, None), self._repeated.pop(place, None)):
            if one is not None:
                one.is_void = True
        sent = self._sent_on.setdefault(name, [])
        for earlier in sent:
            earlier.is_void |= earlier.origin == step.origin
        sent.append(step)
        self._answered(record, step)

    def _tie(self, record: LogRecord) -> None:
        told = _tie(record.value or b"")
        step = Step("tie", record.origin, record.key or b"", NO_EVENT, "", told.basis, tie=told)
        step.recorded.append((record.place, record.value or b""))
        self._once(step)

    def _once(self, step: Step) -> None:
        """What was taken once more was forgotten before."""
        self.order.steps.append(step)
        earlier = self._brought.get(step.origin)
        if earlier is not None:
            earlier.is_void = True
        self._brought[step.origin] = step

    def _further(self, record: LogRecord, told: _Told) -> None:
        """What an event led to besides its own decision stands right behind that."""
        last = self.order.steps[-1] if self.order.steps else None
        if last is not None and last.kind == "event" and last.origin == record.origin:
            last.recorded.append((record.place, record.value or b""))
        else:
            self._step("orphan", record, told)

    def _withdrawn(self, record: LogRecord, told: _Told) -> None:
        step = self._step("withdrawn", record, told)
        fired = self._fired.get((step.subject, told.decision_id))
        if fired:
            fired.pop().is_void = True

    def _lapse(self, record: LogRecord) -> None:
        told = _lapse(record.value or b"")
        kind: Kind = "withdrawn" if told.interrupted else "lapse"
        step = Step(kind, record.origin, record.key or b"", NO_EVENT, "", told.basis)
        step.timer, step.clock_us = told.timer, told.clock_us
        step.recorded.append((record.place, record.value or b""))
        self.order.steps.append(step)
        lapsed = self._lapsed.setdefault((step.subject, told.timer), [])
        if not told.interrupted:
            lapsed.append(step)
        elif lapsed:
            lapsed.pop().is_void = True

    def _repeat(self, record: LogRecord) -> None:
        told = _repeat(record.value or b"")
        key = EventKey(told.source, told.id)
        step = Step("repeat", record.origin, record.key or b"", key, told.decision_id)
        step.recorded.append((record.place, record.value or b""))
        self.order.steps.append(step)
        place = (step.subject, step.origin)
        earlier = self._repeated.get(place)
        if earlier is not None:
            earlier.is_void = True
        self._repeated[place] = step
        self._answered(record, step)

    def _backfill(self, record: LogRecord) -> None:
        told = _backfill(record.value or b"")
        step = Step("backfill", record.origin, b"", NO_EVENT, "", told.basis, backfill=told)
        step.recorded.append((record.place, record.value or b""))
        self._once(step)

    def _answered(self, record: LogRecord, step: Step) -> None:
        topic, partition, offset = step.origin
        is_first = step.origin not in self.order.answered
        self.order.answered[step.origin] = step.event
        if not is_first or partition != record.partition:
            return
        if offset < self._highest.get((topic, partition), -1):
            self.order.disordered.append(step.origin)
        else:
            self._highest[topic, partition] = offset
