"""Scores: what is missed and what is invented is named."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from contracts.decision import (
    Basis,
    Coverage,
    Decision,
    EventRef,
    Finding,
    Missing,
    NotEvaluable,
    Undetermined,
    Words,
)
from simulation import SOURCE_PREFIX
from simulation.labels import Expected, LabelLine
from simulation.scoring import score

SOURCE = f"{SOURCE_PREFIX}h:his"
WORDS = Words(zh="", en="")


def decided(event_id: str, outcome: str | None, source: str = SOURCE) -> Decision:
    """A decision with one outcome of rule `r` for element `1`."""
    finding = Finding(
        alert_id="a", rule_id="r", rule_version=1, rule_status="shadow", element="1",
        result="suspected", severity="info", action="remind", audience=(), key="",
        title=WORDS, message=WORDS, facts={},
    )  # fmt: skip
    missing = NotEvaluable(rule_id="r", rule_version=1, element="1",
                           missing=(Missing(fact="f", why="unit"),))  # fmt: skip
    unknown = Undetermined(element="1", fact="f", why="unit", rules=("q", "r"))
    return Decision(
        decision_id="d", event=EventRef(source=source, id=event_id, type="t", time=""),
        scope="patient", cause="event", subject="s", phase="during", as_of="", verdict="",
        coverage=Coverage(applicable=1), basis=Basis(pack="", knowledge="", engine="", profile=""),
        findings=(finding,) if outcome == "alert" else (),
        not_evaluable=(missing,) if outcome == "not_evaluable" else (),
        undetermined=(unknown,) if outcome == "undetermined" else (),
    )  # fmt: skip


def label(expected: Expected, event_id: str = "1") -> LabelLine:
    return LabelLine(SOURCE, event_id, "r", "1", expected)


@pytest.mark.parametrize("expected", get_args(Expected))
@pytest.mark.parametrize("outcome", [*get_args(Expected)])
def test_a_label_is_met_by_its_own_outcome_only(expected: Expected, outcome: str) -> None:
    result = score([label(expected)], [decided("1", outcome)])
    assert (result.missed == ()) == (expected == outcome)
    assert result.expected == {expected: 1}
    assert result.labels_expected == (expected != "silent")
    assert bool(result.false_alerts) == (outcome == "alert" != expected)


def test_a_label_without_a_decision_is_missed() -> None:
    assert score([label("silent")], []).missed == (label("silent"),)


def test_the_last_decision_of_an_event_counts() -> None:
    assert score([label("alert")], [decided("1", None), decided("1", "alert")]).missed == ()


def test_alerts_of_other_sources_are_left_alone() -> None:
    other = decided("1", "alert", source="urn:hospital:his")
    assert score([], [other]).false_alerts == ()
    (invented,) = score([], [decided("2", "alert")]).false_alerts
    assert invented == (SOURCE, "2", "r", "1")


def test_an_event_is_answered_by_its_timers_too() -> None:
    own = decided("1", None)
    timer = replace(decided("1", "alert"), cause="timer:r::due")
    assert score([label("alert")], [own, timer]).missed == ()
    assert score([label("alert")], [timer, own]).missed == ()


def test_an_alert_that_was_retracted_is_none() -> None:
    timer = replace(decided("1", "alert"), cause="timer:r::due")
    taken_back = replace(decided("1", None), cause="timer:r::due")
    assert score([label("silent")], [decided("1", None), timer, taken_back]).missed == ()


def test_rules_that_remember_are_not_blamed_for_ordinary_visits() -> None:
    result = score([], [decided("1", "alert")], remembering={"r"})
    assert result.false_alerts == ()
    assert [alert.rule for alert in result.beside] == ["r"]
