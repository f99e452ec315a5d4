"""A running sink tells how it stands."""

from __future__ import annotations

import json
import re
import socket
import urllib.request

import pytest

from integration.sinks.world import World, event, wait_for

pytestmark = pytest.mark.integration


def test_health_and_metrics_tell_lag_rows_and_the_distance_to_the_logs_start(world: World) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world.send(event(n) for n in range(300))
    sink = world.sink(http=f"127.0.0.1:{port}")
    topic = world.intake(event(0))

    def metrics() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    wait_for(
        lambda: f'yijian_sink_lag_records{{topic="{topic}"}} 0.0' in metrics(),
        "a look around",
        sinks=[sink],
    )
    text = metrics()
    assert 'yijian_sink_rows_total{table="events"} 300.0' in text
    distance = re.search(rf'log_start_distance_records{{topic="{topic}"}} (\d+)', text)
    assert distance is not None
    assert int(distance[1]) > 0
    assert 'yijian_sink_row_latency_seconds_bucket{le="+Inf"} 300.0' in text
    assert "urn:test:patients" not in text
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        health = json.load(answer)
    assert health["ok"] is True
    assert health["assigned"][topic] == [0, 1, 2, 3]
    assert health["lag_records"] == 0
    assert sink.stop() == 0
