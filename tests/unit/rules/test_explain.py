"""Explanations: each condition as a tree, with values, their origins, and the same answer."""

from __future__ import annotations

from typing import Any

import pytest

import knowledge_base
from rules import PACKS, Evaluator, load_pack
from rules.authoring.cases import read_cases, test_files
from rules.authoring.explain import ElementExplanation, Step, explain
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules.world import PROMISING, knowledge, make_rule

BASE = knowledge()
KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths())
EVENT: dict[str, Any] = {
    "event": "prescription.signed",
    "patient": {"age": "12 a", "sex": "female"},
    "items": [{"drug": "D1", "route": "oral"}, {"drug": "D2"}],
}


def explained(short: dict[str, Any], **parts: Any) -> tuple[ElementExplanation, ...]:
    rule = make_rule(BASE, **parts)
    return explain(rule.id, event_of(short, BASE), Evaluator(Pack.of([rule]), BASE)).elements


def step(element: ElementExplanation, part: str) -> Step:
    return dict(element.parts)[part]


YOUNG = {"patient.age": {"below": {"parameter": "age.limit"}}}


def test_a_fact_comes_with_the_fields_of_the_event_that_it_depends_on() -> None:
    (element,) = explained(EVENT, when=YOUNG)
    (read,) = step(element, "when").reads
    assert read.value == 12
    assert read.origin is not None
    assert read.origin.fields == ("data.patient.birth_date",)
    assert read.origin.looked_up == ()


def test_a_looked_up_fact_names_the_entry_of_the_knowledge_base() -> None:
    scope = {"item.drug.ingredients": {"any_in": {"codeset": "penicillins"}}}
    one, two = explained(EVENT, each="items", scope=scope, when=YOUNG)
    (read,) = step(two, "scope").reads
    assert read.origin is not None
    assert "data.items[1].drug.code" in read.origin.fields
    assert not any("items[0]" in name for name in read.origin.fields)
    assert any(name.startswith("drug ") and "D2" in name for name in read.origin.looked_up)
    assert (one.element, two.element) == ("1", "2")
    assert (one.outcome, two.outcome) == ("alert", "does_not_apply")


def test_an_operand_comes_with_its_value_unit_and_source() -> None:
    (element,) = explained(EVENT, when=YOUNG)
    (operand,) = step(element, "when").compared
    row = BASE.parameter("age.limit")
    assert row is not None
    assert operand.unit == row.unit
    assert operand.source
    assert operand.value is not None
    assert operand.valid_from


def test_a_combination_is_a_tree_with_a_truth_at_every_node() -> None:
    when = {"any": [{"not": {"patient.sex": {"is": "female"}}}, YOUNG]}
    (element,) = explained(EVENT, when=when)
    root = step(element, "when")
    assert (root.kind, root.truth) == ("any", True)
    negation, age = root.steps
    assert (negation.kind, negation.truth) == ("not", False)
    assert negation.steps[0].truth is True
    assert age.truth is True
    assert len(list(root.tests())) == 2


def test_an_unknown_fact_says_why_and_what_it_makes_of_the_rule() -> None:
    (element,) = explained({**EVENT, "patient": {"sex": "female"}}, when=YOUNG)
    assert element.outcome == "not_evaluable"
    assert element.missing == ("patient.age",)
    found = step(element, "when")
    assert found.truth is None
    assert found.reads[0].value == {"unknown": "not_reported"}


def test_a_promise_that_decides_is_shown_with_its_place() -> None:
    when = {"event.extended_days": {"exists": False}}
    (element,) = explained({**EVENT, "source": PROMISING}, when=when)
    assert element.outcome == "alert"
    found = step(element, "when")
    assert found.reads[0].value == {"unknown": "not_reported"}
    (promise,) = found.compared
    assert promise.value == "promises event.extended_days"
    assert PROMISING in promise.said
    assert (promise.source, promise.locator) == ("law", "article 1")
    (element,) = explained(EVENT, when=when)
    assert (element.outcome, step(element, "when").compared) == ("not_evaluable", ())


def test_some_shows_every_record_that_was_looked_at() -> None:
    when = {"some": {"in": "diagnoses", "where": {"diagnosis.code": {"is": "I10"}}}}
    (element,) = explained({**EVENT, "diagnoses": ["E11", "I10"]}, when=when)
    root = step(element, "when")
    assert (root.kind, root.truth) == ("some", True)
    assert [child.truth for child in root.steps] == [False, True]
    (read,) = root.steps[1].steps[0].reads
    assert read.origin is not None
    assert read.origin.fields == ("data.diagnoses[1].code.code",)


def test_an_element_of_a_list_fact_is_as_good_as_its_list() -> None:
    short = {**EVENT, "patient": {"allergies": ["amoxicillin"]}}
    (element,) = explained(
        short, each="patient.allergies", when={"element.value": {"is": "amoxicillin"}}
    )
    (read,) = step(element, "when").reads
    assert read.origin is not None
    assert any("allergies" in name for name in read.origin.fields)


def test_a_rule_that_is_not_about_the_event_says_so() -> None:
    rule = make_rule(BASE)
    event = event_of({"event": "result.reported"}, BASE)
    found = explain(rule.id, event, Evaluator(Pack.of([rule]), BASE))
    assert "not about result.reported" in found.note
    assert found.elements == ()


@pytest.mark.slow
def test_every_shipped_case_is_explained_as_it_is_decided() -> None:
    pack = load_pack([PACKS], KNOWLEDGE)
    evaluators = {rule.id: Evaluator(Pack.of([rule]), KNOWLEDGE) for rule in pack.rules}
    count = 0
    for path in test_files([PACKS]):
        for case in read_cases(path, pack, []):
            if case.timeline is not None:
                continue  # what each of its steps comes to is told by test_timelines.py
            event = event_of(case.event, KNOWLEDGE)
            found = explain(case.rule, event, evaluators[case.rule])
            alerts = [e.element for e in found.elements if e.outcome == "alert"]
            assert alerts == [f.element for f in found.decision.findings], case.name
            outcomes = [e.outcome for e in found.elements]
            counted = found.decision.coverage
            assert outcomes.count("not_evaluable") == counted.not_evaluable, case.name
            assert outcomes.count("waiting") == counted.waiting, case.name
            assert outcomes.count("silent") == counted.silent, case.name
            assert outcomes.count("exempt") == counted.exempt, case.name
            count += 1
    assert count > 300
