"""What counts as an event and as an act, whatever was delivered twice, late, wrong or in part."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.sinks.filled_tables import APPENDED_MS, Tables
from integration.sinks.world import event
from sinks import indicators, queries

pytestmark = pytest.mark.integration

ALL_DAYS = (date(2026, 1, 1), date(2026, 12, 31))
either = pytest.mark.parametrize("merged", [False, True], ids=["nothing merged", "all merged"])


def bill(n: int, act_id: str, amount: str, **data: Any) -> dict[str, Any]:
    line = {"line_id": "1", "item": {"system": "urn:s", "code": "c"}, "amount": amount}
    return event(n, act_id=act_id, items=[line], **data)


def stay(n: int, verb: str, day: str, **data: Any) -> dict[str, Any]:
    """The n-th revision of one stay, said at ten o'clock of that day."""
    at = f"2026-{day}T10:00:00+08:00"
    return event(n, kind=f"encounter.{verb}.v1", time_=at, revision=n, act_id="stay", **data)


def income(tables: Tables) -> dict[str | None, int | Decimal]:
    found = indicators.query(tables.client, ["medical_income"], *ALL_DAYS, by=["institution"])
    return {f.institution: f.value for f in found}


def days(tables: Tables, indicator: str) -> list[str]:
    found = indicators.query(tables.client, [indicator], *ALL_DAYS, by=["day"])
    assert all(f.value == 1 for f in found)
    return [f.day.strftime("%m-%d") for f in found if f.day]


@either
def test_an_event_whose_id_was_reused_stays_what_it_was(tables: Tables, merged: bool) -> None:
    tables.event(event(1, note="first"), 3)
    tables.event(event(1, note="second"), 4)
    tables.refusal(4, "id_reused")
    if merged:
        tables.merge()
    assert tables.column("SELECT offset FROM events_current") == [3]
    assert tables.column("SELECT count() FROM acts_current") == [1]
    assert queries.reused_ids(tables.client) == 1


@either
def test_another_act_under_a_key_that_is_taken_adds_nothing(tables: Tables, merged: bool) -> None:
    first, other = bill(1, "A1", "100"), bill(1, "A2", "70")
    for offset, sent in enumerate([first, other, other, first, bill(2, "B", "5")]):
        tables.event(sent, offset)
    if merged:
        tables.merge()
    assert income(tables) == {"hospital-1": 105}
    assert tables.column("SELECT act_id FROM events_current ORDER BY id") == ["A1", "B"]
    assert tables.client.query("SELECT id, contents FROM events_reused").result_rows == [
        ("event-1", 2)
    ]
    assert queries.reused_ids(tables.client) == 1
    assert queries.counts(tables.client).events == 2


@either
def test_the_first_content_is_the_one_appended_first_then_by_topic_and_offset(
    tables: Tables, merged: bool
) -> None:
    tables.event(bill(1, "late", "1"), 1, "in-a", APPENDED_MS + 1)
    tables.event(bill(1, "first", "2"), 9, "in-b", APPENDED_MS)
    tables.event(bill(2, "by-offset", "10"), 20, "in-b")
    tables.event(bill(2, "later", "20"), 21, "in-b")
    tables.event(bill(3, "later", "100"), 1, "in-d")
    tables.event(bill(3, "by-topic", "200"), 30, "in-c")
    for offset, (n, act, amount) in enumerate([(1, "first", "2"), (2, "by-offset", "10")], 50):
        tables.event(bill(n, act, amount), offset, "in-b", APPENDED_MS + 9)  # said again, last
    if merged:
        tables.merge()
    acts = tables.column("SELECT act_id FROM acts_current ORDER BY id")
    assert acts == ["first", "by-offset", "by-topic"]
    assert income(tables) == {"hospital-1": 212}


def test_a_draft_keeps_its_key_from_being_used_for_an_act(tables: Tables) -> None:
    tables.event(bill(1, "A", "100", kind="billing.draft.v1"), 1)
    tables.event(bill(1, "A", "100"), 2)
    assert income(tables) == {}


def test_a_content_that_was_refused_does_not_keep_its_key(tables: Tables) -> None:
    tables.event(bill(1, "A", "100"), 1)
    tables.refusal(1, "too_large")
    tables.event(bill(1, "A", "70"), 2)
    assert income(tables) == {"hospital-1": 70}


@either
def test_two_systems_of_one_institution_may_use_the_same_act_id(
    tables: Tables, merged: bool
) -> None:
    tables.event(bill(1, "A", "100"), 1)
    tables.event(bill(1, "A", "40", source="urn:test:imaging"), 2)
    if merged:
        tables.merge()
    assert income(tables) == {"hospital-1": 140}


@either
def test_an_act_moves_with_its_institution(tables: Tables, merged: bool) -> None:
    moved = {"revision": 2, "institution": "hospital-2", "kind": "billing.amended.v1"}
    tables.event(bill(2, "A", "100", **moved), 1)
    tables.event(bill(1, "A", "100"), 2)
    if merged:
        tables.merge()
    assert income(tables) == {"hospital-2": 100}


def test_two_events_of_one_revision_and_time_are_told_apart_whatever_is_redelivered(
    tables: Tables,
) -> None:
    tables.event(bill(2, "A", "70"), 1)
    tables.event(bill(1, "A", "100"), 2)
    assert income(tables) == {"hospital-1": 70}
    tables.event(bill(1, "A", "100"), 3)
    assert income(tables) == {"hospital-1": 70}


@either
def test_an_act_is_its_latest_revision_whatever_order_it_came_in(
    tables: Tables, merged: bool
) -> None:
    ended = {"ended_at": "2026-04-02T10:00:00+08:00"}
    tables.event(stay(3, "updated", "04-03", kind_="inpatient", department="ICU"), 1)
    tables.event(stay(2, "discharged", "04-02", kind_="inpatient", **ended), 2)
    tables.event(stay(1, "admitted", "03-01", kind_="inpatient"), 3)
    if merged:
        tables.merge()
    found = tables.client.query(
        "SELECT revision, verb, department, toString(ended_at), first_time FROM acts_current"
    ).result_rows
    assert [row[:4] for row in found] == [(3, "updated", "ICU", "2026-04-02 02:00:00.000")]
    assert found[0][4].month == 3


NOON = "T12:00:00+08:00"
INPATIENT = stay(1, "admitted", "05-01", kind_="inpatient", ended_at=None)
DISCHARGED = stay(2, "discharged", "05-04")
ENDED = stay(2, "discharged", "05-04", ended_at="2026-05-03" + NOON)


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        ([INPATIENT], []),
        ([INPATIENT, DISCHARGED], ["05-04"]),
        ([INPATIENT, DISCHARGED, stay(3, "updated", "05-05")], ["05-04"]),
        ([INPATIENT, DISCHARGED, stay(3, "updated", "05-05", ended_at=None)], []),
        (
            [INPATIENT, DISCHARGED, stay(3, "updated", "05-05", ended_at="2026-05-02" + NOON)],
            ["05-02"],
        ),
        ([INPATIENT, ENDED, stay(3, "updated", "05-05")], ["05-03"]),
        ([INPATIENT, ENDED, stay(3, "discharged", "05-06")], ["05-03"]),
        ([INPATIENT, ENDED, stay(3, "updated", "05-05", ended_at=None)], []),
        (
            [
                INPATIENT,
                DISCHARGED,
                stay(3, "updated", "05-05", ended_at=None),
                stay(4, "discharged", "05-09"),
            ],
            ["05-09"],
        ),
        ([INPATIENT, DISCHARGED, stay(3, "cancelled", "05-05")], []),
    ],
    ids=[
        "goes on",
        "said to be over",
        "and later not mentioned",
        "taken back",
        "its time reported later",
        "a reported time not mentioned later",
        "a reported time before a later word",
        "a reported time taken back",
        "taken back and said again",
        "cancelled",
    ],
)
def test_a_discharge_stands_until_it_is_taken_back(
    tables: Tables, history: list[dict[str, Any]], wanted: list[str]
) -> None:
    for offset, sent in enumerate(reversed(history)):
        tables.event(sent, offset)
    assert days(tables, "discharges") == wanted


@either
def test_kind_and_start_stay_as_reported_until_they_are_stated_absent(
    tables: Tables, merged: bool
) -> None:
    started = {"started_at": "2026-04-30" + NOON}
    tables.event(stay(1, "admitted", "05-01", kind_="inpatient", **started), 1)
    tables.event(stay(2, "updated", "05-02"), 2)
    if merged:
        tables.merge()
    assert days(tables, "admissions") == ["04-30"]
    tables.event(stay(3, "updated", "05-03", started_at=None), 3)
    assert days(tables, "admissions") == ["05-01"]
    tables.event(stay(4, "updated", "05-04", kind_=None), 4)
    assert days(tables, "admissions") == []


def test_a_refund_that_does_not_report_the_time_of_charge_leaves_it(tables: Tables) -> None:
    refunded = {"kind": "billing.refunded.v1", "time_": "2026-03-09" + NOON}
    tables.event(bill(1, "A", "1", charged_at="2026-03-01" + NOON), 1)
    tables.event(bill(2, "A", "1", revision=2, **refunded), 2)
    assert days(tables, "medical_income") == ["03-01"]
    tables.event(bill(3, "A", "1", revision=3, charged_at=None, **refunded), 3)
    assert days(tables, "medical_income") == ["03-02"]
