"""A sink that is killed anywhere leaves exactly one row an identity."""

from __future__ import annotations

import random
from functools import partial

import pytest

from integration.sinks.world import World, event, wait_for
from sinks import queries

pytestmark = pytest.mark.integration


def everything_stored(world: World, events: int, alerts: int) -> bool:
    return bool(world.scalar("EXISTS TABLE dead_letters_current")) and (
        queries.counts(world.client)
        == queries.Counts(events=events, decisions=events, alerts=alerts, dead_letters=0)
    )


def stored_events(world: World, at_least: int) -> bool:
    return bool(world.scalar("SELECT count() FROM events") >= at_least)


def test_a_sink_killed_at_random_moments_stores_every_record_once(world: World) -> None:
    events = [event(n) for n in range(12_000)]
    world.send(events)
    world.decide(events, ["rule-a", "rule-b"])
    moments = random.Random(7)
    limits = {"rows": 300, "age_s": 0.05}
    sink = world.sink(limits=limits)
    for kill in range(4):
        wait_for(
            lambda: bool(world.scalar("EXISTS TABLE dead_letters_current")),
            "a schema",
            sinks=[sink],
        )
        goal = world.scalar("SELECT count() FROM events") + moments.randrange(1, 1_500)
        more = partial(stored_events, world, min(goal, 12_000))
        wait_for(more, f"rows before kill {kill}", sinks=[sink])
        sink.kill()
        # Another group has no offsets and does not wait for the dead member's session to end.
        sink = world.sink(limits=limits, group=f"{world.topics.prefix}-{kill}")
    wait_for(lambda: everything_stored(world, 12_000, 24_000), "all rows", sinks=[sink])
    assert queries.duplicates(world.client).total == 0
    assert sink.stop() == 0


def test_a_sink_killed_during_an_insert_over_many_months_loses_nothing(world: World) -> None:
    """One insert is atomic only within one table partition; the position is what decides."""
    months = [f"{year}-{month:02d}-15T10:00:00Z" for year in range(1950, 1972) for month in (1, 7)]
    months += [f"{year}-03-15T10:00:00Z" for year in range(1990, 2020)]
    events = [event(n, time_=months[n % len(months)], note="x" * 300) for n in range(9_000)]
    world.send(events)
    limits = {"rows": 2_000, "age_s": 0.05}
    sink = world.sink(limits=limits)
    wait_for(lambda: bool(world.scalar("EXISTS TABLE dead_letters_current")), "a schema",
             sinks=[sink])  # fmt: skip
    wait_for(lambda: world.scalar("SELECT count() FROM events") > 0, "first rows", sinks=[sink])
    sink.kill()
    partly = world.scalar("SELECT count() FROM events")
    assert partly < 9_000
    sink = world.sink(limits=limits, group=f"{world.topics.prefix}-after")
    wait_for(lambda: world.scalar("SELECT count() FROM events_current") == 9_000, "all rows",
             sinks=[sink])  # fmt: skip
    assert queries.duplicates(world.client).events == 0
    assert world.scalar("SELECT uniqExact(toYYYYMM(time)) FROM events") == len(months)
    assert world.scalar("SELECT min(time) FROM events").year == 1950


def test_a_second_sink_resumes_from_the_positions_and_not_from_the_groups_offsets(
    world: World,
) -> None:
    world.send(event(n) for n in range(1_000))
    first = world.sink()
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE sink_positions"))
            and world.scalar("SELECT sum(last + 1) FROM sink_positions FINAL") == 1_000
        ),
        "positions of all records",
        sinks=[first],
    )
    assert first.stop() == 0
    rows = world.scalar("SELECT count() FROM events")
    world.send(event(n) for n in range(1_000, 1_100))
    second = world.sink(group="another-group-without-offsets")
    wait_for(lambda: world.scalar("SELECT count() FROM events_current") == 1_100, "new rows",
             sinks=[second])  # fmt: skip
    assert world.scalar("SELECT count() FROM events") == rows + 100
