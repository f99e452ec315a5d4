"""Every row of the tables of the rule language, on every engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision
from knowledge_base.strict_yaml import Problem
from rules import language, model
from rules.authoring.testing import outcome_of
from rules.engine.engines import ENGINES, make_evaluator
from rules.engine.evaluator import Evaluator
from rules.errors import EngineError
from rules.language import Row
from rules.model import Not, Rule, Test
from rules.pack import Pack
from rules.words import OPERATORS
from spec.rules.world import knowledge

BASE = knowledge()
TABLES = language.tables()
ROWS = [row for table in TABLES for row in table.rows]
OPPOSITE = {"alert": "silent", "silent": "alert", "not_evaluable": "not_evaluable"}


def named(row: Row) -> str:
    return f"{row.table}, {row.name or row.line}"


def evaluators(rule: Rule) -> list[Evaluator]:
    pack = Pack.of([rule])
    return [Evaluator(pack, BASE, index=index) for index in ("auto", "always", "never")]


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    try:
        make_evaluator(request.param, Pack.of([]), BASE)
    except EngineError as e:
        pytest.skip(str(e))
    return str(request.param)


def contains(part: Any, whole: Any) -> bool:
    """Whether a part is as the whole says, mapping by mapping."""
    if isinstance(part, dict) and isinstance(whole, dict):
        # What is as usual is left out of a record: its absence is the empty value.
        return all(contains(v, whole.get(name, type(v)())) for name, v in part.items())
    if isinstance(part, list) and isinstance(whole, list | tuple):
        return len(part) == len(whole) and all(map(contains, part, whole))
    return bool(part == whole)


def missing_of(decision: Decision) -> dict[str, str]:
    named = {m.fact: m.why for entry in decision.not_evaluable for m in entry.missing}
    return named or {group.fact: group.why for group in decision.undetermined}


def check(row: Row, decision: Decision) -> None:
    assert outcome_of(decision) == row.outcome
    assert missing_of(decision) == row.missing or row.outcome not in (
        "not_evaluable",
        "undetermined",
    )
    findings = msgspec.to_builtins(decision.findings)
    if row.details:
        assert len(findings) == len(row.details)
        for wanted, got in zip(row.details, findings, strict=True):
            assert contains(wanted, got), f"{wanted} is not in {got}"
    assert contains(row.decision, msgspec.to_builtins(decision))
    counted = decision.coverage
    total = counted.alerts + counted.silent + counted.exempt + counted.not_evaluable
    assert counted.applicable == total


@pytest.mark.parametrize("row", [r for r in ROWS if r.outcome != "refused"], ids=named)
def test_a_row_is_as_the_table_says_on_every_engine(row: Row, engine: str) -> None:
    rule = rule_of(row)
    check(row, language.decide_row(row, make_evaluator(engine, Pack.of([rule]), BASE)))
    if engine == "compiled":
        for evaluator in evaluators(rule):
            check(row, language.decide_row(row, evaluator))


@pytest.mark.parametrize("row", [r for r in ROWS if r.truth], ids=named)
def test_its_negation_is_the_opposite_and_unknown_stays_unknown(row: Row, engine: str) -> None:
    rule = rule_of(row)
    rule = replace(rule, when=Not(rule.when))
    decision = language.decide_row(row, make_evaluator(engine, Pack.of([rule]), BASE))
    assert outcome_of(decision) == OPPOSITE[row.outcome]


@pytest.mark.parametrize("row", [r for r in ROWS if r.outcome == "refused"], ids=named)
def test_what_the_loader_refuses_is_refused_with_the_words_of_the_table(row: Row) -> None:
    problems: list[Problem] = []
    assert language.rule_of_row(row, BASE, problems) is None
    said = "\n".join(map(str, problems))
    assert row.details[0]["message"] in said, said


def rule_of(row: Row) -> Rule:
    problems: list[Problem] = []
    rule = language.rule_of_row(row, BASE, problems)
    assert rule is not None, "\n".join(map(str, problems))
    return rule


def test_the_tables_show_every_operator_true_false_and_unknown() -> None:
    shown: dict[str, set[str]] = {operator: set() for operator in OPERATORS}
    for row in ROWS:
        if row.truth:
            when = rule_of(row).when
            if isinstance(when, Test):
                shown[when.operator].add(row.truth)
            else:
                for test in model.tests_of(when):
                    shown[test.operator].add("inside")
    lacking = {name: {"true", "false", "unknown"} - seen for name, seen in shown.items()}
    assert not {name: sorted(lack) for name, lack in lacking.items() if lack}


def test_there_are_enough_rows_and_no_two_of_one_table_are_the_same() -> None:
    assert len(ROWS) >= 150
    for table in TABLES:
        said = [
            str((row.rule, row.event, row.earlier, row.known_since, row.details, row.decision))
            for row in table.rows
        ]
        assert len(set(said)) == len(said), table.title.en
