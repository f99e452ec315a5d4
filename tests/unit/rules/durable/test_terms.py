"""Values for durable_rules: integers that compare as the numbers do, and words that are safe."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from rules.durable import terms
from rules.durable.rete import Literal, Ruleset

CONSTANTS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.decimals(-(10**6), 10**6, places=4, allow_nan=False).map(float),
)
VALUES = st.one_of(
    CONSTANTS,
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70),
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
    ),
)


@given(VALUES, CONSTANTS)
def test_a_value_compares_with_a_constant_as_the_numbers_do(
    value: float | Decimal, constant: float
) -> None:
    digits = terms.digits_of(constant)
    a, b = terms.number(value, digits), terms.constant_number(constant, digits)
    limit = Decimal(str(constant)) if isinstance(value, Decimal) else constant
    assert (a < b, a == b, a > b) == (value < limit, value == limit, value > limit)


@pytest.mark.parametrize(
    ("value", "digits", "found"),
    [(1e-07, 0, 1), (1e-07, 7, 2), (0.1 + 0.2, 1, 7), (0.3, 1, 6), (-0.5, 0, -1), (0, 0, 0),
     (-0.0, 2, 0), (1e308, 6, 2**61), (-1e308, 6, -(2**61))],
)  # fmt: skip
def test_what_lies_between_two_units_is_the_odd_number_between(
    value: float, digits: int, found: int
) -> None:
    assert terms.number(value, digits) == found


def test_a_constant_that_needs_too_many_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="12 digits after the point"):
        terms.digits_of(1e-13)
    with pytest.raises(ValueError, match="too large"):
        terms.constant_number(10**13, 6)


TEXTS = st.one_of(
    st.text(),
    st.sampled_from(['"', "'", "\\", "\\u0041", "A", "", "null", "1", "%22", "\0", "x" * 70_000,
                     "x" * 70_001, "x" * 4464, "青霉素", "{$m}", "urn:a|b", "\ud800"]),
)  # fmt: skip


@given(TEXTS, TEXTS)
def test_words_are_equal_exactly_where_the_texts_are(a: str, b: str) -> None:
    assert (terms.word(a) == terms.word(b)) == (a == b)
    assert terms.word(a).isascii()
    assert not set(terms.word(a)) & set("\"'\\{}")
    assert len(terms.word(a)) <= 200


@given(TEXTS, TEXTS)
def test_durable_rules_finds_a_word_equal_exactly_where_the_texts_are(a: str, b: str) -> None:
    ruleset = Ruleset({"r": (Literal("w", "", terms.word(a)),)})
    assert bool(ruleset.fired({"w": terms.word(b)})) == (a == b)


def test_dates_and_times_are_integers_in_their_order() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert terms.term(date(2026, 1, 2)) == terms.term(date(2026, 1, 1)) + 1  # type: ignore[operator]
    noon = datetime(2026, 1, 1, 12, 0, 0, 1, UTC)
    assert terms.term(noon) == terms.term(noon.astimezone(shanghai)) == 1767268800000001
    assert terms.term(timedelta(hours=-1)) == -3_600_000_000


def test_a_list_is_no_term() -> None:
    with pytest.raises(TypeError, match="tuple"):
        terms.term(("a",))
