"""One world a test: topics and a database of its own; or the tables alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.topics import Topics
from integration.sinks.filled_tables import Tables
from integration.sinks.world import World
from plugins.kafka import Kafka
from sinks.client import connect


@pytest.fixture
def world(kafka: Kafka, topic_prefix: str, clickhouse_database: str) -> Iterator[World]:
    made = World(kafka.bootstrap, clickhouse_database, Topics(topic_prefix, ("his",)))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def tables(clickhouse_tables: str) -> Iterator[Tables]:
    client = connect(clickhouse_tables)
    yield Tables(client)
    client.close()
