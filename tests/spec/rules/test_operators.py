"""The tables of the rule language, row by row, through the production engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knowledge_base.strict_yaml import Problem, read
from rules import Evaluator
from rules.model import leaves_of
from rules.pack import Pack
from rules.shorthand import event_of, merge
from rules.testing import outcome_of
from rules.words import OPERATORS
from spec.rules.world import knowledge, make_rule

HERE = Path(__file__).parent
TRUTHS = {"true": "alert", "false": "silent", "unknown": "not_evaluable"}
BASE = knowledge()


def table(name: str) -> Any:
    problems: list[Problem] = []
    node = read(HERE / name, problems)
    assert node is not None
    assert not problems, "\n".join(map(str, problems))
    return node.plain()


def rows() -> list[Any]:
    found = []
    for entry in table("operators.yaml")["tables"]:
        for number, row in enumerate(entry["rows"], 1):
            name = f"{entry['title']['en']} {number}"
            found.append(pytest.param(entry, row, id=name.replace(" ", "_")))
    return found


def dated(value: Any) -> Any:
    """Dates of the table stand without quotes there; mark them so that they do here."""
    if isinstance(value, dict):
        return {name: dated(v) for name, v in value.items()}
    if isinstance(value, list):
        return [dated(v) for v in value]
    is_date = isinstance(value, str) and len(value) == 10 and value[4:5] == "-"
    return f"<{value}>" if is_date else value


@pytest.mark.parametrize(("entry", "row"), rows())
def test_a_condition_is_as_the_table_says(entry: Any, row: Any) -> None:
    event = event_of(merge(entry["base"], row.get("given", {})), BASE)
    name = event.type.removesuffix(".v1")
    rule = make_rule(BASE, on=[name], each=entry.get("each"), when=dated(row["when"]))
    decision = Evaluator(Pack.of([rule]), BASE).decide(event)
    assert outcome_of(decision) == TRUTHS[row["is"]]
    missing = {m.fact: m.why for entry in decision.not_evaluable for m in entry.missing}
    assert missing == row.get("missing", {})


@pytest.mark.parametrize(("entry", "row"), rows())
def test_its_negation_is_the_opposite_and_unknown_stays_unknown(entry: Any, row: Any) -> None:
    event = event_of(merge(entry["base"], row.get("given", {})), BASE)
    name = event.type.removesuffix(".v1")
    when = {"not": dated(row["when"])}
    rule = make_rule(BASE, on=[name], each=entry.get("each"), when=when)
    opposite = {"true": "false", "false": "true", "unknown": "unknown"}[row["is"]]
    decision = Evaluator(Pack.of([rule]), BASE).decide(event)
    assert outcome_of(decision) == TRUTHS[opposite]


def test_the_tables_show_every_operator() -> None:
    shown: set[str] = set()
    for entry in table("operators.yaml")["tables"]:
        for row in entry["rows"]:
            event = event_of(entry["base"], BASE).type.removesuffix(".v1")
            rule = make_rule(BASE, on=[event], each=entry.get("each"), when=dated(row["when"]))
            shown.update(test.operator for test in leaves_of(rule.when))
    assert shown == set(OPERATORS)


CONDITIONS = {
    "true": {"event.item_count": {"is": 1}},
    "false": {"event.item_count": {"is": 0}},
    "unknown": {"patient.pregnant": {"is": True}},
}
UNKNOWNS = {
    "scope": {"patient.lactating": {"is": True}},
    "when": {"patient.pregnant": {"is": True}},
    "unless": {"encounter.is_rescue": {"is": True}},
}


@pytest.mark.parametrize("index", ["auto", "always", "never"])
@pytest.mark.parametrize("row", table("outcomes.yaml")["rows"], ids=str)
def test_a_rule_ends_as_the_truth_table_says(row: Any, index: Any) -> None:
    parts = {
        part: UNKNOWNS[part] if row[part] == "unknown" else CONDITIONS[row[part]]
        for part in ("scope", "when", "unless")
        if part in row
    }
    rule = make_rule(BASE, **parts)
    event = event_of({"event": "prescription.signed", "items": [{"drug": "D1"}]}, BASE)
    decision = Evaluator(Pack.of([rule]), BASE, index=index).decide(event)
    outcome = outcome_of(decision)
    if row["outcome"] == "unverified":
        finding = decision.findings[0]
        assert (finding.result, finding.action) == ("suspected", "require_reason")
        assert finding.exemption_unverified == ("encounter.is_rescue",)
        assert decision.verdict == "findings"
        return
    assert outcome == row["outcome"]
    if outcome == "undetermined":
        group = decision.undetermined[0]
        assert (group.fact, group.why, group.rules) == (
            "patient.lactating", "not_reported", ("spec.rule",)
        )  # fmt: skip
    if outcome == "not_evaluable":
        (entry,) = decision.not_evaluable
        assert [(m.fact, m.why) for m in entry.missing] == [("patient.pregnant", "not_reported")]
    verdicts = {
        "alert": "findings", "not_evaluable": "incomplete", "undetermined": "incomplete",
        "silent": "clean", "exempt": "clean", "not_applicable": "no_rules",
    }  # fmt: skip
    assert decision.verdict == verdicts[outcome]
    counted = decision.coverage
    total = counted.alerts + counted.silent + counted.exempt + counted.not_evaluable
    assert counted.applicable == total
