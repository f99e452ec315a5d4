"""Units: what converts into what, exactly, and what is never compared."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from fractions import Fraction

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import units

MASSES = ["kg", "g", "mg", "ug", "μg", "µg", "ng", "克", "毫克"]
TIMES = ["d", "h", "min", "s", "wk", "天", "小时"]
PER = [None, "d", "h", "min"]
REGISTRY: pint.UnitRegistry = pint.UnitRegistry()
SIMPLE = [*MASSES, *TIMES, "mL", "L", "mmol", "片", "[iU]", "U", "%", "1", "mo", "a"]


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        (0.07, "g", "mg", 70.0),
        (0.3, "g", "mg", 300.0),
        (1.1, "mg", "ug", 1100.0),
        (500, "mg", "g", 0.5),
        (4, "g/d", "mg/d", 4000.0),
        (24, "mg/d", "mg/h", 1.0),
        (10, "mg/kg/d", "ug/g/d", 10.0),
        (90, "min", "h", 1.5),
        (30, "d", "h", 720.0),
        (12, "mo", "a", 1.0),
        (1, "万U", "U", 10000.0),
        (5, "10*9/L", "10^9/L", 5.0),
        (60, "mL/min/1.73m2", "mL/min/{1.73_m2}", 60.0),
        (3, "mL/min/{1.73_m2}", "L/h/{1.73_m2}", 0.18),
        (3, "{whatever}", "{whatever}", 3),
        (3, "", "1", 3.0),
        (20, "%", "1", 0.2),
    ],
)
def test_an_amount_is_converted_exactly(
    value: float, unit: str, wanted: str, expected: float
) -> None:
    assert units.convert(value, unit, wanted) == expected


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("mg", "mL"), ("mg", "mmol"), ("片", "mg"), ("片", "粒"), ("U", "[iU]"), ("mg/d", "mg"),
        ("mg", "mg/d"), ("a", "d"), ("mo", "d"), ("meq", "mmol"), ("Cel", "1"), ("mL/min", "mL"),
        ("mL/min", "mL/min/{1.73_m2}"), ("{other}", "mg"), ("", "mg"), ("mg//d", "mg/d"),
        ("mg/", "mg"), ("9**9**9**9", "1"), ("g" * 600, "g"), ("__import__('os')", "1"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_never_converted(unit: str, wanted: str) -> None:
    assert units.convert(1.0, unit, wanted) is None
    assert not units.convertible(unit, wanted)


@given(st.sampled_from(SIMPLE), st.sampled_from(SIMPLE), st.sampled_from(PER), st.sampled_from(PER))
def test_the_factors_are_those_of_pint(
    a: str, b: str, per_a: str | None, per_b: str | None
) -> None:
    names = {
        "克": "g", "毫克": "mg", "天": "day", "小时": "hour", "d": "day", "h": "hour", "wk": "week",
        "μg": "ug", "mL": "milliliter", "L": "liter", "1": "dimensionless",
    }  # fmt: skip
    own = {"片", "[iU]", "U", "mo", "a", "%"}
    if own & {a, b}:
        return

    def quantity(unit: str, per: str | None) -> pint.Quantity:
        found = REGISTRY.Quantity(1, names.get(unit, unit))
        return found if per is None else found / REGISTRY.Quantity(1, names.get(per, per))

    have, want = quantity(a, per_a), quantity(b, per_b)
    shown = [unit if per is None else f"{unit}/{per}" for unit, per in ((a, per_a), (b, per_b))]
    got = units.convert(1.0, *shown)
    if have.dimensionality != want.dimensionality:
        assert got is None
    else:
        assert got == pytest.approx(have.to(want.units).magnitude, rel=1e-9)


@given(st.floats(1e-6, 1e6), st.sampled_from(MASSES), st.sampled_from(MASSES))
def test_there_and_back_is_the_same_amount(value: float, unit: str, other: str) -> None:
    there = units.convert(value, unit, other)
    assert there is not None
    assert units.convert(there, other, unit) == pytest.approx(value, rel=1e-11)


@given(st.decimals(min_value="0.001", max_value="9999", places=3))
def test_a_decimal_amount_meets_its_limit_in_another_unit(value: object) -> None:
    grams, milligrams = float(str(value)), float(str(Fraction(str(value)) * 1000).split("/")[0])
    assert units.convert(grams, "g", "mg") == milligrams


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_text_of_an_event_breaks_the_conversion(unit: str, wanted: str) -> None:
    found = units.convert(2.0, unit, wanted)
    assert found is None or isinstance(found, float)


def test_sources_that_invent_units_do_not_fill_the_memory() -> None:
    for number in range(10_000):
        units.convert(1.0, f"x{number}", "mg")
    assert len(units._routes) <= 4096


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (30, "d", timedelta(hours=720)), (72, "h", timedelta(days=3)),
        (0.5, "h", timedelta(0, 1800)), (10, "min", timedelta(minutes=10)),
        (1, "wk", timedelta(7)), (0.1, "s", timedelta(0, 0, 100000)),
        (1, "a", None), (1, "mo", None), (1, "mg", None), (1, "days", None),
    ],
)  # fmt: skip
def test_a_duration_is_exact_and_a_month_is_none(
    value: float, unit: str, expected: timedelta | None
) -> None:
    assert units.duration(value, unit) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 g/d", ("4", "g/d")), ("72 h", ("72", "h")), ("1.5mg", ("1.5", "mg")),
        ("-1 Cel", ("-1", "Cel")), ("old", None), ("4", None), ("", None), ("g/d", None),
    ],
)  # fmt: skip
def test_a_quantity_is_a_number_and_a_unit(text: str, expected: tuple[str, str] | None) -> None:
    assert units.split(text) == expected


def test_a_message_can_name_the_units_that_fit() -> None:
    assert units.possible("g/d")[:3] == ("g/d", "kg/d", "mg/d")
    assert units.possible("h")[0] == "h"
    assert units.unknown_part("mgg/d") == "mgg"
    assert units.unknown_part("mg/d") == ""


def test_pint_is_not_imported_before_rules_are_loaded() -> None:
    code = "import sys, rules; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
