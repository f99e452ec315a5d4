"""A simulated day with the shipped rules: what makes memory cheap changes no decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import NamedTuple

import pytest

from contracts.bundle import digest_of
from contracts.decision import encode_record
from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.deadlines import Deadlines
from rules.memory.instants import us_of
from rules.memory.model import Memory, copied, encode
from rules.memory.model import decode as memory_of
from simulation import Simulator
from yijian.composition import Core, load_core
from yijian.settings import Settings

EVENTS = 2500
DAY = date(2026, 11, 20)


class Sent(NamedTuple):
    event: Event
    digest: str


@pytest.fixture(scope="module")
def core() -> Core:
    return load_core(replace(Settings(), profile="demo"))


@pytest.fixture(scope="module")
def sent(core: Core) -> list[Sent]:
    found = []
    for one in Simulator(core.knowledge, 3, 60, DAY, fault_rate=0.5).events(EVENTS):
        taken = decode(one.bytes, check_key=False)
        assert isinstance(taken, Accepted)
        found.append(Sent(taken.event, digest_of(one.bytes)))
    return found


class Side:
    """An attendant with the memories of everybody."""

    def __init__(self, core: Core) -> None:
        self.attendant = Attendant(core.evaluator)
        self.coverage = Coverage()
        self.memories: dict[str, Memory] = {}
        self.duties: set[str] = set()
        """All that ever arose."""

    def of(self, one: Sent) -> Memory:
        return self.memories.setdefault(one.event.subject, Memory())

    def take(self, one: Sent) -> list[bytes]:
        """The decisions about an event, and those of the timers that were due by its time."""
        memory, event = self.of(one), one.event
        taken = [self.attendant.take(event, one.digest, memory, self.coverage)]
        self.duties |= memory.timers.keys()
        now_us = us_of(event.time)
        for _, timer in self.attendant.due(memory, {event.source: now_us}):
            taken.append(self.attendant.fire(memory, self.coverage, timer, now_us))
        return [encode_record(decision) for each in taken for decision in each.decisions]

    @property
    def left(self) -> set[str]:
        """The duties that nothing settled."""
        timers = (timer for memory in self.memories.values() for timer in memory.timers.values())
        return {timer.id for timer in timers if not timer.by}


@pytest.mark.slow
def test_memories_that_are_written_and_read_at_each_event_decide_the_same(
    core: Core, sent: list[Sent]
) -> None:
    live, stored = Side(core), Side(core)
    for one in sent:
        stored.memories[one.event.subject] = memory_of(encode(stored.of(one)))
        assert live.take(one) == stored.take(one)
    assert {s: encode(m) for s, m in live.memories.items()} == {
        s: encode(m) for s, m in stored.memories.items()
    }


def test_a_copy_stays_what_it_was_whatever_an_event_does(core: Core, sent: list[Sent]) -> None:
    side = Side(core)
    for one in sent:
        memory = side.of(one)
        before, copy = encode(memory), copied(memory)
        assert copy == memory
        side.take(one)
        assert encode(memory) != before
        assert encode(copy) == before
    assert side.duties


def test_an_event_of_a_family_that_no_duty_waits_for_changes_nothing_of_it(
    core: Core, sent: list[Sent], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(core)
    seldom = [side.take(one) for one in sent]
    assert side.left < side.duties
    monkeypatch.setattr(Deadlines, "_concerns", lambda *_: True)
    always = Side(core)
    assert [always.take(one) for one in sent] == seldom
    assert always.memories == side.memories
