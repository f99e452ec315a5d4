"""Feeding a real broker: every record arrives, in its topic and its patient's partition."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

import knowledge_base
from contracts.identity import partition_of
from contracts.topics import Topics
from plugins.kafka import Kafka
from simulation import FeedError, Simulator
from simulation.feed import feed

pytestmark = pytest.mark.integration
PARTITIONS = 3


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    knowledge = knowledge_base.load(knowledge_base.default_paths())
    return Simulator(knowledge, 1, 40, date(2026, 3, 17))


def _create(kafka: Kafka, topics: Topics) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    new = [NewTopic(name, PARTITIONS, 1) for name in topics.all_intake]
    for future in admin.create_topics(new, operation_timeout=30).values():
        future.result(timeout=30)


def _read_back(kafka: Kafka, topics: Topics, count: int) -> list[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": topics.prefix,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(t, p, 0) for t in topics.all_intake for p in range(PARTITIONS)])
    found: list[Message] = []
    try:
        while len(found) < count:
            messages = consumer.consume(count - len(found), timeout=30)
            assert messages, f"only {len(found)} of {count} records came back"
            assert not any(message.error() for message in messages)
            found.extend(messages)
    finally:
        consumer.close()
    return found


def test_every_event_arrives_in_its_topic_and_partition(
    kafka: Kafka, topic_prefix: str, simulator: Simulator
) -> None:
    topics = Topics(topic_prefix, ("his",))
    _create(kafka, topics)
    events = list(simulator.events(2_000))
    heard: list[int] = []
    report = feed(events, kafka.bootstrap, topics, progress=heard.append)
    assert report.records == 2_000
    assert heard[-1] == 2_000
    assert report.by_topic == Counter(topics.intake(e.topic_family, "his") for e in events)
    back = _read_back(kafka, topics, 2_000)
    assert {message.value() for message in back} == {e.bytes for e in events}
    assert all(m.partition() == partition_of(m.key() or b"", PARTITIONS) for m in back)


def test_a_rate_paces_the_feed(kafka: Kafka, topic_prefix: str, simulator: Simulator) -> None:
    topics = Topics(topic_prefix, ("his",))
    _create(kafka, topics)
    report = feed(simulator.events(60), kafka.bootstrap, topics, rate=100.0)
    assert report.seconds >= 0.59


def test_a_feed_stops_when_it_is_told(
    kafka: Kafka, topic_prefix: str, simulator: Simulator
) -> None:
    topics = Topics(topic_prefix, ("his",))
    _create(kafka, topics)
    report = feed(simulator.events(5_000), kafka.bootstrap, topics, stop=lambda: True)
    assert report.records == 0


def test_records_that_are_not_confirmed_are_an_error(simulator: Simulator) -> None:
    with pytest.raises(FeedError, match=r"of 3 records"):
        feed(simulator.events(3), "127.0.0.1:1", Topics("nowhere"), timeout_s=1.0)
