"""ClickHouse away under load: the sink waits, stays in its group, and loses nothing."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from contracts.topics import Topics
from integration.sinks.world import World, event, wait_for
from plugins.kafka import Kafka
from sinks import queries
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from streams.broker import LocalKafka

pytestmark = pytest.mark.integration


def test_clickhouse_killed_under_load_costs_no_row_and_no_sink(
    kafka: Kafka, topic_prefix: str
) -> None:
    with EmbeddedClickHouse() as server:
        world = World(kafka.bootstrap, server.dsn, Topics(topic_prefix, ("his",)))
        try:
            events = [event(n) for n in range(6_000)]
            world.send(events[:3_000])
            sink = world.sink(limits={"rows": 200, "age_s": 0.05})
            wait_for(
                lambda: (
                    bool(world.scalar("EXISTS TABLE dead_letters_current"))
                    and world.scalar("SELECT count() FROM events") > 0
                ),
                "the sink is at work",
                sinks=[sink],
            )
            server.kill()
            world.send(events[3_000:])
            world.decide(events)
            # Longer than the session timeout: a sink that stops polling would be expelled.
            wait_for(lambda: "does not answer" in sink.log, "it noticed", sinks=[sink])
            _outlast(10.0)
            assert sink.process.poll() is None
            server.restart()
            world.client.close()
            world.client = connect(server.dsn)
            wait_for(
                lambda: queries.counts(world.client) == queries.Counts(6_000, 6_000, 6_000, 0),
                "all rows",
                sinks=[sink],
            )
            assert "answers again" in sink.log
            assert len(re.findall(r"reading \d+ partitions", sink.log)) == 1
            assert queries.duplicates(world.client).total == 0
            assert sink.stop() == 0
        finally:
            world.close()


def test_a_broker_restart_under_load_costs_no_row_and_no_sink(
    kafka_cache_dir: Path, topic_prefix: str, clickhouse_database: str
) -> None:
    with LocalKafka(kafka_cache_dir) as broker:
        world = World(broker.bootstrap, clickhouse_database, Topics(topic_prefix, ("his",)))
        try:
            events = [event(n) for n in range(4_000)]
            world.send(events[:2_000])
            sink = world.sink(limits={"rows": 200, "age_s": 0.05})
            wait_for(
                lambda: (
                    bool(world.scalar("EXISTS TABLE dead_letters_current"))
                    and world.scalar("SELECT count() FROM events") > 0
                ),
                "the sink is at work",
                sinks=[sink],
            )
            broker.restart()
            world.send(events[2_000:])
            world.decide(events)
            wait_for(
                lambda: queries.counts(world.client) == queries.Counts(4_000, 4_000, 4_000, 0),
                "all rows",
                sinks=[sink],
            )
            assert queries.duplicates(world.client).total == 0
            assert sink.stop() == 0
        finally:
            world.close()


def _outlast(seconds: float) -> None:
    """The outage itself lasts this long; nothing is waited for."""
    threading.Event().wait(seconds)
