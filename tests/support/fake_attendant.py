"""A stand-in for the rules that look back: it counts, and sets a timer for some events."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from contracts.backfill import Backfill
from contracts.decision import Decision, Repeat
from contracts.event import Event
from contracts.identity import EventKey, decision_id
from contracts.intake import Accepted, decode
from rules.memory.coverage import Coverage
from rules.memory.model import NEVER_US, Memory, Said, Seen, Timer, event_key
from rules.memory.taken import Activity, Taken
from rules.memory.ties import Told
from rules.memory.uncovered import Uncovered
from streams.supervision import Evaluator
from support.streams_fakes import FakeEvaluator, prescription

DUE_S = 3.0
"""After an event's time, its timer is due."""
ITEMS_WITH_TIMER = 3
"""A prescription of so many items sets a timer."""


class FakeAttendant:
    """Tells in each decision how many events of the subject came before it."""

    def __init__(self, evaluator: Evaluator | None = None) -> None:
        self._evaluator = evaluator or FakeEvaluator()
        self.fails_on = ""
        """An event id, or a timer, at which it raises, after it has changed the memory."""
        self.silent_at = ""
        """A timer that has nothing to say."""

    def take(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, own: str = ""
    ) -> Taken:
        key = event_key(event.source, event.id)
        before = memory.seen.get(key)
        if before is not None and before.digest != digest:
            return Taken(reused=True, changed=False)
        if before is not None:
            repeat = Repeat(decision_id=decision_id(event.key), source=event.source, id=event.id)
            return Taken(repeat=repeat, changed=False)
        coverage.hears(event.source, event.type.partition(".")[0], us(event.time))
        earlier = len(memory.seen)
        memory.seen[key] = Seen(digest, us(event.time))
        if self.fails_on == event.id:
            raise ValueError("a bug in the attendant")
        if len(getattr(event.data, "items", ())) == ITEMS_WITH_TIMER:
            name = f"timer:rx.days:{event.id}:due"
            fire_us = us(event.time) + int(DUE_S * 1_000_000)
            memory.timers[name] = Timer(
                name, "duty", fire_us, event.source, key, act="", scope="patient"
            )
        decision = self._evaluator.decide(event, digest)
        return Taken((msgspec.structs.replace(decision, facts={"earlier": earlier}),))

    def join(
        self, event: Event, digest: str, memory: Memory, coverage: Coverage, activity: Activity
    ) -> Taken:
        raise NotImplementedError

    def hear(
        self, kind: str, value: bytes, mark: str, memory: Memory, coverage: Coverage, own: str, *,
        is_written: bool,
    ) -> Told | None:  # fmt: skip
        raise NotImplementedError

    def fire(self, memory: Memory, coverage: Coverage, timer_id: str, clock_us: int) -> Taken:
        timer = memory.timers[timer_id]
        timer.fire_us = NEVER_US
        timer.fired.append(timer_id)
        if self.fails_on == timer_id:
            raise ValueError("a bug in the attendant")
        if self.silent_at == timer_id:
            return Taken()
        source, _, event_id = timer.event.partition("\x1f")
        return Taken((late(EventKey(source, event_id), timer_id),))

    def uncovered(self, coverage: Coverage) -> list[Uncovered]:
        return []

    def step(self, coverage: Coverage, step: Backfill) -> bool:
        return True

    def bring(self, event: Event, digest: str, memory: Memory, coverage: Coverage) -> bool:
        memory.said[f"brought {event.id}"] = Said(True, us(event.time))
        return True


def late(key: EventKey, cause: str) -> Decision:
    """The decision that a timer leads to."""
    taken = decode(prescription(int(key.id[1:]), 1), check_key=False)
    assert isinstance(taken, Accepted)
    decision = FakeEvaluator().decide(taken.event)
    return msgspec.structs.replace(decision, decision_id=decision_id(key, cause=cause), cause=cause)


def us(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
