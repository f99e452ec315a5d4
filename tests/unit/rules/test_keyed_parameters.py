"""A table of limits: no row is unknown for every operator, never "no limit"."""

from __future__ import annotations

from typing import Any

import pytest

from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.authoring.testing import outcome_of
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
DAYS = {"parameter": "days.by_kind", "by": ["encounter.kind"]}
STAY = {"parameter": "stay.by_kind", "by": ["encounter.kind"]}
CONDITIONS: list[Any] = [
    *({"item.days_supply": {op: DAYS}} for op in ("below", "at_most", "above", "at_least")),
    {"item.days_supply": {"is": DAYS}},
    {"item.days_supply": {"is_not": DAYS}},
    {"item.days_supply": {"between": [DAYS, DAYS]}},
    {"item.days_supply": {"between": [0, DAYS]}},
    {"item.days_supply": {"between": [DAYS, {"parameter": "days.limit"}]}},
    {"item.since_admission": {"above": STAY}},
    {"item.since_admission": {"between": [0, STAY]}},
    {"patient.potassium": {"above": 1, "fresh_within": STAY}},
    {"patient.potassium": {"exists": True, "fresh_within": STAY}},
]


def missing(when: Any, **encounter: Any) -> tuple[str, set[tuple[str, str]]]:
    event = event_of(
        {
            "event": "prescription.signed",
            "encounter": {"started_at": "2026-03-01T10:00+08:00", **encounter},
            "patient": {"potassium": "6 mmol/L"},
            "items": [{"drug": "D1", "days_supply": 7}],
        },
        BASE,
    )
    rule = make_rule(BASE, each="items", when=when)
    decision = Evaluator(Pack.of([rule]), BASE).decide(event)
    found = {(m.fact, m.why) for entry in decision.not_evaluable for m in entry.missing}
    return outcome_of(decision), found


@pytest.mark.parametrize("when", CONDITIONS, ids=str)
def test_no_row_is_unknown_and_named(when: Any) -> None:
    name = "days.by_kind" if "item.days_supply" in when else "stay.by_kind"
    outcome, found = missing(when, kind="internet")
    assert (outcome, found) == ("not_evaluable", {(f"parameter:{name}", "not_in_knowledge")})


@pytest.mark.parametrize("when", CONDITIONS, ids=str)
def test_an_unknown_key_is_unknown_and_named(when: Any) -> None:
    assert missing(when, kind=None) == ("not_evaluable", {("encounter.kind", "stated_absent")})


@pytest.mark.parametrize("when", CONDITIONS, ids=str)
def test_a_row_decides(when: Any) -> None:
    kind = "outpatient" if "item.days_supply" in when else "inpatient"
    assert missing(when, kind=kind)[0] in ("alert", "silent")
