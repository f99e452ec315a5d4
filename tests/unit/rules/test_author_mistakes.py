"""Mistakes that rule authors made: what each is told, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from knowledge_base.strict_yaml import Problem
from rules.authoring import workbench
from rules.lint import lint
from rules.pack import read_pack
from rules.reading.loader import read_rule_text
from spec.rules.world import knowledge, rule_text

BASE = knowledge()
FINDING: dict[str, Any] = {
    "result": "suspected", "severity": "info", "action": "remind", "audience": ["prescriber"],
    "message": {"zh": "有", "en": "found"},
}  # fmt: skip
HISTORY: dict[str, Any] = {
    "of": "order.signed", "within": {"parameter": "stay.limit"}, "exists": True,
}  # fmt: skip
EXPECT: dict[str, Any] = {
    "event": "result.reported", "match": ["encounter.id"], "within": {"parameter": "stay.hours"},
}  # fmt: skip


def lines(text: str) -> list[str]:
    """What is wrong with a rule: line, message and remedy."""
    problems: list[Problem] = []
    read_rule_text(text, Path("spec/rule.yaml"), BASE, problems)
    return [f"{p.line}: {p.message} → {p.fix}" for p in problems]


def told(**parts: Any) -> list[str]:
    parts = {"on": ["order.signed"], "each": "items", **parts}
    return [line.partition(": ")[2] for line in lines(rule_text(**parts))]


def looking(**parts: Any) -> list[str]:
    return told(when={"history": {**HISTORY, **parts}})


def expecting(**parts: Any) -> list[str]:
    on = parts.pop("on", ["encounter.admitted"])
    return told(on=on, each=None, when=None, expect={**EXPECT, **parts})


SELF = {"item.drug": {"is": {"fact": "item.drug"}}}


@pytest.mark.parametrize(
    ("problems", "said"),
    [
        (looking(where=SELF), "compared with itself → did you mean this.item.drug?"),
        (
            expecting(where={"event.department": {"is": {"fact": "event.department"}}}),
            "compared with itself → did you mean this.event.department?",
        ),
        (told(when=SELF), "compared with itself → name another fact, or a parameter"),
        (
            looking(where={"item.drug": {"is": "this.item.drug"}}),
            "stands here as text → write {fact: this.item.drug}",
        ),
        (told(when={"item.drug": {"in": ["item.code"]}}), "as text → write {fact: item.code}"),
        (looking(of="order.draft"), "nothing is remembered of it → name what the act went through"),
        (expecting(event="document.draft"), "a draft is no act"),
        (
            looking(of=["order.signed", "order.amended"]),
            "names one event only → write of: order.signed",
        ),
        (told(every="1 d"), "what must follow is said by `expect`, which stands beside `on`"),
        (told(when={"repeat": {"is": 1}}), "what must follow is said by `expect`"),
        (
            told(finding={**FINDING, "subsumes": ["spec.other"]}),
            "a finding stands for others by `overrides`, in `finding`",
        ),
        (looking(within={"working_days": 1}), "of a parameter whose unit is working_days"),
        (looking(within="1 day"), "the unit day is not known: day → write 1 d"),
        (
            told(on="order.signed"),
            "`on` is text, expected a list → write [order.signed]",
        ),
        (expecting(match=["encounter.di"]), "there is no fact `encounter.di` → did you mean"),
        (expecting(match=["item.line_id"]), "match what both events have, e.g. encounter.id"),
        (
            expecting(on=["upload.received"], match=["upload.feed"]),
            "result events have no `upload.feed`",
        ),
        (
            told(each=None, group_by=["item.drug"], when={"history": HISTORY}),
            "belongs to an element of items → add `each: items`",
        ),
    ],
    ids=str,
)
def test_a_mistake_is_told_once_with_what_to_write(problems: list[str], said: str) -> None:
    (problem,) = problems
    assert said in problem


@pytest.mark.parametrize(
    ("placeholder", "remedy"),
    [("histroy", "did you mean {history}?"), ("count", "did you mean {history}?"),
     ("treshold", "did you mean {threshold}?"),
     ("threshold", "write {threshold:stay.limit}")],
)  # fmt: skip
def test_a_misspelt_placeholder_is_told_with_the_one_that_is_meant(
    placeholder: str, remedy: str
) -> None:
    text = f"{{{placeholder}}}"
    finding = {**FINDING, "message": {"zh": text, "en": text}}
    (problem,) = told(when={"history": HISTORY}, finding=finding)
    assert remedy in problem


def test_the_way_out_that_is_named_for_windows_works() -> None:
    text = "{threshold:stay.limit}"
    finding = {**FINDING, "message": {"zh": text, "en": text}}
    assert told(when={"history": HISTORY}, finding=finding) == []


def test_words_that_are_expected_are_named_once() -> None:
    (problem,) = looking(qqq=1)
    assert problem.count(" of,") == 1


def test_an_event_that_cannot_match_is_told_at_its_own_line() -> None:
    text = rule_text(on=["encounter.admitted"], when=None)
    expect = """
    expect:
      event: result.reported
      match: [item.code]
      within: {parameter: stay.hours}
      until:
        - result.cancelled
        - upload.received
    """.replace("\n    ", "\n")
    parts = [f"{name}: {msgspec.json.encode(value).decode()}"
             for name, value in msgspec.yaml.decode(text.encode()).items()]  # fmt: skip
    parts = [part.replace('each: ""', "") for part in parts if not part.startswith("effective")]
    whole = "\n".join([*parts, "each: items", "effective: {from: 2020-01-01}", expect])
    whole = whole.replace('["encounter.admitted"]', '["order.signed"]')
    (problem,) = lines(whole)
    line = whole.split("\n").index("    - upload.received") + 1
    assert problem.startswith(f"{line}: upload.received has none of item.code")


def test_an_event_about_no_patient_ends_no_duty_of_a_stay() -> None:
    (problem,) = expecting(until=["encounter.discharged", "upload.received"])
    assert "upload.received has none of encounter.id" in problem
    (problem,) = told(on=["stock.moved"], finding={**FINDING, "key": ["patient.id"]})
    assert "stock events have no `patient.id`" in problem


def pack(folder: Path, test: dict[str, Any], **parts: Any) -> Path:
    """A rule with its tests."""
    place = folder / "spec"
    place.mkdir(exist_ok=True)
    (place / "rule.yaml").write_text(rule_text(**parts), "utf-8")
    (place / "rule.test.yaml").write_bytes(msgspec.json.encode({"rule": "spec.rule", **test}))
    return place


def found(place: Path) -> list[Problem]:
    return lint([place], BASE)


GAPS: dict[str, dict[str, Any]] = {
    "a window": {"when": {"history": {**HISTORY, "within": {"parameter": "future.days"}}}},
    "a condition on past acts": {
        "on": ["prescription.signed"],
        "when": {"history": {
            **HISTORY, "of": "prescription.signed",
            "where": {"item.days_supply": {"above": {"parameter": "future.days"}}}}},
    },
    "a limit": {"when": None, "expect": {**EXPECT, "within": {"parameter": "future.days"}}},
    "a reminder": {"when": None, "expect": {
        **EXPECT, "remind_before": {"parameter": "future.days"}}},
    "a wait": {"when": None, "expect": {**EXPECT, "grace": {"parameter": "future.days"}}},
    "a step": {"when": None, "expect": {
        **EXPECT,
        "escalate": [{"after": {"parameter": "future.days"}, "audience": ["department"]}]}},
    "another limit": {"when": None, "expect": {
        **EXPECT, "extend": {"after": "encounter.updated", "to": {"parameter": "future.days"}}}},
    "no repetition": {"finding": {**FINDING, "once_within": {"parameter": "future.days"}}},
}  # fmt: skip


@pytest.mark.parametrize("parts", GAPS.values(), ids=GAPS)
def test_a_parameter_without_a_value_is_told_wherever_it_stands(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    parts = {"on": ["order.signed"], "each": "items", **parts}
    place = pack(tmp_path, {"base": {"event": parts["on"][0]}, "cases": []}, **parts)
    (gap,) = [p for p in found(place) if p.check == "YJ207"]
    assert "`future.days` has no value" in gap.message
    text = (place / "rule.yaml").read_text("utf-8")
    assert text[gap.column - 1 :].startswith('"future.days"')


def test_a_disease_is_no_item_of_the_catalogue(tmp_path: Path) -> None:
    when = {"infection_report.disease": {"in": ["http://hl7.org/fhir/sid/icd-10|J18.9"]}}
    place = pack(
        tmp_path, {"base": {"event": "infection_report.reported"}, "cases": []},
        on=["infection_report.reported"], each=None, when=when,
    )  # fmt: skip
    assert "YJ208" not in {p.check for p in found(place)}


EXEMPT: dict[str, Any] = {
    "on": ["order.signed"], "when": {"item.quantity": {"above": 0}}, "each": "items",
    "unless": {"encounter.is_rescue": {"is": True}},
}  # fmt: skip


def test_an_exempt_step_is_an_exemption_case_whatever_follows(tmp_path: Path) -> None:
    base = {"event": "order.signed", "encounter": {"is_rescue": True},
            "items": [{"code": "S1", "quantity": "1"}]}  # fmt: skip
    fires = {"at": "2 h", "event": {"encounter": {"is_rescue": False}}, "expect": ["alert"]}
    steps = [{"at": "1 h", "event": {}, "expect": "exempt"}, fires]
    checks = {p.check for p in found(pack(tmp_path, {"base": base, "timeline": steps}, **EXEMPT))}
    assert "YJ102" not in checks
    assert "YJ109" not in checks
    steps = [{"at": "1 h", "event": {"encounter": {"is_rescue": False}}, "expect": ["alert"]}]
    checks = {p.check for p in found(pack(tmp_path, {"base": base, "timeline": steps}, **EXEMPT))}
    assert "YJ109" in checks


def test_a_wrong_key_of_base_is_told_once_where_it_stands(tmp_path: Path) -> None:
    base = {"event": "order.signed", "encounter": {"knd": "inpatient"}, "items": [{"code": "S1"}]}
    cases = [{"name": name, "expect": "silent"} for name in ("one", "two")]
    place = pack(tmp_path, {"base": base, "cases": cases}, **EXEMPT)
    (problem,) = [p for p in found(place) if p.path.name == "rule.test.yaml"]
    text = (place / "rule.test.yaml").read_text("utf-8")
    assert text[problem.column - 1 :].startswith('"knd"')
    assert "the event has no encounter.knd" in problem.message
    assert "correct the event" in problem.fix


def test_a_misspelt_expectation_is_told_alone(tmp_path: Path) -> None:
    base = {"event": "order.signed", "items": [{"code": "S1"}]}
    steps = [{"at": "1 h", "event": {}, "expect": ["alrt"]}]
    place = pack(tmp_path, {"base": base, "timeline": steps}, **EXEMPT)
    (problem,) = found(place)
    assert "did you mean alert" in problem.fix


def test_no_event_arrives_before_it_happened(tmp_path: Path) -> None:
    place = pack(tmp_path, {"base": {}, "cases": []}, **EXEMPT)
    (place / "rule.test.yaml").write_text(
        "rule: spec.rule\nbase: {event: order.signed, items: [{code: S1}]}\ntimeline:\n"
        "  - {at: 2 h, event: {}}\n  - at: 3 h\n    event:\n      time: 4 h\n",
        "utf-8",
    )
    (problem,) = found(place)
    assert (problem.line, problem.message) == (7, "the event happens after it arrives")
    text = (place / "rule.test.yaml").read_text("utf-8")
    text = text.replace("time: 4 h", 'time: "2026-01-01T04:00+08:00"')
    (place / "rule.test.yaml").write_text(text, "utf-8")
    (problem,) = [p for p in found(place) if p.check == "YJ102"]
    assert "line 5: the event cannot be made: it happens after it arrives" in problem.message


def test_tests_of_one_rule_do_not_fail_for_another_and_name_the_check(tmp_path: Path) -> None:
    base = {"event": "order.signed", "items": [{"code": "S1", "quantity": "1"}]}
    cases = [{"name": "one", "given": {"encounter": {"is_rescue": False}}, "expect": "alert"}]
    place = pack(tmp_path, {"base": base, "cases": cases}, **EXEMPT)
    finding = {**FINDING, "message": {"zh": "{drug}", "en": "{drug}"}}
    broken = place / "broken.yaml"
    broken.write_text(rule_text(id="spec.broken", finding=finding), "utf-8")
    assert workbench.test([place], BASE, "spec.rule").ok
    problems = workbench.test([place], BASE).report.problems
    assert [problem.check for problem in problems] == ["YJ301"]
    assert not workbench.test([place], BASE, "spec.broken").ok


def test_a_rule_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    text = rule_text(finding={**FINDING, "overrides": ["spec.gone"]})
    place = pack(tmp_path, {"base": {"event": "prescription.signed"}, "cases": []})
    (place / "rule.yaml").write_text(text, "utf-8")
    assert read_pack([place], BASE, []).rules
    (problem,) = [p for p in found(place) if p.check == "YJ210"]
    assert text[problem.column - 1 :].startswith('"spec.gone"')
