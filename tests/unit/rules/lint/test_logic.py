"""What conditions mean together."""

from __future__ import annotations

from typing import Any

import pytest

from rules.lint.logic import Solver, canonical, cases_of
from rules.model import Condition
from spec.rules.world import knowledge, make_rule

BASE = knowledge()


def tree(when: Any) -> Condition:
    return make_rule(BASE, each="items", when=when).when


def excluded(when: Any) -> bool:
    cases = cases_of(tree(when))
    assert cases is not None
    return not Solver("items", BASE).possible(cases)


CONTRADICTIONS: Any = {
    "two words": [{"encounter.kind": {"is": "outpatient"}},
                  {"encounter.kind": {"is": "emergency"}}],
    "a word and its negation": [{"encounter.kind": {"is": "outpatient"}},
                                {"encounter.kind": {"is_not": "outpatient"}}],
    "sets without a common word": [{"encounter.kind": {"in": ["outpatient", "internet"]}},
                                   {"encounter.kind": {"in": ["inpatient", "emergency"]}}],
    "all words of a closed vocabulary denied": [
        {"encounter.kind": {"not_in": ["outpatient", "emergency"]}},
        {"encounter.kind": {"not_in": ["inpatient", "internet"]}}],
    "true and false": [{"patient.pregnant": {"is": True}}, {"patient.pregnant": {"is": False}}],
    "neither true nor false": [{"patient.pregnant": {"is_not": True}},
                               {"patient.pregnant": {"is_not": False}}],
    "absent and known": [{"item.days_supply": {"exists": False}},
                         {"item.days_supply": {"above": 0}}],
    "absent and there": [{"item.dose": {"exists": False}}, {"item.dose": {"exists": True}}],
    "above and below one limit": [{"item.days_supply": {"above": {"parameter": "days.limit"}}},
                                  {"item.days_supply": {"below": {"parameter": "days.limit"}}}],
    "above and at most one limit": [{"item.days_supply": {"above": {"parameter": "days.limit"}}},
                                    {"item.days_supply": {"at_most": {"parameter": "days.limit"}}}],
    "above the limit of today and below a lower one": [
        {"patient.age": {"above": {"parameter": "age.limit"}}},
        {"patient.age": {"below": {"parameter": "age.low"}}}],
    "above one and below zero": [{"item.days_supply": {"above": 1}},
                                 {"item.days_supply": {"below": 0}}],
    "a hit and no hit of one list": [
        {"patient.allergies": {"any_in": ["morphine"]}},
        {"patient.allergies": {"none_in": ["morphine", "amoxicillin"]}}],
    "an empty list with a hit": [{"patient.allergies": {"exists": False}},
                                 {"patient.allergies": {"any_in": ["morphine"]}}],
    "a word that a code set does not hold": [{"item.usage": {"in": {"codeset": "vague"}}},
                                             {"item.usage": {"is": "每日一次"}}],
    "inside any, all branches": [
        {"patient.pregnant": {"is": True}},
        {"any": [{"patient.pregnant": {"is": False}},
                 {"not": {"patient.pregnant": {"is": True}}}]}],
    "a between against a limit": [
        {"patient.age": {"between": [{"parameter": "age.low"}, {"parameter": "age.limit"}]}},
        {"patient.age": {"above": {"parameter": "age.limit"}}}],
    "days": [{"event.service_date": {"below": "<2026-01-01>"}},
             {"event.service_date": {"above": "<2026-01-01>"}}],
}  # fmt: skip
POSSIBLE: Any = {
    "at least and at most one limit": [
        {"item.days_supply": {"at_least": {"parameter": "days.limit"}}},
        {"item.days_supply": {"at_most": {"parameter": "days.limit"}}}],
    "limits that change over time": [{"patient.age": {"below": {"parameter": "age.limit"}}},
                                     {"patient.age": {"above": {"parameter": "age.low"}}}],
    "a hit and no hit of other words": [{"patient.allergies": {"any_in": ["morphine", "x"]}},
                                        {"patient.allergies": {"none_in": ["morphine"]}}],
    "an empty list without a hit": [{"patient.allergies": {"exists": False}},
                                    {"patient.allergies": {"none_in": ["morphine"]}}],
    "one branch is left": [{"patient.pregnant": {"is": True}},
                           {"any": [{"patient.pregnant": {"is": False}},
                                    {"patient.age": {"above": 0}}]}],
    "facts compared with facts": [{"item.days_supply": {"above": {"fact": "event.extended_days"}}},
                                  {"item.days_supply": {"below": 1}}],
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_conditions_that_exclude_each_other_are_found(name: str) -> None:
    assert excluded({"all": CONTRADICTIONS[name]})


@pytest.mark.parametrize("name", POSSIBLE)
def test_conditions_that_can_hold_together_are_left_alone(name: str) -> None:
    assert not excluded({"all": POSSIBLE[name]})


SAME: Any = [
    ({"encounter.kind": {"in": ["outpatient"]}}, {"encounter.kind": {"is": "outpatient"}}),
    ({"encounter.kind": {"is_not": "outpatient"}},
     {"not": {"encounter.kind": {"is": "outpatient"}}}),
    ({"patient.pregnant": {"is": True}, "patient.age": {"above": 0}},
     {"all": [{"patient.age": {"above": 0}}, {"patient.pregnant": {"is": True}}]}),
    ({"not": {"any": [{"patient.age": {"above": 0}}, {"patient.pregnant": {"is": True}}]}},
     {"patient.age": {"at_most": 0}, "patient.pregnant": {"is_not": True}}),
    ({"patient.allergies": {"any_in": ["b", "a"]}}, {"patient.allergies": {"any_in": ["a", "b"]}}),
    ({"item.days_supply": {"between": [0, 1]}},
     {"all": [{"item.days_supply": {"at_least": 0}}, {"item.days_supply": {"at_most": 1}}]}),
]  # fmt: skip


@pytest.mark.parametrize("pair", SAME, ids=lambda pair: str(pair[0]))
def test_two_spellings_of_one_meaning_are_one(pair: Any) -> None:
    one, other = pair
    assert canonical(tree(one)) == canonical(tree(other))


def test_other_meanings_stay_apart() -> None:
    assert canonical(tree({"patient.age": {"above": 0}})) != canonical(
        tree({"patient.age": {"at_least": 0}})
    )


def test_a_tree_with_too_many_alternatives_is_not_judged() -> None:
    pair = {"any": [{"patient.age": {"above": 0}}, {"patient.pregnant": {"is": True}}]}
    parts = [
        {"any": [{"patient.age": {"above": 0}}, {"event.item_count": {"above": 0}}]},
        pair,
    ] * 8
    assert cases_of(tree({"all": parts})) is None
