"""The tables of pairs by the reference, and random acts and pasts by the engines and it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Decision
from rules import language
from rules.authoring.shorthand import event_of
from rules.engine.engines import ENGINES, make_evaluator
from rules.language import Row
from rules.language.rows import RULE
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory, decode, encode
from rules.pack import Pack
from rules.words import INTERACTIONS
from spec.rules import reference_pairs
from spec.rules.examples import usual
from spec.rules.reference import Answer
from spec.rules.reference_past import Past
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
ROWS = [
    row
    for table in language.tables()
    for row in table.rows
    if row.rule.get("each") == INTERACTIONS and row.outcome != "refused"
]
END = datetime.fromisoformat("2026-03-31T10:00+08:00")


def outcome(answer: Answer) -> str:
    """What the row says: that a line may be a pair elsewhere only where nothing else is said."""
    if any(fact != INTERACTIONS for _, fact, *_ in answer.undetermined) and not answer.findings:
        return "undetermined"
    named = ("alerts", "not_evaluable", "exempt", "silent", "undetermined")
    found = next((name for name in named if answer.counts[name]), "not_applicable")
    return "alert" if found == "alerts" else found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.table}, {row.name}")
def test_the_reference_says_what_the_table_says(row: Row) -> None:
    finding = {**RULE["finding"], **row.rule.get("finding", {})}
    rule = {**RULE, "on": [row.event["event"]], **row.rule, "finding": finding}
    answer = reference_pairs.judged_row(row, rule)
    assert outcome(answer) == row.outcome
    if row.missing and row.outcome == "undetermined":
        assert {(fact, why) for _, fact, why, _ in answer.undetermined} >= {*row.missing.items()}
    elements = {detail["element"] for detail in row.details if "element" in detail}
    assert not elements or {name for _, name, *_ in answer.findings} == elements


DAYS = st.sampled_from([0, 1, 3, 6, 7, 8, 9, 20, 21, 22, 40, -1, -7, -21])
DRUGS = st.sampled_from(["W1", "F1", "W1", "F1", "D1", "D2", "D4", "H1", "urn:x|Z"])
CHARGES = st.sampled_from(["X1", "X2", "C1", "S1", "urn:x|Z"])
VERBS = ("signed", "signed", "amended", "dispensed", "stopped", "cancelled", "entered_in_error")
BILLS = ("charged", "charged", "amended", "refunded", "cancelled")


def moved(days: int, hours: int = 0) -> str:
    return (END - timedelta(days=days, hours=hours)).isoformat()


def lines(family: str) -> Any:
    if family == "billing":
        kinds = {"item": CHARGES, "amount": st.just("5")}
        more: dict[str, Any] = {"refunded": st.sampled_from(["0", "5"])}
    else:
        kinds = {"drug": DRUGS}
        more = {"days_supply": st.sampled_from([1, 7, 7, 30])}
        more["infusion_group"] = st.sampled_from(["A", "B", None])
    more["service_time"] = st.builds(moved, DAYS, st.sampled_from([0, 9, 11]))
    return st.lists(st.fixed_dictionaries(kinds, optional=more), min_size=1, max_size=3)


@st.composite
def acts(draw: st.DrawFn, family: str) -> list[dict[str, Any]]:
    """Up to five events of up to three acts, in any order of arrival."""
    found = []
    revisions = draw(st.permutations(range(1, 6)))
    for number in range(draw(st.integers(0, 5))):
        verb = draw(st.sampled_from(BILLS if family == "billing" else VERBS))
        event: dict[str, Any] = {
            "event": f"{family}.{verb}",
            "id": f"past-{number}",
            "act_id": draw(st.sampled_from(["A", "B", "act-1"])),
            "revision": revisions[number],
            "at": moved(draw(DAYS), draw(st.integers(0, 12))),
            "items": draw(lines(family)),
        }
        if draw(st.booleans()):
            event["service_time"] = moved(draw(DAYS))
        found.append(event)
    return found


TESTS = st.sampled_from(
    [
        {"pair.severity": {"in": ["contraindicated", "major", "moderate"]}},
        {"pair.kind": {"is": "interaction"}},
        {"pair.context": {"in": ["validity", "bag", "day"]}},
        {"pair.context": {"is": "prescription"}},
        {"pair.table": {"is_not": "washouts"}},
        {"event.item_count": {"at_least": {"parameter": "count.limit"}}},
    ]
)


def said(decision: Decision) -> Any:
    return (
        {finding.element for finding in decision.findings},
        {(u.element, u.fact, u.why) for u in decision.undetermined},
        (decision.coverage.silent, decision.coverage.undetermined),
    )


@pytest.mark.parametrize("engine", ENGINES)
@given(data=st.data(), family=st.sampled_from(["prescription", "prescription", "billing"]))
@usual(100)
def test_the_engine_and_the_reference_agree_on_any_past(
    engine: str, data: st.DataObject, family: str
) -> None:
    past, items = data.draw(acts(family)), data.draw(lines(family))
    scope, when = data.draw(st.none() | TESTS), data.draw(TESTS)
    verb = data.draw(st.sampled_from(["draft", "charged"] if family == "billing"
                                     else ["draft", "signed", "dispensed"]))  # fmt: skip
    days = data.draw(st.sampled_from([None, 0, 14, 15, 194, 195, 240]))
    event = {
        "event": f"{family}.{verb}", "at": END.isoformat(), "act_id": "act-1", "revision": 9,
        "items": items,
    }  # fmt: skip
    parts = {
        "on": [event["event"]], "each": INTERACTIONS, "when": when,
        **({"scope": scope} if scope else {}),
    }  # fmt: skip
    known = None if days is None else END - timedelta(days)
    answer = reference_pairs.answer([{**RULE, **parts}], event, Past(past, known))
    evaluator = make_evaluator(engine, Pack.of([make_rule(BASE, **parts)]), BASE)
    attendant, memory, coverage = Attendant(evaluator), Memory(), Coverage(is_total=known is None)
    if known is not None:
        coverage.keep(attendant.horizon)
        families = dict.fromkeys(attendant.horizon.families, us_of(known))
        coverage.since["urn:yijian:test"] = families
    for short in past:
        attendant.take(event_of(short, BASE), "", memory, coverage)
    memory = decode(encode(memory))
    decision = attendant.take(event_of(event, BASE), "", memory, coverage).decisions[0]
    assert said(decision) == (
        {name for _, name, *_ in answer.findings},
        {(element, fact, why) for element, fact, why, _ in answer.undetermined},
        (answer.counts["silent"], answer.counts["undetermined"]),
    )
