"""A rebuild arrives at the same tables; a position that fits no log stops the sink."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient

from integration.sinks.world import World, event, wait_for
from sinks import queries
from sinks.rebuild import rebuild
from streams.broker import TopicSpec, apply_topics

pytestmark = pytest.mark.integration


def content(world: World) -> list[tuple[object, ...]]:
    """Everything that the views show but when it was written."""
    out: list[tuple[object, ...]] = []
    for view in ("events_current", "decisions_current", "alerts_current", "dead_letters_current"):
        found = world.client.query(f"SELECT cityHash64(* EXCEPT written_at) FROM {view} ORDER BY 1")
        out += [(view, *row) for row in found.result_rows]
    for view in ("acts_current", "events_reused"):
        found = world.client.query(f"SELECT cityHash64(*) FROM {view} ORDER BY 1")
        out += [(view, *row) for row in found.result_rows]
    return out


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
def test_a_rebuild_arrives_at_the_same_tables(world: World, running: bool) -> None:
    events = [event(n) for n in range(800)]
    world.send(events)
    world.send([event(5, note="other content under a key that is taken")])
    world.send([event(n) for n in range(20)])
    world.decide(events, ["a", "b"])
    world.refuse(b"{", b"k", 3)
    sink = world.sink()
    full = queries.Counts(800, 800, 1_600, 1)
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and queries.counts(world.client) == full
            and world.scalar("SELECT count() FROM events") == 821
        ),
        "all rows",
        sinks=[sink],
    )
    assert queries.reused_ids(world.client) == 1
    before = content(world)
    if not running:
        assert sink.stop() == 0
    assert rebuild(world.client) == 1
    if not running:
        assert queries.counts(world.client) == queries.Counts(0, 0, 0, 0)
        sink = world.sink()
    wait_for(
        lambda: (
            queries.counts(world.client) == full
            and world.scalar("SELECT count() FROM events") == 821
        ),
        "all rows again",
        sinks=[sink],
    )
    assert content(world) == before
    assert sink.stop() == 0


def test_a_topic_made_anew_stops_the_sink_with_a_clear_error(world: World) -> None:
    world.send(event(n) for n in range(50))
    topic = world.intake(event(0))
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE sink_positions"))
            and world.scalar("SELECT sum(last + 1) FROM sink_positions FINAL") == 50
        ),
        "positions",
        sinks=[sink],
    )
    assert sink.stop() == 0
    admin = AdminClient({"bootstrap.servers": world.bootstrap})
    admin.delete_topics([topic])[topic].result(20)
    wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, "the topic is gone")
    apply_topics(world.bootstrap, [TopicSpec(topic, 4)])
    again = world.sink()
    assert again.process.wait(30) == 1
    assert "it was made anew" in again.log
    assert "yijian rebuild" in again.log


def test_records_deleted_before_they_were_stored_stop_the_sink(world: World) -> None:
    from confluent_kafka import TopicPartition

    world.send([event(n, subject="urn:test:patients|same") for n in range(50)])
    topic = world.intake(event(0))
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE sink_positions"))
            and world.scalar("SELECT sum(last + 1) FROM sink_positions FINAL") == 50
        ),
        "positions",
        sinks=[sink],
    )
    assert sink.stop() == 0
    partition = world.scalar("SELECT partition FROM sink_positions LIMIT 1")
    world.send([event(n, subject="urn:test:patients|same") for n in range(50, 100)])
    admin = AdminClient({"bootstrap.servers": world.bootstrap})
    admin.delete_records([TopicPartition(topic, partition, 80)])[
        TopicPartition(topic, partition, 80)
    ].result(20)
    again = world.sink()
    assert again.process.wait(30) == 1
    assert "records 50 to 79 were deleted by Kafka" in again.log
