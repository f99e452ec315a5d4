from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.cimpl import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME

from streams.broker import (
    MissingTopicsError,
    PartitionCountError,
    TopicChange,
    TopicError,
    TopicSpec,
    UnequalPartitionsError,
    apply_topics,
    check_equal_partitions,
    log_bounds,
    topic_ids,
)
from streams.broker.admin import admin_client

pytestmark = pytest.mark.integration


class Kafka(Protocol):
    @property
    def bootstrap(self) -> str: ...


def test_topics_are_created_once(kafka: Kafka, topic_prefix: str) -> None:
    specs = [
        TopicSpec(f"{topic_prefix}.in", 4, max_message_bytes=1_000_000),
        TopicSpec(f"{topic_prefix}.out", 4, max_message_bytes=8_000_000, retention_ms=86_400_000),
        TopicSpec(f"{topic_prefix}.state", 4, compacted=True, log_append_time=False),
    ]
    extra = {"min.insync.replicas": "1"}
    made = apply_topics(kafka.bootstrap, specs, extra)
    assert [(change.topic, change.created) for change in made] == [(s.name, True) for s in specs]
    assert made[1].settings["max.message.bytes"] == (None, "8000000")
    assert apply_topics(kafka.bootstrap, specs, extra) == []
    assert check_equal_partitions(kafka.bootstrap, [spec.name for spec in specs]) == 4


def test_several_may_apply_the_same_topics_at_once(kafka: Kafka, topic_prefix: str) -> None:
    specs = [TopicSpec(f"{topic_prefix}.{number}", 2) for number in range(6)]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(apply_topics, kafka.bootstrap, specs) for _ in range(4)]
        changes = [change for future in asked for change in future.result()]
    assert sorted(change.topic for change in changes) == sorted(spec.name for spec in specs)


def test_changed_settings_are_changed_and_nothing_else(kafka: Kafka, topic_prefix: str) -> None:
    name = f"{topic_prefix}.t"
    apply_topics(kafka.bootstrap, [TopicSpec(name, 1, retention_ms=5_000_000)])
    wanted = TopicSpec(name, 1, max_message_bytes=2_000_000)
    assert apply_topics(kafka.bootstrap, [wanted]) == [
        TopicChange(
            name,
            created=False,
            settings={
                "max.message.bytes": ("1048576", "2000000"),
                "retention.ms": ("5000000", None),
            },
        )
    ]
    assert apply_topics(kafka.bootstrap, [wanted]) == []


def test_another_number_of_partitions_is_refused_and_nothing_is_changed(
    kafka: Kafka, topic_prefix: str
) -> None:
    name, other = f"{topic_prefix}.t", f"{topic_prefix}.new"
    apply_topics(kafka.bootstrap, [TopicSpec(name, 2)])
    with pytest.raises(PartitionCountError, match=f"{name} has 2, want 3") as caught:
        apply_topics(kafka.bootstrap, [TopicSpec(other, 3), TopicSpec(name, 3)])
    assert [(m.topic, m.have, m.want) for m in caught.value.mismatches] == [(name, 2, 3)]
    with pytest.raises(MissingTopicsError, match=other):
        check_equal_partitions(kafka.bootstrap, [name, other])


def test_unequal_partition_counts_are_refused(kafka: Kafka, topic_prefix: str) -> None:
    counts = {f"{topic_prefix}.a": 2, f"{topic_prefix}.b": 3}
    apply_topics(kafka.bootstrap, [TopicSpec(name, count) for name, count in counts.items()])
    with pytest.raises(UnequalPartitionsError) as caught:
        check_equal_partitions(kafka.bootstrap, counts)
    assert caught.value.counts == counts


def test_a_topic_made_again_has_another_id(kafka: Kafka, topic_prefix: str) -> None:
    specs = [TopicSpec(f"{topic_prefix}.a", 1), TopicSpec(f"{topic_prefix}.b", 1)]
    names = [spec.name for spec in specs]
    apply_topics(kafka.bootstrap, specs)
    before = topic_ids(kafka.bootstrap, names)
    assert list(before) == names

    client = admin_client(kafka.bootstrap)
    client.delete_topics(names[:1])[names[0]].result(30.0)
    deadline = time.monotonic() + 30.0
    while not apply_topics(kafka.bootstrap, specs):
        assert time.monotonic() < deadline, "the broker still tells of the deleted topic"

    after = topic_ids(kafka.bootstrap, names)
    assert after[names[0]] != before[names[0]]
    assert after[names[1]] == before[names[1]]


def test_a_topic_that_is_not_there_has_no_id_and_no_bounds(kafka: Kafka, topic_prefix: str) -> None:
    missing = f"{topic_prefix}.missing"
    with pytest.raises(TopicError, match=missing):
        topic_ids(kafka.bootstrap, [missing])
    with pytest.raises(TopicError, match=missing):
        log_bounds(kafka.bootstrap, [(missing, 0)])


def test_bounds_are_the_first_record_and_the_next_to_come(kafka: Kafka, topic_prefix: str) -> None:
    name = f"{topic_prefix}.t"
    apply_topics(kafka.bootstrap, [TopicSpec(name, 2)])
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for _ in range(7):
        producer.produce(name, b"x", partition=1)
    assert producer.flush(30.0) == 0
    assert log_bounds(kafka.bootstrap, [(name, 0), (name, 1)]) == {
        (name, 0): (0, 0),
        (name, 1): (0, 7),
    }
    assert log_bounds(kafka.bootstrap, []) == {}


@pytest.mark.parametrize(
    ("by_broker", "kind"), [(True, TIMESTAMP_LOG_APPEND_TIME), (False, TIMESTAMP_CREATE_TIME)]
)
def test_records_are_stamped_as_the_topic_says(
    kafka: Kafka, topic_prefix: str, by_broker: bool, kind: int
) -> None:
    name = f"{topic_prefix}.t"
    apply_topics(kafka.bootstrap, [TopicSpec(name, 1, log_append_time=by_broker)])
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(name, b"x", timestamp=1_000_000_000_000)
    assert producer.flush(30.0) == 0
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic_prefix})
    try:
        consumer.assign([TopicPartition(name, 0, 0)])
        message = consumer.poll(30.0)
    finally:
        consumer.close()
    assert message is not None
    found_kind, found_ms = message.timestamp()
    assert found_kind == kind
    assert (found_ms == 1_000_000_000_000) is not by_broker


def test_a_broker_that_is_not_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.broker.topics.REQUEST_TIMEOUT_S", 1.0)
    with pytest.raises(TopicError, match="check that it runs"):
        apply_topics("127.0.0.1:1", [TopicSpec("t", 1)])
