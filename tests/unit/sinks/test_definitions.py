"""Indicator definitions: the shipped ones, and what is refused with the file's name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sinks.errors import IndicatorInvalid
from sinks.indicators import DIMENSIONS, compile_statement, load_definitions, query
from sinks.indicators.figures import sync_institutions

GOOD = """
id: visits
title: {zh: 人次, en: Visits}
unit: {zh: 人次, en: visits}
numerator: {of: acts, family: encounter, measure: count}
day_of: started_at
dimensions: [institution, department, day]
source: {kind: operating_definition, zh: 口径, en: Definition}
notes: {zh: 说明, en: Notes}
"""


def folder_with(path: Path, text: str, name: str = "visits.yaml") -> Path:
    (path / name).write_text(text, encoding="utf-8")
    return path


def test_the_six_first_indicators_are_shipped() -> None:
    assert set(load_definitions()) == {
        "outpatient_emergency_visits",
        "admissions",
        "discharges",
        "medical_income",
        "drug_income",
        "consumable_income",
    }


def test_each_says_in_both_languages_why_a_change_counts_where_it_does() -> None:
    for definition in load_definitions().values():
        assert "末次" in definition.notes.zh
        assert "latest revision" in definition.notes.en or "last state" in definition.notes.en


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "surprise: 1\n", "unknown field `surprise`"),
        (GOOD.replace("measure: count", "measure: average"), "average"),
        (GOOD.replace("day_of: started_at", "day_of: signed_at"), "$.day_of"),
        (GOOD.replace("family: encounter", "family: visit"), "is no family"),
        (GOOD.replace("measure: count", "measure: net_amount"), "lines are summed"),
        (GOOD.replace("of: acts,", "of: acts, category: [drug],"), "only lines have a category"),
        (GOOD + "id: visits\n", "given twice"),
        (GOOD.replace("id: visits", "id: other"), "must agree"),
        ("id: [", "not YAML"),
        (GOOD.replace("title: {zh: 人次, en: Visits}\n", ""), "title"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused_with_its_file(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(IndicatorInvalid) as error:
        load_definitions(folder_with(tmp_path, text))
    assert str(error.value).startswith("visits.yaml: ")
    assert says in str(error.value)


def test_words_of_a_definition_are_parameters_and_never_part_of_the_sql(tmp_path: Path) -> None:
    text = GOOD.replace("measure: count", 'encounter_kind: ["x\' OR 1"], measure: count')
    (definition,) = load_definitions(folder_with(tmp_path, text)).values()
    statement = compile_statement(definition, DIMENSIONS, live=False)
    assert "OR 1" not in statement.sql
    assert statement.parameters == {"family": "encounter", "encounter_kind": ["x' OR 1"]}


def test_unknown_names_are_errors_that_list_the_known_ones() -> None:
    days = (date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(IndicatorInvalid, match="medical_income"):
        query(None, ["income"], *days)  # type: ignore[arg-type]
    with pytest.raises(IndicatorInvalid, match="department"):
        query(None, None, *days, by=["doctor"])  # type: ignore[arg-type]


def test_an_institution_with_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(IndicatorInvalid, match="Asia/Shanghai"):
        sync_institutions(None, [("h1", "Asia/Shanghigh")])  # type: ignore[arg-type]
