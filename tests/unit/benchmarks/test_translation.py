"""The peer's rules are our rules: said in durable_rules, they fire on the same elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

import knowledge_base
from benchmarks.errors import NotTranslatable
from benchmarks.translation import fixed_point, translate
from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from rules import Evaluator, Pack, load_pack
from rules.model import (
    AllOf,
    AnyOf,
    CodeSetOperand,
    Effective,
    Evidence,
    FindingSpec,
    Literal,
    Not,
    ParameterOperand,
    Rule,
    Test,
    Words,
)
from rules.pack import PACKS
from simulation import SimulatedEvent, Simulator

DAY = date(2026, 11, 22)
INPATIENT = Test("encounter.kind", "is", (Literal("inpatient"),))
CHRONIC_PAIN = Test("patient.chronic_pain", "is", (Literal(True),))


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return knowledge_base.load(knowledge_base.default_paths())


@pytest.fixture(scope="module")
def pack(knowledge: KnowledgeBase) -> Pack:
    shipped = load_pack([PACKS], knowledge)
    return Pack.of([rule for rule in shipped.rules if not rule.needs_memory])


@pytest.fixture(scope="module")
def events(knowledge: KnowledgeBase) -> Sequence[SimulatedEvent]:
    until = datetime(2026, 11, 22, 12, tzinfo=UTC)
    simulator = Simulator(knowledge, 1, 100, DAY, until=until, fault_rate=0.7)
    return list(simulator.events(2500))


def rule(**parts: object) -> Rule:
    words = Names("试验", "trial")
    trial = Rule(
        id="trial",
        version=1,
        title=words,
        status="shadow",
        effective=Effective(date(2020, 1, 1)),
        on=("prescription.signed",),
        when=INPATIENT,
        finding=FindingSpec("violation", "warning", "remind", ("prescriber",), words),
        evidence=(Evidence("drug-labels", "trial"),),
    )
    return replace(trial, **parts)  # type: ignore[arg-type]


def test_every_shipped_rule_about_one_event_is_translated(
    knowledge: KnowledgeBase, pack: Pack
) -> None:
    translation = translate(pack.rules, knowledge, DAY)
    left_out = {r.id for r in pack.rules} - set(translation.definitions)
    assert left_out == {r.id for r in pack.rules if r.needs_memory or r.group_by}
    assert len(translation.definitions) > 30


def test_both_engines_fire_the_same_rules_on_the_same_elements(
    knowledge: KnowledgeBase, pack: Pack, events: Sequence[SimulatedEvent]
) -> None:
    pytest.importorskip("durable.engine", reason="durable_rules is not installed")
    from benchmarks.rete import Rete

    rete = Rete(translate(pack.rules, knowledge, DAY), knowledge)
    evaluator = Evaluator(pack, knowledge)
    compared = 0
    for one in events:
        ours = {(f.rule_id, f.element) for f in evaluator.decide(one.event).findings}
        assert set(rete.fire(one.event)) == ours, one.event.id
        compared += len(ours)
    assert compared > 50
    assert len({r for one in events for r, _ in rete.fire(one.event)}) > 15


def test_words_numbers_and_booleans_stay_conditions(knowledge: KnowledgeBase) -> None:
    trial = rule(
        scope=Test("encounter.kind", "in", (Words(("outpatient", "emergency")),)),
        when=AllOf((Test("event.diagnosis_count", "is", (Literal(0),)), CHRONIC_PAIN)),
    )
    definition = translate([trial], knowledge, DAY).definitions["trial"]
    assert {"$or": [{"encounter_kind": "outpatient"}, {"encounter_kind": "emergency"}]} in (
        definition["$and"]
    )
    assert {"event_diagnosis_count": 0} in definition["$and"]
    assert {"patient_chronic_pain": True} in definition["$and"]


def test_a_plain_parameter_becomes_its_number_of_the_day(knowledge: KnowledgeBase) -> None:
    limit = ParameterOperand("metformin.minimum_egfr")
    trial = rule(when=Test("patient.egfr", "below", (limit,)))
    parameter = knowledge.parameter("metformin.minimum_egfr")
    assert parameter is not None
    row = parameter.at(DAY)
    assert row is not None
    definition = translate([trial], knowledge, DAY).definitions["trial"]
    assert {"$lt": {"patient_egfr": fixed_point(float(row.value))}} in definition["$and"]


def test_what_durable_rules_cannot_say_is_computed_beforehand(knowledge: KnowledgeBase) -> None:
    member = Test("event.diagnoses", "any_in", (CodeSetOperand("adhd"),))
    translation = translate([rule(when=AnyOf((member, Not(member))))], knowledge, DAY)
    computed = {atom.truths for atom in translation.atoms.values()}
    assert computed == {frozenset({True}), frozenset({False})}


def test_an_exemption_that_is_unknown_does_not_exempt(knowledge: KnowledgeBase) -> None:
    translation = translate([rule(unless=CHRONIC_PAIN)], knowledge, DAY)
    (atom,) = translation.atoms.values()
    assert atom.truths == frozenset({False, None})


def test_a_ruleset_that_would_hang_durable_rules_is_refused(knowledge: KnowledgeBase) -> None:
    words = tuple(f"word-{n}" for n in range(600))
    trial = rule(when=Test("encounter.kind", "in", (Words(words),)))
    with pytest.raises(NotTranslatable, match="distinct constants"):
        translate([trial], knowledge, DAY)


def test_numbers_are_written_in_millionths() -> None:
    assert fixed_point(1e-7) == 0
    assert fixed_point(0.5) == 500_000
    assert fixed_point(1e300) == 2**62
