"""Big rules: cut into stages within durable_rules' limits, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import msgspec
import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from contracts.decision import encode_record
from knowledge_base.model import History
from rules.authoring.shorthand import event_of
from rules.durable import Durable
from rules.durable.program import translate
from rules.durable.rete import MAX_PENDING, MAX_RULES
from rules.engine.engines import ENGINES, make_evaluator
from rules.errors import EngineError
from rules.model import AllOf, AnyOf, Condition, Literal, Not, Rule, Test, Words
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()


def rule_of(when: Condition) -> Rule:
    return replace(make_rule(BASE, each="items"), when=when)


def says(when: Condition, **short: Any) -> str:
    """The verdict, the same of both engines to the byte."""
    event = event_of({"event": "prescription.signed", "items": [{"drug": "D1"}], **short}, BASE)
    pack = Pack.of([rule_of(when)])
    decisions = [make_evaluator(engine, pack, BASE).decide(event) for engine in ENGINES]
    same = {
        encode_record(replace_engine(d)) for d in decisions
    }  # fmt: skip
    assert len(same) == 1
    return decisions[1].verdict


def replace_engine(decision: Any) -> Any:
    basis = msgspec.structs.replace(decision.basis, engine="")
    return msgspec.structs.replace(decision, basis=basis)


def department(name: str) -> Test:
    return Test("event.department", "is", (Literal(name),))


RESCUE = Test("encounter.is_rescue", "is", (Literal(True),))


@pytest.mark.parametrize("count", [9, 11, 65, 130, 400])
def test_more_conditions_than_may_be_true_at_once_are_decided_in_stages(count: int) -> None:
    others = tuple(Not(department(f"d{n}")) for n in range(count))
    assert says(AllOf(others), department="elsewhere") == "findings"
    assert says(AllOf(others), department="d7") == "clean"
    assert says(AllOf(others)) == "incomplete"
    assert says(Not(AllOf(others)), department="d7") == "findings"
    assert says(AnyOf((*others, RESCUE))) == "incomplete"


def test_alternatives_within_conjunctions_do_not_multiply() -> None:
    pairs = [AnyOf((department(f"a{n}"), Not(department(f"b{n}")))) for n in range(40)]
    assert says(AllOf(tuple(pairs)), department="c") == "findings"
    assert says(AllOf(tuple(pairs)), department="b3") == "clean"


def test_six_hundred_words_do_not_hang() -> None:
    words = Words(tuple(f"w{n}" for n in range(600)))
    inside = Test("event.department", "in", (words,))
    assert says(inside, department="w599") == "findings"
    assert says(inside, department="w600") == "clean"


def test_every_ruleset_of_a_wide_rule_keeps_the_limits() -> None:
    tree = AllOf(tuple(AnyOf(tuple(department(f"{a}{b}") for b in range(30))) for a in range(20)))
    program = translate(rule_of(tree), "prescription", BASE, rule_of(tree).effective.start).program

    def rulesets(p: Any) -> Any:
        yield p
        for stage in p.stages.values():
            yield from rulesets(stage)

    for one in rulesets(program):
        assert len(one._rules) <= MAX_RULES
        # Alternatives over one property exclude each other: the weight was counted when cutting.
        properties = {literals[0].name for literals in one._rules.values()}
        assert len(properties) <= MAX_PENDING


def test_a_rule_with_too_many_conditions_is_refused_by_name() -> None:
    tests = [
        Test("event.department", "is", (Literal(f"d{n}"),)) for n in range(2)
    ]  # one property each would not do: conditions on different facts count
    facts = ["patient.allergies", "patient.conditions", "event.diagnoses"]
    many = [Test(f, "all_in", (Words((f"{n}",)),)) for f, n in product(facts, range(200))]
    with pytest.raises(EngineError, match=r"spec\.rule: .* 601 conditions; the limit is 500"):
        make_evaluator("durable", Pack.of([rule_of(AllOf((*tests, *many)))]), BASE)


def test_a_limit_finer_than_it_can_hold_is_refused_by_name() -> None:
    parameter = BASE.parameters["age.limit"]
    (row,) = parameter.rows.values()
    entries = [replace(e, value=replace(e.value, value=1e-13)) for e in row]
    fine = replace(parameter, rows={(): History(entries)})
    base = replace_parameter(fine)
    rule = make_rule(BASE, when={"patient.age": {"below": {"parameter": "age.limit"}}})
    with pytest.raises(EngineError, match=r"spec\.rule.*age\.limit.*1e-13.*compiled engine"):
        make_evaluator("durable", Pack.of([rule]), base)
    make_evaluator("compiled", Pack.of([rule]), base)


def replace_parameter(parameter: Any) -> Any:
    class Base:
        def __getattr__(self, name: str) -> Any:
            return getattr(BASE, name)

        def parameter(self, parameter_id: str) -> Any:
            return parameter if parameter_id == parameter.id else BASE.parameter(parameter_id)

    return Base()


def test_what_it_is_told_instead_of_deciding_is_listed() -> None:
    rule = make_rule(
        BASE,
        each="items",
        when={
            "all": [
                {"patient.age": {"below": {"parameter": "age.limit"}}},
                {"item.drug.ingredients": {"any_in": {"fact": "patient.allergies"}}},
            ]
        },
    )
    decider = Durable(BASE).decider(rule, "prescription", rule.effective.start)
    (given,) = decider.given
    assert isinstance(given, Test)
    assert given.fact == "item.drug.ingredients"
