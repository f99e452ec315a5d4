"""The runner of sibling tests, and the shorthand that their events are written in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.values import Listing
from rules import load_pack
from rules.authoring.comparing import _equal
from rules.authoring.shorthand import ShorthandError, event_of, merge
from rules.authoring.testing import TestReport, run_tests
from rules.authoring.workbench import check, facts
from rules.authoring.workbench import test as run_workbench
from rules.engine.engines import ENGINES
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


def beside(tmp_path: Path, case: str) -> TestReport:
    """The test of `spec.rule` with this case, beside `spec.other`, which overrides it."""
    stands = {**RULE["finding"], "overrides": ["spec.rule"]}
    folder = pack(tmp_path, f"{GOOD}  - {{name: beside another, {case}}}\n")
    other = rule_text(**{**RULE, "id": "spec.other", "status": "draft", "finding": stands})
    (folder / "other.yaml").write_text(other, "utf-8")
    return run_tests(load_pack([folder], BASE), BASE, [folder])


def test_a_case_shows_whose_finding_its_own_gives_way_to(tmp_path: Path) -> None:
    gives_way = "with: [spec.other], expect: {alert: {overridden_by: spec.other}}"
    assert beside(tmp_path, gives_way).ok
    alone = beside(tmp_path, "expect: {alert: {overridden_by: spec.other}}")
    assert "overridden_by: got      nothing" in str(alone)
    not_here = "with: [spec.other], given: {patient: {age: 18 a}}, expect: silent"
    assert beside(tmp_path, not_here).ok
    unknown = beside(tmp_path, "with: [spec.othr], expect: alert")
    assert "spec.othr is none of the rules that are tested" in str(unknown)
    assert "did you mean spec.other or" in str(unknown)


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
        (GOOD.replace("cases:", "timeline: []\ncases:"), "`timeline` lists no step"),
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


def test_what_an_alert_says_is_compared_part_by_part(tmp_path: Path) -> None:
    wanted = "{alerts: [{severity: info, audience: [insurer]}]}"
    text = GOOD.replace("{alert: {severity: warning, message: {en: aged 17}}}", wanted)
    (failure,) = run(tmp_path, text).failures
    parts = {d.part: (d.expected, d.got) for d in failure.diffs}
    assert parts == {
        "severity": ("'info'", "'warning'"),
        "audience[0]": ("'insurer'", "'prescriber'"),
    }


def test_an_alert_has_no_other_parts_and_empty_ones_need_not_be_there(tmp_path: Path) -> None:
    wanted = "{alerts: [{exemption_unverified: [], severty: info}]}"
    text = GOOD.replace("{alert: {severity: warning, message: {en: aged 17}}}", wanted)
    (failure,) = run(tmp_path, text).failures
    assert [d.part for d in failure.diffs] == ["severty"]
    assert "did you mean severity or delivery?" in str(failure)


def test_elements_are_expected_one_by_one(tmp_path: Path) -> None:
    case = """
  - name: element by element
    given: {items: [{drug: D1}, {drug: levofloxacin}, {drug: "urn:x|1"}]}
    expect:
      elements:
        "1": {alert: {severity: warning}}
        "2": does_not_apply
        "3": {undetermined: item.drug.ingredients}
"""
    assert run(tmp_path, GOOD + case).ok
    wrong = case.replace("does_not_apply", "silent").replace('"3"', '"4"')
    (failure,) = run(tmp_path, GOOD + wrong).failures
    said = "\n".join(failure.differences)
    assert "element 2: expected silent" in said
    assert "element 2: got      does_not_apply" in said
    assert "element 4: got      no such element; there are: 1, 2, 3" in said


def test_a_missing_fact_is_compared_for_the_event_and_for_an_element(tmp_path: Path) -> None:
    text = GOOD.replace("{not_evaluable: patient.age}", "{not_evaluable: patient.sex}")
    assert "expected not_evaluable: patient.sex" in str(run(tmp_path, text))
    text = GOOD.replace("{not_evaluable: patient.age}", '{elements: {"1": not_evaluable}}')
    assert run(tmp_path, text).ok


@pytest.mark.parametrize(("wanted", "got", "is_equal"), [
    (25, "25.00", True),
    (25.5, "25.50", True),
    ("25.0", "25.00", True),
    ("01", "1", False),
    (True, 1, False),
    ("x", "y", False),
])  # fmt: skip
def test_an_amount_may_be_written_freely_but_a_code_may_not(
    wanted: object, got: object, is_equal: bool
) -> None:
    assert _equal(wanted, got) is is_equal


def test_two_cases_of_one_name_are_a_problem(tmp_path: Path) -> None:
    report = run(tmp_path, GOOD.replace("name: eighteen", "name: fires"))
    assert "two cases are called `fires`" in str(report)


def test_the_truth_values_that_no_case_has_seen_are_named(tmp_path: Path) -> None:
    folder = pack(tmp_path, GOOD)
    seen = {c.condition.partition(" ")[0]: c for c in run_workbench([folder], BASE).conditions}
    assert all(not condition.never for condition in seen.values())
    text = GOOD.replace("{age: 18 a}}, expect: silent", "{age: 16 a}}, expect: alert")
    (folder / "rule.test.yaml").write_text(text, "utf-8")
    seen = {c.condition.partition(" ")[0]: c for c in run_workbench([folder], BASE).conditions}
    assert seen["patient.age"].never == ("false",)
    assert seen["item.drug.ingredients"].never == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_runs_the_tests(tmp_path: Path, engine: str) -> None:
    if engine == "durable":
        pytest.importorskip("durable")
    folder = pack(tmp_path, GOOD)
    tested = run_workbench([folder], BASE, engine=engine)
    assert tested.ok, str(tested.report)
    assert len(tested.results) == 9


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
        ({"event": "prescription.signed", "at": "2026-02-30T10:00"}, "none of the calendar"),
        ({"event": "prescription.signed", "patient": {"age": "3000 a"}}, "as old as 3000 a"),
        ({"event": "prescription.signed", "patient": {"age": "999999 d"}}, "as old as 999999 d"),
        ({"event": "result.reported", "items": [{"code": "Na"}]}, "there are potassium"),
        ({"event": "encounter.ended", "at": "9999-12-31T23:59+00:00"}, "none of the calendar"),
        ({"items": []}, "`base` names no event"),
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
