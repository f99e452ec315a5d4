"""Content that ClickHouse refuses becomes dead letters; everything beside it is stored."""

from __future__ import annotations

import json

import pytest

from contracts.identity import partition_of
from integration.sinks.world import PARTITIONS, World, event, wait_for
from sinks import dead_letters, queries
from sinks.schema import migrate

pytestmark = pytest.mark.integration


def test_rows_that_clickhouse_refuses_are_bisected_out_with_their_origin(world: World) -> None:
    migrate(world.client)
    world.client.command(
        "ALTER TABLE events ADD CONSTRAINT no_poison CHECK act_id NOT LIKE 'poison%'"
    )
    events = [event(n, **({"act_id": f"poison-{n}"} if n % 100 == 7 else {})) for n in range(1_000)]
    world.send(events)
    sink = world.sink()
    wait_for(
        lambda: queries.counts(world.client) == queries.Counts(990, 0, 0, 10),
        "990 rows and 10 dead letters",
        sinks=[sink],
    )
    headings = dead_letters.listed(world.client, dead_letters.Filter(reason="sink_refused"))
    assert {h.topic for h in headings} == {world.intake(events[0])}
    letter = dead_letters.shown(
        world.client, headings[0].topic, headings[0].partition, headings[0].offset
    )
    assert letter is not None
    assert letter.value is not None
    sent = json.loads(letter.value)
    assert sent["data"]["act_id"].startswith("poison")
    assert letter.key == sent["subject"].encode()
    assert "VIOLATED_CONSTRAINT" in letter.heading.detail
    assert "poison" not in letter.heading.detail
    assert sink.stop() == 0


def test_refused_rows_are_the_same_letters_after_everything_is_read_again(world: World) -> None:
    world.put(world.topics.decisions, "urn:test:patients|1", b'{"decision_id": 7}')
    world.send([event(1)])
    first = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and queries.counts(world.client) == queries.Counts(1, 0, 0, 1)
        ),
        "one row, one letter",
        sinks=[first],
    )
    first.kill()
    world.client.command("TRUNCATE TABLE sink_positions")
    second = world.sink(group=f"{world.topics.prefix}-after")
    wait_for(
        lambda: world.scalar("SELECT count() FROM sink_positions FINAL") >= 2, "read again",
        sinks=[second],
    )  # fmt: skip
    assert queries.counts(world.client) == queries.Counts(1, 0, 0, 1)
    assert queries.duplicates(world.client).total == 0


def test_what_the_decoder_refuses_is_left_to_the_worker(world: World) -> None:
    topic = world.topics.all_intake[0]
    world.put(topic, "urn:test:patients|1", b"{not json")
    world.put(topic, "urn:test:patients|1", None)
    world.send([event(1, kind="patient.registered.v1")])
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE sink_positions"))
            and world.scalar("SELECT sum(last + 1) FROM sink_positions FINAL") == 3
        ),
        "three records read",
        sinks=[sink],
    )
    assert queries.counts(world.client) == queries.Counts(1, 0, 0, 0)


def test_a_misplaced_record_and_its_repetition_are_one_event(world: World) -> None:
    sent = event(1)
    key = sent["subject"].encode()
    wrong = (partition_of(key, PARTITIONS) + 1) % PARTITIONS
    world.put(world.intake(sent), key, json.dumps(sent), partition=wrong)
    world.send([sent, sent])
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE sink_positions"))
            and world.scalar("SELECT sum(last + 1) FROM sink_positions FINAL") == 3
        ),
        "three records read",
        sinks=[sink],
    )
    assert queries.counts(world.client) == queries.Counts(1, 0, 0, 0)


def test_naughty_bytes_survive_the_way(world: World) -> None:
    value = json.dumps(
        event(1, note="\u0000\u202e\ufeff\u0001 Ω≈ç√ 田中さん 👾 ‮ ﷽ DROP TABLE 'x'\\"),
        ensure_ascii=False,
    ).encode()
    world.put(world.topics.intake("billing", "his"), "urn:test:patients|1", value)
    world.refuse(bytes(range(256)), b"\xff\x00key", 1)
    world.refuse(None, None, 2, reason="empty_value")
    world.refuse(b"", b"", 3, reason="empty_value")
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and queries.counts(world.client) == queries.Counts(1, 0, 0, 3)
        ),
        "one row, three letters",
        sinks=[sink],
    )
    row = world.client.query(
        "SELECT payload FROM events_current", column_formats={"payload": "bytes"}
    )
    assert row.result_rows[0][0] == value
    letters = [
        dead_letters.shown(world.client, world.topics.all_intake[0], 0, n) for n in (1, 2, 3)
    ]
    assert [(x.key, x.value) for x in letters if x] == [
        (b"\xff\x00key", bytes(range(256))),
        (None, None),
        (b"", b""),
    ]
