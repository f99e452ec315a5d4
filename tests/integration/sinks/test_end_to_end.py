"""Records in Kafka become rows, once, through a sink process of its own."""

from __future__ import annotations

import pytest

from integration.sinks.world import World, event, wait_for

pytestmark = pytest.mark.integration


def test_events_decisions_alerts_and_dead_letters_reach_their_tables(world: World) -> None:
    events = [event(n) for n in range(500)]
    world.send(events)
    world.decide(events, ["rule-a", "rule-b"])
    world.refuse(b"{naughty \xff", None, 7)
    sink = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and world.scalar("SELECT count() FROM events_current") == 500
            and world.scalar("SELECT count() FROM alerts_current") == 1000
            and world.scalar("SELECT count() FROM dead_letters_current") == 1
        ),
        "all rows",
        sinks=[sink],
    )
    assert world.scalar("SELECT count() FROM decisions_current") == 500
    assert sink.stop() == 0
    assert world.scalar("SELECT count() FROM events") == 500
