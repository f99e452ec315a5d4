"""What is remembered outlives the process that remembered it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from contracts.decision import DeadLetterHeaders, Decision, KindHeaders, Reader, Repeat
from contracts.identity import partition_of
from rules.memory.model import NEVER_US, Memory, Seen, decode, encode
from streams.state.framing import Packing, framed
from streams.state.memories import PARTITION_KEY
from support.streams_fakes import prescription, subject
from support.streams_worker import PARTITIONS, Installation, Output, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

read_decision = Reader(Decision)
read_repeat = Reader(Repeat)
PATIENTS = 40


def feed(
    installation: Installation, count: int, first: int = 0, items: int = 2, **changes: Any
) -> None:
    installation.feed(
        (subject(n % PATIENTS).encode(), prescription(n, n % PATIENTS, items, **changes))
        for n in range(first, first + count)
    )


def decisions(installation: Installation) -> list[tuple[Output, Decision]]:
    """Every decision, but not the repeats."""
    return [
        (output, read_decision(output.value or b""))
        for output in installation.read(installation.topics.decisions)
        if output.headers.get(KindHeaders.KIND) != KindHeaders.REPEAT
    ]


def repeats(installation: Installation) -> list[Repeat]:
    return [
        read_repeat(output.value or b"")
        for output in installation.read(installation.topics.decisions)
        if output.headers.get(KindHeaders.KIND) == KindHeaders.REPEAT
    ]


def assert_histories_are_complete(installation: Installation, count: int) -> None:
    """Each event knows of all events of its patient that came before it, and of no other."""
    last: dict[str, Decision] = {d.decision_id: d for _, d in decisions(installation)}
    assert len(last) == count
    numbers: dict[str, list[int]] = {}
    for decision in last.values():
        numbers.setdefault(decision.subject, []).append(decision.facts["earlier"])
    for found in numbers.values():
        assert sorted(found) == list(range(len(found)))


def test_state_survives_a_kill_and_a_repeat_is_answered_as_one(
    installation: Installation,
) -> None:
    feed(installation, 400)
    with installation.workers("one", remembers=True) as processes:
        until(installation.all_committed, 60)
        processes.kill("one")
        until(lambda: processes.restarts["one"] == 1)
        feed(installation, 400, 400)
        until(installation.all_committed, 60)
        feed(installation, 80)  # the first events again, as a system sends them after an outage
        until(installation.all_committed, 60)
        feed(installation, 5, time="2026-11-21T08:30:00+08:00")  # other content, same ids
        until(installation.all_committed, 60)
        assert processes.stop("one") == 0
    assert_histories_are_complete(installation, 800)
    found = repeats(installation)
    assert {r.id for r in found} >= {f"e{n:09d}" for n in range(80)}
    first = {d.event.id: d.decision_id for _, d in decisions(installation)}
    assert all(first[r.id] == r.decision_id for r in found)
    letters = installation.read(installation.topics.dead_letters)
    assert [x.headers[DeadLetterHeaders.REASON] for x in letters] == [b"id_reused"] * 5


def test_state_goes_with_its_partition(installation: Installation) -> None:
    with installation.workers("one", remembers=True) as processes:
        for step in range(6):
            feed(installation, 200, step * 200)
            if step == 0:
                until(lambda: installation.count(installation.topics.decisions), 60)
            if step == 1:
                installation.start(processes, "two", remembers=True)
            if step == 3:
                assert processes.stop("one") == 0
            if step == 4:
                processes.kill("two")
            time.sleep(1.0)  # load goes on while partitions move
        until(installation.all_committed, 60)
    assert_histories_are_complete(installation, 1200)


def test_a_timer_of_a_silent_patient_fires_once(installation: Installation) -> None:
    feed(installation, 20, items=3)
    with installation.workers("one", remembers=True) as processes:
        until(lambda: len(timed(installation)) >= 20, 60)
        processes.kill("one")
        until(lambda: processes.restarts["one"] == 1)
        ticks = installation.count(installation.topics.ticks)
        until(lambda: installation.count(installation.topics.ticks) > ticks + 20)
        assert processes.stop("one") == 0
    fired = timed(installation)
    assert sorted(d.event.id for _, d in fired) == sorted(f"e{n:09d}" for n in range(20))
    for output, decision in fired:
        assert output.headers[KindHeaders.TIMER].decode() == decision.cause
        assert int(output.headers[KindHeaders.CLOCK_US]) > 1_700_000_000_000_000
        assert output.origin.topic == installation.topics.ticks


def timed(installation: Installation) -> list[tuple[Output, Decision]]:
    """The decisions that timers led to, in the order of each partition."""
    return [
        (output, decision)
        for output, decision in decisions(installation)
        if KindHeaders.TIMER in output.headers
    ]


def test_the_decision_of_an_interrupted_timer_is_withdrawn_and_made_again(
    installation: Installation,
) -> None:
    feed(installation, 1, items=3)
    with installation.workers("dies", remembers=True, fault="die_at_state") as processes:
        until(lambda: processes.restarts["dies"] >= 1, 60)
    before = timed(installation)
    assert before
    with installation.workers("lives", remembers=True):
        until(lambda: len(timed(installation)) >= len(before) + 2, 60)
    stood, withdrawn, again = timed(installation)[-3:]
    assert stood[1].decision_id == withdrawn[1].decision_id == again[1].decision_id
    assert withdrawn[0].headers[KindHeaders.KIND] == KindHeaders.INTERRUPTED
    assert withdrawn[1].findings == ()
    assert withdrawn[1].retracted.why == "interrupted"  # type: ignore[union-attr]
    assert again[1].findings


def test_the_state_of_a_batch_stands_behind_its_outputs(installation: Installation) -> None:
    with installation.workers("one", remembers=True, batch_records=50) as processes:
        for wave in range(8):
            written = installation.count(installation.topics.state)
            feed(installation, 250, wave * 250)
            until(
                lambda before=written: installation.count(installation.topics.state) > before + 40,
                60,
            )
        processes.kill("one")
        appended_ms: dict[tuple[str, str], int] = {}
        for output, decision in decisions(installation):
            about = (decision.subject, decision.event.id)
            appended_ms.setdefault(about, output.appended_ms)
        remembered = memories(installation)
        processes.stop("one")
    assert len(remembered) > 200
    for patient, at_ms, memory in remembered:
        for key in memory.seen:
            assert appended_ms[patient, key.partition("\x1f")[2]] <= at_ms


def memories(installation: Installation) -> list[tuple[str, int, Memory]]:
    """Every memory in the state topic, with its subject and when it was written."""
    packing, found = Packing(), []
    for output in installation.read(installation.topics.state):
        if output.key != PARTITION_KEY and output.value is not None:
            assert output.key is not None
            memory = decode(packing.open(output.value))
            found.append((output.key.decode(), output.appended_ms, memory))
    return found


def generated(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Memories of a hundred remembered events each, as they lie in the topic."""
    packing = Packing()
    for n in range(count):
        seen = {
            f"urn:yijian:demo:h1:his\x1fe{(n * 7919 + k) * 104729 % 10**9:09d}": Seen(
                f"{(n * 31 + k) * 2654435761 % 2**32:08x}", 1_795_000_000_000_000 + k * n
            )
            for k in range(40)
        }
        body = packing.pack(encode(Memory(seen=seen)))
        yield subject(n).encode(), framed(NEVER_US, -1, body)


def test_a_hundred_thousand_patients_are_read_back(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    producer = Producer(
        {"bootstrap.servers": installation.bootstrap, "queue.buffering.max.messages": 1_000_000}
    )
    size = 0
    for key, value in generated(100_000):
        producer.produce(installation.topics.state, value, key, partition_of(key, PARTITIONS))
        size += len(value)
        producer.poll(0)
    assert producer.flush(60) == 0
    feed(installation, 40)
    with installation.workers("one", remembers=True):
        until(installation.all_committed, 60)
        memory = installation.healthy("one")["memory"]
    assert memory["subjects"] == 100_000
    assert memory["recovered_records"] >= 100_000
    with capsys.disabled():
        print(f"\n100,000 memories of {size / 100_000:.0f} bytes: {memory['recovery_s']} s")  # noqa: T201
    assert memory["recovering"] == []
