"""Timelines of test files: events one after the other, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rules.authoring.testing import TestReport, run_tests
from rules.lint import lint
from rules.pack import read_pack
from spec.rules.world import knowledge, rule_text

BASE = knowledge()
REPEATED: dict[str, Any] = {
    "on": ["order.signed"],
    "each": "items",
    "when": {
        "history": {
            "of": "order.signed",
            "where": {"item.code": {"is": {"fact": "this.item.code"}}},
            "within": {"parameter": "stay.limit"},
            "including": "this",
            "count": {"at_least": {"parameter": "count.limit"}},
        }
    },
}
AWAITED: dict[str, Any] = {
    "on": ["order.signed"],
    "when": None,
    "expect": {
        "event": "order.executed",
        "match": ["encounter.id"],
        "within": {"parameter": "stay.hours"},
    },
}
HEAD = """rule: spec.rule
base: {event: order.signed, encounter: {kind: inpatient}, items: [{code: S1}]}
"""


def run(folder: Path, rule: dict[str, Any], steps: str, head: str = HEAD) -> TestReport:
    place = folder / "spec"
    place.mkdir(exist_ok=True)
    (place / "rule.yaml").write_text(rule_text(**rule), encoding="utf-8")
    (place / "rule.test.yaml").write_text(f"{head}{steps}", encoding="utf-8")
    pack = read_pack([place / "rule.yaml"], BASE, problems := [])
    assert not problems
    return run_tests(pack, BASE, [place])


def test_a_timeline_looks_back_at_its_own_events(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        REPEATED,
        """timeline:
  - {at: 0 h, event: {}, expect: silent}
  - {at: 10 d, event: {item: {code: C1}}, expect: silent}
  - {at: 719 h 59 min, event: {}, expect: [{alert: {element: "1", severity: warning}}]}
""",
    )
    assert report.ok, str(report)
    (result,) = report.results
    assert result.got == "alert"
    assert len(result.decisions) == 3
    assert {truth for _, _, truth in result.truths} == {True, False}


def test_each_named_timeline_begins_anew(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        REPEATED,
        """timeline:
  - {name: the edge is out, steps: [{at: 0 h, event: {}}, {at: 720 h, event: {}, expect: silent}]}
  - {name: one alone, steps: [{at: 1 h, event: {}, expect: silent}]}
""",
    )
    assert report.ok, str(report)
    assert [result.case.name for result in report.results] == ["the edge is out", "one alone"]


def test_an_event_may_arrive_after_it_happened(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        REPEATED,
        """timeline:
  - {at: 0 h, event: {}}
  - {at: 721 h, event: {time: 719 h}, expect: [alert]}
  - {at: 722 h, event: {service_time: 0 h}, expect: [alert]}
""",
    )
    assert report.ok, str(report)


def test_times_of_the_calendar_stand_beside_virtual_ones(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        REPEATED,
        """timeline:
  - {at: "2026-03-01T10:00+08:00", event: {}}
  - {at: "2026-03-31T09:59+08:00", event: {}, expect: alert}
""",
    )
    assert report.ok, str(report)


def test_what_is_told_is_told_apart_from_what_is_not(tmp_path: Path) -> None:
    finding = {
        "result": "suspected",
        "severity": "warning",
        "action": "remind",
        "audience": ["prescriber"],
        "message": {"zh": "有", "en": "found"},
        "once_within": {"parameter": "stay.hours"},
    }
    rule = {"on": ["order.signed"], "when": {"event.item_count": {"above": 0}}, "finding": finding}
    steps = """timeline:
  - {at: 0 h, event: {act_id: one}, expect: [{alert: {delivery: {suppressed: false}}}]}
  - at: 1 h
    event: {act_id: one, revision: 2}
    expect: [{alert: {delivery: {suppressed: true, until: "2026-01-03T16:00:00+00:00"}}}]
  - {at: 2 h, event: {act_id: two}, expect: [{alert: {delivery: {suppressed: false}}}]}
"""
    report = run(tmp_path, rule, steps)
    assert report.ok, str(report)


def test_a_case_has_no_past_and_that_is_known(tmp_path: Path) -> None:
    report = run(tmp_path, REPEATED, "cases:\n  - {name: alone, expect: silent}\n")
    assert report.ok, str(report)


def test_an_event_that_is_overdue_is_told_when_time_passes(tmp_path: Path) -> None:
    report = run(
        tmp_path,
        AWAITED,
        """timeline:
  - name: overdue
    steps:
      - {at: 0 h, event: {}, expect: [{waiting: duty}]}
      - {at: 71 h 59 min, expect: silent}
      - {at: 72 h 1 min, expect: [{alert: {severity: warning}}]}
  - name: in time
    steps:
      - {at: 0 h, event: {}, expect: [{waiting: {until: 72 h}}]}
      - {at: 71 h, event: {event: order.executed, act_id: act-1}}
      - {at: 80 h, expect: silent}
""",
    )
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("  - {at: 0 h, event: {}, expect: [alert]}", "line 4: got      silent"),
        (
            "  - {at: 0 h, event: {}}\n  - {at: 1 h, event: {}}",
            "line 5: expected nothing to be said",
        ),
        (
            "  - {at: 0 h, event: {}}\n  - {at: 1 h, event: {}, expect: silent}",
            "line 5: got      alert: found",
        ),
        (
            "  - {at: 0 h, event: {}}\n  - {at: 1 h, event: {}, expect: {alert: {severity: info}}}",
            "line 5: severity: expected 'info'",
        ),
        (
            "  - {at: 0 h, event: {id: a}}\n  - {at: 1 h, event: {id: a}}",
            "came before with other content",
        ),
        ("  - {at: 0 h, event: {drug: D1}}", "the event cannot be made"),
    ],
)
def test_what_differs_is_told_with_its_line(tmp_path: Path, steps: str, said: str) -> None:
    report = run(tmp_path, REPEATED, f"timeline:\n{steps}\n")
    assert not report.ok
    assert said in str(report)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("timeline: []", "`timeline` lists no step"),
        ("timeline: [{at: soon, event: {}}]", "`at` is no time"),
        ("timeline: [{at: 0 h}]", "the step does nothing"),
        ("timeline: [{event: {}}]", "a step has no `at`"),
        ("timeline: [{at: 2 h, event: {}}, {at: 1 h, event: {}}]", "before the one above"),
        ("timeline: [{at: 0 h, event: {}, expect: quiet}]", "`expect` is not understood"),
        ("timeline: [{at: 0 h, event: {}, expect: [silent, alert]}]", "it is not silent"),
        ("timeline: [{at: 0 h, event: {time: late}}]", "the time late is not written"),
        ("timeline: [{name: x, steps: []}]", "`steps` lists no step"),
        ("timeline: [{at: 0 h, event: order.signed}]", "write what differs from `base`"),
        ("", "a test file has no `cases`"),
    ],
)
def test_a_mistake_in_a_timeline_is_told(tmp_path: Path, steps: str, said: str) -> None:
    report = run(tmp_path, REPEATED, f"{steps}\n")
    assert any(said in str(problem) for problem in report.problems), str(report)


def test_lint_asks_for_the_edges_of_windows_and_limits(tmp_path: Path) -> None:
    run(tmp_path, REPEATED, "timeline:\n  - {at: 0 h, event: {}, expect: silent}\n")
    said = [str(p) for p in lint([tmp_path / "spec"], BASE) if p.check == "YJ111"]
    wanted = ("an act within", "at the edge", "at the limit")
    assert len(said) == len(wanted)
    assert all(any(word in text for text in said) for word in wanted)


def test_lint_is_content_with_timelines_on_every_side(tmp_path: Path) -> None:
    steps = """timeline:
  - {at: 0 h, event: {}, expect: silent}
  - {at: 720 h, event: {}, expect: silent}
  - {at: 721 h, event: {}, expect: alert}
"""
    assert run(tmp_path, REPEATED, steps).ok
    assert not [p for p in lint([tmp_path / "spec"], BASE) if p.check == "YJ111"]


def test_lint_asks_a_duty_for_both_ends(tmp_path: Path) -> None:
    run(tmp_path, AWAITED, "timeline:\n  - {at: 0 h, event: {}}\n")
    said = " ".join(str(p) for p in lint([tmp_path / "spec"], BASE) if p.check == "YJ111")
    assert "is overdue" in said
    assert "order.executed comes in time" in said


GROUPED: dict[str, Any] = {
    "on": ["prescription.signed"],
    "group_by": ["practitioner.id"],
    "when": {
        "history": {
            "of": "prescription.signed",
            "within": {"parameter": "stay.hours"},
            "including": "this",
            "distinct": {"of": "event.institution", "at_least": {"parameter": "count.limit"}},
        }
    },
}
GROUP_HEAD = """rule: spec.rule
base: {event: prescription.signed, practitioner: P1, items: [{drug: D1}]}
"""


def test_a_timeline_remembers_each_group_by_itself(tmp_path: Path) -> None:
    steps = """timeline:
  - {at: 0 h, event: {}, expect: silent}
  - {at: 1 h, event: {practitioner: P2, institution: demo-h2, subject: "h|two"}, expect: silent}
  - {at: 2 h, event: {institution: demo-h2, subject: "h|three"}, expect: [{alert: {}}]}
  - {at: 3 h, event: {practitioner: not_reported}, expect: [{undetermined: practitioner.id}]}
"""
    report = run(tmp_path, GROUPED, steps, GROUP_HEAD)
    assert report.ok, str(report)
    wrong = steps.replace("expect: [{alert: {}}]", "expect: silent")
    assert not run(tmp_path, GROUPED, wrong, GROUP_HEAD).ok


def test_a_case_of_a_rule_about_groups_is_the_first_act_of_its_group(tmp_path: Path) -> None:
    cases = """cases:
  - {name: the first, expect: silent}
  - {name: nobody, given: {practitioner: not_reported}, expect: {undetermined: practitioner.id}}
"""
    report = run(tmp_path, GROUPED, cases, GROUP_HEAD)
    assert report.ok, str(report)
