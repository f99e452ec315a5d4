"""Derived facts recomputed from the event's JSON, by other means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

import knowledge_base
from contracts.decision import Decision, Reader, encode_record
from contracts.intake import Accepted, decode
from rules import Evaluator
from rules.pack import PACKS, Pack, load_pack
from simulation.simulator import Simulator
from yijian.verify.derived import _number, recompute
from yijian.verify.verifier import Verifier

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths(demo=True))
SHIPPED = load_pack([PACKS], KNOWLEDGE)
PACK = Pack.of([rule for rule in SHIPPED.rules if not rule.needs_memory])
EVALUATOR = Evaluator(PACK, KNOWLEDGE)
read = Reader(Decision)
change = msgspec.structs.replace


def event(**data: Any) -> tuple[Decision, bytes]:
    """A prescription with this patient snapshot, and a decision that recorded what is asked for."""
    raw = {
        "specversion": "1.0", "id": "1", "source": "urn:x", "type": "prescription.signed.v1",
        "time": "2026-03-02T23:30:00+08:00", "subject": "urn:p|1",
        "data": {"act_id": "a", "revision": 1, "institution": "demo-h1", "items": [], **data},
    }  # fmt: skip
    value = msgspec.json.encode(raw)
    taken = decode(value, check_key=False)
    assert isinstance(taken, Accepted), taken
    return read(encode_record(EVALUATOR.decide(taken.event))), value


def found(decision: Decision, value: bytes) -> dict[str, tuple[Any, bool]]:
    again = recompute(decision, value, KNOWLEDGE)
    return {one.fact: (one.found, one.agrees) for one in again}


def test_the_facts_of_a_simulated_day_are_confirmed() -> None:
    verifier, names, disagreed = Verifier(EVALUATOR), set(), 0
    for made in Simulator(KNOWLEDGE, 3, 100, date(2026, 3, 2), fault_rate=0.5).events(400):
        taken = decode(made.bytes, check_key=False)
        assert isinstance(taken, Accepted)
        decision = read(encode_record(EVALUATOR.decide(taken.event)))
        names |= {one.fact for one in recompute(decision, made.bytes, KNOWLEDGE)}
        disagreed += verifier.verify(decision, made.bytes).result == "disagreed"
    assert disagreed == 0
    assert names >= {"event.service_date", "event.days_since_signed"}


@given(st.dates(date(1, 1, 1), date(9998, 12, 31)), st.integers(0, 400))
def test_days_are_counted_as_the_calendar_has_them(first: date, days: int) -> None:
    last = first + timedelta(days)
    one, other = ((d.year, d.month, d.day) for d in (first, last))
    assert _number(other) - _number(one) == days


@given(st.dates(date(1900, 1, 1), date(2026, 3, 2)))
def test_ages_are_those_of_the_record(born: date) -> None:
    decision, value = event(patient={"birth_date": born.isoformat()})
    age = 2026 - born.year - ((born.month, born.day) > (3, 2))
    days = (date(2026, 3, 2) - born).days
    right = change(decision, facts={"patient.age": age, "patient.age_days": days})
    assert all(agrees for _, agrees in found(right, value).values())
    wrong = change(decision, facts={"patient.age": age + 1, "patient.age_days": days - 1})
    assert {n: a for n, (_, a) in found(wrong, value).items() if n.startswith("patient")} == {
        "patient.age": False, "patient.age_days": False,
    }  # fmt: skip


def test_a_weight_in_grams_is_told_in_kilograms_without_rounding() -> None:
    decision, value = event(patient={"weight": {"value": 3210.1, "unit": "g"}})
    assert found(change(decision, facts={"patient.weight": 3.2101}), value)["patient.weight"][1]
    assert not found(change(decision, facts={"patient.weight": 3210.1}), value)["patient.weight"][1]


def test_a_unit_that_its_table_lacks_is_left_out() -> None:
    decision, value = event(patient={"weight": {"value": 120, "unit": "jin"}})
    assert "patient.weight" not in found(change(decision, facts={"patient.weight": 60.0}), value)


def test_a_daily_dose_is_dose_times_doses_a_day() -> None:
    item = {
        "line_id": "1", "drug": {"system": "s", "code": "c"},
        "dose": {"value": 0.1, "unit": "g"}, "doses_per_day": 3,
    }  # fmt: skip
    decision, value = event(items=[item])
    for dose, agrees in ((0.3, True), (0.30000000000000004, True), (0.2, False)):
        recorded = {"1": {"item.daily_dose": {"value": dose, "unit": "g/d"}}}
        again = found(change(decision, elements=recorded), value)
        assert again["item.daily_dose"][1] is agrees


def test_the_service_date_is_that_of_the_institutions_zone() -> None:
    decision, value = event()
    assert found(decision, value)["event.service_date"] == ("2026-03-02", True)
    assert not found(change(decision, as_of="2026-03-03"), value)["event.service_date"][1]


def test_a_wrong_fact_is_a_disagreement_of_the_decision() -> None:
    decision, value = event(patient={"birth_date": "2000-01-01"})
    wrong = change(decision, facts={**decision.facts, "patient.age_days": 1})
    check = Verifier(EVALUATOR).verify(wrong, value)
    (one,) = check.disagreements
    assert (one.rule, one.recorded) == ("(facts)", "patient.age_days = 1")
    assert one.found == "patient.age_days = 9557"


def test_an_event_that_is_gone_or_unreadable_is_said_and_no_agreement() -> None:
    decision, _ = event()
    verifier = Verifier(EVALUATOR)
    assert verifier.verify(decision, None).unchecked["event_not_found"] == 1
    assert verifier.verify(decision, b"[]").unchecked["event_unreadable"] == 1
    assert verifier.verify(decision, b"{").unchecked["event_unreadable"] == 1
