"""Every check finds what it is for, and says nothing of a rule that is as it should be."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

import knowledge_base
from knowledge_base.strict_yaml import Problem
from rules import PACKS
from rules.language.tables import WORLD
from rules.lint import CHECKS, lint
from spec.rules.world import knowledge, rule_text

BASE = knowledge()
GOOD: dict[str, Any] = {
    "id": "pack.rule",
    "each": "items",
    "scope": {"item.drug.ingredients": {"any_in": {"codeset": "penicillins"}}},
    "when": {"item.dose": {"above": {"parameter": "dose.limit"}}},
    "unless": {"encounter.is_rescue": {"is": True}},
    "finding": {
        "result": "suspected",
        "severity": "warning",
        "action": "remind",
        "audience": ["prescriber"],
        "message": {"zh": "{item.dose} 超过 {threshold}", "en": "{item.dose} above {threshold}"},
    },
}
CASES: dict[str, Any] = {
    "above": ({"item": {"dose": "600 mg"}}, "alert"),
    "other unit": ({"item": {"dose": "0.6 g"}}, "alert"),
    "an infant": ({"item": {"dose": "700 mg"}, "patient": {"age": "6 mo"}}, "alert"),
    "at the limit": ({}, "silent"),
    "below": ({"item": {"dose": "499 mg"}}, "silent"),
    "rescue": ({"item": {"dose": "600 mg"}, "encounter": {"is_rescue": True}}, "exempt"),
    "another drug": ({"item": {"drug": "D2", "dose": "100 mg"}}, "not_applicable"),
    "no dose": ({"item": {"dose": "not_reported"}}, {"not_evaluable": "item.dose"}),
    "no rescue": (
        {"item": {"dose": "600 mg"}, "encounter": "not_reported"},
        {"alert": {"exemption_unverified": ["encounter.is_rescue"]}},
    ),
    "unknown drug": (
        {"item": {"drug": "urn:x|1"}}, {"undetermined": "item.drug.ingredients"}
    ),
}  # fmt: skip


def write(folder: Path, rule: dict[str, Any] | None = None, without: tuple[str, ...] = (),
          name: str = "rule", **changed: Any) -> Path:  # fmt: skip
    """A rule and its tests in a folder called `pack`."""
    pack = folder / "pack"
    pack.mkdir(exist_ok=True)
    parts = {**GOOD, **(rule or {}), "id": f"pack.{name}"}
    (pack / f"{name}.yaml").write_text(rule_text(**parts), encoding="utf-8")
    cases = {**CASES, **changed}
    listed = [
        {"name": case, "given": given, "expect": expect}
        for case, (given, expect) in cases.items()
        if case not in without or case in changed
    ]
    test = {
        "rule": f"pack.{name}",
        "base": {
            "event": "prescription.signed",
            "encounter": {"kind": "outpatient", "is_rescue": False},
            "items": [{"drug": "D1", "dose": "500 mg"}],
        },
        "cases": listed,
    }
    (pack / f"{name}.test.yaml").write_bytes(msgspec.json.encode(test))
    return pack


def found(folder: Path, **more: Any) -> dict[str, str]:
    """Id of each check that found something, with what it said."""
    problems = lint([folder], BASE, **more)
    return {problem.check: str(problem) for problem in problems}


def test_a_good_rule_has_no_problem(tmp_path: Path) -> None:
    assert lint([write(tmp_path)], BASE, today=date(2026, 1, 1)) == []


@pytest.mark.parametrize(
    ("without", "check", "said"),
    [
        (("above", "other unit"), "YJ103", "a case that fires"),
        (("at the limit",), "YJ105", "a case at the limit of `item.dose above"),
        (("other unit",), "YJ107", "a case in another unit"),
        (("no dose",), "YJ106", "a case without `item.dose`"),
        (("no rescue",), "YJ106", "a case without `encounter.is_rescue`"),
        (("unknown drug",), "YJ106", "a case without `item.drug.ingredients`"),
        (("rescue",), "YJ109", "an exemption case"),
        (("below", "at the limit", "rescue"), "YJ104", "2 cases that do not fire"),
    ],
)
def test_a_case_that_is_lacking_is_named(
    tmp_path: Path, without: tuple[str, ...], check: str, said: str
) -> None:
    assert said in found(write(tmp_path, without=without))[check]


def test_a_case_on_each_side_of_a_limit_is_asked_for(tmp_path: Path) -> None:
    # The dose of `another drug` is below the limit, but the limit is not for that drug.
    assert "a case below the limit" in found(write(tmp_path, without=("below",)))["YJ105"]


MEASURED = {
    "each": None, "scope": None, "unless": None,
    "when": {"patient.potassium": {"above": {"parameter": "potassium.limit"},
                                   "fresh_within": {"parameter": "potassium.validity"}}},
    "finding": {**GOOD["finding"], "message": {"zh": "{threshold}", "en": "{threshold}"}},
}  # fmt: skip


def measured(value: str, at: str = "2026-03-02T09:00+08:00") -> dict[str, Any]:
    return {"patient": {"observations": [{"code": "potassium", "value": value, "at": at}]}}


def test_the_edge_of_a_window_and_another_unit_of_a_measured_value_are_asked_for(
    tmp_path: Path,
) -> None:
    cases: dict[str, Any] = {
        "above": (measured("5.6 mmol/L"), "alert"),
        "far above": (measured("9 mmol/L"), "alert"),
        "yesterday": (measured("6 mmol/L", "2026-03-01T09:00+08:00"), "alert"),
        "at the limit": (measured("5.5 mmol/L"), "silent"),
        "below": (measured("5.4 mmol/L"), "silent"),
        "low": (measured("4 mmol/L"), "silent"),
        "none": ({}, {"not_evaluable": "patient.potassium"}),
    }
    old = (measured("6 mmol/L", "2026-02-01T09:00+08:00"), {"not_evaluable": "patient.potassium"})
    edge = (measured("6 mmol/L", "2026-02-27T10:00+08:00"), {"not_evaluable": "patient.potassium"})
    unit = (measured("6 g/L"), {"not_evaluable": "patient.potassium"})
    lacking = found(write(tmp_path, MEASURED, tuple(CASES), **cases, old=old))
    assert set(lacking) == {"YJ107", "YJ108"}
    assert "a case at the end of the window of `patient.potassium`" in lacking["YJ108"]
    assert "a case in another unit for `patient.potassium above" in lacking["YJ107"]
    assert found(write(tmp_path, MEASURED, tuple(CASES), **cases, edge=edge, unit=unit)) == {}


def test_lists_that_some_goes_through_are_asked_for_too(tmp_path: Path) -> None:
    some = {"in": "diagnoses", "where": {"diagnosis.role": {"is": "principal"}}}
    said = [p.message for p in lint([write(tmp_path, {"scope": {"some": some}})], BASE)]
    assert "the tests of pack.rule lack a case without `diagnosis.role`" in said


def test_a_failing_case_is_told_with_expected_and_got(tmp_path: Path) -> None:
    said = found(write(tmp_path, below=({"item": {"dose": "499 mg"}}, "alert")))["YJ102"]
    assert "the case `below` fails: expected alert; got      silent" in said


def test_a_rule_without_tests_is_told(tmp_path: Path) -> None:
    pack = write(tmp_path)
    (pack / "rule.test.yaml").unlink()
    assert "add rule.test.yaml beside it" in found(pack)["YJ101"]


def test_two_rules_of_one_meaning_are_told_at_the_second(tmp_path: Path) -> None:
    write(tmp_path)
    scope = {"all": [GOOD["scope"], GOOD["when"]]}
    pack = write(tmp_path, {"scope": None, "when": scope}, name="twin")
    problems = [p for p in lint([pack], BASE) if p.check == "YJ201"]
    assert [p.path.name for p in problems] == ["twin.yaml"]
    assert "pack.twin means the same as pack.rule" in problems[0].message


def test_rules_whose_days_do_not_meet_may_be_alike(tmp_path: Path) -> None:
    write(tmp_path, {"effective": {"from": "2000-01-01", "to": "2026-03-03"}})
    pack = write(tmp_path, {"effective": {"from": "2026-03-03"}}, name="twin")
    assert "YJ201" not in found(pack)


@pytest.mark.parametrize(
    ("parts", "check", "said"),
    [
        ({"scope": {"event.verb": {"is": "draft"}}}, "YJ202", "`scope` can never be true"),
        ({"scope": {"encounter.kind": {"is": "inpatient"}},
          "when": {"encounter.kind": {"is": "outpatient"}}}, "YJ202", "`scope` excludes `when`"),
        ({"when": {"any": [{"item.dose": {"above": 0}},
                           {"item.dose": {"above": 0}, "item.route": {"is": "oral"}}]}},
         "YJ203", "branch 2 of an `any` in `when` is included in branch 1"),
        ({"when": {"any": [{"item.dose": {"above": 0}}, {"event.family": {"is": "billing"}}]}},
         "YJ203", "branch 2 of an `any` in `when` can never be true here"),
        ({"unless": {"item.dose": {"exists": False}}}, "YJ204", "`unless` can never be true here"),
        ({"unless": {"item.dose": {"exists": True}}}, "YJ204", "is true of all that"),
        ({"scope": {"item.drug.ingredients": {"any_in": {"codeset": "future_ingredients"}}},
          "effective": {"from": "2000-01-01", "to": "2029-01-01"}}, "YJ205", "has no members"),
        ({"finding": {**GOOD["finding"], "message": {"zh": "{item.dose} {threshold}",
                                                     "en": "above {threshold}"}}},
         "YJ302", "only one language shows {item.dose}"),
        ({"finding": {**GOOD["finding"], "message": {"zh": "{item.dose}", "en": "{item.dose}"}}},
         "YJ303", "does not show the limit"),
    ],
)  # fmt: skip
def test_a_fault_of_a_rule_is_told(tmp_path: Path, parts: Any, check: str, said: str) -> None:
    without_limit = {**GOOD["finding"], "message": {"zh": "有", "en": "found"}}
    if "finding" not in parts and "when" in parts:
        parts = {**parts, "finding": without_limit}
    assert said in found(write(tmp_path, parts))[check]


def test_a_review_that_is_overdue_depends_on_the_day_that_is_passed_in(tmp_path: Path) -> None:
    pack = write(
        tmp_path, {"checked_by": "A", "reviewed_on": "2026-01-01", "next_review": "2026-06-01"}
    )
    assert "YJ403" not in found(pack)
    assert "YJ403" not in found(pack, today=date(2026, 6, 1))
    assert "the review was due on 2026-06-01" in found(pack, today=date(2026, 6, 2))["YJ403"]


def test_parameters_that_no_rule_uses_are_a_warning(tmp_path: Path) -> None:
    problems = lint([write(tmp_path)], BASE, knowledge_paths=[WORLD])
    unused = [p for p in problems if p.check == "YJ407"]
    assert {p.level for p in unused} == {"warning"}
    said = "\n".join(p.message for p in unused)
    assert "`age.limit`" in said
    assert "`dose.limit`" not in said


def test_a_broken_rule_is_told_once_and_its_tests_are_not_blamed(tmp_path: Path) -> None:
    pack = write(tmp_path, {"when": {"item.dosis": {"above": 0}}})
    problems = lint([pack], BASE)
    assert [(p.check, p.path.name) for p in problems] == [("YJ002", "rule.yaml")]


def test_every_check_has_an_id_of_its_own_a_title_and_a_paragraph() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.id.startswith("YJ")
        assert check.title.zh
        assert check.title.en
        assert len(check.doc) > 60, check.id
        assert check.level in ("error", "warning")


def shipped(**more: Any) -> list[Problem]:
    paths = knowledge_base.default_paths()
    return lint([PACKS], knowledge_base.load(paths), **more)


@pytest.mark.slow
def test_the_shipped_rules_have_no_problem() -> None:
    problems = shipped(today=date(2026, 11, 22))
    assert problems == [], "\n".join(map(str, problems))
