"""Every rule of the starter pack has a fault that it must find and a near miss."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

import rules
from knowledge_base import KnowledgeBase
from rules import Evaluator, Pack
from simulation import Simulator
from simulation.faults import (
    CASES,
    COURSES,
    GOVERNED,
    Case,
    Course,
    cases_about,
    courses_about,
)
from simulation.faults.case import LIVES, case_blocks
from simulation.labels import LabelLine, label_lines
from simulation.scoring import score
from support.attended import attended

DAY = date(2026, 3, 17)


@pytest.fixture(scope="module")
def pack(knowledge: KnowledgeBase) -> Pack:
    return rules.load_pack([rules.PACKS], knowledge)


@pytest.fixture(scope="module")
def evaluator(pack: Pack, knowledge: KnowledgeBase) -> Evaluator:
    return Evaluator(pack, knowledge, profile="demo")


def _rule_ids() -> set[str]:
    files = [f for f in Path(rules.PACKS).rglob("*.yaml") if not f.name.endswith(".test.yaml")]
    return {f"{f.parent.name}.{f.stem}" for f in files}


@pytest.mark.parametrize("expected", ["alert", "silent"])
def test_every_rule_of_the_pack_has_such_a_case(expected: str) -> None:
    labelled = {case.rule_id for case in (*CASES, *COURSES) if case.expected == expected}
    assert _rule_ids() - labelled == set()


def test_every_case_is_about_a_rule_of_the_table_of_governed_events() -> None:
    assert {case.rule_id for case in (*CASES, *COURSES)} == set(GOVERNED)


def test_cases_about_a_pack_leave_out_rules_that_it_does_not_have() -> None:
    assert {case.rule_id for case in cases_about({"medication_safety.allergy", "other.rule"})} == {
        "medication_safety.allergy"
    }


def test_the_table_of_governed_events_agrees_with_the_pack(pack: Pack) -> None:
    for rule in pack.rules:
        governed = GOVERNED[rule.id]
        assert set(governed.on) == set(rule.on), rule.id
        assert governed.since == rule.effective.start, rule.id
        assert governed.each == rule.each, rule.id


def test_case_names_are_unique() -> None:
    assert len({case.id for case in (*CASES, *COURSES)}) == len(CASES) + len(COURSES)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_pack_answers_a_case_as_labelled_and_nothing_else(
    case: Case, knowledge: KnowledgeBase, evaluator: Evaluator
) -> None:
    assert case.rule_id in _rule_ids()
    simulator = Simulator(knowledge, 11, 3, DAY, fault_rate=1.0, cases=[case])
    events = list(simulator.events(200))
    labels = [line for event in events for line in label_lines(event)]
    assert {label.rule for label in labels} == {case.rule_id}
    result = score(labels, [evaluator.decide(event.event) for event in events])
    assert result.missed == ()
    assert result.false_alerts == ()


@pytest.fixture(scope="module")
def remembering(pack: Pack) -> frozenset[str]:
    return frozenset(rule.id for rule in pack.rules if rule.needs_memory)


def test_courses_are_about_rules_that_look_back_or_wait(remembering: frozenset[str]) -> None:
    scores = {"early_warning.news2_urgent"}  # of observations that came one after the other
    assert {course.rule_id for course in COURSES} == remembering | scores


@pytest.mark.slow
@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.id)
def test_the_pack_answers_a_course_as_labelled(
    course: Course, knowledge: KnowledgeBase, evaluator: Evaluator, remembering: frozenset[str]
) -> None:
    simulator = Simulator(knowledge, 11, 3, DAY, fault_rate=1.0, cases=[course])
    events = list(simulator.events(200))
    labels = [line for event in events for line in label_lines(event)]
    assert {label.rule for label in labels} == {course.rule_id}
    decisions = attended(((event.event, event.bytes) for event in events), evaluator)
    result = score(labels, decisions, remembering)
    assert result.missed == ()
    assert result.false_alerts == ()


def test_where_the_past_is_not_known_only_what_happened_is_labelled() -> None:
    courses = courses_about(_rule_ids(), is_whole_past_known=False)
    assert {course.expected for course in courses} == {"alert"}
    assert "billing.item_frequency" in {course.rule_id for course in courses}
    assert not any(course.rule_id.startswith("records.") for course in courses)


def test_a_case_of_bad_data_never_gives_a_clean_decision(
    knowledge: KnowledgeBase, evaluator: Evaluator
) -> None:
    loaded = cases_about(_rule_ids())
    cases = [case for case in loaded if case.expected in ("not_evaluable", "undetermined")]
    names = {case.name for case in cases}
    assert {"drug in no catalogue", "practitioner in no registry", "charge in no catalogue"} < names
    for event in Simulator(knowledge, 5, 3, DAY, fault_rate=1.0, cases=cases).events(1_000):
        if event.labels:
            assert evaluator.decide(event.event).verdict not in ("clean", "no_rules")


def test_a_case_is_left_out_before_its_rule_is_in_force(knowledge: KnowledgeBase) -> None:
    early = date(2024, 6, 3)
    labels = [
        line
        for event in Simulator(knowledge, 5, 20, early, fault_rate=0.5).events(5_000)
        for line in label_lines(event)
    ]
    assert labels
    assert all(GOVERNED[label.rule].since <= early for label in labels)


def test_a_case_block_says_how_many_events_it_writes() -> None:
    for case in CASES:
        assert sum(b.size for b in case_blocks(case)) >= 3 + len(LIVES[case.family])


@pytest.mark.slow
def test_twenty_thousand_events_are_answered_as_labelled(
    knowledge: KnowledgeBase, evaluator: Evaluator, remembering: frozenset[str]
) -> None:
    cases = (*cases_about(_rule_ids()), *courses_about(_rule_ids()))
    events = list(Simulator(knowledge, 2026, 800, DAY, fault_rate=0.2, cases=cases).events(20_000))
    labels: list[LabelLine] = [line for event in events for line in label_lines(event)]
    decisions = attended(((event.event, event.bytes) for event in events), evaluator)
    result = score(labels, decisions, remembering)
    assert result.missed == ()
    assert result.false_alerts == ()
    told = defaultdict(set)
    for label in labels:
        told[label.expected].add(label.rule)
    assert told["alert"] == told["silent"] == _rule_ids()
    assert told["not_evaluable"]
    assert told["undetermined"]
