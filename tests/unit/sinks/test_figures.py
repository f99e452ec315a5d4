"""The sink's metrics and health, as Prometheus and an operator see them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from clickhouse_connect.driver.exceptions import OperationalError
from prometheus_client import CollectorRegistry, generate_latest

from sinks.errors import AddressUnavailable
from sinks.figures import Figures, Latency
from sinks.status import StatusServer
from sinks.store import Availability


def test_the_latency_histogram_counts_every_record_once_at_its_edge() -> None:
    latency = Latency()
    latency.observe([1_000, 975, 0, -100_000, 2_000], stored_ms=1_000)
    buckets, total_s = latency.buckets()
    counts = dict(buckets)
    assert counts["0.025"] == 3  # two of age 0 and one of exactly 25 ms
    assert counts["1.0"] == 4
    assert counts["+Inf"] == 5
    assert total_s == pytest.approx(0.025 + 1.0 + 101.0)


def test_metrics_name_what_an_operator_needs() -> None:
    figures = Figures(Availability())
    figures.availability.stored("events", 5)
    figures.availability.refuse("events", 1)
    figures.lag = {"t": 7}
    figures.to_log_start = {"t": 100}
    text = generate_latest(figures.registry()).decode()
    for line in (
        'yijian_sink_rows_total{table="events"} 5.0',
        'yijian_sink_refused_rows_total{table="events"} 1.0',
        'yijian_sink_lag_records{topic="t"} 7.0',
        'yijian_sink_log_start_distance_records{topic="t"} 100.0',
        "yijian_sink_clickhouse_up 1.0",
        "yijian_sink_retries_total 0.0",
    ):
        assert line in text
    assert "yijian_sink_row_latency_seconds_bucket" in text


def test_health_answers_503_while_clickhouse_is_away() -> None:
    availability = Availability()
    figures = Figures(availability)
    server = StatusServer("127.0.0.1:0", figures.registry(), lambda: {"ok": not availability.down})
    try:
        url = f"http://127.0.0.1:{server.port}"
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            assert json.load(answer) == {"ok": True}
        availability.failed(OperationalError("away"))
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{url}/health", timeout=5)
        assert error.value.code == 503
        error.value.close()
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            assert b"yijian_sink_clickhouse_up 0.0" in answer.read()
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "127.0.0.1:99999", "nonsense"])
def test_an_address_that_cannot_be_served_is_said(address: str) -> None:
    registry = CollectorRegistry()
    other = StatusServer("127.0.0.1:0", registry, lambda: {"ok": True})
    try:
        with pytest.raises(AddressUnavailable, match="choose another address"):
            StatusServer(address.format(port=other.port), registry, lambda: {"ok": True})
    finally:
        other.stop()
