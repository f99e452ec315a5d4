"""The work of an event grows with the rules that could apply, not with those that exist."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.decision import Decision, encode_record
from contracts.event import Event
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.engine.index import SMALL
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
FIRES = {"item.days_supply": {"above": {"parameter": "days.limit"}}}


def event(**item: Any) -> Event:
    short = {
        "event": "prescription.signed",
        "encounter": {"kind": "outpatient"},
        "diagnoses": ["I10"],
        "items": [{"drug": "D1", "days_supply": 8, **item}],
    }
    return event_of(short, BASE)


def that_fire(count: int) -> list[Rule]:
    scope = {"item.drug.ingredients": {"any_in": ["amoxicillin"]}}
    return [
        make_rule(BASE, id=f"spec.fires{n}", each="items", scope=scope, when=FIRES)
        for n in range(count)
    ]


def that_cannot(count: int) -> list[Rule]:
    """Rules over other drugs, routes and codes, in the ways a pack grows."""
    made = []
    for n in range(count):
        scopes: list[dict[str, Any]] = [
            {"item.drug.ingredients": {"any_in": [f"drug-{n}"]}},
            {"item.drug": {"is": f"urn:other|{n}"}, "encounter.kind": {"is": "outpatient"}},
            {"item.drug.ingredients": {"all_in": [f"drug-{n}", f"drug-{n + 1}"]}},
            {"item.usage": {"in": [f"usage {n}"]}, "item.drug.kind": {"is": "western"}},
        ]
        scope = scopes[n % 4]
        made.append(make_rule(BASE, id=f"spec.never{n}", each="items", scope=scope, when=FIRES))
    return made


def looked_at(rules: list[Rule], on: Event) -> tuple[int, Decision]:
    evaluator = Evaluator(Pack.of(rules), BASE)
    decision = evaluator.decide(on)
    return evaluator.evaluations, decision


def test_2000_rules_cost_an_event_no_more_evaluations_than_100() -> None:
    on = event(usage="口服")
    few, decision_of_few = looked_at([*that_fire(10), *that_cannot(90)], on)
    many, decision_of_many = looked_at([*that_fire(10), *that_cannot(1990)], on)
    assert decision_of_few.coverage.alerts == decision_of_many.coverage.alerts == 10
    assert few == many == 10


def test_an_unknown_fact_brings_all_rules_that_it_anchors() -> None:
    count, decision = looked_at([*that_fire(10), *that_cannot(90)], event(drug="urn:x|1"))
    assert decision.coverage.undetermined > 0
    assert count >= 50


def test_the_index_changes_no_decision() -> None:
    rules = [*that_fire(5), *that_cannot(SMALL)]
    events = [event(), event(usage="usage 3"), event(drug="urn:x|1"), event(drug="D3", usage=None)]
    for on in events:
        decisions = [
            Evaluator(Pack.of(rules), BASE, index=index).decide(on)
            for index in ("auto", "always", "never")
        ]
        for other in decisions[1:]:
            assert other.findings == decisions[0].findings
            assert other.coverage == decisions[0].coverage
            assert other.rules == decisions[0].rules
            assert {(u.fact, u.why, frozenset(u.rules)) for u in other.undetermined} == {
                (u.fact, u.why, frozenset(u.rules)) for u in decisions[0].undetermined
            }


def test_icd_categories_are_found_by_their_codes() -> None:
    rules = [
        make_rule(
            BASE,
            id=f"spec.r{n}",
            scope={"event.diagnoses": {"any_in": {"codeset": "heart" if n % 2 else "pregnancy"}}},
            when={"event.item_count": {"above": 0}},
        )
        for n in range(SMALL + 2)
    ]
    short = {"event": "prescription.signed", "diagnoses": ["I10.x00"], "items": [{"drug": "D1"}]}
    count, decision = looked_at(rules, event_of(short, BASE))
    assert decision.coverage.alerts == count == (SMALL + 2) // 2


@pytest.mark.parametrize("index", ["auto", "always", "never"])
@pytest.mark.parametrize(
    "scopes",
    [
        ("diagnoses", "diagnosis.code", [
            {"in": {"codeset": "heart"}}, {"is": "J18.9"}, {"in": ["J18.9"]},
        ]),
        ("", "event.diagnoses", [
            {"any_in": {"codeset": "heart"}}, {"any_in": ["J18.9"]}, {"all_in": ["J18.9"]},
        ]),
    ],
    ids=["a diagnosis", "all diagnoses"],
)  # fmt: skip
def test_a_code_set_hides_no_rule_that_names_a_code(scopes: Any, index: Any) -> None:
    each, name, conditions = scopes
    rules = [
        make_rule(
            BASE,
            id=f"spec.r{n}",
            each=each or None,
            scope={name: condition},
            when={"event.item_count": {"above": 0}},
        )
        for n, condition in enumerate(conditions)
    ]
    short = {"event": "prescription.signed", "diagnoses": ["J18.9"], "items": [{"drug": "D1"}]}
    decision = Evaluator(Pack.of(rules), BASE, index=index).decide(event_of(short, BASE))
    assert [finding.rule_id for finding in decision.findings] == ["spec.r1", "spec.r2"]


def test_an_unknown_drug_brings_the_rules_under_code_sets_alone() -> None:
    listed = {"item.drug": {"in": {"codeset": "listed_drugs"}}}
    made = make_rule(BASE, id="spec.listed", each="items", scope=listed, when=FIRES)
    named = [
        make_rule(
            BASE,
            id=f"spec.named{n}",
            each="items",
            scope={"item.drug": {"is": f"urn:x|{n}"}},
            when=FIRES,
        )
        for n in range(SMALL)
    ]
    count, decision = looked_at([made, *named], event(drug="urn:x|1"))
    assert [finding.rule_id for finding in decision.findings] == ["spec.named1"]
    (group,) = decision.undetermined
    assert (group.fact, group.why, group.rules) == (
        "item.drug", "not_in_knowledge", ("spec.listed",)
    )  # fmt: skip
    assert count == 2


def test_the_same_event_gives_the_same_bytes_from_a_big_pack() -> None:
    rules = [*that_fire(5), *that_cannot(100)]
    first = encode_record(Evaluator(Pack.of(rules), BASE).decide(event()))
    assert encode_record(Evaluator(Pack.of(list(reversed(rules))), BASE).decide(event())) == first


def test_a_partial_list_leaves_every_rule_that_it_anchors_undetermined() -> None:
    rules = [
        make_rule(
            BASE,
            id=f"spec.r{n}",
            scope={"patient.allergies": {"any_in": [f"drug-{n}"]}},
            when={"event.item_count": {"above": 0}},
        )
        for n in range(3)
    ]
    short = {
        "event": "prescription.signed",
        "patient": {"allergies": {"partial": ["drug-1"]}},
        "items": [{"drug": "D1"}],
    }
    for index in ("auto", "always", "never"):
        decision = Evaluator(Pack.of(rules), BASE, index=index).decide(event_of(short, BASE))
        assert [finding.rule_id for finding in decision.findings] == ["spec.r1"]
        (group,) = decision.undetermined
        assert set(group.rules) == {"spec.r0", "spec.r2"}
