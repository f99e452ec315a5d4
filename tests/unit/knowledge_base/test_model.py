"""Histories, code sets and analytes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.model import Analyte, Basis, CodeSet, Dated, History, Members, Names

DAY = date(2024, 6, 30)
NAMES = Names("甲", "a")
BASIS = Basis("s", "l")


def codeset(of: str, *codes: str) -> CodeSet:
    members = Members(frozenset(codes), tuple(sorted({len(c) for c in codes})), BASIS)
    return CodeSet("x", NAMES, of, History([Dated(members, date(2000, 1, 1), None)]))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True), st.integers(-5, 405))
def test_a_history_answers_like_a_search_through_its_intervals(starts: list[int], at: int) -> None:
    origin = date(2020, 1, 1).toordinal()
    edges = sorted(starts)
    ends = [*edges[1:], None]
    entries = [
        Dated(index, date.fromordinal(origin + a), date.fromordinal(origin + b) if b else None)
        for index, (a, b) in enumerate(zip(edges, ends, strict=True))
    ]
    day = date.fromordinal(origin + at)
    expected = next((e.value for e in entries if e.covers(day)), None)
    assert History(reversed(entries)).at(day) == expected


def test_a_gap_between_two_intervals_is_unknown() -> None:
    history = History(
        [
            Dated("b", date(2020, 1, 1), None),
            Dated("a", date(2000, 1, 1), date(2010, 1, 1)),
        ]
    )
    assert history.at(date(2009, 12, 31)) == "a"
    assert history.at(date(2010, 1, 1)) is None
    assert history.at(date(2020, 1, 1)) == "b"
    assert History[str]([]).at(DAY) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("C61", True),
        ("C61.x00", True),
        ("c61.900x001", True),
        ("D07.4", True),
        ("D07.5", False),
        ("C6", False),
        ("D07", False),
        ("", False),
    ],
)
def test_an_icd_code_is_matched_by_its_category(code: str, expected: bool) -> None:
    assert codeset("icd10", "C61", "D07.4").matches(code, DAY) is expected


def test_other_sets_hold_only_whole_codes() -> None:
    words = codeset("text", "自用")
    assert words.matches("自用", DAY)
    assert not words.matches("自用药", DAY)
    assert not words.matches("自用", date(1999, 12, 31))
    assert words.at(date(1999, 12, 31)) == frozenset()
    assert words.ever() == {"自用"}
    assert words.source_at(DAY) == BASIS


def test_an_unknown_unit_is_not_converted() -> None:
    creatinine = Analyte("creatinine", NAMES, "umol/L", (), {"mg/dL": 88.4}, BASIS)
    assert creatinine.convert(1.0, "mg/dL") == 88.4
    assert creatinine.convert(90.0, "umol/L") == 90.0
    assert creatinine.convert(90.0, "g/L") is None
