"""Metrics and health as they are read over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from contracts.clock import ManualClock
from streams.answers import Answer
from streams.figures import Figures
from streams.metrics import Vitals, WorkerCollector
from streams.state import MemoryFigures
from streams.status_server import Health, StatusServer
from streams.supervision import Supervisor
from support.streams_fakes import FakeEvaluator, prescription, subject


class Served:
    """A status server over figures that a test fills."""

    def __init__(self) -> None:
        self.figures = Figures(ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
        self.ok = True
        self.memory: MemoryFigures | None = None
        registry = CollectorRegistry()
        registry.register(WorkerCollector(self.figures, self.vitals))
        self.server = StatusServer("127.0.0.1", 0, registry, self.health).start()

    def vitals(self) -> Vitals:
        a0 = TP("yijian.in.prescriptions.his.v1", 0)
        return Vitals(7, {a0: 10}, {a0: 3}, {a0: 1.5}, 0.2, 4096, 2, True, self.memory)

    def health(self) -> Health:
        return Health(self.ok, {"generation": 7})

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.server.address}{path}", timeout=5) as reply:
            body: bytes = reply.read()
        return body

    def samples(self) -> dict[str, float]:
        return {
            f"{s.name}{json.dumps(s.labels, sort_keys=True)}": s.value
            for family in text_string_to_metric_families(self.get("/metrics").decode())
            for s in family.samples
        }


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.stop()


def test_every_figure_can_be_scraped(served: Served) -> None:
    answer = Supervisor(FakeEvaluator()).supervise(prescription(1, 1), subject(1).encode(), None)
    assert isinstance(answer, Answer)
    served.figures.answered(answer)
    served.figures.rekeyed += 1
    served.figures.latency.observe(0.03)
    found = served.samples()
    where = '{"partition": "0", "topic": "yijian.in.prescriptions.his.v1"}'
    assert found[f"yijian_worker_lag_records{where}"] == 3
    assert found[f"yijian_worker_oldest_unprocessed_seconds{where}"] == 1.5
    assert found["yijian_worker_in_flight_bytes{}"] == 4096
    assert found['yijian_events_total{"type": "prescription.signed.v1"}'] == 1
    assert found['yijian_decisions_total{"phase": "during", "verdict": "findings"}'] == 1
    alert = '{"phase": "during", "result": "violation", "rule": "rx.days"}'
    assert found[f"yijian_alerts_total{alert}"] == 1
    assert found["yijian_rekeyed_total{}"] == 1
    assert found['yijian_latency_seconds_bucket{"le": "0.025"}'] == 0
    assert found['yijian_latency_seconds_bucket{"le": "0.05"}'] == 1
    assert found["yijian_latency_seconds_count{}"] == 1


@pytest.mark.parametrize("edge", ["0.025", "0.05", "0.1", "0.5"])
def test_latency_has_an_edge_at_each_objective(served: Served, edge: str) -> None:
    assert f'yijian_latency_seconds_bucket{{"le": "{edge}"}}' in served.samples()


def test_health_is_json_and_says_no_with_its_status(served: Served) -> None:
    assert json.loads(served.get("/health")) == {"ok": True, "generation": 7}
    served.ok = False
    with pytest.raises(urllib.error.HTTPError) as refused:
        served.get("/health")
    assert refused.value.code == 503
    assert json.loads(refused.value.read())["ok"] is False
    refused.value.close()


def test_other_paths_are_not_found(served: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        served.get("/")
    assert missing.value.code == 404
    missing.value.close()


def test_how_much_is_remembered_is_told_where_anything_is(served: Served) -> None:
    assert not any("yijian_memory" in name for name in served.samples())
    served.memory = MemoryFigures(
        subjects=7, bytes=4096, timers=2, recovering=(1, 3), recovered_records=50,
        expected_records=80, recovery_s=0.5, ticks_failed=4,
    )  # fmt: skip
    served.figures.repeated = 6
    found = served.samples()
    assert found["yijian_memory_subjects{}"] == 7
    assert found["yijian_memory_recovering_partitions{}"] == 2
    assert found["yijian_memory_recovered_records{}"] == 50
    assert found["yijian_ticks_failed_total{}"] == 4
    assert found["yijian_repeats_total{}"] == 6
