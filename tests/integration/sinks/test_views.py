"""The views are right before any merge, after all of them, and across table partitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from contracts.decision import DeadLetterHeaders, encode_record
from integration.sinks.world import decision_of, event
from sinks import queries
from sinks.client import connect
from sinks.cutting import build
from sinks.rows import Builder, EventRows, Record, decision_rows, letter_rows
from sinks.schema import migrate

pytestmark = pytest.mark.integration


class Tables:
    """Rows as the sink makes them, put into the tables without Kafka, each in a part of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        migrate(client)
        for table in ("events", "decisions", "alerts", "dead_letters"):
            client.command(f"SYSTEM STOP MERGES {table}")

    def put(self, record: Record, builder: Builder) -> None:
        blocks, refused = build([record], builder)
        assert not refused
        for block in blocks:
            self.client.insert(
                block.table.name,
                block.columns(),
                column_names=block.table.names,
                column_type_names=block.table.types,
                column_oriented=True,
            )

    def event(self, sent: dict[str, Any], offset: int, topic: str = "in") -> None:
        value, key = json.dumps(sent).encode(), sent["subject"].encode()
        self.put(_record(topic, offset, key, value), EventRows())

    def decision(self, sent: dict[str, Any], offset: int, *rules: str, pack: str = "p1") -> None:
        value = encode_record(decision_of(sent, rules, pack))
        self.put(_record("decisions", offset, b"k", value), decision_rows)

    def refusal(self, offset: int, reason: str) -> None:
        headers = [
            (DeadLetterHeaders.TOPIC, b"in"),
            (DeadLetterHeaders.PARTITION, b"0"),
            (DeadLetterHeaders.OFFSET, str(offset).encode()),
            (DeadLetterHeaders.REASON, reason.encode()),
        ]
        self.put(_record("letters", offset, b"k", b"v", headers), letter_rows)

    def merge(self) -> None:
        for table in ("events", "decisions", "alerts", "dead_letters"):
            self.client.command(f"SYSTEM START MERGES {table}")
            self.client.command(f"OPTIMIZE TABLE {table} FINAL")

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.client.query(sql).result_rows]


def _record(topic: str, offset: int, key: bytes, value: bytes, headers: Any = ()) -> Record:
    return Record(topic, 0, offset, 1_790_000_000_000, 1_790_000_000_000, key, value, headers)


@pytest.fixture
def tables(clickhouse_database: str) -> Iterator[Tables]:
    client = connect(clickhouse_database)
    yield Tables(client)
    client.close()


@pytest.mark.parametrize("merged", [False, True], ids=["nothing merged", "all merged"])
def test_a_rule_that_is_withdrawn_withdraws_its_alerts(tables: Tables, merged: bool) -> None:
    sent = event(1)
    tables.decision(sent, 5, "kept", "withdrawn")
    tables.decision(sent, 6, "kept", "withdrawn")
    tables.decision(sent, 9, "kept", pack="p2")
    if merged:
        tables.merge()
    assert tables.column("SELECT rule_id FROM alerts_current") == ["kept"]
    assert tables.column("SELECT pack FROM decisions_current") == ["p2"]
    assert tables.column("SELECT count() FROM decisions_current WHERE pack = 'p1'") == [0]
    assert queries.duplicates(tables.client).total == 0
    tables.decision(sent, 12, pack="p3")
    assert tables.column("SELECT rule_id FROM alerts_current") == []


@pytest.mark.parametrize("merged", [False, True], ids=["nothing merged", "all merged"])
def test_a_decision_in_another_month_replaces_the_one_before(tables: Tables, merged: bool) -> None:
    tables.decision(event(1, time_="2026-03-31T23:00:00Z"), 5, "a", "b")
    tables.decision(event(1, time_="2026-04-01T01:00:00Z"), 8, "a")
    if merged:
        tables.merge()
    assert queries.counts(tables.client) == queries.Counts(0, 1, 1, 0)


def test_a_repeated_decision_with_other_content_is_a_duplicate_that_no_merge_hides(
    tables: Tables,
) -> None:
    tables.decision(event(1), 5, "a")
    tables.decision(event(1), 6, "a")
    assert queries.duplicates(tables.client).total == 0
    tables.decision(event(1), 7, "a", "b")
    tables.merge()
    assert queries.duplicates(tables.client).differing_decisions == 1
    assert queries.counts(tables.client).decisions == 1


@pytest.mark.parametrize("merged", [False, True], ids=["nothing merged", "all merged"])
def test_an_event_whose_id_was_reused_stays_what_it_was(tables: Tables, merged: bool) -> None:
    tables.event(event(1, note="first"), 3)
    tables.event(event(1, note="second"), 4)
    tables.refusal(4, "id_reused")
    if merged:
        tables.merge()
    assert tables.column("SELECT offset FROM events_current") == [3]
    assert tables.column("SELECT count() FROM acts_current") == [1]


@pytest.mark.parametrize("merged", [False, True], ids=["nothing merged", "all merged"])
def test_an_act_is_its_latest_revision_whatever_order_it_came_in(
    tables: Tables, merged: bool
) -> None:
    same = {"act_id": "stay", "kind_": "inpatient"}
    ended = {"ended_at": "2026-04-02T10:00:00+08:00"}
    tables.event(event(3, kind="encounter.updated.v1", time_="2026-04-03T10:00:00+08:00",
                       revision=3, **same), 1)  # fmt: skip
    tables.event(event(2, kind="encounter.discharged.v1", time_="2026-04-02T10:00:00+08:00",
                       revision=2, **same, **ended), 2)  # fmt: skip
    tables.event(event(1, kind="encounter.admitted.v1", time_="2026-03-01T10:00:00+08:00",
                       revision=1, **same), 3)  # fmt: skip
    if merged:
        tables.merge()
    found = tables.client.query(
        "SELECT revision, verb, isNull(ended_at), first_time FROM acts_current"
    ).result_rows
    assert [row[:3] for row in found] == [(3, "updated", 1)]
    assert found[0][3].month == 3


def test_a_dead_letter_is_one_a_record_however_often_it_was_sent(tables: Tables) -> None:
    tables.refusal(7, "not_json")
    tables.refusal(7, "not_json")
    tables.refusal(8, "envelope")
    assert queries.counts(tables.client).dead_letters == 2
    assert sorted(queries.dead_letter_origins(tables.client)) == [("in", 0, 7), ("in", 0, 8)]
    assert queries.duplicates(tables.client).dead_letters == 0


def test_times_from_1900_to_2299_are_stored_as_they_are(tables: Tables) -> None:
    times = ["1900-01-01T00:00:00Z", "1948-05-01T00:00:00Z", "2026-03-01T12:00:00.123Z"]
    for n, at in enumerate(times):
        tables.event(event(n, time_=at), n)
    found = tables.column("SELECT time FROM events_current ORDER BY time")
    assert [t.isoformat(timespec="milliseconds") for t in found] == [
        "1900-01-01T00:00:00.000",
        "1948-05-01T00:00:00.000",
        "2026-03-01T12:00:00.123",
    ]


def test_migrations_can_run_again_and_halfway(clickhouse_database: str) -> None:
    client = connect(clickhouse_database)
    try:
        versions = migrate(client)
        assert versions == list(range(1, len(versions) + 1))
        assert migrate(client) == []
        client.command("TRUNCATE TABLE schema_versions")
        assert migrate(client) == versions
    finally:
        client.close()
