"""Lines in, decisions out: the same step as the worker's, with the same memory."""

from __future__ import annotations

import json
from typing import Any

from streams.supervision import Supervisor
from support import group_rules
from support.fake_attendant import ITEMS_WITH_TIMER, FakeAttendant
from support.streams_fakes import FakeEvaluator, prescription
from yijian.composition import topic_specs
from yijian.offline import evaluate
from yijian.settings import Settings


def answered(*lines: bytes, remembers: bool = True) -> list[dict[str, Any]]:
    attendant = FakeAttendant() if remembers else None
    supervisor = Supervisor(FakeEvaluator(), attendant, check_key=False)
    return [json.loads(answer.line) for answer in evaluate(lines, supervisor)]


def test_each_line_meets_what_the_lines_before_it_told_of_its_patient() -> None:
    found = answered(prescription(1, 1), prescription(2, 2), prescription(3, 1))
    assert [one["facts"]["earlier"] for one in found] == [0, 0, 1]


def test_a_line_that_comes_again_is_answered_by_the_name_of_its_decision() -> None:
    first, again = answered(prescription(1, 1), prescription(1, 1))
    assert again["kind"] == "repeat"
    assert again["decision_id"] == first["decision_id"]


def test_a_line_under_a_key_with_other_content_is_refused() -> None:
    _, refused = answered(prescription(1, 1), prescription(1, 2))
    assert refused.keys() != {"dead_letter"}  # another patient's memory does not know the key
    _, refused = answered(prescription(1, 1), prescription(1, 1, items=4))
    assert refused["dead_letter"]["reason"] == "id_reused"


def test_time_passes_with_the_lines_and_brings_timers_due_once() -> None:
    later = {"time": "2026-11-20T08:30:10+08:00"}
    found = answered(
        prescription(1, 1, ITEMS_WITH_TIMER),
        prescription(2, 2),
        prescription(3, 2, **later),
        prescription(4, 2, **later),
    )
    assert [(one["cause"], one["event"]["id"]) for one in found] == [
        ("event", "e000000001"),
        ("event", "e000000002"),
        ("event", "e000000003"),
        ("timer:rx.days:e000000001:due", "e000000001"),
        ("event", "e000000004"),
    ]


def test_a_line_is_decided_for_its_groups_as_well() -> None:
    evaluator = group_rules.evaluator()
    supervisor = Supervisor(evaluator, group_rules.attendants(evaluator), check_key=False)
    lines = [
        group_rules.signed(1, 1, "d1"),
        group_rules.signed(2, 2, "d1", "h2"),
        group_rules.signed(3, 3, "d2", "h2"),
    ]
    found = [json.loads(answer.line) for answer in evaluate(lines, supervisor)]
    scoped = [(one["event"]["id"][-1], one["scope"], len(one["findings"])) for one in found]
    one, two = "group:practitioner.id=d1", "group:practitioner.id=d2"
    assert scoped == [
        ("1", "patient", 0), ("1", one, 0), ("2", "patient", 0), ("2", one, 1),
        ("3", "patient", 0), ("3", two, 0),
    ]  # fmt: skip


def test_rules_that_remember_nothing_judge_each_line_by_itself() -> None:
    first, again = answered(prescription(1, 1), prescription(1, 1), remembers=False)
    assert first == again


def test_the_state_topic_is_compacted_early_and_ticks_are_kept_for_an_hour() -> None:
    settings = Settings(partitions=6)
    specs = {spec.name: spec for spec in topic_specs(settings)}
    state, ticks = specs[settings.topics.state], specs[settings.topics.ticks]
    assert state.partitions == ticks.partitions == 6
    config = state.config()
    assert config["cleanup.policy"] == "compact"
    assert int(config["segment.ms"]) < 3_600_000
    assert int(config["max.message.bytes"]) == settings.output_max_bytes
    assert ticks.config()["retention.ms"] == "3600000"
    assert ticks.config()["message.timestamp.type"] == "LogAppendTime"
