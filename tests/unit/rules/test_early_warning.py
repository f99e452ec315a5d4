"""NEWS2: every edge of every band of chart 1, and what is not guessed."""

from __future__ import annotations

from typing import Any

import pytest

import knowledge_base
from contracts.event import EVENT_TYPES
from rules.authoring.shorthand import event_of
from rules.engine.run import local_day
from rules.facts import CATALOGUE
from rules.facts.base import Context, Value

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths())
CALM: dict[str, Any] = {
    "respiratory_rate": "16 /min",
    "oxygen_saturation": "98 %",
    "supplemental_oxygen": "0 L/min",
    "systolic_pressure": "120 mm[Hg]",
    "pulse_rate": "70 /min",
    "consciousness": "A",
    "body_temperature": "36.8 Cel",
}
TEXTS = ("A", "C", "V", "P", "U", "air", "oxygen", "asleep", "2")

RATE = [(0, 3), (8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3), (60, 3)]
SATURATION_1 = [(70, 3), (91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)]
SATURATION_2_ON_AIR = [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0), (93, 0),
                       (94, 0), (95, 0), (96, 0), (97, 0), (100, 0)]  # fmt: skip
SATURATION_2_ON_OXYGEN = [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (92, 0), (93, 1),
                          (94, 1), (95, 2), (96, 2), (97, 3), (100, 3)]  # fmt: skip
PRESSURE = [(60, 3), (90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3),
            (250, 3)]  # fmt: skip
PULSE = [(30, 3), (40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2),
         (130, 2), (131, 3), (180, 3)]  # fmt: skip
TEMPERATURE = [(34.0, 3), (35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1),
               (39.0, 1), (39.1, 2), (41.0, 2)]  # fmt: skip


def observation(name: str, value: Any) -> dict[str, Any]:
    given = value if isinstance(value, dict) else {}
    shown = given.get("value", value)
    kind = "text" if shown in TEXTS else "value"
    return {"code": name, kind: shown, **{k: v for k, v in given.items() if k != "value"}}


def fact(name: str, **changed: Any) -> Value:
    """A fact of a patient with a calm set of observations, but for what is changed."""
    observed = {**CALM, **changed}
    listed = [observation(key, value) for key, value in observed.items() if value is not None]
    short = {"event": "observation.recorded", "patient": {"observations": listed}}
    event = event_of(short, KNOWLEDGE)
    zone = event.time.tzinfo
    assert zone is not None
    day = local_day(event.time, zone)
    assert day is not None
    context = Context(event, day, zone, KNOWLEDGE)
    return CATALOGUE[name].extractors[EVENT_TYPES[event.type].family](context)


def score(**changed: Any) -> Value:
    return fact("patient.news2", **changed)


def test_a_calm_set_scores_nothing() -> None:
    assert score() == 0
    assert fact("patient.news2_red") is False


@pytest.mark.parametrize(
    ("name", "unit", "value", "points"),
    [
        *(("respiratory_rate", "/min", value, points) for value, points in RATE),
        *(("oxygen_saturation", "%", value, points) for value, points in SATURATION_1),
        *(("systolic_pressure", "mm[Hg]", value, points) for value, points in PRESSURE),
        *(("pulse_rate", "/min", value, points) for value, points in PULSE),
        *(("body_temperature", "Cel", value, points) for value, points in TEMPERATURE),
    ],
)
def test_each_edge_of_each_band_scores_what_the_chart_says(
    name: str, unit: str, value: float, points: int
) -> None:
    changed = {name: f"{value} {unit}"}
    assert score(**changed) == points
    assert fact("patient.news2_red", **changed) is (points == 3)


@pytest.mark.parametrize(("value", "points"), SATURATION_2_ON_AIR)
def test_on_scale_2_too_much_does_not_count_on_air(value: int, points: int) -> None:
    assert score(oxygen_saturation=f"{value} %", oxygen_saturation_scale="2") == points


@pytest.mark.parametrize(("value", "points"), SATURATION_2_ON_OXYGEN)
def test_on_scale_2_too_much_counts_on_oxygen(value: int, points: int) -> None:
    changed = {"oxygen_saturation": f"{value} %", "supplemental_oxygen": "2 L/min"}
    assert score(**changed, oxygen_saturation_scale="2 1") == points + 2
    assert fact("patient.news2_red", **changed, oxygen_saturation_scale="2") is (points == 3)


def test_scale_2_is_taken_where_it_was_prescribed_alone() -> None:
    assert score(oxygen_saturation="90 %") == 3
    assert score(oxygen_saturation="90 %", oxygen_saturation_scale="1 1") == 3
    old = {"value": "2", "at": "2026-02-01T08:00+08:00"}
    assert score(oxygen_saturation="90 %", oxygen_saturation_scale=old) == 0


@pytest.mark.parametrize(
    ("value", "points"),
    [("0 L/min", 0), ("0.5 L/min", 2), ("15 L/min", 2), ("air", 0), ("oxygen", 2)],
)
def test_oxygen_scores_two(value: str, points: int) -> None:
    assert score(supplemental_oxygen=value) == points


@pytest.mark.parametrize(("value", "points"), [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)])
def test_any_consciousness_but_alert_scores_three(value: str, points: int) -> None:
    assert score(consciousness=value) == points
    assert fact("patient.news2_red", consciousness=value) is (points == 3)


def test_the_points_of_all_add_up() -> None:
    worst = {
        "respiratory_rate": "30 /min",
        "oxygen_saturation": "80 %",
        "supplemental_oxygen": "15 L/min",
        "systolic_pressure": "70 mm[Hg]",
        "pulse_rate": "140 /min",
        "consciousness": "U",
        "body_temperature": "34 Cel",
    }
    assert score(**worst) == 20


@pytest.mark.parametrize("name", CALM)
def test_a_set_that_is_not_whole_has_no_score_and_says_what_is_missing(name: str) -> None:
    for found in ("patient.news2", "patient.news2_red", "patient.news2_at"):
        assert fact(found, **{name: None}) == {"unknown": f"not_observed: {name}"}


def test_everything_that_is_missing_is_named() -> None:
    found = score(pulse_rate=None, consciousness="asleep", systolic_pressure="120 mg")
    assert found == {"unknown": "not_observed: consciousness, pulse_rate, systolic_pressure"}


@pytest.mark.parametrize(
    ("at", "is_known"),
    [
        ("2026-03-01T22:00+08:00", False),
        ("2026-03-01T22:01+08:00", True),
        ("2026-03-02T10:00+08:00", True),
        ("2026-03-02T10:01+08:00", False),
    ],
)
def test_an_observation_counts_within_its_window_alone(at: str, is_known: bool) -> None:
    found = score(pulse_rate={"value": "131 /min", "at": at})
    assert found == (3 if is_known else {"unknown": "not_observed: pulse_rate"})


def test_the_score_has_the_time_of_its_latest_observation() -> None:
    found = fact(
        "patient.news2_at", pulse_rate={"value": "70 /min", "at": "2026-03-02T09:50+08:00"}
    )
    assert found.isoformat() == "2026-03-02T09:50:00+08:00"


def test_the_newest_of_two_observations_counts() -> None:
    listed = [observation(name, value) for name, value in CALM.items()]
    listed.append({"code": "pulse_rate", "value": "140 /min", "at": "2026-03-02T05:00+08:00"})
    short = {"event": "observation.recorded", "patient": {"observations": listed}}
    event = event_of(short, KNOWLEDGE)
    assert event.time.tzinfo is not None
    context = Context(event, event.time.date(), event.time.tzinfo, KNOWLEDGE)
    assert CATALOGUE["patient.news2"].extractors["observation"](context) == 0
