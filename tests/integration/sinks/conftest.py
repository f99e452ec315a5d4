"""One world a test: topics and a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.topics import Topics
from integration.sinks.world import World
from plugins.kafka import Kafka


@pytest.fixture
def world(kafka: Kafka, topic_prefix: str, clickhouse_database: str) -> Iterator[World]:
    made = World(kafka.bootstrap, clickhouse_database, Topics(topic_prefix, ("his",)))
    try:
        yield made
    finally:
        made.close()
