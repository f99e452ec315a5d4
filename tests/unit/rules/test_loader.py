"""Rule files: what is read, and every mistake with its line, a reason and a fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knowledge_base.strict_yaml import Problem
from rules import PackError, load_pack
from rules.reading.loader import read_rule_text
from spec.rules.world import knowledge, make_rule, rule_text, try_rule

BASE = knowledge()


def finding(**parts: Any) -> dict[str, Any]:
    return {
        "result": "violation",
        "severity": "warning",
        "action": "block",
        "audience": ["prescriber"],
        "message": {"zh": "有", "en": "found"},
        **parts,
    }


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"titel": {}}, "no `titel`; did you mean title?"),
        ({"title": None}, "no `title`"),
        ({"title": {"zh": "x"}}, "no `en`"),
        ({"version": 0}, "whole number of 1"),
        ({"status": "live"}, "`status` is live"),
        ({"id": "spec.other.rule"}, "folder.file"),
        ({"on": ["prescription.singed"]}, "did you mean prescription.signed"),
        ({"on": []}, "names no event"),
        ({"on": "prescription.signed"}, "expected a list"),
        ({"each": "item"}, "did you mean items"),
        ({"each": "item.interactions", "on": ["result.reported"]}, "have no `item.interactions`"),
        ({"each": "items", "on": ["encounter.started"]}, "encounter events have no `items`"),
        ({"effective": {"from": "2026-13-01"}}, "no date"),
        ({"effective": {"from": "2026-01-02", "to": "2026-01-02"}}, "not after"),
        ({"evidence": []}, "no list"),
        ({"evidence": [{"source": "lew", "locator": "x"}]}, "did you mean law"),
        ({"if_unknown": "ignore"}, "`if_unknown` is ignore"),
        ({"next_review": "soon"}, "no date"),
        ({"status": "active"}, "no named author and reviewer"),
        ({"status": "active", "authored_by": "A", "checked_by": "A"}, "same person"),
        ({"expect": {}}, "`expect` has no `event`"),
        ({"versions": []}, "`versions` lists no older body"),
        ({"status": "retired"}, "a retired rule does not say why"),
        ({"retired_because": "replaced"}, "the rule is shadow"),
        ({"reviewed_on": "<2026-01-01>"}, "reviewed by nobody"),
        ({"next_review": "<2026-01-01>"}, "no review lies before the next one"),
        (
            {"checked_by": "B", "reviewed_on": "<2026-01-01>", "next_review": "<2025-01-01>"},
            "no review lies before the next one",
        ),
        ({"authored_by": "A", "checked_by": "A"}, "the same person"),
        ({"group_by": ["practitioner.id"]}, "nothing looks at the group"),
        ({"indicator": "x"}, "`indicator` is not built yet"),
        ({"overrides": ["x"]}, "it stands in `finding`"),
        ({"taxonomy": ["x"]}, "`taxonomy` is no mapping"),
    ],
    ids=str,
)
def test_a_wrong_entry_of_a_rule_is_refused(parts: dict[str, Any], message: str) -> None:
    rule, problems = try_rule(BASE, **parts)
    assert rule is None
    assert any(message in str(problem) for problem in problems), [*map(str, problems)]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"patient.aeg": {"below": 1}}, "did you mean patient.age"),
        ({"patient.age": {"belwo": 1}}, "did you mean below"),
        ({"patient.age": {"below": 18}}, "put it into a parameter"),
        ({"patient.age": {"below": 1.5}}, "put it into a parameter"),
        ({"patient.age": {"below": "18 a"}}, "put it into a parameter"),
        ({"patient.age": {"below": "72 h"}}, "put it into a parameter"),
        ({"patient.age": {"below": {"days": 30}}}, "put it into a parameter"),
        ({"patient.age": {"below": {"parameter": "age.limt"}}}, "did you mean age.limit"),
        ({"patient.age": {"below": {"parameter": "days.limit"}}}, "is in d, `patient.age` in a"),
        ({"patient.age": {"below": {"parameter": "age.limit", "by": ["encounter.kind"]}}}, "by no"),
        ({"patient.age": {"below": {"codeset": "heart"}}}, "takes no code set"),
        ({"patient.age": {"any_in": ["a"]}}, "does not fit"),
        ({"patient.age": {"is": "old"}}, "old is no quantity"),
        ({"patient.age": {"is": True}}, "expected 0, 1 or"),
        ({"patient.age": {"overlaps": []}}, "`overlaps` takes an interval"),
        ({"patient.age": {"below": 1, "above": 0}}, "2 operators"),
        ({"patient.age": 1}, "expected an operator"),
        ({"patient.age": {"below": None}}, "no value"),
        ({"patient.age": {"between": [0]}}, "two bounds"),
        ({"patient.age": {"below": {"fact": "event.extended_days"}}}, "is in a"),
        ({"patient.sex": {"is": "woman"}}, "is never woman"),
        ({"patient.sex": {"in": ["femal"]}}, "did you mean female"),
        ({"patient.sex": {"in": []}}, "empty"),
        ({"patient.sex": {"in": [1]}}, "write text"),
        ({"patient.sex": {"in": "female"}}, "takes a list"),
        ({"patient.sex": {"is": ["female"]}}, "takes one value"),
        ({"patient.pregnant": {"is": "yes"}}, "expected true or false"),
        ({"patient.allergies": {"in": ["x"]}}, "does not fit"),
        ({"patient.allergies": {"any_in": {"codeset": "heart"}}}, "of kind icd10"),
        ({"patient.allergies": {"any_in": {"codeset": "penicilins"}}}, "did you mean penicillins"),
        ({"patient.allergies": {"any_in": {"fact": "event.diagnoses"}}}, "expected ingredient"),
        ({"event.note": {"is": "x"}}, "does not fit"),
        ({"event.service_date": {"below": "2026-01-01"}}, "write the date without quotes"),
        ({"item.days_supply": {"above": 1}}, "add `each: items`"),
        ({"element.value": {"is": "x"}}, "needs `each:`"),
        ({"pair.severity": {"is": "major"}}, "add `each: item.interactions`"),
        ({"this.item.code": {"is": "x"}}, "write `item.code`"),
        ({"some": {"in": "items"}}, "`some` has no `where`"),
        ({"any": []}, "list its conditions"),
        ({"any": "x"}, "list its conditions"),
        ({"not": "x"}, "expected a mapping"),
        ({"patient.age": {"exists": 1}}, "true or false"),
        ({"patient.age": {"below": {"fact": "patient.age", "codeset": "x"}}}, "names one thing"),
        ({"patient.age": {"below": {"fakt": "patient.age"}}}, "did you mean fact"),
        ({}, "no condition here"),
    ],
    ids=str,
)
def test_a_wrong_condition_is_refused(when: dict[str, Any], message: str) -> None:
    rule, problems = try_rule(BASE, when=when)
    assert rule is None
    assert any(message in str(problem) for problem in problems), [*map(str, problems)]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"result": "wrong"}, "`result` is wrong"),
        ({"severity": {"from": "pair.severity"}}, "has no `map`"),
        ({"severity": {"from": "patient.age", "map": {"x": "info"}}}, "no closed list of words"),
        ({"severity": {"from": "encounter.kind", "map": {"emergency": "info"}}}, "no `outpatient`"),
        (
            {"severity": {"from": "patient.sex", "map": {"fmale": "info", "male": "info"}}},
            "`map` has no `fmale`",
        ),
        ({"action": "stop"}, "`action` is stop"),
        ({"audience": []}, "`audience` is empty"),
        ({"audience": ["doctor"]}, "cannot hold doctor"),
        ({"message": {"zh": "{patient.aeg}", "en": "x"}}, "did you mean patient.age"),
        ({"message": {"zh": "{threshold}", "en": "x"}}, "{threshold} means nothing"),
        ({"message": {"zh": "{x", "en": "x"}}, "brace"),
        ({"message": {"zh": "{item.dose}", "en": "x"}}, "add `each: items`"),
        ({"key": ["patient.idd"]}, "did you mean patient.id"),
        ({"suggest": [{"delete": "item"}]}, "no `delete`"),
        ({"suggest": [{"remove": "item", "add": "x"}]}, "one thing to do"),
        ({"once_within": {"parameter": "x"}}, "there is no parameter `x`"),
        ({"amount": "whole"}, "only charges have an amount"),
        ({"by_phase": {"before": {}}}, "no `before`"),
        ({"by_phase": {"pre": {"result": "violation"}}}, "never counts as a violation"),
        ({"by_phase": {"post": {"severity": "high"}}}, "`severity` is high"),
    ],
    ids=str,
)
def test_a_wrong_finding_is_refused(parts: dict[str, Any], message: str) -> None:
    rule, problems = try_rule(BASE, finding=finding(**parts))
    assert rule is None
    assert any(message in str(problem) for problem in problems), [*map(str, problems)]


def test_a_column_of_a_table_is_named_by_its_fact() -> None:
    when = {"item.days_supply": {"above": {"parameter": "days.by_kind", "by": ["encounter.kind"]}}}
    assert make_rule(BASE, each="items", when=when).when
    when = {"item.days_supply": {"above": {"parameter": "days.by_kind", "by": ["item.route"]}}}
    _, problems = try_rule(BASE, each="items", when=when)
    assert "column `kind`" in str(problems[0])
    when = {"item.days_supply": {"above": {"parameter": "days.by_kind"}}}
    _, problems = try_rule(BASE, each="items", when=when)
    assert "looked up by [kind]" in str(problems[0])


def test_all_mistakes_of_a_file_are_reported_at_once_with_their_lines() -> None:
    text = """\
id: spec.rule
version: 1
title: {zh: 一, en: one}
status: shadow
effective: {from: 2020-01-01}
on: [prescription.signed]
scope:
  patient.aeg: {below: 1}
when:
  patient.age: {below: 18}
  patient.sex: {is: woman}
finding:
  result: bad
  severity: warning
  action: block
  audience: [prescriber]
  message: {zh: 有, en: found}
evidence: [{source: nowhere, locator: x}]
"""
    problems: list[Problem] = []
    assert read_rule_text(text, Path("spec/rule.yaml"), BASE, problems) is None
    assert sorted(problem.line for problem in problems) == [8, 10, 11, 13, 18]
    assert str(problems[0]).startswith("spec/rule.yaml:8:3: ")


def test_a_pack_reports_every_file_and_duplicates(tmp_path: Path) -> None:
    for folder in ("a/spec", "b/spec"):
        (tmp_path / folder).mkdir(parents=True)

    (tmp_path / "a/spec/rule.yaml").write_text(rule_text(), "utf-8")
    (tmp_path / "a/spec/bad.yaml").write_text("a: [", "utf-8")
    (tmp_path / "b/spec/rule.yaml").write_text(rule_text(version=2), "utf-8")
    (tmp_path / "a/spec/rule.test.yaml").write_text("not a rule", "utf-8")
    with pytest.raises(PackError) as caught:
        load_pack([tmp_path, tmp_path / "nowhere"], BASE)
    said = str(caught.value)
    assert "already in" in said
    assert "bad.yaml:" in said
    assert "no such file" in said
    assert "rule.test.yaml" not in said


def test_the_digest_follows_the_content_and_not_the_place(tmp_path: Path) -> None:

    digests = []
    for number, version in enumerate((1, 1, 2)):
        folder = tmp_path / str(number) / "spec"
        folder.mkdir(parents=True)
        (folder / "rule.yaml").write_text(rule_text(version=version), "utf-8")
        digests.append(load_pack([folder], BASE).digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_folder_without_rules_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no rules"):
        load_pack([tmp_path], BASE)
