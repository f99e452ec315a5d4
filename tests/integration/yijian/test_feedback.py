"""`yijian rules feedback` and `promote` on stored alerts."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from contracts.decision import encode_record
from contracts.identity import EventKey, alert_id
from integration.sinks.filled_tables import Tables, _record
from integration.sinks.world import decision_of, event
from sinks.client import connect
from sinks.rows import decision_rows
from unit.yijian.test_rules_cli import promised
from yijian import settings
from yijian.cli import app
from yijian.composition import load_core
from yijian.stack import prepare_tables

pytestmark = pytest.mark.integration

RULE = "medication_safety.fluoroquinolone_minor"
HL7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


@pytest.fixture
def stored(clickhouse_tables: str, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Three alerts of a rule, answered in three ways; one answer is to nobody's alert."""
    monkeypatch.setenv("YIJIAN_CLICKHOUSE_DSN", clickhouse_tables)
    monkeypatch.delenv("YIJIAN_PACKS", raising=False)
    s = settings.load()
    prepare_tables(s, load_core(s).knowledge)
    tables = Tables(connect(clickhouse_tables))
    for n in range(4):
        made = msgspec.structs.replace(decision_of(event(n), (RULE,)), rules={RULE: 1})
        tables.put(_record("decisions", n, b"k", encode_record(made)), decision_rows)
    patient = {"system": HL7, "code": "patient-refuses"}
    answer(tables, 0, response="accepted")
    answer(tables, 1, response="overridden", reason=patient)
    answer(tables, 2, response="overridden", reason={"system": HL7, "code": "because"})
    answer(tables, 9, response="false_positive")
    return tables


def answer(tables: Tables, n: int, **data: Any) -> None:
    name = alert_id(EventKey("urn:test:his", f"event-{n}"), "event", RULE, 1, "")
    sent = event(f"f{n}", kind="feedback.recorded.v1", alert_id=name, **data)
    tables.event(sent, 100 + n)


def run(*arguments: str, code: int = 0) -> str:
    answered = CliRunner().invoke(app, ["rules", *arguments])
    assert answered.exit_code == code, answered.output
    return answered.stdout


def test_feedback_for_machines(stored: Tables) -> None:
    found = json.loads(run("feedback", "--json"))
    assert set(found) == promised("feedback") == {"rules", "reasons", "quality"}
    (rule,) = found["rules"]
    assert (rule["rule_id"], rule["fired"], rule["delivered"]) == (RULE, 4, 0)
    assert (rule["accepted"], rule["overridden"], rule["false_positive"]) == (1, 2, 0)
    assert rule["override_rate"] == pytest.approx(2 / 3)
    by_code = {one["reason"]: one["words"] for one in found["reasons"]}
    assert by_code[f"{HL7}|because"] is None
    assert by_code[f"{HL7}|patient-refuses"]["zh"].startswith("患者拒绝")
    assert {one["problem"]: one["answers"] for one in found["quality"]} == {
        "unknown_alert": 1, "unknown_reason": 1,
    }  # fmt: skip


def test_feedback_for_people_is_in_both_languages(stored: Tables) -> None:
    shown = run("feedback", "--rule", RULE)
    for text in ("坚持执行", "患者拒绝", "unknown_alert", "无此告警", "不在知识库"):
        assert text in shown.replace("\n", "")


def test_promotion_shows_how_often_it_fired_and_what_was_answered(stored: Tables) -> None:
    found = json.loads(run("promote", RULE, "--json"))
    assert set(found) == promised("promote") == {"rule", "versions", "feedback", "reasons"}
    assert [one["alerts"] for one in found["versions"]] == [4]
    assert [one["overridden"] for one in found["feedback"]] == [2]
    assert "触发情况" in run("promote", RULE)


def test_a_rule_without_alerts_says_so(stored: Tables) -> None:
    assert "unknown_alert" in run("feedback", "--rule", "house.none", code=1)
