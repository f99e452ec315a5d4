"""The indicators equal an independent recomputation, to the count and to the cent."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from integration.sinks.hospital_days import ZONES, hospital_days
from integration.sinks.world import World, event, wait_for
from sinks import indicators
from sinks.rebuild import rebuild
from support.recompute_indicators import VISITS, recompute

pytestmark = pytest.mark.integration

ALL_DAYS = (date(2026, 1, 1), date(2026, 12, 31))

Key = tuple[str, str, str, str]
"""Indicator, institution, department, day."""


def figures(world: World) -> dict[Key, Decimal]:
    """Every figure that is not zero."""
    found = indicators.query(world.client, None, *ALL_DAYS)
    return {
        (f.indicator, f.institution or "", f.department or "", str(f.day)): Decimal(f.value)
        for f in found
        if f.value
    }


def recomputed(events: list[dict[str, Any]]) -> dict[Key, Decimal]:
    """The same from the events as they were sent, by code that shares nothing with the product."""
    cells = recompute((json.dumps(sent) for sent in events), ZONES)
    names = {VISITS: "outpatient_emergency_visits"}
    return {(names.get(c.indicator, c.indicator), *c[1:]): value for c, value in cells.items()}


def all_read(world: World, records: int, sinks: Sequence[Any]) -> None:
    wait_for(
        lambda: (
            bool(world.scalar("EXISTS TABLE dead_letters_current"))
            and world.scalar(
                "SELECT sum(last + 1) FROM sink_positions FINAL WHERE epoch = "
                "(SELECT max(toUInt64(value)) FROM meta WHERE name = 'rebuild_epoch')"
            )
            == records
        ),
        f"{records} records read",
        sinks=sinks,
    )


def test_figures_equal_a_recomputation_after_redelivery_and_after_a_rebuild(world: World) -> None:
    events = hospital_days(seed=20260301, acts=1_500)
    wanted = recomputed(events)
    assert {name for name, *_ in wanted} == set(indicators.load_definitions())
    world.send(events)
    sink = world.sink()
    all_read(world, len(events), [sink])
    indicators.sync_institutions(world.client, ZONES.items())
    assert figures(world) == wanted

    world.send(events)  # everything once more
    all_read(world, 2 * len(events), [sink])
    assert figures(world) == wanted

    rebuild(world.client)
    all_read(world, 2 * len(events), [sink])
    assert figures(world) == wanted

    world.client.command("OPTIMIZE TABLE events FINAL")
    assert figures(world) == wanted

    by_institution = defaultdict(Decimal)
    for (name, institution, _, _), value in wanted.items():
        by_institution[name, institution] += value
    found = indicators.query(world.client, None, *ALL_DAYS, by=("institution",))
    assert {(f.indicator, f.institution): Decimal(f.value) for f in found if f.value} == {
        at: value for at, value in by_institution.items() if value
    }


def test_a_refund_on_a_later_day_restates_the_day_of_the_charge(world: World) -> None:
    line = {
        "line_id": "1",
        "item": {"system": "urn:test:item", "code": "c"},
        "category": "drug",
        "amount": "80.00",
    }
    charged = {"charged_at": "2026-03-31T23:59:00+08:00", "act_id": "bill"}
    world.send(
        [
            event("a", time_="2026-03-31T23:59:00+08:00", items=[line], **charged),
            event(
                "b",
                kind="billing.refunded.v1",
                time_="2026-04-02T09:00:00+08:00",
                revision=2,
                items=[line | {"refunded": "30.00"}],
                **charged,
            ),
        ]
    )
    sink = world.sink()
    all_read(world, 2, [sink])
    found = indicators.query(world.client, ["drug_income"], *ALL_DAYS, by=("day",))
    assert [(f.day, f.value) for f in found] == [(date(2026, 3, 31), Decimal("50.00"))]


def test_today_is_the_calendar_day_of_each_institution(world: World) -> None:
    indicators.sync_institutions(
        world.client_with_schema(), [("shanghai", "Asia/Shanghai"), ("york", "America/New_York")]
    )
    at = "2026-03-02T16:30:00Z"  # 00:30 on the 3rd in Shanghai, 11:30 on the 2nd in New York
    world.send(
        [
            event(1, kind="encounter.started.v1", time_=at, institution="shanghai",
                  kind_="outpatient"),
            event(2, kind="encounter.started.v1", time_=at, institution="york",
                  kind_="emergency"),
        ]
    )  # fmt: skip
    sink = world.sink()
    all_read(world, 2, [sink])

    def seen(now: datetime) -> set[tuple[str | None, date | None]]:
        found = indicators.today(world.client, now, indicator_ids=["outpatient_emergency_visits"])
        return {(f.institution, f.day) for f in found}

    assert seen(datetime(2026, 3, 2, 15, 59, tzinfo=UTC)) == {("york", date(2026, 3, 2))}
    assert seen(datetime(2026, 3, 2, 16, 30, tzinfo=UTC)) == {
        ("shanghai", date(2026, 3, 3)),
        ("york", date(2026, 3, 2)),
    }
    assert seen(datetime(2026, 3, 3, 12, 0, tzinfo=UTC)) == {("shanghai", date(2026, 3, 3))}
