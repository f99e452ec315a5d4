"""The worker on a real broker: answers, dead letters, re-keying, start and end."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest
from confluent_kafka import Producer

from contracts.decision import DeadLetterHeaders, Decision, OriginHeaders, Reader
from contracts.identity import partition_of
from streams.broker import TopicSpec, apply_topics
from support.streams_fakes import prescription, subject
from support.streams_worker import PARTITIONS, Installation, resets, times_answered, until

pytestmark = pytest.mark.integration

read_decision = Reader(Decision)


def events(count: int, first: int = 0) -> list[tuple[bytes | None, bytes | None]]:
    return [
        (subject(n % 97).encode(), prescription(n, n % 97)) for n in range(first, first + count)
    ]


def test_every_event_of_every_topic_gets_one_decision_in_order(
    installation: Installation,
) -> None:
    topics = installation.topics
    installation.feed(events(300))
    installation.feed(events(300, 300), topics.intake("order", "his"))
    installation.feed(events(300, 600), topics.intake("billing", "his"))
    with installation.workers("worker") as processes:
        until(lambda: installation.count(topics.decisions) >= 900)
        until(installation.all_committed)
        assert processes.stop("worker") == 0
    decisions = installation.read(topics.decisions)
    answered = times_answered(decisions)
    assert len(answered) == 900
    assert set(answered.values()) == {1}
    assert resets(decisions) == 0
    for decision in decisions:
        assert decision.key is not None
        assert decision.partition == partition_of(decision.key, PARTITIONS)
        assert decision.origin.partition == decision.partition
    alerts = installation.read(topics.alerts)
    assert {a.origin for a in alerts} == set(answered)


def test_a_drained_worker_leaves_nothing_to_do_again(installation: Installation) -> None:
    installation.feed(events(500))
    with installation.workers("worker", timeouts={"commit_interval_s": 60}) as processes:
        until(lambda: installation.count(installation.topics.decisions) >= 500)
        assert processes.stop("worker") == 0
        assert installation.all_committed()
        installation.start(processes, "worker")
        installation.feed(events(10, 500))
        until(lambda: installation.count(installation.topics.decisions) >= 510)
        assert processes.stop("worker") == 0
    assert installation.count(installation.topics.decisions) == 510


def test_what_is_refused_is_kept_with_its_reason_and_stops_nobody(
    installation: Installation,
) -> None:
    key = subject(1).encode()
    bad: list[tuple[bytes | None, bytes | None]] = [
        (key, b"{"),
        (key, None),
        (None, prescription(1, 1)),
        (key, b"\xff" * 50),
        (key, prescription(2, 2)),
    ]
    installation.feed([*bad, *events(20)])
    with installation.workers("worker") as processes:
        until(lambda: installation.count(installation.topics.decisions) >= 20)
        until(installation.all_committed)
        assert processes.restarts["worker"] == 0
    letters = installation.read(installation.topics.dead_letters)
    assert sorted(x.headers[DeadLetterHeaders.REASON] for x in letters) == [
        b"empty_value",
        b"key_mismatch",
        b"missing_key",
        b"not_json",
        b"not_json",
    ]
    assert sorted((x.value or b"") for x in letters) == sorted((v or b"") for _, v in bad)
    for letter in letters:
        assert letter.headers[DeadLetterHeaders.TOPIC].decode() == installation.prescriptions
        assert int(letter.headers[DeadLetterHeaders.PARTITION]) == letter.partition


def test_a_misplaced_record_is_evaluated_in_its_keys_partition(
    installation: Installation,
) -> None:
    producer = Producer({"bootstrap.servers": installation.bootstrap})
    keys = [subject(n).encode() for n in range(20)]
    wrong = {key: (partition_of(key, PARTITIONS) + 1) % PARTITIONS for key in keys}
    for n, key in enumerate(keys):
        producer.produce(installation.prescriptions, prescription(n, n), key, wrong[key])
    producer.flush(10)
    with installation.workers("worker"):
        until(lambda: installation.count(installation.topics.decisions) >= 20)
        until(lambda: installation.all_committed(installation.topics.rekeyed))
    assert installation.count(installation.topics.rekeyed) == 20
    decisions = installation.read(installation.topics.decisions)
    assert len(decisions) == 20
    for decision in decisions:
        assert decision.key is not None
        assert decision.partition == partition_of(decision.key, PARTITIONS)
        assert decision.origin.topic == installation.prescriptions
        assert decision.origin.partition == wrong[decision.key]
        assert int(decision.headers[OriginHeaders.RECEIVED_MS]) > 1_700_000_000_000


def test_an_event_of_the_largest_size_and_a_decision_too_large_stop_nobody(
    installation: Installation,
) -> None:
    largest = prescription(1, 1, items=2)
    padded = json.loads(largest)
    padded["data"]["note"] = "x" * (1_000_000 - len(largest))
    many = prescription(2, 1, items=2500)
    records: list[tuple[bytes | None, bytes | None]] = [
        (subject(1).encode(), json.dumps(padded).encode()),
        (subject(1).encode(), many),
        *events(10, 10),
    ]
    installation.feed(records)
    with installation.workers("worker", max_output_bytes=300_000) as processes:
        until(lambda: installation.count(installation.topics.decisions) >= 12)
        until(installation.all_committed)
        assert processes.restarts["worker"] == 0
    decisions = [
        read_decision(d.value or b"") for d in installation.read(installation.topics.decisions)
    ]
    cut = {d.event.id: d.cut for d in decisions if d.cut}
    assert cut == {"e000000002": "too_large"}
    assert installation.count(installation.topics.alerts) == 1 + 1250 + 10


def test_topics_with_unequal_partition_counts_are_refused_at_the_start(
    installation: Installation,
) -> None:
    odd = f"{installation.prefix}.in.odd"
    apply_topics(installation.bootstrap, [TopicSpec(odd, PARTITIONS)])
    other = Installation(installation.bootstrap, f"{installation.prefix}b", installation.log_folder)
    from confluent_kafka.admin import AdminClient, NewPartitions

    admin = AdminClient({"bootstrap.servers": installation.bootstrap})
    for future in admin.create_partitions([NewPartitions(other.prescriptions, 6)]).values():
        future.result(10)
    with other.workers("worker") as processes:
        until(lambda: processes.restarts["worker"] >= 1)
    assert other.prescriptions in other.log_of("worker")
    assert "ended" not in other.log_of("worker")


def test_health_and_metrics_tell_how_the_worker_stands(
    installation: Installation, tmp_path: Path
) -> None:
    installation.feed(events(50))
    with installation.workers("worker"):
        until(lambda: installation.count(installation.topics.decisions) >= 50)
        until(installation.all_committed)
        line = next(x for x in installation.log_of("worker").splitlines() if "http://" in x)
        address = line.rpartition(" ")[2]
        health = json.load(urllib.request.urlopen(f"{address}/health", timeout=5))
        assert health["ok"] is True
        assert health["generation"] > 0
        assert health["assigned"][installation.prescriptions] == [0, 1, 2, 3]
        metrics = urllib.request.urlopen(f"{address}/metrics", timeout=5).read().decode()
    assert 'yijian_events_total{type="prescription.signed.v1"} 50.0' in metrics
    assert "yijian_latency_seconds_count 50.0" in metrics
    assert "yijian_worker_may_write 1.0" in metrics
    assert "P0000" not in metrics


def test_a_terminal_interrupt_drains_too(installation: Installation) -> None:
    installation.feed(events(20))
    with installation.workers("worker") as processes:
        until(lambda: installation.count(installation.topics.decisions) >= 20)
        processes._signal("worker", signal.SIGINT)
        until(lambda: "Stopped" in installation.log_of("worker"))
        assert installation.all_committed()
