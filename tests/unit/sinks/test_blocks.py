"""No insert touches more than 50 table partitions, and bisecting goes by record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.blocks import MAX_MONTHS, Block
from sinks.instants import clamp_ms, month_of, to_ms
from sinks.tables import EVENTS


def block(months: list[int]) -> Block:
    made = Block(EVENTS)
    for n, month in enumerate(months):
        made.add((n, month), n // 2, month)
    return made


@given(st.lists(st.integers(min_value=190001, max_value=190200), max_size=300))
def test_parts_hold_every_row_once_and_at_most_fifty_months(months: list[int]) -> None:
    parts = list(block(months).by_months())
    rows = [row for part in parts for row in part.rows]
    assert sorted(rows) == sorted(block(months).rows)
    assert all(len(set(part.months)) <= MAX_MONTHS for part in parts)
    assert [p.rows for p in parts] == [p.rows for p in block(months).by_months()]


def test_halves_never_part_the_rows_of_one_record() -> None:
    whole = block([1] * 9)
    halves = whole.halves()
    assert halves is not None
    assert not set(halves[0].owners) & set(halves[1].owners)
    assert halves[0].rows + halves[1].rows == whole.rows
    assert block([1, 1]).halves() is None


def test_without_leaves_out_the_rows_of_refused_records() -> None:
    assert block([1, 1, 1, 1]).without({0}).owners == [1, 1]
    assert len(block([1]).without({0})) == 0


def test_months_are_those_of_clickhouse_at_both_ends_of_time() -> None:
    assert month_of(clamp_ms(-(10**15))) == 190001
    assert month_of(clamp_ms(10**15)) == 229912
    assert month_of(0) == 197001
    assert month_of(-1) == 196912


def test_instants_are_rounded_down_to_milliseconds() -> None:
    from datetime import datetime

    assert to_ms(datetime.fromisoformat("1969-12-31T23:59:59.999900Z")) == -1
    assert to_ms(datetime.fromisoformat("2026-03-01T08:00:00.123999+08:00")) % 1000 == 123
