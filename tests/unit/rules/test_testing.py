"""The runner of sibling tests, and the shorthand that their events are written in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.values import Listing
from rules import load_pack
from rules.shorthand import ShorthandError, event_of, merge
from rules.testing import TestReport, run_tests
from rules.workbench import check, facts
from rules.workbench import test as run_workbench
from spec.rules.world import knowledge, rule_text

BASE = knowledge()
RULE = {
    "each": "items",
    "scope": {"item.drug.ingredients": {"any_in": {"codeset": "penicillins"}}},
    "when": {"patient.age": {"below": {"parameter": "age.limit"}}},
    "unless": {"encounter.is_rescue": {"is": True}},
    "finding": {
        "result": "violation",
        "severity": "warning",
        "action": "block",
        "audience": ["prescriber"],
        "message": {"zh": "{patient.age}", "en": "aged {patient.age}"},
    },
}
GOOD = """\
rule: spec.rule
base:
  event: prescription.signed
  patient: {age: 17 a}
  encounter: {is_rescue: false}
  items: [{drug: D1}]
cases:
  - {name: fires, expect: {alert: {severity: warning, message: {en: aged 17}}}}
  - {name: sixteen fires, given: {patient: {age: 16 a}}, expect: alert}
  - name: two fire
    given: {items: [{drug: D1}, {drug: D3}]}
    expect: {alerts: [{element: "1"}, {element: "2"}]}
  - {name: eighteen, given: {patient: {age: 18 a}}, expect: silent}
  - {name: rescue, given: {encounter: {is_rescue: true}}, expect: exempt}
  - {name: other drug, given: {item: {drug: levofloxacin}}, expect: not_applicable}
  - {name: no age, given: {patient: {age: not_reported}}, expect: {not_evaluable: patient.age}}
  - name: no rescue word
    given: {encounter: null}
    expect: {alert: {exemption_unverified: [encounter.is_rescue]}}
  - name: unknown drug
    given: {item: {drug: "urn:x|1"}}
    expect: {undetermined: item.drug.ingredients}
"""


def pack(tmp_path: Path, test: str, **parts: Any) -> Path:
    folder = tmp_path / "spec"
    folder.mkdir(exist_ok=True)
    (folder / "rule.yaml").write_text(rule_text(**{**RULE, **parts}), "utf-8")
    if test:
        (folder / "rule.test.yaml").write_text(test, "utf-8")
    return folder


def run(tmp_path: Path, test: str) -> TestReport:
    folder = pack(tmp_path, test)
    return run_tests(load_pack([folder], BASE), BASE, [folder])


def test_cases_run_through_the_engine(tmp_path: Path) -> None:
    report = run(tmp_path, GOOD)
    assert report.ok, str(report)
    assert str(report) == "9 of 9 cases passed, 1 rules"


def test_a_failure_shows_expected_and_got(tmp_path: Path) -> None:
    text = GOOD.replace("{severity: warning, message: {en: aged 17}}", "{severity: info}")
    text = text.replace("age: 18 a}}, expect: silent", "age: 17 a}}, expect: silent")
    report = run(tmp_path, text)
    assert not report.ok
    said = str(report)
    assert "rule.test.yaml:8: spec.rule: fires" in said
    assert "severity: expected 'info'" in said
    assert "severity: got      'warning'" in said
    assert "expected silent" in said
    assert "got      alert: aged 17" in said
    assert "7 of 9 cases passed" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("rule: spec.rule", "rule: spec.other"), "expected folder.file: spec.rule"),
        (GOOD.replace("expect: silent", "expect: quiet"), "`expect` is not understood"),
        (GOOD.replace("cases:", "timeline: []\ncases:"), "`timeline` is not built yet"),
        (GOOD.replace("name: fires", "nam: fires"), "did you mean name"),
        (GOOD.replace("[{drug: D1}]", "[{drug: D1}, {drug: D2}]"), "changes the only item"),
    ],
)
def test_a_mistake_in_a_test_file_is_a_problem_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    report = run(tmp_path, text)
    assert not report.ok
    assert any(message in str(problem) for problem in report.problems), str(report)


def test_an_event_that_cannot_be_made_fails_its_case(tmp_path: Path) -> None:
    report = run(tmp_path, GOOD.replace("age: 16 a", "age: young"))
    assert "is not written like 30 a" in str(report)


def test_a_rule_needs_the_cases_that_its_conditions_ask_for(tmp_path: Path) -> None:
    folder = pack(tmp_path, GOOD)
    assert check([folder], BASE) == []
    head, _, rest = GOOD.partition("  - name: no rescue word")
    tail = rest[rest.index("  - name: unknown drug") :]
    text = f"{head}{tail}".replace("expect: exempt", "expect: alert")
    text = text.replace("{is_rescue: true}", "{is_rescue: false}")
    (folder / "rule.test.yaml").write_text(text, "utf-8")
    said = "\n".join(map(str, check([folder], BASE)))
    assert "lack an exemption case" in said
    assert "lack a case without `encounter.is_rescue`" in said
    lines = [line for line in GOOD.split("\n") if "fires" not in line and "no age" not in line]
    (folder / "rule.test.yaml").write_text("\n".join(lines), "utf-8")
    said = "\n".join(map(str, check([folder], BASE)))
    assert "lack 1 firing cases" in said
    assert "lack a case without `patient.age`" in said


def test_a_rule_without_a_test_is_a_problem(tmp_path: Path) -> None:
    assert "has no test" in str(check([pack(tmp_path, "")], BASE)[0])


def test_a_draft_is_tested_too_and_one_rule_can_be_chosen(tmp_path: Path) -> None:
    folder = pack(tmp_path, GOOD, status="draft")
    assert run_workbench([folder], BASE, "spec.rule").ok
    assert run_workbench([folder], BASE, "spec.none").results == ()


def test_merging_changes_entries_and_replaces_lists() -> None:
    base = {"patient": {"age": "30 a", "sex": "male"}, "items": [{"drug": "D1", "route": "oral"}]}
    assert merge(base, {"patient": {"age": None}})["patient"] == {"age": None, "sex": "male"}
    assert merge(base, {"items": []})["items"] == []
    assert merge(base, {"item": {"route": None}})["items"] == [{"drug": "D1", "route": None}]


@pytest.mark.parametrize(
    ("age", "born"),
    [("30 a", "1996-03-02"), ("6 mo", "2025-09-02"), ("20 d", "2026-02-10"), ("0 d", "2026-03-02")],
)
def test_an_age_becomes_a_birth_date(age: str, born: str) -> None:
    event = event_of({"event": "prescription.signed", "patient": {"age": age}}, BASE)
    assert event.data.patient.birth_date == date.fromisoformat(born)  # type: ignore[union-attr]


def test_a_whole_event_in_shorthand() -> None:
    event = event_of(
        {
            "event": "order.signed",
            "practitioner": "P1",
            "patient": {"allergies": ["amoxicillin"], "potassium": "6.1 mmol/L"},
            "diagnoses": ["I10", {"code": "E11", "role": "principal"}],
            "items": [{"drug": "levofloxacin", "dose": "500 mg", "route": "oral"}],
        },
        BASE,
    )
    data: Any = event.data
    assert data.practitioner.id == "P1"
    assert data.patient.allergies == Listing(data.patient.allergies.items, complete=True)
    assert data.patient.observations.items[0].value.value == 6.1
    assert [d.code.code for d in data.diagnoses] == ["I10", "E11"]
    assert data.items[0].drug.code == data.items[0].code.code == "D2"


@pytest.mark.parametrize(
    ("short", "message"),
    [
        ({"event": "prescription.singed"}, "did you mean prescription.signed"),
        ({"event": "prescription.signed", "patiend": {}}, "no patiend"),
        ({"event": "prescription.signed", "items": [{"drug": "amoxicilin"}]}, "amoxicillin"),
        ({"event": "prescription.signed", "items": ["x"]}, "no mapping"),
        ({"event": "prescription.signed", "at": "yesterday"}, "not written like"),
        ({"event": "billing.charged", "items": [{"item": "S9"}]}, "no item S9"),
        ({"event": "prescription.signed", "patient": {"sex": 1}}, "field_type"),
        ({"event": "prescription.signed", "patient": {"allergies": "some"}}, "none_known"),
        ({"event": "prescription.signed", "items": [{"drug": "D1", "dose": "much"}]}, "500 mg"),
    ],
)
def test_a_wrong_shorthand_says_what_to_write(short: dict[str, Any], message: str) -> None:
    with pytest.raises(ShorthandError, match=message):
        event_of(short, BASE)


def test_every_fact_is_documented_in_both_languages() -> None:
    for fact in facts():
        assert fact.zh
        assert fact.en
        assert fact.families
