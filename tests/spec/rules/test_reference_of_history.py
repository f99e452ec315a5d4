"""The tables of `history` by the reference, and random pasts by the engines and the reference."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Decision
from rules import language
from rules.authoring.shorthand import event_of
from rules.authoring.testing import outcome_of
from rules.engine.engines import ENGINES, make_evaluator
from rules.language import Row
from rules.language.rows import RULE
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory
from rules.pack import Pack
from spec.rules import reference, reference_past
from spec.rules.examples import usual
from spec.rules.reference import Answer
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
ROWS = [
    row
    for table in language.tables()
    for row in table.rows
    if "history" in str(row.rule) and row.outcome != "refused"
]
END = datetime.fromisoformat("2026-03-31T10:00+08:00")
HISTORY = "history.prescription.signed"


def judged(rule: dict[str, Any], event: dict[str, Any], past: reference_past.Past) -> Answer:
    """What the reference says of a rule after a past."""
    rule = {name: part for name, part in rule.items() if part is not None}

    def look(history: Any, judge: reference.Judge) -> Any:
        return reference_past.truth(history, judge, past)

    return reference.answer([rule], event, look)


def outcome(answer: Answer) -> str:
    named = ("alerts", "not_evaluable", "undetermined", "exempt", "silent")
    found = next((name for name in named if answer.counts[name]), "not_applicable")
    return "alert" if found == "alerts" else found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.table}, {row.name}")
def test_the_reference_says_what_the_table_says(row: Row) -> None:
    since = datetime.fromisoformat(row.known_since) if row.known_since else None
    rule = {**RULE, "on": [row.event["event"]], **row.rule}
    answer = judged(rule, row.event, reference_past.Past(list(row.earlier), since))
    assert outcome(answer) == row.outcome
    if row.missing:
        assert {pair for *_, lacks in answer.not_evaluable for pair in lacks} == {
            *row.missing.items()
        }
    elements = {detail["element"] for detail in row.details if "element" in detail}
    assert not elements or {name for _, name, *_ in answer.findings} == elements


HOURS = st.sampled_from([0, 1, 10, 24, 71, 72, 73, 100, 720, 721, -1])
DOSES = st.sampled_from(["100 mg", "0.3 g", "500 mg", "1 mL", "not_reported"])
ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "drug": st.sampled_from(["D1", "D2", "urn:x|Z"]),
            "dose": DOSES,
            "days_supply": st.sampled_from([1, 3, 7, "not_reported"]),
        }
    ),
    min_size=1,
    max_size=3,
)
VISITS = st.sampled_from(
    [*({"id": name, "kind": "outpatient"} for name in ("V1", "V1", "V2")), None, "not_reported"]
)
VERBS = (
    "signed", "signed", "signed", "amended", "dispensed", "stopped", "stopped", "returned",
    "cancelled", "entered_in_error",
)  # fmt: skip


@st.composite
def pasts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to five events of up to three acts, in any order of arrival."""
    found = []
    for number in range(draw(st.integers(0, 5))):
        act = draw(st.sampled_from(["A", "B", "act-1"]))
        event: dict[str, Any] = {
            "event": f"prescription.{draw(st.sampled_from(VERBS))}",
            "id": f"past-{number}",
            "act_id": act,
            "revision": number + 1,
            "at": (END - timedelta(hours=draw(HOURS))).isoformat(),
            "encounter": draw(VISITS),
            "items": draw(ITEMS),
        }
        if draw(st.booleans()):
            event["service_time"] = (END - timedelta(hours=draw(HOURS))).isoformat()
        found.append(event)
    return found


WHERES = st.sampled_from(
    [
        None,
        {"item.drug": {"is": {"fact": "this.item.drug"}}},
        {"item.drug.kind": {"is": "western"}},
        {"item.period": {"overlaps": {"fact": "this.item.period"}}},
        {"not": {"encounter.id": {"is": {"fact": "this.encounter.id"}}}},
    ]
)
LIMITS = st.sampled_from(
    [{op: {"parameter": "count.limit"}} for op in ("below", "at_most", "above", "at_least")]
    + [{"between": [0, 1]}, {"between": [1, {"parameter": "count.limit"}]}]
)
DOSE_LIMITS = st.sampled_from(
    [{op: {"parameter": "dose.limit"}} for op in ("below", "at_most", "above", "at_least")]
)
WINDOWS = st.sampled_from(
    [
        {"within": {"parameter": "stay.hours"}},
        {"within": {"parameter": "stay.months"}},
        {"within": {"days": 1}},
        {"same": "day"},
        {"same": "calendar_month"},
        {"same": "prescription"},
        {"same": "encounter"},
    ]
)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    asked = draw(
        st.one_of(
            LIMITS.map(lambda limit: {"count": limit}),
            DOSE_LIMITS.map(lambda limit: {"sum": {"of": "item.dose", **limit}}),
            LIMITS.map(lambda limit: {"distinct": {"of": "item.drug", **limit}}),
            st.just({"exists": True}),
            st.just({"none": True}),
            st.just({"last": {"item.dose": {"above": {"parameter": "dose.limit"}}}}),
        )
    )
    where = draw(WHERES)
    verb = draw(st.sampled_from(["signed", "signed", "dispensed"]))
    return {
        "of": f"prescription.{verb}",
        **({"where": where} if where else {}),
        **draw(WINDOWS),
        "including": draw(st.sampled_from(["this", "others"])),
        **asked,
    }


def said(decision: Decision) -> Any:
    """What is compared: the outcomes by element, and what they lack."""
    lacks = {
        (entry.element, m.fact, m.why) for entry in decision.not_evaluable for m in entry.missing
    }
    return {finding.element for finding in decision.findings}, lacks


@pytest.mark.parametrize("engine", ENGINES)
@given(
    history=histories(),
    past=pasts(),
    items=ITEMS,
    verb=st.sampled_from(["signed", "draft", "dispensed"]),
    since=st.sampled_from([None, 20, 72, 73, 800]),
)
@usual(100)
def test_the_engine_and_the_reference_agree_on_any_past(
    engine: str, history: dict[str, Any], past: list[dict[str, Any]], items: list[Any], verb: str,
    since: int | None,
) -> None:  # fmt: skip
    agree(engine, history, past, {"event": f"prescription.{verb}", "items": items}, since)


AMOUNTS = st.sampled_from(["0 box", "1 box", "2 box", "1 bag", None, "not_reported"])
DISPENSED = st.fixed_dictionaries(
    {"drug": st.sampled_from(["D1", "D2"]), "quantity": AMOUNTS, "returned": AMOUNTS}
)
DISPENSES = ("dispensed", "dispensed", "returned", "returned", "amended", "entered_in_error")


@st.composite
def supplies(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to five events of up to three acts of handing out drugs, in any order of arrival."""
    return [
        {
            "event": f"dispense.{draw(st.sampled_from(DISPENSES))}",
            "id": f"past-{number}",
            "act_id": draw(st.sampled_from(["A", "B", "act-1"])),
            "revision": number + 1,
            "at": (END - timedelta(hours=draw(HOURS))).isoformat(),
            "items": draw(st.lists(DISPENSED, min_size=1, max_size=2)),
        }
        for number in draw(st.permutations(range(draw(st.integers(0, 5)))))
    ]


@pytest.mark.parametrize("engine", ENGINES)
@given(
    where=st.sampled_from([None, {"item.drug": {"is": {"fact": "this.item.drug"}}}]),
    limit=LIMITS,
    including=st.sampled_from(["this", "others"]),
    past=supplies(),
    items=st.lists(DISPENSED, min_size=1, max_size=2),
    verb=st.sampled_from(["dispensed", "returned", "amended"]),
)
@usual(100)
def test_the_engine_and_the_reference_agree_on_what_came_back(
    engine: str, where: Any, limit: Any, including: str, past: list[dict[str, Any]],
    items: list[Any], verb: str,
) -> None:  # fmt: skip
    history = {
        "of": "dispense.dispensed", "within": {"parameter": "stay.hours"},
        "including": including, "count": limit, **({"where": where} if where else {}),
    }  # fmt: skip
    agree(engine, history, past, {"event": f"dispense.{verb}", "items": items}, None)


def agree(
    engine: str, history: dict[str, Any], past: list[dict[str, Any]], present: dict[str, Any],
    since: int | None,
) -> None:  # fmt: skip
    """The engine says of a history at the present what the reference says."""
    event = {
        **present, "at": END.isoformat(), "revision": 9,
        "encounter": {"id": "V1", "kind": "outpatient"},
    }  # fmt: skip
    parts = {"on": [event["event"]], "each": "items", "when": {"history": history}}
    known = None if since is None else END - timedelta(hours=since)
    answer = judged({**RULE, **parts}, event, reference_past.Past(past, known))
    evaluator = make_evaluator(engine, Pack.of([make_rule(BASE, **parts)]), BASE)
    attendant, memory, coverage = Attendant(evaluator), Memory(), Coverage(is_total=known is None)
    if known is not None:
        coverage.keep(attendant.horizon)
        coverage.since["urn:yijian:test"] = {"prescription": us_of(known)}
    for short in past:
        attendant.take(event_of(short, BASE), "", memory, coverage)
    decision = attendant.take(event_of(event, BASE), "", memory, coverage).decisions[0]
    found, lacks = said(decision)
    assert found == {name for _, name, *_ in answer.findings}
    assert lacks == {
        (name, fact, why) for _, name, missing in answer.not_evaluable for fact, why in missing
    }
    assert outcome_of(decision) == outcome(answer)
