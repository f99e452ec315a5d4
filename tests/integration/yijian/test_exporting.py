"""What intake received comes back out of Kafka, and is decided as it was."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

import knowledge_base
from plugins.kafka import Kafka
from simulation.feed import feed
from simulation.ndjson import read
from simulation.simulator import Simulator
from streams.broker import apply_topics
from yijian import settings
from yijian.cli import app
from yijian.composition import topic_specs

pytestmark = pytest.mark.integration
EVENTS = 300


def test_every_record_is_exported_with_its_place(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIJIAN_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("YIJIAN_TOPIC_PREFIX", topic_prefix)
    s = settings.load()
    apply_topics(kafka.bootstrap, topic_specs(s))
    simulator = Simulator(
        knowledge_base.load(knowledge_base.default_paths()), 1, 40, date(2026, 3, 17)
    )
    sent = list(simulator.events(EVENTS))
    feed(iter(sent), kafka.bootstrap, s.topics, system=s.systems[0])
    odd = Producer({"bootstrap.servers": kafka.bootstrap})
    pretty = json.dumps(json.loads(sent[0].bytes), indent=2, ensure_ascii=False).encode()
    for value in (b"no json", b'{"half":', pretty, None):
        odd.produce(s.topics.intake("billing", s.systems[0]), value, b"k")
    odd.flush(30)
    file = tmp_path / "events.ndjson"
    answer = CliRunner().invoke(app, ["events", "export", "--out", str(file)])
    assert answer.exit_code == 0, answer.output
    assert f"{EVENTS + 4} records" in answer.stderr
    assert "3 of them are not JSON" in answer.stderr
    lines = list(read(file.read_bytes().splitlines()))
    assert all(line.position is not None and line.position.arrival_ms > 0 for line in lines)
    places = [line.position[:3] for line in lines if line.position is not None]
    assert len(set(places)) == EVENTS + 4
    found = Counter(line.value for line in lines)
    assert all(found[event.bytes] == 1 for event in sent)
    assert found[b"null"] == 3
    billing = CliRunner().invoke(app, ["events", "export", "--family", "billing"])
    count = sum(event.topic_family == "billing" for event in sent)
    assert len(billing.stdout.splitlines()) == count + 4
