"""Two sinks in one group: join, leave, and one that was frozen and comes back."""

from __future__ import annotations

import pytest

from integration.sinks.world import Sink, World, event, wait_for
from sinks import queries

pytestmark = pytest.mark.integration

LIMITS = {"rows": 200, "age_s": 0.1}


def stored(world: World, count: int, sinks: list[Sink]) -> None:
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and world.scalar("SELECT count() FROM events_current") == count
            and world.scalar("SELECT count() FROM decisions_current") == count
        ),
        f"{count} events and decisions",
        sinks=sinks,
    )


def test_a_sink_that_joins_and_one_that_leaves_under_load_change_no_row(world: World) -> None:
    events = [event(n) for n in range(9_000)]
    first = world.sink(limits=LIMITS)
    world.send(events[:3_000])
    world.decide(events[:3_000])
    second = world.sink(limits=LIMITS)
    world.send(events[3_000:6_000])
    world.decide(events[3_000:6_000])
    wait_for(lambda: "reading" in second.log, "the second has partitions", sinks=[second])
    assert first.stop() == 0
    world.send(events[6_000:])
    world.decide(events[6_000:])
    stored(world, 9_000, [first, second])
    assert queries.duplicates(world.client).total == 0
    assert world.scalar("SELECT count() FROM alerts_current") == 9_000


def test_a_sink_frozen_for_twice_the_session_timeout_writes_nothing_harmful(world: World) -> None:
    events = [event(n) for n in range(20_000)]
    world.send(events[:10_000])
    world.decide(events[:10_000])
    limits = {"rows": 100, "age_s": 0.02}
    zombie = world.sink(limits=limits, session_timeout_s=6.0)
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and world.scalar("SELECT count() FROM events") > 0
        ),
        "the first is at work",
        sinks=[zombie],
    )
    zombie.freeze()
    assert world.scalar("SELECT count() FROM events") < 10_000
    successor = world.sink(limits=limits, session_timeout_s=6.0)
    world.send(events[10_000:])
    world.decide(events[10_000:])
    stored(world, 20_000, [successor])
    zombie.thaw()
    wait_for(lambda: zombie.log.count("reading") == 2, "the first is back in the group",
             sinks=[zombie])  # fmt: skip
    more = [event(n) for n in range(20_000, 20_500)]
    world.send(more)
    world.decide(more)
    stored(world, 20_500, [zombie, successor])
    assert queries.duplicates(world.client).total == 0
    assert world.scalar("SELECT count() FROM alerts_current") == 20_500
