"""Both engines say the same to the byte: of the shipped packs' cases and of a simulated day."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

import knowledge_base
from contracts.decision import Decision, encode_record
from contracts.intake import Accepted, decode
from rules.authoring.cases import read_cases
from rules.authoring.shorthand import ShorthandError, event_of
from rules.authoring.testing import test_files
from rules.durable import Durable
from rules.durable import engine as durable_engine
from rules.engine.engines import ENGINES, make_evaluator
from rules.engine.outcomes import ALERT, SILENT
from rules.errors import EngineError
from rules.pack import PACKS, load_pack
from simulation.simulator import Simulator

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths(demo=True))
PACK = load_pack([PACKS], KNOWLEDGE)
EVALUATORS = [make_evaluator(engine, PACK, KNOWLEDGE, "demo") for engine in ENGINES]


def without_engine(decision: Decision) -> bytes:
    basis = msgspec.structs.replace(decision.basis, engine="")
    return encode_record(msgspec.structs.replace(decision, basis=basis))


def test_the_basis_names_the_engine() -> None:
    assert [e.basis.engine for e in EVALUATORS] == ["compiled/1", "durable/1"]


def test_an_engine_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(EngineError, match="no engine 'drools'; expected compiled or durable"):
        make_evaluator("drools", PACK, KNOWLEDGE)


@pytest.mark.slow
def test_the_engines_agree_on_every_case_of_the_shipped_packs() -> None:
    compared = 0
    for file in test_files([PACKS]):
        for case in read_cases(file, PACK, []):
            try:
                event = event_of(case.event, KNOWLEDGE)
            except ShorthandError:
                continue
            one, other = (without_engine(e.decide(event)) for e in EVALUATORS)
            assert one == other, f"{case.rule}: {case.name}"
            compared += 1
    assert compared > 390


def test_the_engines_agree_on_a_simulated_day() -> None:
    alerts = 0
    for made in Simulator(KNOWLEDGE, 5, 100, date(2026, 3, 2), fault_rate=0.5).events(800):
        taken = decode(made.bytes, check_key=False)
        assert isinstance(taken, Accepted)
        one, other = (e.decide(taken.event) for e in EVALUATORS)
        assert without_engine(one) == without_engine(other)
        alerts += len(one.findings)
    assert alerts > 10


def test_it_is_durable_rules_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its answers turned around, the decisions follow them."""
    base = {"event": "prescription.signed", "patient": {"age": "12 a"}}
    event = event_of({**base, "items": [{"drug": "levofloxacin", "route": "oral"}]}, KNOWLEDGE)
    usual = durable_engine.outcome_of

    def turned(rails: set[str]) -> int:
        return {ALERT: SILENT}.get(usual(rails), usual(rails))

    monkeypatch.setattr(durable_engine, "outcome_of", turned)
    evaluator = make_evaluator("durable", PACK, KNOWLEDGE)
    assert make_evaluator("compiled", PACK, KNOWLEDGE).decide(event).findings
    assert not evaluator.decide(event).findings


def test_a_fact_that_raises_fails_the_same_rules_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from rules.facts import CATALOGUE

    def broken(*_: object) -> None:
        raise RuntimeError

    fact = CATALOGUE["patient.age"]
    monkeypatch.setitem(fact.extractors, "prescription", broken)
    base = {"event": "prescription.signed", "patient": {"age": "12 a"}}
    event = event_of({**base, "items": [{"drug": "levofloxacin"}]}, KNOWLEDGE)
    one, other = (make_evaluator(e, PACK, KNOWLEDGE, "demo").decide(event) for e in ENGINES)
    assert without_engine(one) == without_engine(other)
    assert any(m.why == "rule_error" for n in one.not_evaluable for m in n.missing)


def test_most_conditions_of_the_shipped_packs_are_decided_by_durable_rules_itself() -> None:
    from rules.model import tests_of

    durable, given, asked = Durable(KNOWLEDGE), 0, 0
    for rule in PACK.rules:
        family = rule.on[0].partition(".")[0]
        given += len(durable.decider(rule, family, rule.effective.start).given)
        asked += sum(len(list(tests_of(t))) for t in (rule.scope, rule.when, rule.unless))
    assert given < asked / 4
