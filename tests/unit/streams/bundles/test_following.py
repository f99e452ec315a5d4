"""Bundles followed while a worker works, without Kafka: what swaps, what is refused, who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException
from prometheus_client import CollectorRegistry, generate_latest

from contracts.bundle import Activation, Refusal, Why, activation_key, content_key
from contracts.decision import Decision
from contracts.event import Event
from streams.bundles import BundledRules, BundleSource, FixedRules
from streams.bundles.log import BundleLog
from streams.bundles.metrics import BundleCollector
from streams.bundles.topic import Entry
from streams.errors import BundlesUnreadable
from streams.supervision import Supervisor
from support.streams_fakes import BASIS, FakeEvaluator, prescription, subject
from support.streams_worker import until

A, B, C = (letter * 64 for letter in "abc")


class Named(FakeEvaluator):
    """An evaluator whose decisions name a bundle."""

    def __init__(self, digest: str) -> None:
        self.basis = msgspec.structs.replace(BASIS, bundle=digest)
        self.decided = 0

    def decide(self, event: Event, digest: str = "") -> Decision:
        self.decided += 1
        return super().decide(event, digest)


class FakeTopic:
    """A topic in memory: what was appended is read once, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.read_to = 0
        self.trouble: list[Exception] = []
        self.hidden = False
        """Records are there, and not delivered yet."""
        self.asked = 0

    @property
    def caught_up(self) -> bool:
        return self.read_to == len(self.entries)

    def ask_end(self) -> None:
        self.asked += 1
        if self.trouble:
            raise self.trouble[0]

    def read(self, timeout_s: float) -> Iterator[Entry]:
        if self.trouble:
            raise self.trouble[0]
        while not self.caught_up and not self.hidden:
            self.read_to += 1
            yield self.entries[self.read_to - 1]

    def fetch(self, offset: int) -> Entry | None:
        return self.entries[offset]

    def close(self) -> None: ...

    def put(self, key: bytes, value: bytes | None) -> None:
        self.entries.append(Entry(len(self.entries), key, value))

    def content(self, digest: str, value: bytes = b"good") -> None:
        self.put(content_key(digest), value + b" " + digest.encode())

    def activate(self, sequence: int, digest: str, channel: str = "main") -> None:
        activation = Activation(
            channel=channel,
            sequence=sequence,
            digest=digest,
            at=datetime(2026, 3, 1, tzinfo=UTC),
            author="tester",
        )
        self.put(activation_key(channel, sequence), msgspec.json.encode(activation))


class FakeJudge:
    """Contents that begin with `good` load; others are refused."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.evaluators: dict[str, Named] = {}
        self.full_disk = False

    def activation(self, key: bytes, value: bytes) -> Activation | Refusal:
        try:
            return msgspec.json.decode(value, type=Activation)
        except msgspec.DecodeError:
            return Refusal(Why.BAD_SIGNATURE, "forged")

    def load(self, raw: bytes) -> Supervisor | Refusal:
        kind, _, digest = raw.decode().partition(" ")
        self.loaded.append(digest)
        if self.full_disk:
            raise OSError(28, "No space left on device")
        if kind == "bug":
            raise NameError("no such thing")
        if kind != "good":
            return Refusal(Why.RULES, "rules/a/b.yaml:1:1: broken")
        self.evaluators[digest] = Named(digest)
        return Supervisor(self.evaluators[digest])


class World:
    def __init__(self) -> None:
        self.topic = FakeTopic()
        self.judge = FakeJudge()
        self.made: list[BundledRules] = []

    def start(self, files: Callable[[], Supervisor] | None = None) -> BundledRules:
        source = BundleSource(lambda: self.topic, "main", start_s=10)
        rules = BundledRules(source, self.judge, files or (lambda: Supervisor(Named(""))))
        self.made.append(rules)
        rules.start()
        return rules


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("streams.bundles.catching_up._RETRY_S", 0.05)
    monkeypatch.setattr("streams.bundles.following._tidy", lambda is_swap: None)
    world = World()
    yield world
    for rules in world.made:
        rules.stop()


def digest(rules: BundledRules) -> str:
    basis = rules.supervisor.basis
    assert basis is not None
    assert basis.bundle == rules.standing.digest
    return basis.bundle


def test_without_a_bundle_the_files_decide_until_the_first_one_comes(world: World) -> None:
    rules = world.start()
    assert digest(rules) == ""
    assert rules.standing.report()["from"].startswith("files")
    world.topic.content(A)
    world.topic.activate(1, A)
    until(lambda: rules.standing.digest == A)
    assert digest(rules) == A
    assert rules.standing.swaps == 1


def test_a_start_takes_the_newest_bundle_before_the_first_event(world: World) -> None:
    for n, name in enumerate((A, B), 1):
        world.topic.content(name)
        world.topic.activate(n, name)
    rules = world.start(files=lambda: pytest.fail("files are not needed"))
    assert digest(rules) == B
    assert world.judge.loaded == [B]
    assert rules.standing.swaps == 0


def test_a_start_goes_back_to_the_newest_bundle_that_loads(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    world.topic.content(B, b"bad")
    world.topic.activate(2, B)
    world.topic.activate(3, C)  # without its content
    rules = world.start()
    assert digest(rules) == A
    assert [(one.sequence, one.refusal.why) for one in rules.standing.refused] == [
        (3, Why.MISSING_CONTENT),
        (2, Why.RULES),
    ]


def test_a_broken_bundle_is_refused_and_the_old_one_stays(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    rules = world.start()
    old = rules.supervisor
    world.topic.content(B, b"bad")
    world.topic.activate(2, B)
    until(lambda: rules.standing.refused)
    assert rules.supervisor is old
    report = rules.standing.report()
    assert (report["digest"], report["refused_total"]) == (A, 1)
    assert report["refused"][0] == {
        "sequence": 2,
        "digest": B,
        "why": "rules",
        "detail": "rules/a/b.yaml:1:1: broken",
    }
    world.topic.content(C)
    world.topic.activate(3, C)
    until(lambda: rules.standing.digest == C)
    assert rules.standing.refused == ()
    assert rules.standing.report()["refused_total"] == 1


def test_a_forged_activation_changes_nothing_and_is_shown(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    rules = world.start()
    for key in (activation_key("main", 2), activation_key("main", 1), b"activation/main/x"):
        world.topic.put(key, b"forged")
        seen = len(rules.standing.refused)
        until(lambda n=seen: len(rules.standing.refused) > n)  # type: ignore[misc]
    assert digest(rules) == A
    assert {one.refusal.why for one in rules.standing.refused} == {Why.BAD_SIGNATURE}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (activation_key("main", 2), b"forged"),
        (b"activation/main/2", b"forged"),
        (b"activation/main/2", None),
    ],
)
def test_who_cannot_sign_cannot_send_a_starting_worker_back(
    world: World, key: bytes, value: bytes | None
) -> None:
    for n, name in enumerate((A, B), 1):
        world.topic.content(name)
        world.topic.activate(n, name)
    world.topic.put(key, value)
    rules = world.start()
    assert digest(rules) == B
    assert len(rules.standing.refused) == (value is not None)


def test_a_bundle_that_comes_while_files_are_loaded_is_not_overwritten(world: World) -> None:
    def files() -> Supervisor:
        world.topic.content(A)
        world.topic.activate(1, A)
        until(lambda: world.made[-1].standing.digest == A)
        return Supervisor(Named(""))

    rules = world.start(files=files)
    assert (rules.standing.digest, digest(rules)) == (A, A)


def test_an_old_activation_played_again_changes_nothing(world: World) -> None:
    for n, name in enumerate((A, B), 1):
        world.topic.content(name)
        world.topic.activate(n, name)
    rules = world.start()
    world.topic.activate(1, A)
    world.topic.activate(3, B)
    until(lambda: rules.standing.sequence == 3)
    assert digest(rules) == B
    assert world.judge.loaded == [B]  # the same bundle again is not loaded again


def test_of_two_activations_with_one_sequence_the_later_record_counts(world: World) -> None:
    for name in (A, B, C):
        world.topic.content(name)
    world.topic.activate(1, A)
    rules = world.start()
    world.topic.activate(2, B)
    until(lambda: rules.standing.digest == B)
    world.topic.activate(2, C)  # another publisher's, at the same moment
    until(lambda: rules.standing.digest == C)
    assert digest(rules) == C
    rules.stop()  # the fake topic has one reader's position
    world.topic.read_to = 0
    late = world.start()
    assert digest(late) == C  # a worker that starts now agrees


def test_a_rollback_fetches_the_content_that_came_long_ago(world: World) -> None:
    for n, name in enumerate((A, B), 1):
        world.topic.content(name)
        world.topic.activate(n, name)
    rules = world.start()
    world.topic.activate(3, A)
    until(lambda: rules.standing.sequence == 3)
    assert digest(rules) == A


def test_another_channels_bundles_are_not_followed(world: World) -> None:
    rules = world.start()
    world.topic.content(A)
    world.topic.activate(9, A, channel="canary")
    world.topic.content(B)
    world.topic.activate(1, B)
    until(lambda: rules.standing.digest == B)
    assert world.judge.loaded == [B]


def test_content_under_a_wrong_digest_is_refused(world: World) -> None:
    rules = world.start()
    world.topic.put(content_key(A), f"good {B}".encode())
    world.topic.activate(1, A)
    until(lambda: rules.standing.refused)
    assert rules.standing.refused[0].refusal.why is Why.WRONG_PLACE
    assert digest(rules) == ""


def test_a_missing_content_that_comes_later_is_taken_then(world: World) -> None:
    world.topic.activate(1, A)
    rules = world.start()
    assert rules.standing.refused[0].refusal.why is Why.MISSING_CONTENT
    world.topic.content(A)
    until(lambda: rules.standing.digest == A)
    assert rules.standing.refused == ()


def test_a_full_disk_is_no_refusal_it_is_tried_again(world: World) -> None:
    rules = world.start()
    world.judge.full_disk = True
    world.topic.content(A)
    world.topic.activate(1, A)
    until(lambda: rules.standing.trouble)
    assert "No space" in rules.standing.trouble
    assert digest(rules) == ""
    world.judge.full_disk = False
    until(lambda: rules.standing.digest == A)
    assert rules.standing.trouble == ""
    assert rules.standing.report()["refused_total"] == 0


def test_a_bug_in_loading_is_a_refusal(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    world.topic.content(B, b"bug")
    world.topic.activate(2, B)
    rules = world.start()
    assert digest(rules) == A
    assert rules.standing.refused[0].refusal.why is Why.FAILED


def test_a_topic_that_cannot_be_read_keeps_a_worker_from_starting(world: World) -> None:
    world.topic.trouble = [KafkaException(KafkaError(KafkaError._TRANSPORT))]
    source = BundleSource(lambda: world.topic, "main", start_s=0.3)
    rules = BundledRules(source, world.judge, lambda: Supervisor(Named("")))
    with pytest.raises(BundlesUnreadable, match=r"0 s: .+"):
        rules.start()
    rules.stop()
    with pytest.raises(BundlesUnreadable):
        _ = rules.supervisor


async def test_partitions_from_another_worker_wait_for_what_that_worker_had(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    rules = world.start()
    await rules.current_for(1)
    world.topic.hidden = True
    world.topic.content(B)
    world.topic.activate(2, B)
    await rules.current_for(1)  # its own partitions do not wait
    assert digest(rules) == A
    taken = asyncio.ensure_future(rules.current_for(2))
    done, _ = await asyncio.wait([taken], timeout=0.4)
    assert not done
    world.topic.hidden = False
    await asyncio.wait_for(taken, 5)
    assert digest(rules) == B


async def test_whoever_waits_goes_on_after_trouble(world: World) -> None:
    rules = world.start()
    asked = world.topic.asked
    world.topic.trouble = [KafkaException(KafkaError(KafkaError._TRANSPORT))]
    taken = asyncio.ensure_future(rules.current_for(1))
    done, _ = await asyncio.wait([taken], timeout=0.4)
    assert not done
    world.topic.trouble = []
    await asyncio.wait_for(taken, 5)
    assert world.topic.asked > asked + 1  # the end was asked for again
    assert rules.standing.trouble == ""


def test_a_new_bundle_has_decided_recent_records_before_it_is_swapped_in(world: World) -> None:
    class Record:
        key = subject(1).encode()
        value = prescription(1, 1)
        timestamp = 1_800_000_000_000

    rules = world.start()
    for _ in range(20):
        rules.seen([Record] * 300)
    world.topic.content(A)
    world.topic.activate(1, A)
    until(lambda: rules.standing.digest == A)
    assert 500 <= world.judge.evaluators[A].decided <= 1000


def test_a_bug_while_following_is_said_and_the_rules_stay(world: World) -> None:
    rules = world.start()
    world.topic.trouble = [ValueError("patient 4711")]
    until(lambda: rules.standing.trouble)
    assert "bug" in rules.standing.trouble
    assert "4711" not in rules.standing.trouble
    assert digest(rules) == ""


def metrics(rules: Any) -> str:
    registry = CollectorRegistry()
    registry.register(BundleCollector(lambda: rules.standing))
    return generate_latest(registry).decode()


def test_metrics_say_digest_and_refusals(world: World) -> None:
    world.topic.content(A)
    world.topic.activate(1, A)
    rules = world.start()
    world.topic.put(activation_key("main", 2), b"forged")
    until(lambda: rules.standing.refused)
    text = metrics(rules)
    assert f'yijian_bundle_info{{channel="main",digest="{A}",mode="bundles"}} 1.0' in text
    assert 'yijian_bundle_refused_total{why="bad_signature"} 1.0' in text
    assert 'yijian_bundle_refused_total{why="rules"} 0.0' in text
    assert "yijian_bundle_sequence 1.0" in text
    assert "yijian_bundle_waiting_refused 1.0" in text


async def test_rules_of_files_never_change() -> None:
    rules = FixedRules(Supervisor(FakeEvaluator()))
    before = rules.supervisor
    rules.start()
    await rules.current_for(1)
    rules.seen([1])
    rules.stop()
    assert rules.supervisor is before
    assert rules.standing.report() == {"mode": "files"}
    assert 'mode="files"' in metrics(rules)


def test_a_tombstone_forgets_an_activation() -> None:
    log = BundleLog("main", FakeJudge().activation)
    log.take(0, b"activation/main/000000000007", b"forged")
    assert log.refused(0)
    log.take(1, b"activation/main/000000000007", None)
    log.take(2, content_key(A), b"x")
    log.take(3, content_key(A), None)
    log.take(4, None, b"x")
    log.take(5, b"other", b"x")
    assert (log.refused(0), log.offset(A), log.candidates(0, "")) == ((), None, [])
