"""The librdkafka settings that follow from a sink's configuration."""

from __future__ import annotations

from contracts.topics import Topics
from sinks.config import SinkConfig


def test_a_sink_reads_no_record_of_an_aborted_transaction_whatever_the_options_say() -> None:
    config = SinkConfig(
        bootstrap="b:1",
        topics=Topics("t", ("his",)),
        dsn="clickhouse://h/d",
        kafka_options={"isolation.level": "read_uncommitted"},
    )
    assert config.consumer_settings()["isolation.level"] == "read_committed"
