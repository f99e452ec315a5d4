"""`explain --case` of a timeline: a step with all that came before it, as its test plays it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from yijian.cli import app
from yijian.cli.console import USAGE

TRACED = "billing.trace_code_repeated"
CONSULTED = "antimicrobials.emergency_consultation"
NOTE = "records.admission_note"
LATE = "signed at the last minute, and known after it"


def run(*arguments: str, code: int = 0) -> Result:
    answer = CliRunner().invoke(app, ["rules", "explain", *arguments])
    assert answer.exit_code == code, answer.output
    return answer


def document(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return found


def test_a_step_is_explained_with_what_came_before_it() -> None:
    said = run(TRACED, "--case", "a third time").stdout
    assert "a third time: step 3 of 3" in said
    assert "group:item.trace_codes=81234567890123456789" in said
    assert "history 既往 = 2" in said
    assert "不适用" not in said  # of the patient: the group's answer is what counts
    found = document(TRACED, "--case", "a third time", "--step", "1")
    (explained,) = [one for one in found["explained"] if one["elements"]]
    assert explained["elements"][0]["parts"]["when"]["history"] == {"certain": 0, "possible": 0}
    assert (found["step"], found["said"], found["differences"]) == (1, [], [])


def test_the_last_step_that_expects_something_is_the_usual_one() -> None:
    found = document(NOTE, "--case", LATE)
    assert (found["step"], found["said"]) == (4, ["retracted: in_time"] * 2)
    (duty,) = found["duties"]
    assert (duty["event"], duty["state"], duty["by"]) == ("event-1", "settled", "event-4")
    said = run(NOTE, "--case", LATE).stdout
    assert "settled 已了结 by event-4" in said
    assert "撤回 retracted: in_time" in said


def test_what_exempts_from_a_duty_is_shown_where_it_is_due() -> None:
    steps = [
        document(CONSULTED, "--case", "no consultation within a day", "--step", str(n))
        for n in (1, 3)
    ]
    assert [one["state"] for step in steps for one in step["duties"]] == ["waits", "over"]
    (explained,) = steps[1]["explained"]
    assert set(explained["elements"][0]["parts"]) == {"unless"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["rules", "new", "house.rule"])
    return ("house.rule", "--pack", "mine/rules", "--add-knowledge", "mine/knowledge")


BASE = """rule: house.rule
base: {event: prescription.signed, items: [{drug: metformin, days_supply: 1}]}
timeline:
  - {at: 0 h, event: {}}
  - {at: 1 h, event: {}, expect: [alert]}
  - {at: 2 h, event: {item: {days_supply: wrong}}}
"""


def test_the_first_step_that_fails_is_shown_with_what_was_expected(house: tuple[str, ...]) -> None:
    Path("mine/rules/house/rule.test.yaml").write_text(BASE, "utf-8")
    said = run(*house, "--case", "timeline").stdout
    assert "step 2 of 3" in said
    assert "line 5: expected alert" in said


def test_what_cannot_be_explained_is_said_with_its_place(house: tuple[str, ...]) -> None:
    test = Path("mine/rules/house/rule.test.yaml")
    test.write_text(BASE, "utf-8")
    assert (
        "there is no step 9" in run(*house, "--case", "timeline", "--step", "9", code=USAGE).stderr
    )
    assert (
        "line 6: the event cannot be made"
        in run(*house, "--case", "timeline", "--step", "3", code=USAGE).stderr
    )
    test.write_text(BASE.replace(", expect: [alert]", ""), "utf-8")
    assert (
        "line 6: the event cannot be made" in run(*house, "--case", "timeline", code=USAGE).stderr
    )
    past = run(*house, "--case", "timeline", "--past", "x.ndjson", code=USAGE).stderr
    assert "leave out --past" in past
    base = "{event: prescription.signed, encounter: {started_at: 0 h}, items: []}"
    test.write_text(f"rule: house.rule\nbase: {base}\ncases:\n  - {{name: a, expect: silent}}\n")
    assert f"{test}:4: " in run(*house, "--case", "a", code=USAGE).stderr
    assert f"{test}:2: " in run(*house, "--event", str(test), code=USAGE).stderr
    assert "leave out --step" in run(*house, "--case", "a", "--step", "1", code=USAGE).stderr
