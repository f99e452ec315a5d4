"""Pair tables: read with their dates and classes, and refused where they mean nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from knowledge_base import KnowledgeBase, KnowledgeError, load

HEAD = """
source: law
locator: article 1
from: 2000-01-01
sources:
  - {id: law, title: {zh: 法, en: law}, issuer: state, licence: public}
parameters:
  - {id: washout, title: {zh: 洗脱, en: washout}, unit: d, values: [{value: 14, to: 2020-01-01}, {value: 21, from: 2020-01-01}]}
  - {id: dose, title: {zh: 剂量, en: dose}, unit: mg, values: [{value: 14}]}
codesets:
  - {id: opioids, title: {zh: 阿片, en: opioids}, of: ingredient, intervals: [{members: [morphine, codeine]}]}
  - {id: late, title: {zh: 晚, en: late}, of: ingredient, intervals: [{members: [x], from: 2010-01-01}]}
  - {id: heart, title: {zh: 心, en: heart}, of: icd10, intervals: [{members: [I10]}]}
"""  # noqa: E501
DAY = date(2026, 1, 1)


def knowledge(tmp_path: Path, *rows: str, **table: str) -> KnowledgeBase:
    head = {"id": "t", "title": "{zh: 表, en: table}", "kind": "interaction", **table}
    listed = "".join(f"\n      - {row}" for row in rows)
    entries = "".join(f"    {name}: {value}\n" for name, value in head.items())
    text = f"{HEAD}pair_tables:\n  -\n{entries}    pairs:{listed}\n"
    path = tmp_path / "pairs.yaml"
    path.write_text(text, encoding="utf-8")
    return load([path])


def row(a: str = "{ingredient: a}", b: str = "{ingredient: b}", **more: str) -> str:
    parts = {"id": "one", "a": a, "b": b, "severity": "major", "mechanism": "{zh: 机, en: why}",
             "context": "validity", **more}  # fmt: skip
    return "{" + ", ".join(f"{name}: {value}" for name, value in parts.items()) + "}"


A, B = (("ingredient", "a"),), (("ingredient", "b"),)


def test_a_pair_is_found_from_either_side(tmp_path: Path) -> None:
    index = knowledge(tmp_path, row(gap_after_a="14 d", gap_after_b="2 h")).pairs.on_day(DAY)
    (match,) = index.between(A, B)
    assert (match.is_ab, match.is_ba) == (True, False)
    (match,) = index.between(B, A)
    assert (match.is_ab, match.is_ba) == (False, True)
    half = match.half
    assert (half.gap_after_a, half.gap_after_b) == (timedelta(days=14), timedelta(hours=2))
    assert index.between(A, A) == ()
    assert index.between(A, (("drug", "b"),)) == ()


def test_a_class_stands_for_its_members_and_a_gap_for_the_parameter_of_the_day(
    tmp_path: Path,
) -> None:
    base = knowledge(tmp_path, row("{codeset: opioids}", gap_after_a="{parameter: washout}"))
    keys = (("ingredient", "codeine"), ("drug", "s|c"))
    (new,) = base.pairs.on_day(DAY).between(keys, B)
    (old,) = base.pairs.on_day(date(2019, 12, 31)).between(keys, B)
    assert new.half.gap_after_a == timedelta(days=21)
    assert old.half.gap_after_a == timedelta(days=14)
    assert date(2020, 1, 1) in base.pairs.boundaries


def test_a_pair_holds_on_its_days(tmp_path: Path) -> None:
    first = row(to="2010-01-01", severity="minor")
    second = row(**{"from": "2012-01-01"})
    pairs = knowledge(tmp_path, first, second).pairs
    assert [pairs.on_day(date(year, 6, 1)).between(A, B) != () for year in (2009, 2011, 2012)] == [
        True, False, True,
    ]  # fmt: skip
    old = pairs.row("t", "one", date(2009, 6, 1))
    assert old is not None
    assert old.severity == "minor"
    assert pairs.row("t", "two", DAY) is None


def test_only_pairs_between_acts_have_a_half_elsewhere(tmp_path: Path) -> None:
    seen = row(id="seen", context="prescription")
    day = row(id="day", context="day", severity="minor")
    index = knowledge(tmp_path, row(), seen, day).pairs.on_day(DAY)
    assert [(side.context, side.severity) for side in index.beyond(A)] == [
        ("day", "minor"), ("validity", "major"),
    ]  # fmt: skip
    assert index.beyond((("ingredient", "c"),)) == ()


def test_no_tables_are_no_pairs(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(HEAD, encoding="utf-8")
    index = load([path]).pairs.on_day(DAY)
    assert not index
    assert index.between(A, B) == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (row("{ingredient: b}"), "`b` is paired with itself"),
        (row("{ingredient: a, drug: b}"), "`a` is one thing"),
        (row("{substance: a}"), "unknown key `substance`"),
        (row("{codeset: opiods}"), "did you mean `opioids`?"),
        (row("{codeset: heart}"), "holds codes of kind icd10"),
        (row("{codeset: late}"), "the code set `late` says nothing of 2000-01-01"),
        (row(severity="severe"), "choose one of contraindicated, major, moderate, minor"),
        (row(context="visit"), "choose one of prescription, bag, day, validity"),
        (row(context="bag", gap_after_a="14 d"), "a gap has no meaning in the context `bag`"),
        (row(gap_after_a="two weeks"), "`two weeks` is no duration"),
        (row(gap_after_a="14 months"), "`14 months` is no duration"),
        (row(gap_after_a="{parameter: wash}"), "did you mean `washout`?"),
        (row(gap_after_a="{parameter: dose}"), "`dose` is no duration"),
    ],
)
def test_a_row_that_means_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        knowledge(tmp_path, line)
    assert said in str(caught.value)
    assert all(problem.line > 10 for problem in caught.value.problems)


def test_two_tables_cannot_use_one_name_for_a_pair(tmp_path: Path) -> None:
    knowledge(tmp_path, row())
    path = tmp_path / "more.yaml"
    path.write_text(
        "source: law\nlocator: x\nfrom: 2000-01-01\npair_tables:\n"
        f"  - {{id: u, title: {{zh: 表, en: u}}, kind: interaction, pairs: [{row()}]}}\n",
        encoding="utf-8",
    )
    with pytest.raises(KnowledgeError, match="the pair `one` stands in"):
        load([tmp_path])


def test_the_digest_names_the_pairs(tmp_path: Path) -> None:
    one = knowledge(tmp_path, row())
    other = knowledge(tmp_path, row(severity="minor"))
    assert one.digest != other.digest
    assert one.digest == knowledge(tmp_path, row()).digest
