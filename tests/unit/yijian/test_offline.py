"""Offline evaluation remembers from line to line, and time passes with the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from contracts.event import Event
from simulation.ndjson import Position, placed_line
from streams.supervision import Supervisor
from support.past import SITE, START, admission, again, core_of, event, lines_of, note
from support.past import progress_note as noted
from yijian.cli import app
from yijian.composition import supervisor_of
from yijian.offline import evaluate

BEFORE = noted("n0", -1, "v0", "p0")
"""Notes are known from then on."""


def supervisor() -> Supervisor:
    return supervisor_of(SITE, core_of(again(), note()), from_kafka=False)


def answers(lines: Sequence[bytes], until_h: float | None = None) -> list[dict[str, Any]]:
    until = None if until_h is None else START + timedelta(hours=until_h)
    return [msgspec.json.decode(a.line) for a in evaluate(lines, supervisor(), until)]


def told(events: Sequence[Event], until_h: float | None = None) -> list[tuple[str, str, int]]:
    """Of each decision its event, its cause and the number of its findings."""
    found = answers(lines_of(events), until_h)
    return [(d["event"]["id"], d["cause"], len(d["findings"])) for d in found]


def test_a_patient_is_remembered_from_line_to_line_and_no_other_patient_is() -> None:
    events = [event("a", 0), event("b", 1, "p2"), event("c", 2)]
    assert [n for _, _, n in told(events)] == [0, 0, 1]


def test_a_line_that_comes_again_is_answered_with_the_name_of_its_decision() -> None:
    first, second = answers(lines_of([event("a", 0), event("a", 0)]))
    assert second["kind"] == "repeat"
    assert second["decision_id"] == first["decision_id"]


def test_a_key_with_other_content_is_refused_in_its_place() -> None:
    _, second = answers(lines_of([event("a", 0), event("a", 1)]))
    assert second["dead_letter"]["line"] == 2
    assert second["dead_letter"]["reason"] == "id_reused"


def test_a_deadline_passes_before_the_line_that_shows_so() -> None:
    events = [BEFORE, admission("in", 0), event("other", 71, "p2"), event("late", 73, "p2")]
    due = "timer:spec.note::due"
    assert told(events)[1:] == [
        ("in", "event", 0), ("other", "event", 0), ("in", due, 1), ("late", "event", 1),
    ]  # fmt: skip


def test_a_late_line_takes_the_alert_of_a_deadline_back() -> None:
    events = [BEFORE, admission("in", 0), event("later", 73, "p2"), noted("note", 50)]
    *_, own, back = answers(lines_of(events))
    assert own["event"]["id"] == "note"
    assert back["event"]["id"] == "in"
    assert back["retracted"]["why"] == "in_time"


def test_a_line_of_the_future_that_is_refused_does_not_let_time_pass() -> None:
    ahead = lines_of([event("far", 80)])[0].replace(b'"revision":1', b'"revision":-1')
    found = answers([*lines_of([admission("in", 0)]), ahead])
    assert [("dead_letter" in one) for one in found] == [False, True]


def test_after_the_last_line_time_passes_as_far_as_it_is_told() -> None:
    assert len(told([admission("in", 0)])) == 1
    assert len(told([admission("in", 0)], until_h=72)) == 1
    found = told([BEFORE, admission("in", 0)], until_h=72.1)
    assert found[2] == ("in", "timer:spec.note::due", 1)


def test_the_clock_of_lines_from_kafka_is_the_brokers() -> None:
    def placed(n: int, one: Event, arrival_h: float) -> bytes:
        at = START + timedelta(hours=arrival_h)
        place = Position("t", 0, n, int(at.timestamp() * 1000))
        return placed_line(lines_of([one])[0], place).rstrip(b"\n")

    early = [placed(0, admission("in", 0), 0), placed(1, event("x", 60, "p2"), 73)]
    assert [d["cause"] for d in answers(early)] == ["event", "timer:spec.note::due", "event"]
    backlog = [placed(0, admission("in", 0), 74), placed(1, noted("n", 10), 75)]
    assert [d["cause"] for d in answers(backlog)][:2] == ["event", "timer:spec.note::due"]


def test_without_state_each_line_is_judged_by_itself() -> None:
    core = core_of(again(), note())
    plain = supervisor_of(replace(SITE, state="off"), core, from_kafka=False)
    lines = lines_of([event("a", 0), event("a", 0)])
    one, two = (a.line for a in evaluate(lines, plain))
    assert one == two


@pytest.mark.parametrize("text", ["tomorrow", "2026-03-02T10:00"])
def test_an_until_that_is_no_instant_is_wrong_use(text: str, tmp_path: Any) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"")
    answer = CliRunner().invoke(app, ["evaluate", str(file), "--until", text])
    assert answer.exit_code == 2
    assert "--until" in answer.output
