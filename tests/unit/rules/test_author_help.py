"""What rule authors are told: how tests are written, and what to do about a mistake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

import knowledge_base
from knowledge_base import KnowledgeError
from knowledge_base.strict_yaml import Problem, read
from rules import Evaluator
from rules.authoring.comparing import plain
from rules.authoring.shorthand import ShorthandError, event_of
from rules.docs.codesets import codesets_page
from rules.docs.tests import EXAMPLES
from rules.docs.tests import tests_page as page_of
from rules.model import limits_of
from rules.pack import Pack, read_pack
from spec.rules.world import knowledge, make_rule, rule_text

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths())


@pytest.mark.parametrize("text", [text for _, _, text in EXAMPLES])
def test_every_example_of_the_page_about_tests_is_an_event(text: str, tmp_path: Path) -> None:
    file = tmp_path / "event.yaml"
    file.write_text(f"event: prescription.signed\n{text}\n", "utf-8")
    node = read(file, [])
    assert node is not None
    event_of(node.plain(), KNOWLEDGE)


def test_the_page_about_tests_lists_what_tests_can_name() -> None:
    page = page_of(KNOWLEDGE)
    for name in ("levofloxacin", "potassium", KNOWLEDGE.items()[0].code):
        assert f"`{name}`" in page


def test_the_page_of_code_sets_lists_all_with_some_of_their_members() -> None:
    page = codesets_page(KNOWLEDGE)
    assert all(f"| `{name}` |" in page for name in KNOWLEDGE.codesets)
    assert "`http://loinc.org\\|2823-3`" in page
    assert " … and " in page


def test_without_a_catalogue_a_drug_is_not_just_unknown() -> None:
    bare = knowledge_base.load(knowledge_base.default_paths(demo=False))
    with pytest.raises(ShorthandError, match=r"no catalogue is loaded; .*data/demo"):
        event_of({"event": "prescription.signed", "items": [{"drug": "levofloxacin"}]}, bare)


def test_values_of_a_failure_are_plain() -> None:
    at = datetime.fromisoformat("2026-02-04T10:00+08:00")
    assert plain(("a", 1.0)) == "['a', 1]"
    assert plain(at) == "2026-02-04 10:00"
    assert plain({"unknown": "not_reported"}) == "unknown (not_reported)"


def said(tmp_path: Path, **parts: object) -> str:
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "rule.yaml").write_text(rule_text(**parts), "utf-8")
    problems: list[Problem] = []
    read_pack([tmp_path], knowledge(), problems)
    return "\n".join(map(str, problems))


def test_a_table_without_its_key_is_told_how_to_name_it(tmp_path: Path) -> None:
    when = {"item.days_supply": {"above": {"parameter": "days.by_kind"}}}
    assert "write {parameter: days.by_kind, by: [encounter.kind" in said(
        tmp_path, each="items", when=when
    )


PARAMETER = """
parameters:
  - id: x.days
    title: {zh: 天数, en: days}
    unit: d
    BY
    values: [{key: [outpatients], from: 2020-01-01, value: 7, source: s, locator: l}]
sources: [{id: s, title: {zh: 源, en: source}, issuer: i, licence: own}]
"""


def test_a_key_without_columns_is_told_to_name_them(tmp_path: Path) -> None:
    file = tmp_path / "k.yaml"
    file.write_text(PARAMETER.replace("    BY\n", ""), "utf-8")
    with pytest.raises(KnowledgeError, match=r"write by: \[kind\]"):
        knowledge_base.load([file])


def test_a_misspelt_key_is_told_from_the_words_of_its_fact(tmp_path: Path) -> None:
    file = tmp_path / "k.yaml"
    file.write_text(PARAMETER.replace("BY", "by: [kind]"), "utf-8")
    base = knowledge_base.load([*knowledge_base.default_paths(), file])
    (tmp_path / "spec").mkdir()
    when = {"item.days_supply": {"above": {"parameter": "x.days", "by": ["encounter.kind"]}}}
    rule = rule_text(each="items", when=when)
    (tmp_path / "spec" / "rule.yaml").write_text(rule, "utf-8")
    problems: list[Problem] = []
    read_pack([tmp_path / "spec"], base, problems)
    assert "did you mean outpatient" in "\n".join(map(str, problems))


def test_a_diagnosis_without_a_code_leaves_its_code_unknown() -> None:
    base = knowledge()
    where = {"diagnosis.code": {"in": {"codeset": "pregnancy"}}}
    rule = make_rule(base, when={"some": {"in": "diagnoses", "where": where}})
    event = event_of(
        {
            "event": "prescription.signed",
            "diagnoses": [{"role": "principal"}],
            "items": [{"drug": "D1"}],
        },
        base,
    )
    decision = Evaluator(Pack.of([rule]), base).decide(event)
    (entry,) = decision.not_evaluable
    assert [missing.fact for missing in entry.missing] == ["diagnosis.code"]


def test_a_message_that_names_its_limit_shows_it() -> None:
    base = knowledge()
    limit = {"above": {"parameter": "potassium.limit"}}
    assert limits_of(make_rule(base, when={"patient.potassium": limit}).when)
    age = {"above": 0, "fresh_within": {"parameter": "potassium.validity"}}
    assert limits_of(make_rule(base, when={"patient.potassium": age}).when) == ()
