"""`explain --past`: what was known when the event came."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET
from typer.testing import CliRunner

from contracts.event import Event, encode_event
from rules.authoring.cases import read_cases
from rules.authoring.explain import Explanation, Step, explain
from rules.authoring.shorthand import event_of
from rules.pack import PACKS, TEST_SUFFIX
from simulation.ndjson import read
from support.past import again, core_of, event, lines_of, tie
from yijian import settings
from yijian.cli import app
from yijian.cli.explain_past import recalled, told
from yijian.composition import load_core

CORE = core_of(again())
RULE = "medication_safety.fluoroquinolone_minor"


def explained(present: Event, *earlier: Event) -> Explanation:
    asked = recalled(present, read(lines_of(earlier)), CORE.evaluator)
    return explain("spec.again", present, CORE.evaluator, asked)


def when(explanation: Explanation) -> Step:
    (element,) = explanation.elements
    return dict(element.parts)["when"]


def test_a_history_is_shown_with_its_bounds_and_since_when_the_past_is_known() -> None:
    found = explained(event("now", 2), event("a", 0), event("b", 1), event("x", 1, "p2"))
    step = when(found)
    assert step.truth is True
    assert step.past is not None
    assert (step.past["certain"], step.past["possible"]) == (2, None)
    text = told(step.past)
    assert text.startswith("at least 至少 2; earlier ones are not known")
    assert text.endswith("known since 自 2026-03-02T00:00:00+00:00")


def test_a_past_that_is_wholly_known_has_one_number() -> None:
    found = explained(event("now", 100), event("a", 0), event("b", 99))
    assert when(found).past == {"certain": 1, "possible": 1}
    assert told({"certain": 1, "possible": 1}) == "1"


def test_events_behind_the_present_one_are_not_remembered() -> None:
    found = explained(event("now", 100), event("a", 0), event("now", 100), event("b", 99))
    assert when(found).past == {"certain": 0, "possible": 0}


def test_the_past_of_a_person_is_that_of_all_its_identities() -> None:
    old, tied = event("0", 0, "p3"), tie("merged", "m", 50, "p1", "p2")
    earlier = (old, event("a", 98, "p1"), tied, event("b", 99, "p2"))
    found = explained(event("now", 100, "p2"), *earlier)
    assert when(found).past == {"certain": 2, "possible": 2}
    found = explained(event("now", 100, "p1"), old, event("a", 98, "p2"), tied)
    assert when(found).past == {"certain": 1, "possible": 1}


def test_whoever_was_parted_has_a_past_of_its_own_again() -> None:
    ties = (tie("linked", "l", 1, "p1", "p2"), tie("unlinked", "u", 98.5, "p1", "p2"))
    earlier = (event("0", -90), ties[0], event("a", 98, "p1"), ties[1], event("b", 99, "p2"))
    found = explained(event("now", 100, "p2"), *earlier)
    assert when(found).past == {"certain": 1, "possible": 1}


def test_without_a_past_nothing_is_remembered_and_it_says_so() -> None:
    found = explain("spec.again", event("now", 2), CORE.evaluator)
    step = when(found)
    assert step.truth is None
    assert step.past is not None
    assert "--past FILE" in told(step.past)


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (
            {"certain": 1, "possible": 3, "why": "members_unknown"},
            "at least 至少 1, at most 至多 3",
        ),
        ({"holds": None, "why": "no_member"}, "latest 最近 —; there is none 无"),
        ({"holds": True, "at": "2026-03-02"}, "latest 最近 2026-03-02"),
    ],
)
def test_values_of_the_past_are_told_in_words(past: dict[str, object], text: str) -> None:
    assert told(past).startswith(text)


def test_the_command_shows_what_was_remembered_of_the_patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    core = load_core(settings.load({}))
    file = PACKS / f"{RULE.replace('.', '/')}{TEST_SUFFIX}"
    case = next(c for c in read_cases(file, core.pack, []) if c.name == "seventeen fires")
    known = event_of(case.event, core.knowledge)
    data = msgspec.structs.replace(known.data, patient=UNSET, act_id="another")
    present = msgspec.structs.replace(known, id="now", data=data)
    (tmp_path / "past.ndjson").write_bytes(encode_event(known) + b"\n")
    (tmp_path / "now.ndjson").write_bytes(encode_event(present) + b"\n")
    command = ["rules", "explain", RULE, "--event", "now.ndjson", "--json"]
    alone = json.loads(CliRunner().invoke(app, command).stdout)
    assert (alone["remembered"], alone["verdict"]) == ([], "incomplete")
    with_past = [*command, "--past", "past.ndjson"]
    found = json.loads(CliRunner().invoke(app, with_past).stdout)
    assert (found["remembered"], found["verdict"]) == (["birth_date"], "findings")
    shown = CliRunner().invoke(app, [*with_past[:-3], "--past", "past.ndjson"]).stdout
    assert "remembered 既往记忆: birth_date" in shown
    missing = CliRunner().invoke(app, [*command, "--past", "nowhere.ndjson"])
    assert missing.exit_code == 2
