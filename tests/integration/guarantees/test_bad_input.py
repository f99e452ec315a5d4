"""Whatever is sent: refused and counted, or carried unharmed; nobody else suffers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Producer

from contracts.topics import Topics
from gateway.fhir import Imported, import_bundles
from integration.conftest import Servers
from simulation.feed import feed
from sinks.client import connect
from sinks.queries import dead_letter_origins
from support.shared_data import shared_data
from yijian import chaos, drain, settings
from yijian.audit import audit
from yijian.composition import load_core
from yijian.stack import Size, Stack

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def stack(module_servers: Servers) -> Iterator[Stack]:
    s = replace(chaos.quick(settings.load({})), **module_servers)
    with Stack(s, load_core(s).knowledge, Size()) as running:
        yield running


class Sender:
    def __init__(self, stack: Stack) -> None:
        s = stack.settings
        self.topics: Topics = s.topics
        self.refused = 0
        self._producer = Producer(
            {
                "bootstrap.servers": s.kafka_bootstrap,
                "partitioner": "murmur2_random",
                "message.max.bytes": 2 * s.intake_max_bytes,
                "queue.buffering.max.messages": 10_000,
            }
        )

    def bad(self, value: bytes | None, key: str | None = "n|bad") -> None:
        self.refused += 1
        self._send(value, key)

    def good(self, event: dict[str, Any]) -> None:
        self._send(json.dumps(event, ensure_ascii=False).encode(), event["subject"])

    def _send(self, value: bytes | None, key: str | None) -> None:
        topic = self.topics.intake("prescription", "his")
        self._producer.produce(topic, value, key)

    def done(self) -> None:
        assert self._producer.flush(30) == 0


def prescription(number: int, text: str = "", subject: str = "n|1") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"bad-input-{number}",
        "source": "urn:test",
        "type": "prescription.signed.v1",
        "time": "2026-03-02T10:00:00+08:00",
        "subject": subject,
        "data": {
            "act_id": f"rx-{number}",
            "revision": 1,
            "institution": "nowhere",
            "note": text,
            "items": [
                {
                    "line_id": "1",
                    "drug": {"system": "s", "code": "c", "display": text},
                    "usage": text,
                }
            ],
        },
    }


def dead_letters(stack: Stack) -> int:
    client = connect(stack.settings.clickhouse_dsn)
    try:
        return len(list(dead_letter_origins(client)))
    finally:
        client.close()


def test_what_cannot_be_an_event_is_refused_counted_and_harms_nobody(stack: Stack) -> None:
    sender = Sender(stack)
    before = dead_letters(stack)
    for path in sorted(shared_data("bad-input/json").glob("n_*.json")):
        sender.bad(path.read_bytes())
    for value, key in (
        (None, "n|1"),
        (b"", "n|1"),
        (b"{}", "n|1"),
        (json.dumps(prescription(1)).encode(), None),
        (json.dumps(prescription(1)).encode(), "n|2"),
        (json.dumps(prescription(1) | {"time": "2099-01-01T00:00:00Z"}).encode(), "n|1"),
        (b"\x00\xff" * 1000, "n|1"),
    ):
        sender.bad(value, key)
    for number in range(50):
        sender.good(prescription(10_000 + number, subject=f"n|{number}"))
    sender.done()
    drain.until_drained(stack.settings, 90)
    assert dead_letters(stack) - before == sender.refused
    assert not any(stack.processes.restarts.values()), stack.complaints(30)


def test_naughty_strings_are_carried_unharmed_to_clickhouse_and_back(stack: Stack) -> None:
    strings = json.loads((shared_data("bad-input") / "blns.json").read_text(encoding="utf-8"))
    sender = Sender(stack)
    before = dead_letters(stack)
    sent: dict[str, str] = {}
    for number, text in enumerate(strings):
        event = prescription(number, text, subject=f"n|{text or 'empty'}"[:500])
        sent[event["id"]] = text
        sender.good(event)
    sender.done()
    drain.until_drained(stack.settings, 90)
    client = connect(stack.settings.clickhouse_dsn)
    try:
        rows = client.query(
            "SELECT id, subject, payload FROM events_current WHERE source = 'urn:test' "
            "AND startsWith(id, 'bad-input-')",
            column_formats={"payload": "bytes"},
        ).result_rows
    finally:
        client.close()
    stored = {str(i): json.loads(payload)["data"]["note"] for i, _, payload in rows}
    assert {i: stored.get(i) for i in sent} == sent
    assert dead_letters(stack) == before


def test_records_of_the_largest_size_do_not_stop_a_partition(stack: Stack) -> None:
    sender = Sender(stack)
    room = stack.settings.intake_max_bytes - 4096
    sender.good(prescription(20_000, "大" * (room // 9)))
    many = prescription(20_001)
    many["data"]["items"] = [
        {"line_id": str(n), "drug": {"system": "nowhere", "code": str(n)}} for n in range(9_000)
    ]
    sender.good(many)
    sender.good(prescription(20_002))
    sender.done()
    drain.until_drained(stack.settings, 120)
    client = connect(stack.settings.clickhouse_dsn)
    try:
        found = client.query(
            "SELECT id FROM decisions_current WHERE startsWith(id, 'bad-input-2000')"
        ).result_rows
    finally:
        client.close()
    assert {str(row[0]) for row in found} == {f"bad-input-2000{n}" for n in range(3)}
    assert not any(stack.processes.restarts.values()), stack.complaints(30)


def test_a_fhir_history_of_decades_reaches_the_tables(stack: Stack) -> None:
    files = sorted(shared_data("fhir-r4-synthea").glob("*.json"))
    outcomes = import_bundles(files, "urn:fhir:synthea", "Asia/Shanghai", "nowhere")
    events = [outcome for outcome in outcomes if isinstance(outcome, Imported)]
    years = {event.event.time.year for event in events}
    assert max(years) - min(years) > 60
    s = stack.settings
    feed(events, s.kafka_bootstrap, s.topics)
    drain.until_drained(s, 120)
    client = connect(s.clickhouse_dsn)
    try:
        query = "SELECT source, id FROM events_current WHERE source = 'urn:fhir:synthea'"
        stored = {(str(a), str(b)) for a, b in client.query(query).result_rows}
    finally:
        client.close()
    assert stored == {event.event.key for event in events}


def test_after_all_of_it_nothing_is_lost_doubled_or_different(stack: Stack) -> None:
    s = stack.settings
    figures = audit(s, load_core(s))
    assert figures.passed, figures
