"""The loader refuses what it cannot cite or place, and says all of it at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import knowledge_base
from knowledge_base import KnowledgeError

SOURCES = """
sources:
  - id: act
    title: {zh: 法, en: Act}
    issuer: parliament
    licence: government document
"""

PARAMETER = """
source: act
parameters:
  - id: limit
    title: {zh: 限, en: limit}
    unit: d
    by: [encounter.kind]
    values:
      - {key: [outpatient], from: 2007-05-01, to: 2020-01-01, value: 7, locator: article 1}
      - {key: [outpatient], from: 2020-01-01, value: 14, locator: article 1}
      - {key: [emergency], from: 2007-05-01, value: 3, locator: article 1}
"""


def write(folder: Path, **files: str) -> list[Path]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return [folder]


def problems_of(paths: list[Path]) -> list[str]:
    with pytest.raises(KnowledgeError) as caught:
        knowledge_base.load(paths)
    return [str(problem) for problem in caught.value.problems]


def test_the_value_of_a_day_decides_and_a_missing_row_is_none(tmp_path: Path) -> None:
    limit = knowledge_base.load(write(tmp_path, a=SOURCES, b=PARAMETER)).parameter("limit")
    assert limit is not None
    assert limit.at(date(2007, 4, 30), ("outpatient",)) is None
    old = limit.at(date(2019, 12, 31), ("outpatient",))
    new = limit.at(date(2020, 1, 1), ("outpatient",))
    assert old is not None
    assert (old.value, old.unit, old.source, old.locator) == (7, "d", "act", "article 1")
    assert new is not None
    assert new.value == 14
    assert limit.at(date(2020, 1, 1), ("inpatient",)) is None
    assert limit.at(date(2020, 1, 1)) is None


def test_overlapping_intervals_are_named_with_both_places(tmp_path: Path) -> None:
    broken = PARAMETER.replace("to: 2020-01-01", "to: 2020-01-02")
    [problem] = problems_of(write(tmp_path, a=SOURCES, b=broken))
    assert "b.yaml:10:" in problem
    assert "overlaps the one from 2007-05-01 (b.yaml:9)" in problem


def test_an_interval_inside_a_longer_one_is_found_behind_a_third(tmp_path: Path) -> None:
    rows = """
      - {key: [a], from: 2000-01-01, value: 1, locator: x}
      - {key: [a], from: 2001-01-01, to: 2002-01-01, value: 2, locator: x}
      - {key: [a], from: 2003-01-01, to: 2004-01-01, value: 3, locator: x}
"""
    head = PARAMETER.split("      - {key")[0].rstrip()
    assert len(problems_of(write(tmp_path, a=SOURCES, b=head + rows))) == 2


def test_every_problem_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    broken = """
source: nowhere
parameters:
  - id: Limit
    title: {zh: 限}
    unit: d
    valeus: []
    values:
      - {from: 2007-13-01, value: 7, locator: article 1}
      - {from: 2007-05-01, to: 2007-05-01, value: null}
"""
    found = "\n".join(problems_of(write(tmp_path, a=SOURCES, b=broken, c="rules: []")))
    for expected in (
        "`Limit` cannot be an id",
        "`en` is missing",
        "unknown key `valeus`; did you mean `values`?",
        "`from` is not a date",
        "`to` 2007-05-01 is not after",
        "`locator` is missing",
        "`value` is nothing",
        "no source `nowhere`",
        "c.yaml:1:1: unknown key `rules`",
    ):
        assert expected in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{id: p, title: {zh: 一, en: p}, unit: d, values: []}", "`values` is empty"),
        ("{id: p, title: {zh: '', en: p}, unit: d, values: [{value: 1}]}", "`zh` is empty"),
        ("{id: p, title: {zh: 一, en: p}, unit: , values: [{value: 1}]}", "`unit` is empty"),
    ],
)
def test_an_empty_entry_is_not_read_as_none(tmp_path: Path, text: str, said: str) -> None:
    head = SOURCES + "source: act\nlocator: a\nfrom: 2020-01-01\n"
    (problem,) = problems_of(write(tmp_path, a=f"{head}parameters:\n  - {text}\n"))
    assert said in problem


@pytest.mark.parametrize(
    ("kind", "member", "said"),
    [
        ("drug", "D1", "write system|code"),
        ("item", "S1", "write system|code"),
        ("ingredient", "Amoxicillin", "lower case: amoxicillin"),
        ("icd10", "O801", "not a code or range of ICD-10"),
    ],
)
def test_a_member_in_a_spelling_that_never_matches_is_refused(
    tmp_path: Path, kind: str, member: str, said: str
) -> None:
    head = SOURCES + "source: act\nlocator: a\nfrom: 2020-01-01\n"
    codes = f"{{id: s, title: {{zh: 一, en: s}}, of: {kind}, intervals: [{{members: [{member}]}}]}}"
    (problem,) = problems_of(write(tmp_path, a=f"{head}codesets:\n  - {codes}\n"))
    assert said in problem


def test_an_extended_code_of_a_national_edition_matches_in_either_case(tmp_path: Path) -> None:
    head = SOURCES + "source: act\nlocator: a\nfrom: 2020-01-01\n"
    codes = "{id: s, title: {zh: 一, en: s}, of: icd10, intervals: [{members: [I10.x00]}]}"
    base = knowledge_base.load(write(tmp_path, a=f"{head}codesets:\n  - {codes}\n"))
    codeset = base.codeset("s")
    assert codeset is not None
    assert codeset.matches("i10.x00x002", date(2021, 1, 1))


def test_an_id_can_be_taken_only_once(tmp_path: Path) -> None:
    [problem] = problems_of(write(tmp_path, a=SOURCES, b=PARAMETER, c=PARAMETER))
    assert "c.yaml" in problem
    assert "`limit` is taken already" in problem


def test_a_missing_folder_is_a_problem_and_not_an_empty_knowledge_base(tmp_path: Path) -> None:
    [problem] = problems_of([tmp_path / "absent"])
    assert "no such file or folder" in problem


def test_the_digest_does_not_depend_on_order_formatting_or_files(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "xyz")
    for folder in (first, second, third):
        folder.mkdir()
    rows = PARAMETER.splitlines()
    shuffled = "\n".join([*rows[:8], rows[10], rows[9], rows[8].replace("value: 7", "value: 7.0")])
    one = knowledge_base.load(write(first, a=SOURCES, b=PARAMETER))
    other = knowledge_base.load(write(second, all=shuffled + "\n" + SOURCES))
    changed = knowledge_base.load(write(third, a=SOURCES, b=PARAMETER.replace("14", "15")))
    assert one.digest == other.digest
    assert len(one.digest) == 16
    assert changed.digest != one.digest


def test_a_control_class_needs_its_citation(tmp_path: Path) -> None:
    drug = """
source: act
locator: list
from: 2000-01-01
system: urn:x
drugs:
  - {code: a, name: {zh: 甲, en: a}, ingredients: [a],
     kind: western, form: other, control: narcotic}
items:
  - {code: b, name: {zh: 乙, en: b}, category: drug, unit: "1", price: 3.5, drug: "urn:x|zz"}
"""
    found = "\n".join(problems_of(write(tmp_path, a=SOURCES, b=drug)))
    assert "`control_basis` is missing" in found
    assert 'write it in quotes: "12.50"' in found
    assert "no drug `urn:x|zz`" in found


def test_a_practitioner_works_where_there_is_such_a_department(tmp_path: Path) -> None:
    people = """
source: act
locator: registry
from: 2000-01-01
institutions:
  - id: h
    name: {zh: 院, en: h}
    level: primary
    kind: hospital
    time_zone: Asia/Shangai
    departments: [{id: ward, name: {zh: 科, en: ward}, kinds: [inpatient]}]
practitioners:
  - institution: h
    id: p
    name: {zh: 人, en: p}
    licence: [{from: 2000-01-01}]
    posts: [{from: 2000-01-01, department: wrad, title: chief, grants: []}]
"""
    found = "\n".join(problems_of(write(tmp_path, a=SOURCES, b=people)))
    assert "`Asia/Shangai` is not a time zone" in found
    assert "no department `wrad` in `h`" in found


def test_a_device_stands_in_an_institution_and_is_licensed_within_its_history(
    tmp_path: Path,
) -> None:
    devices = """
source: act
locator: registry
institutions:
  - id: h
    from: 2000-01-01
    name: {zh: 院, en: h}
    level: primary
    kind: hospital
    time_zone: Asia/Shanghai
    departments: [{id: ward, name: {zh: 科, en: ward}, kinds: [inpatient]}]
devices:
  - {institution: h, id: ct, name: {zh: 机, en: ct}, from: 2020-01-01, to: 2026-01-01,
     licensed: true}
"""
    known = knowledge_base.load(write(tmp_path, a=SOURCES, b=devices))
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2025, 12, 31), date(2026, 1, 1)]
    said = [known.is_licensed_device("h", "ct", day) for day in days]
    assert said == [False, True, True, False]
    assert known.is_licensed_device("h", "mr", days[1]) is None
    elsewhere = devices.replace("institution: h,", "institution: g,")
    assert "no institution `g`" in "\n".join(problems_of(write(tmp_path, a=SOURCES, b=elsewhere)))
