"""The schemas for editors say what the reader says, as far as a schema can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import knowledge_base
from knowledge_base.strict_yaml import Problem, read
from rules import PACKS, language, schema, words
from rules.facts import CATALOGUE
from rules.language.rows import rule_text
from rules.language.tables import WORLD
from rules.later import LATER
from rules.pack import TEST_SUFFIX
from spec.rules.world import knowledge

BASE = knowledge()
RULE = Draft202012Validator(schema.rule_schema())
FILES = sorted(PACKS.rglob("*.yaml"))


def plain(path: Path) -> Any:
    problems: list[Problem] = []
    node = read(path, problems)
    assert node is not None
    assert not problems
    return node.plain()


def wrong(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{'.'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(value)]


@pytest.mark.parametrize("name", schema.schemas())
def test_a_schema_is_valid_and_current(name: str) -> None:
    made = schema.schemas()[name]
    Draft202012Validator.check_schema(made)
    there = (schema.FOLDER / name).read_text(encoding="utf-8")
    assert there == schema.text_of(made), "run: python -m rules.schema"


def test_every_shipped_rule_and_its_tests_fit_their_schemas() -> None:
    cases = Draft202012Validator(schema.case_schema())
    for path in FILES:
        validator = cases if path.name.endswith(TEST_SUFFIX) else RULE
        assert wrong(validator, plain(path)) == [], path


def test_every_shipped_knowledge_file_fits_its_schema() -> None:
    validator = Draft202012Validator(schema.knowledge_schema())
    folders = knowledge_base.default_paths()
    for path in [WORLD, *(file for folder in folders for file in sorted(folder.rglob("*.yaml")))]:
        assert wrong(validator, plain(path)) == [], path


ROWS = [row for table in language.tables() for row in table.rows]


def test_every_rule_of_the_tables_that_loads_fits_the_schema(tmp_path: Path) -> None:
    for row in ROWS:
        if row.outcome == "refused":
            continue
        path = tmp_path / "rule.yaml"
        path.write_text(rule_text(row), encoding="utf-8")
        assert wrong(RULE, plain(path)) == [], (row.table, row.name, row.line)


def test_every_fact_operator_and_key_is_explained_in_both_languages() -> None:
    made = schema.rule_schema()
    conditions = made["$defs"]["conditions"]["properties"]
    for name in (*CATALOGUE, *words.COMBINATORS):
        assert " · " in conditions[name]["description"], name
    for name in (*words.RULE_REQUIRED, *words.RULE_OPTIONAL):
        assert " · " in made["properties"][name]["description"], name


def test_history_expectations_and_timelines_fit_their_schemas() -> None:
    rules = (plain(path) for path in FILES if not path.name.endswith(TEST_SUFFIX))
    rule = next(rule for rule in rules if "when" in rule)
    history = {"of": "order.signed", "within": {"parameter": "x"}, "exists": True}
    assert wrong(RULE, {**rule, "when": {"history": history}}) == []
    where = {"item.code": {"is": {"fact": "this.item.code"}}, "this.patient.age": {"above": 0}}
    assert wrong(RULE, {**rule, "when": {"history": {**history, "where": where}}}) == []
    for change in ({"same": "day"}, {"none": True}, {"of": "order.draft"}, {"where": {"this": 1}}):
        assert wrong(RULE, {**rule, "when": {"history": {**history, **change}}}), change
    expect = {"event": "document.signed", "match": ["encounter.id"], "within": {"parameter": "x"}}
    waiting = {name: part for name, part in rule.items() if name != "when"}
    assert wrong(RULE, {**waiting, "expect": expect}) == []
    assert wrong(RULE, waiting)
    assert wrong(RULE, {**waiting, "expect": {**expect, "match": []}})
    cases = Draft202012Validator(schema.case_schema())
    head = {"rule": "a.b", "base": {"event": "order.signed"}}
    steps = [{"at": "0 h", "event": {}}, {"at": "1 h", "expect": [{"retracted": "in_time"}]}]
    assert wrong(cases, {**head, "timeline": steps}) == []
    assert wrong(cases, {**head, "timeline": [{"name": "one", "steps": steps}]}) == []
    assert wrong(cases, head)
    assert wrong(cases, {**head, "timeline": [{"at": "0 h"}]})


def test_words_of_a_later_version_are_explained_and_refused() -> None:
    made = schema.rule_schema()
    places = {
        "rule": made["properties"],
        "finding": made["$defs"]["finding"]["properties"],
        "conditions": made["$defs"]["conditions"]["properties"],
        "tests": schema.case_schema()["properties"],
    }
    for entry in LATER:
        for where in entry.where & places.keys():
            refused = places[where][entry.word]
            assert "comes later" in refused["description"], entry.word
            assert refused["not"] == {}, entry.word
    rule = plain(FILES[1])
    rule["when"] = {"indicator": "admissions"}
    assert any("when.indicator" in text for text in wrong(RULE, rule))


@pytest.mark.parametrize(
    "change",
    [
        {"sverity": "warning"},
        {"status": "activ"},
        {"on": ["prescription.sgined"]},
        {"when": {"patient.agee": {"above": 0}}},
        {"when": {"patient.age": {"abov": 0}}},
        {"when": {"patient.age": {"above": 18}}},
        {"when": {"patient.age": {"any_in": ["a"]}}},
        {"when": {"encounter.kind": {"is": "outpatiant"}}},
        {"when": {"patient.allergies": {"is": "a"}}},
        {"when": {}},
        {"version": 0},
        {"effective": {"from": "2026"}},
        {"evidence": [{"source": "law"}]},
    ],
    ids=str,
)
def test_what_the_reader_refuses_an_editor_marks(change: dict[str, Any]) -> None:
    rule = plain(next(path for path in FILES if not path.name.endswith(TEST_SUFFIX)))
    assert wrong(RULE, rule) == []
    assert wrong(RULE, {**rule, **change}) != []
