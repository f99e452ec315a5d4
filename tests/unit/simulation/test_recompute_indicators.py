"""The independent recomputation of the indicators, on days worked out by hand."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from knowledge_base import KnowledgeBase
from simulation import Simulator
from support.recompute_indicators import Cell, recompute


def line(
    family: str,
    verb: str,
    act_id: str,
    revision: int = 1,
    *,
    source: str = "s",
    event_id: str = "",
    time: str = "2026-03-20T12:00:00+08:00",
    **data: Any,
) -> str:
    event = {
        "specversion": "1.0",
        "source": source,
        "id": event_id or f"{act_id}/{revision}",
        "type": f"{family}.{verb}.v1",
        "time": time,
        "data": {"act_id": act_id, "revision": revision, "institution": "h", "department": "d"}
        | data,
    }
    return json.dumps(event)


def item(amount: str, category: str = "service", refunded: str | None = None) -> dict[str, str]:
    given = {"line_id": amount, "amount": amount, "category": category}
    return given if refunded is None else given | {"refunded": refunded}


def cells(*lines: str) -> dict[tuple[str, str], Decimal]:
    return {(cell.indicator, cell.day): amount for cell, amount in recompute(lines).items()}


def test_a_visit_counts_on_the_local_day_of_its_start() -> None:
    late = line("encounter", "started", "a", kind="emergency", started_at="2026-03-16T15:59:59Z")
    next_day = line(
        "encounter", "started", "b", kind="outpatient", started_at="2026-03-17T01:00:00+09:00"
    )
    assert cells(late, next_day) == {("visits", "2026-03-16"): 1, ("visits", "2026-03-17"): 1}


def test_a_stay_is_an_admission_and_once_it_has_ended_a_discharge() -> None:
    admitted = line(
        "encounter", "admitted", "a", kind="inpatient", started_at="2026-03-10T08:00:00+08:00"
    )
    discharged = line(
        "encounter",
        "discharged",
        "a",
        2,
        kind="inpatient",
        started_at="2026-03-10T08:00:00+08:00",
        ended_at="2026-03-17T08:00:00+08:00",
    )
    assert cells(admitted) == {("admissions", "2026-03-10"): 1}
    both = {("admissions", "2026-03-10"): Decimal(1), ("discharges", "2026-03-17"): Decimal(1)}
    assert cells(admitted, discharged) == both
    assert cells(discharged, admitted, admitted) == both  # any order, any number of times


def test_a_refund_reduces_the_day_of_the_original_charge() -> None:
    charged = line(
        "billing",
        "charged",
        "c",
        charged_at="2026-03-16T23:59:00+08:00",
        items=[item("10.10", "drug"), item("5.05", "consumable"), item("1.00")],
    )
    refunded = line(
        "billing",
        "refunded",
        "c",
        2,
        charged_at="2026-03-16T23:59:00+08:00",
        items=[item("10.10", "drug", "10.10"), item("5.05", "consumable", "0.05"), item("1.00")],
    )
    assert cells(charged, refunded) == {
        ("medical_income", "2026-03-16"): Decimal("6.00"),
        ("consumable_income", "2026-03-16"): Decimal("5.00"),
    }


def test_a_day_that_is_not_reported_is_that_of_the_first_event() -> None:
    charged = line("billing", "charged", "c", time="2026-03-16T10:00:00+08:00", items=[item("5")])
    refunded = line(
        "billing", "refunded", "c", 2, time="2026-03-18T10:00:00+08:00", items=[item("5", "x", "2")]
    )
    assert cells(refunded, charged) == {("medical_income", "2026-03-16"): 3}


STAY: dict[str, Any] = {"kind": "inpatient", "started_at": "2026-03-10T08:00:00+08:00"}
ADMITTED = line("encounter", "admitted", "a", **STAY, ended_at=None)
DISCHARGED = line("encounter", "discharged", "a", 2, time="2026-03-17T08:00:00+08:00")
BOTH = {("admissions", "2026-03-10"): Decimal(1), ("discharges", "2026-03-17"): Decimal(1)}


def test_what_a_later_revision_does_not_report_still_holds() -> None:
    assert cells(ADMITTED, DISCHARGED, line("encounter", "updated", "a", 3)) == BOTH
    ended = line("encounter", "updated", "a", 3, ended_at="2026-03-16T08:00:00+08:00")
    later = line("encounter", "discharged", "a", 4, time="2026-03-19T08:00:00+08:00")
    assert cells(ADMITTED, DISCHARGED, ended, later)[("discharges", "2026-03-16")] == 1


def test_what_a_later_revision_states_absent_no_longer_holds() -> None:
    back = line("encounter", "updated", "a", 3, ended_at=None)
    assert cells(ADMITTED, DISCHARGED, back) == {("admissions", "2026-03-10"): 1}
    again = line("encounter", "discharged", "a", 4, time="2026-03-17T20:00:00+08:00")
    assert cells(ADMITTED, DISCHARGED, back, again) == BOTH
    assert cells(ADMITTED, DISCHARGED, line("encounter", "updated", "a", 3, kind=None)) == {}


def test_an_act_is_named_by_its_source_and_belongs_to_its_latest_institution() -> None:
    at: dict[str, Any] = {"charged_at": "2026-03-17T10:00:00+08:00"}
    lines = [
        line("billing", "charged", "a", items=[item("100")], **at),
        line("billing", "charged", "a", source="lab", items=[item("40")], **at),
        line("billing", "amended", "a", 2, items=[item("100")], **at | {"institution": "h2"}),
    ]
    found = {(cell.institution, amount) for cell, amount in recompute(lines).items()}
    assert found == {("h2", Decimal(100)), ("h", Decimal(40))}


def test_only_the_first_content_under_a_key_counts() -> None:
    at: dict[str, Any] = {"charged_at": "2026-03-17T10:00:00+08:00", "event_id": "same"}
    first = line("billing", "charged", "a", items=[item("100")], **at)
    other = line("billing", "charged", "b", items=[item("70")], **at)
    assert cells(first, other, first) == {("medical_income", "2026-03-17"): 100}


def test_cancelled_mistaken_and_drafted_acts_do_not_count() -> None:
    at: dict[str, Any] = {"charged_at": "2026-03-17T10:00:00+08:00", "items": [item("3.00")]}
    started: dict[str, Any] = {"kind": "outpatient", "started_at": "2026-03-17T10:00:00+08:00"}
    assert (
        cells(
            line("billing", "charged", "a", **at),
            line("billing", "cancelled", "a", 2, **at),
            line("billing", "charged", "b", **at),
            line("billing", "entered_in_error", "b", 2, **at),
            line("billing", "draft", "c", **at),
            line("encounter", "started", "d", **started),
            line("encounter", "cancelled", "d", 2, **started),
            line("prescription", "signed", "e"),
        )
        == {}
    )


def test_a_wrapped_line_and_another_time_zone_are_understood() -> None:
    bare = line("encounter", "started", "a", kind="outpatient", started_at="2026-03-17T23:30:00Z")
    wrapped = json.dumps({"topic": "t", "partition": 0, "offset": 0, "event": json.loads(bare)})
    assert recompute([wrapped], {"h": "UTC"}) == {Cell("visits", "h", "d", "2026-03-17"): 1}


@pytest.mark.slow
def test_a_simulated_day_fills_all_six_whatever_is_delivered_twice(
    knowledge: KnowledgeBase,
) -> None:
    lines = [e.bytes for e in Simulator(knowledge, 5, 200, date(2026, 3, 17)).events(8_000)]
    once = recompute(lines)
    assert {cell.indicator for cell in once} == {
        "visits",
        "admissions",
        "discharges",
        "medical_income",
        "drug_income",
        "consumable_income",
    }
    assert {"2026-03-16", "2026-03-17"} < {cell.day for cell in once}
    assert len({cell.institution for cell in once}) == 3
    assert recompute([*reversed(lines), *lines]) == once
