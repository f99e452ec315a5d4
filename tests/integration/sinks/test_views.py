"""The views are right before any merge, after all of them, and across table partitions."""

from __future__ import annotations

import pytest

from integration.sinks.filled_tables import Tables
from integration.sinks.world import event
from sinks import queries
from sinks.client import connect
from sinks.schema import migrate

pytestmark = pytest.mark.integration


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
