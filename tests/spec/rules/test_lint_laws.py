"""What lint says of conditions is true of what the engine does with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.authoring.testing import outcome_of
from rules.lint.logic import Solver, canonical, cases_of
from rules.lint.meaning import CanFire, Exemptions
from rules.model import AllOf, AnyOf, Condition, Not, Rule
from rules.pack import Pack
from spec.rules import test_engines as made_up
from spec.rules import test_reference as core
from spec.rules.examples import usual
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
TREES = core.conditions("items", narrow=True)
MANY = st.lists(TREES, min_size=2, max_size=5)


def outcome(rule: Rule, short: dict[str, Any]) -> str:
    return outcome_of(Evaluator(Pack.of([rule]), BASE).decide(event_of(short, BASE)))


def rule_of(parts: list[Any], **more: Any) -> Rule:
    return make_rule(BASE, each="items", when={"all": parts}, **more)


def rebuilt(tree: Condition) -> Condition | None:
    """A tree as its alternatives say it."""
    cases = cases_of(tree)
    if cases is None:
        return None
    return AnyOf(
        tuple(
            AllOf(tuple(a.test if a.holds else Not(a.test) for a in sorted(case, key=repr)))
            for case in cases
        )
    )


@usual(200)
@given(TREES, made_up.EVENTS)
def test_the_alternatives_of_a_tree_mean_the_same(tree: Any, short: dict[str, Any]) -> None:
    rule = make_rule(BASE, each="items", when=tree)
    other = rebuilt(rule.when)
    if other is not None:
        assert outcome(replace(rule, when=other), short) == outcome(rule, short)
        assert canonical(other) == canonical(rule.when)


@usual(300)
@given(MANY, made_up.EVENTS)
def test_a_rule_that_is_said_never_to_fire_never_does(
    parts: list[Any], short: dict[str, Any]
) -> None:
    rule = rule_of(parts)
    if any(CanFire().body(rule, BASE)):
        assert outcome(rule, short) != "alert"


@usual(100)
@given(MANY, TREES, made_up.EVENTS)
def test_an_exemption_that_is_said_to_hold_never_or_always_does(
    parts: list[Any], unless: Any, short: dict[str, Any]
) -> None:
    rule = rule_of(parts, unless=unless)
    for _, message, _ in Exemptions().body(rule, BASE):
        if "can never be true" in message:
            without = outcome(replace(rule, unless=AnyOf(())), short)
            # Where `when` is unknown a true exemption is one without a finding.
            assert outcome(rule, short) == without or without == "not_evaluable"
        else:
            assert outcome(rule, short) != "alert"


@usual(200)
@given(st.lists(TREES, min_size=2, max_size=4), made_up.EVENTS)
def test_a_branch_that_is_said_to_be_included_changes_nothing(
    branches: list[Any], short: dict[str, Any]
) -> None:
    rule = make_rule(BASE, each="items", when={"any": branches})
    tree = rule.when
    assert isinstance(tree, AnyOf)
    solver = Solver("items", BASE)
    first, *rest = tree.conditions
    ours = cases_of(first)
    others = [case for branch in rest for case in cases_of(branch) or ()]
    if ours is None:
        return
    if all(any(solver.includes(wide, narrow) for wide in others) for narrow in ours):
        without = outcome(replace(rule, when=AnyOf(tuple(rest))), short)
        assert (without == "alert") == (outcome(rule, short) == "alert")
