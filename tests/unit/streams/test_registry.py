"""The registry followed while a worker works, without Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from contracts.clock import ManualClock
from contracts.event import encode_event
from contracts.registry import PractitionerEntry, RegisteredPractitioner, encode_registered
from knowledge_base.registry import Register, overlaid
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule
from streams.answers import Answer
from streams.bundles import FixedRules
from streams.bundles.topic import Entry
from streams.errors import RegistryUnreadable
from streams.figures import Figures
from streams.lease import Lease
from streams.offsets import OffsetTracker
from streams.registry import RegisteredRules, RegistryFollower
from streams.status import Status
from streams.supervision import Supervisor
from streams.watchdog import Lags
from support.streams_worker import until

BASE = knowledge()


class FakeTopic:
    """A topic in memory: what was put there is read once, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.read_to = 0
        self.trouble: Exception | None = None
        self.hidden = False

    @property
    def caught_up(self) -> bool:
        return self.read_to == len(self.entries)

    def ask_end(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def read(self, timeout_s: float) -> Iterator[Entry]:
        if self.trouble is not None:
            raise self.trouble
        while not self.caught_up and not self.hidden:
            self.read_to += 1
            yield self.entries[self.read_to - 1]

    def fetch(self, offset: int) -> Entry | None:
        return self.entries[offset]

    def close(self) -> None: ...

    def put(self, key: bytes, value: bytes | None) -> None:
        self.entries.append(Entry(len(self.entries), key, value))

    def licensed(self, licensed: bool, who: str = "P1") -> RegisteredPractitioner:
        record = practitioner(licensed, who)
        self.put(record.key, encode_registered(record))
        return record


def practitioner(licensed: bool, who: str = "P1") -> RegisteredPractitioner:
    entry = PractitionerEntry(start=date(2020, 1, 1), licensed=licensed)
    return RegisteredPractitioner(institution="demo-h1", id=who, history=(entry,))


class World:
    """A worker's rules over a registry topic: one rule finds who has no licence."""

    def __init__(self) -> None:
        self.topic = FakeTopic()
        rule = make_rule(
            BASE, on=["prescription.signed"], when={"practitioner.is_licensed": {"is": False}}
        )
        evaluator = Evaluator(Pack.of([rule]), BASE)

        def register(registry: Any) -> Any:
            evaluator.register(overlaid(BASE, registry))
            return evaluator.basis

        supervisor = Supervisor(evaluator, register=register, check_key=False)
        self.follower = RegistryFollower(lambda: self.topic, start_s=10)
        self.rules = RegisteredRules(FixedRules(supervisor), self.follower)

    def decides(self) -> Any:
        short = {"event": "prescription.signed", "practitioner": "P1", "items": [{"drug": "D1"}]}
        answer = self.rules.supervisor.supervise(encode_event(event_of(short, BASE)))
        assert isinstance(answer, Answer)
        return answer.decision

    def reads(self, digest: str) -> None:
        until(lambda: self.follower.latest.digest == digest)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("streams.bundles.catching_up._RETRY_S", 0.05)
    world = World()
    yield world
    world.rules.stop()


def test_the_whole_topic_is_read_before_the_first_event(world: World) -> None:
    world.topic.licensed(True)
    record = world.topic.licensed(False)
    world.rules.start()
    decision = world.decides()
    assert decision.findings
    assert decision.basis.registry == Register.of([record]).digest
    assert world.rules.supervisor.basis == decision.basis


def test_a_change_counts_from_the_next_batch_and_a_removal_gives_the_files_word(
    world: World,
) -> None:
    world.rules.start()
    assert not world.decides().findings
    supervisor = world.rules.supervisor  # of a batch that goes on
    record = world.topic.licensed(False)
    world.reads(Register.of([record]).digest)
    assert supervisor.basis is not None
    assert supervisor.basis.registry == ""
    assert world.decides().findings
    world.topic.put(record.key, None)
    world.reads("")
    decision = world.decides()
    assert (decision.findings, decision.basis.registry) == ((), "")


def test_whoever_asks_for_health_changes_nothing_under_a_batch(world: World) -> None:
    world.rules.start()
    supervisor = world.rules.supervisor  # of a batch that goes on
    record = world.topic.licensed(False)
    world.reads(Register.of([record]).digest)
    health = status_of(world.rules).health()
    assert health.details["rules"]["registry"]["digest"] == Register.of([record]).digest
    assert supervisor.basis is not None
    assert supervisor.basis.registry == ""


def status_of(rules: RegisteredRules) -> Status:
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    consumer = SimpleNamespace(tracker=OffsetTracker(), last_commit_at=0.0)
    return Status(
        consumer=lambda: cast(Any, consumer),
        generation=lambda: 1,
        lanes=cast(Any, SimpleNamespace(bytes=0, unconfirmed=0)),
        lease=Lease(10, 6),
        lags=Lags,
        figures=Figures(clock),
        clock=clock,
        rules=rules,
    )


def test_a_record_that_says_nothing_leaves_the_one_before(world: World) -> None:
    record = world.topic.licensed(False)
    world.rules.start()
    world.topic.put(record.key, b"{")
    world.topic.put(b"practitioner/demo-h1/P2", encode_registered(record))
    until(lambda: world.follower.standing.offset == 2)
    assert world.decides().findings
    assert world.follower.standing.refused == {"not_json": 1, "key_mismatch": 1}
    report = world.rules.standing.report()
    assert report["registry"]["records"] == 1


def test_partitions_that_come_wait_for_the_end_that_the_topic_has_then(world: World) -> None:
    world.rules.start()
    world.topic.hidden = True
    world.topic.licensed(False)

    async def assigned() -> None:
        task = asyncio.create_task(world.rules.current_for(1))
        await asyncio.sleep(0.1)
        assert not task.done()
        world.topic.hidden = False
        await asyncio.wait_for(task, 10)
        await asyncio.wait_for(world.rules.current_for(1), 1)

    asyncio.run(assigned())
    assert world.decides().findings


def test_a_broker_that_is_away_leaves_the_registry_as_it_is(world: World) -> None:
    world.topic.licensed(False)
    world.rules.start()
    world.topic.trouble = KafkaException(KafkaError(KafkaError._TRANSPORT))
    until(lambda: world.follower.standing.trouble != "")
    assert world.decides().findings
    world.topic.trouble = None
    until(lambda: world.follower.standing.trouble == "")


def test_a_topic_that_cannot_be_read_in_time_ends_the_start(world: World) -> None:
    world.topic.trouble = KafkaException(KafkaError(KafkaError._TRANSPORT))
    world.follower._start_s = 0.2
    with pytest.raises(RegistryUnreadable, match="was not read within"):
        world.rules.start()
