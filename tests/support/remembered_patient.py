"""One patient in virtual time: events come, time passes, and what stands is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.decision import Decision
from contracts.event import Event
from rules.authoring.shorthand import event_of
from rules.engine.engines import ENGINES, make_evaluator
from rules.memory.attendant import Attendant, MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory, decode, encode
from rules.memory.taken import Taken
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
START = datetime(2026, 3, 2, 0, tzinfo=UTC)
FINDING = {
    "result": "violation",
    "severity": "warning",
    "action": "require_reason",
    "audience": ["prescriber"],
    "message": {"zh": "{history} 次", "en": "{history} times"},
}
AGAIN: dict[str, Any] = {
    "of": "prescription.signed",
    "where": {"item.drug": {"is": {"fact": "this.item.drug"}}},
    "within": {"parameter": "stay.hours"},  # 72 h
    "including": "others",
    "count": {"at_least": 1},
}
NOTE: dict[str, Any] = {
    "event": "document.signed",
    "where": {"document.kind": {"is": "first_progress_note"}},
    "match": ["encounter.id"],
    "within": {"parameter": "stay.hours"},
    "until": ["encounter.discharged"],
}


def again(**history: Any) -> Rule:
    return make_rule(
        BASE, id="spec.again", each="items", on=["prescription.signed", "prescription.dispensed"],
        when={"history": {**AGAIN, **history}}, finding=FINDING,
    )  # fmt: skip


def note(unless: Any = None, **expect: Any) -> Rule:
    message = {"zh": "至 {deadline.due_at} 未见", "en": "not seen by {deadline.due_at}"}
    return make_rule(
        BASE, id="spec.note", on=["encounter.admitted"], when=None,
        unless=unless, expect={**NOTE, **expect}, finding={**FINDING, "message": message},
    )  # fmt: skip


class Patient:
    """One patient's events in the order in which they come."""

    def __init__(
        self, *rules: Rule, is_total: bool = True, lateness_s: float = 0, engine: str = ENGINES[0]
    ) -> None:
        pack = Pack.of(rules)
        evaluator = make_evaluator(engine, pack, BASE, waits_for_late=lateness_s > 0)
        self.attendant = Attendant(evaluator, MemorySettings(lateness_s))
        self.memory = Memory()
        self.coverage = Coverage(is_total=is_total)
        self.stands: dict[str, Decision] = {}
        self._count = 0

    def event(self, at_h: float, **short: Any) -> Event:
        self._count += 1
        at = (START + timedelta(hours=at_h)).isoformat()
        base = {"event": "prescription.signed", "at": at, "items": [{"drug": "D1"}]}
        if not str(short.get("event", "prescription")).startswith("prescription"):
            base.pop("items")
        made = event_of({**base, **short}, BASE)
        name = str(short.get("id", f"e{self._count}"))
        return msgspec.structs.replace(made, id=name)

    def comes(self, at_h: float, digest: str = "x", **short: Any) -> Taken:
        short.setdefault("act_id", f"a{self._count}")
        return self.takes(self.event(at_h, **short), digest)

    def takes(self, event: Event, digest: str = "x") -> Taken:
        return self._kept(self.attendant.take(event, digest, self.memory, self.coverage))

    def passes(self, at_h: float) -> list[Decision]:
        """Time passes until this hour is over: every timer that is due fires, in order."""
        return self.passes_until(us_of(START + timedelta(hours=at_h)) + 1)

    def passes_until(self, clock: int) -> list[Decision]:
        found: list[Decision] = []
        while due := self.attendant.due(self.memory, _everyone(self.memory, clock)):
            taken = self.attendant.fire(self.memory, self.coverage, due[0][1], clock)
            found += self._kept(taken).decisions
        return found

    def _kept(self, taken: Taken) -> Taken:
        self.stands.update({d.decision_id: d for d in taken.decisions})
        self.memory = decode(encode(self.memory))  # what is remembered survives being written
        return taken

    @property
    def steps(self) -> list[str]:
        """The steps of duties of which alerts stand, in the order in which they were first told."""
        told = (one.cause for one in self.stands.values() if one.findings)
        return [cause.rpartition(":")[2] for cause in told]

    @property
    def alerts(self) -> list[str]:
        """The rules whose alerts stand."""
        return sorted(f.rule_id for d in self.stands.values() for f in d.findings)


def _everyone(memory: Memory, clock: int) -> dict[str, int]:
    return {timer.source: clock for timer in memory.timers.values()}


def admitted(patient: Patient, at_h: float = 0) -> Decision:
    visit = {"id": "v1", "kind": "inpatient"}
    taken = patient.comes(at_h, event="encounter.admitted", act_id="v1", encounter=visit)
    return taken.decisions[0]


def signed(patient: Patient, at_h: float, **short: Any) -> Taken:
    usual = {"kind": "first_progress_note", "encounter": {"id": "v1"}, "signed_at_trusted": True}
    return patient.comes(at_h, event="document.signed", **{**usual, **short})
