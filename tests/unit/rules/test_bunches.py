"""Rules that an index brings together are compiled once they are met often, and decide the same."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.decision import Decision
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.engine.bunches import LARGEST, OFTEN
from rules.facts import CATALOGUE
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
LONG = {"item.days_supply": {"above": {"parameter": "days.limit"}}}
YOUNG = {"patient.age": {"below": {"parameter": "age.limit"}}}
SCOPES: list[tuple[str, dict[str, Any]]] = [
    ("items", {"item.drug": {"in": {"codeset": "listed_drugs"}}}),
    ("items", {"item.drug.ingredients": {"any_in": ["amoxicillin", "morphine"]}}),
    ("items", {"item.drug.ingredients": {"all_in": ["amoxicillin", "clavulanic acid"]}}),
    ("items", {"item.drug.kind": {"is": "western"}, "encounter.kind": {"is": "outpatient"}}),
    ("diagnoses", {"diagnosis.code": {"in": {"codeset": "heart"}}}),
    ("diagnoses", {"diagnosis.code": {"in": ["J18.9"]}}),
    ("", {"event.diagnoses": {"any_in": {"codeset": "heart"}}}),
    ("", {"event.diagnoses": {"none_in": {"codeset": "heart"}}}),
]
EVENTS: list[dict[str, Any]] = [
    {"items": [{"drug": "D1", "days_supply": 8}, {"drug": "D2", "days_supply": 1}]},
    {"items": [{"drug": "urn:x|1", "days_supply": 8}]},
    {"items": [{"drug": "D3"}], "diagnoses": ["I10", "J18.9"], "patient": {"age": "3 a"}},
    {"items": [{"drug": "D1"}], "diagnoses": ["I10.x00"], "encounter": {"kind": None}},
    {"items": [{"drug": "D4"}], "diagnoses": None, "patient": {"age": None}},
]


def rules() -> list[Rule]:
    return [
        make_rule(
            BASE,
            id=f"spec.r{number}_{variant}",
            each=each or None,
            scope=scope,
            when=LONG if each == "items" and variant else YOUNG,
            unless={"event.diagnoses": {"any_in": {"codeset": "heart"}}} if variant == 2 else None,
        )
        for number, (each, scope) in enumerate(SCOPES)
        for variant in range(3)
    ]


def decisions(evaluator: Evaluator, short: dict[str, Any]) -> list[Decision]:
    on = event_of({"event": "prescription.signed", **short}, BASE)
    return [evaluator.decide(on) for _ in range(OFTEN + 2)]


@pytest.mark.parametrize("short", EVENTS)
def test_what_is_met_often_is_decided_as_it_was_at_first(short: dict[str, Any]) -> None:
    first, *others = decisions(Evaluator(Pack.of(rules()), BASE, index="always"), short)
    assert first.coverage.applicable + first.coverage.undetermined > 0
    for other in others:
        assert other == first


@pytest.mark.parametrize("short", EVENTS)
def test_what_is_met_often_is_decided_as_without_an_index(short: dict[str, Any]) -> None:
    *_, indexed = decisions(Evaluator(Pack.of(rules()), BASE, index="always"), short)
    *_, plain = decisions(Evaluator(Pack.of(rules()), BASE, index="never"), short)
    assert indexed.findings == plain.findings
    assert indexed.coverage == plain.coverage
    assert indexed.rules == plain.rules


@pytest.mark.parametrize("drug", ["D1", "urn:x|1"])
def test_a_drug_that_nobody_knows_is_no_member_of_a_set_whatever_was_read_of_it_before(
    drug: str,
) -> None:
    of_ingredient, of_drug = SCOPES[1][1], SCOPES[0][1]
    made = [
        make_rule(BASE, id=f"spec.r{n}", each="items", scope=scope, when=LONG)
        for n, scope in enumerate((of_ingredient, of_drug))
    ]
    short = {"items": [{"drug": drug, "days_supply": 8}]}
    *_, indexed = decisions(Evaluator(Pack.of(made), BASE, index="always"), short)
    *_, plain = decisions(Evaluator(Pack.of(made), BASE, index="never"), short)
    assert indexed.undetermined == plain.undetermined
    assert bool(plain.undetermined) is (drug != "D1")
    assert indexed.coverage == plain.coverage


def test_a_rule_that_raises_fails_alone_among_rules_that_are_compiled_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(c: Any, x: Any) -> Any:
        raise RuntimeError("a fault in a fact")

    monkeypatch.setitem(CATALOGUE["item.skin_test"].extractors, "prescription", explode)
    scope = {"item.drug.ingredients": {"any_in": ["amoxicillin"]}}
    broken = {"item.skin_test": {"is": "negative"}}
    made = [
        make_rule(BASE, id=f"spec.r{n}", each="items", scope=scope, when=broken if n == 1 else LONG)
        for n in range(3)
    ]
    short = {"items": [{"drug": "D1", "days_supply": 8}]}
    for decision in decisions(Evaluator(Pack.of(made), BASE, index="always"), short):
        assert [finding.rule_id for finding in decision.findings] == ["spec.r0", "spec.r2"]
        (failed,) = decision.not_evaluable
        assert (failed.rule_id, failed.missing[0].why) == ("spec.r1", "rule_error")


def test_a_bunch_that_is_too_large_stays_as_it_is() -> None:
    scope = {"item.drug.ingredients": {"any_in": ["amoxicillin"]}}
    made = [
        make_rule(BASE, id=f"spec.r{n}", each="items", scope=scope, when=LONG)
        for n in range(LARGEST + 1)
    ]
    short = {"items": [{"drug": "D1", "days_supply": 8}]}
    first, *_, last = decisions(Evaluator(Pack.of(made), BASE), short)
    assert last == first
    assert len(last.findings) == LARGEST + 1
