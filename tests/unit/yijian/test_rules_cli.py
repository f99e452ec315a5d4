"""The author's commands: what they print, for people and for machines, and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rules.authoring.workbench import facts
from rules.docs import pages
from rules.pack import PACKS
from support.author_guide import GUIDE
from yijian import settings
from yijian.cli import app
from yijian.cli.console import EXIT_CODES, NO, UNREACHABLE, USAGE
from yijian.composition import load_core

RULE = "medication_safety.fluoroquinolone_minor"
runner = CliRunner()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YIJIAN_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("YIJIAN_KAFKA_BOOTSTRAP", "YIJIAN_CLICKHOUSE_DSN", "YIJIAN_PACKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, code: int = 0) -> Result:
    answer = runner.invoke(app, ["rules", *arguments])
    assert answer.exit_code == code, answer.output
    return answer


def document(*arguments: str, code: int = 0) -> dict[str, Any]:
    answer = run(*arguments, "--json", code=code)
    (line,) = answer.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def mine(name: str = "house.rule") -> tuple[str, ...]:
    run("new", name)
    return ("mine/rules", "--add-knowledge", "mine/knowledge")


def promised(command: str) -> set[str]:
    """The field names of `--json` that the guide's table promises."""
    rows = [line for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("| `")]
    row = next(line for line in rows if line.startswith((f"| `{command} ", f"| `{command}`")))
    cell = re.sub(r"\([^)]*\)", "", row.split(" | ")[-1])
    return set(re.findall(r"`(\w+)`", cell))


def test_exit_codes_are_the_documented_ones() -> None:
    assert (NO, USAGE, UNREACHABLE) == (1, 2, 3)
    assert set(EXIT_CODES) == {0, 1, 2, 3}


def test_check_groups_problems_by_file_with_check_and_fix() -> None:
    options = mine()
    rule = Path("mine/rules/house/rule.yaml")
    text = rule.read_text("utf-8")
    rule.write_text(text.replace("item.days_supply:", "item.days_suply:"), "utf-8")
    said = run("check", *options, code=NO).stdout
    assert said.splitlines()[0] == "mine/knowledge/house_rule.yaml" or str(rule) in said
    assert re.search(r"rule\.yaml:\d+:\d+: there is no fact `item\.days_suply`  \[YJ\d+\]", said)
    assert "→ did you mean item.days_supply" in said
    found = document("check", *options, code=NO)
    assert set(found) == promised("check")
    problem = next(p for p in found["problems"] if p["level"] == "error")
    assert set(problem) == {"path", "line", "column", "level", "check", "message", "fix"}
    assert found["errors"] == sum(p["level"] == "error" for p in found["problems"])


def test_a_failing_test_ends_with_no_and_shows_the_difference() -> None:
    options = mine()
    test = Path("mine/rules/house/rule.test.yaml")
    test.write_text(test.read_text("utf-8").replace("severity: warning", "severity: info"), "utf-8")
    said = run("test", *options, code=NO).stdout
    assert "severity: expected 'info'" in said
    assert "severity: got      'warning'" in said
    found = document("test", *options, code=NO)
    assert set(found) == promised("test")
    (failed,) = [r for r in found["results"] if not r["passed"]]
    assert failed["differences"] == [{"part": "severity", "expected": "'info'", "got": "'warning'"}]
    assert {"rule", "part", "condition", "true", "false", "unknown", "never"} == set(
        found["conditions"][0]
    )


@pytest.mark.parametrize("engine", ["compiled", "durable"])
def test_the_engine_can_be_chosen(engine: str) -> None:
    if engine == "durable":
        pytest.importorskip("durable")
    found = document("test", "--rule", RULE, "--engine", engine)
    assert (found["ok"], found["engine"]) == (True, engine)


def test_coverage_shows_every_condition() -> None:
    said = run("test", "--rule", RULE, "--coverage").stdout
    assert "patient.age below parameter fluoroquinolone.minimum_age" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere"],
        ["test", "--engine", "magic"],
        ["test", "--add-knowledge", "nowhere"],
        ["facts", "--family", "weather"],
        ["facts", "--each", "weather"],
        ["new", "no-id"],
        ["explain", RULE],
        ["explain", RULE, "--event", "nowhere.ndjson"],
        ["explain", RULE, "--case", "no such case"],
        ["replay", "nowhere.ndjson"],
    ],
)
def test_wrong_use_ends_with_two_and_one_sentence(arguments: list[str]) -> None:
    answer = run(*arguments, code=USAGE)
    assert answer.stderr.strip()
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "house.none", "--case", "x"],
        ["test", "--rule", "house.none"],
        ["facts", "no such fact"],
    ],
)
def test_nothing_found_is_a_no(arguments: list[str]) -> None:
    run(*arguments, code=NO)


def test_a_rule_of_a_misspelt_pack_gets_a_proposal() -> None:
    answer = run("explain", "safety.fluoroquinolone_minor", "--case", "x", code=NO)
    assert RULE in answer.stderr


def test_an_explanation_of_a_case_names_fields_sources_and_truth() -> None:
    said = run("explain", RULE, "--case", "seventeen fires").stdout
    assert "true 真 patient.age below parameter fluoroquinolone.minimum_age" in said
    assert "patient.age = 17 a   ← data.patient.birth_date" in said
    assert "fluoroquinolone.minimum_age = 18 a   ← drug-labels:" in said
    assert "element 1: alert" in said
    found = document("explain", RULE, "--case", "seventeen fires")
    assert set(found) == promised("explain")
    (element,) = found["elements"]
    assert element["outcome"] == "alert"
    assert element["parts"]["when"]["truth"] == "true"
    (fact,) = element["parts"]["when"]["facts"]
    assert fact["fields"] == ["data.patient.birth_date"]


def simulated(count: int = 400) -> Path:
    answer = runner.invoke(app, ["simulate", "--events", str(count), "--date", "2026-03-02"])
    file = Path("day.ndjson")
    file.write_text(answer.stdout, "utf-8")
    return file


def test_an_event_of_a_file_is_explained_by_line_or_the_first_that_fits() -> None:
    file = simulated()
    found = document("explain", RULE, "--event", str(file))
    assert found["event"]["type"].startswith(("prescription.", "order."))
    lines = file.read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if found["event"]["id"] in line)
    assert document("explain", RULE, "--event", str(file), "--line", str(number)) == found
    one = Path("one.json")
    one.write_text(json.dumps(json.loads(lines[number - 1]), indent=2), "utf-8")
    assert document("explain", RULE, "--event", str(one)) == found
    short = Path("short.yaml")
    short.write_text("event: prescription.signed\nitems: [{drug: levofloxacin}]\n", "utf-8")
    assert document("explain", RULE, "--event", str(short))["elements"][0]["outcome"] == (
        "not_evaluable"
    )


def widen() -> None:
    """Let the new rule govern the simulated day and fire on common drugs."""
    for path in (Path("mine/rules/house/rule.yaml"), Path("mine/knowledge/house_rule.yaml")):
        text = re.sub(r"from: \d{4}-01-01", "from: 2020-01-01", path.read_text("utf-8"))
        text = re.sub(r"value: 7", "value: 1", text)
        text = re.sub(r"members: \[.*?\]", "members: [amoxicillin, levofloxacin, metformin]", text)
        path.write_text(text, "utf-8")


def test_a_replay_of_a_draft_shows_what_it_would_add() -> None:
    file = simulated(3000)
    options = mine()
    widen()
    arguments = ["replay", str(file), "--add-pack", *options, "--out", "changes.ndjson"]
    found = document(*arguments)
    assert set(found) == promised("replay")
    assert found["rules_changed"] == [{"rule_id": "house.rule", "why": ["added"]}]
    gained = found["total"]["gained"]
    assert gained > 0
    assert len(Path("changes.ndjson").read_text("utf-8").splitlines()) == gained
    subject = json.loads(file.read_text("utf-8").splitlines()[0])["subject"].partition("|")[0]
    assert subject not in json.dumps(found)
    said = run(*arguments).stdout
    assert "Impact by rule" in said
    assert f"0 → {gained}" in said


@pytest.mark.slow
def test_a_replay_that_lost_a_folder_says_so() -> None:
    file = simulated()
    options = mine()
    answer = run("replay", str(file), "--pack", *options)
    assert "use --add-pack" in answer.stderr


def test_a_bundle_is_replayed_with_its_own_knowledge() -> None:
    file = simulated(2000)
    options = mine()
    run("keygen", "--name", "test")
    packed = ["pack", *options, "--key", "keys/test.key", "--output", "mine.bundle"]
    run(*packed)
    found = document("replay", str(file), "--baseline", options[0], "--baseline-knowledge",
                     "mine/knowledge", "--pack", "mine.bundle", code=0)  # fmt: skip
    assert found["candidate"]["knowledge"] != found["baseline"]["knowledge"]


def test_facts_are_found_by_text_family_and_list() -> None:
    everything = document("facts")["facts"]
    assert [f["name"] for f in everything] == [f.name for f in facts()]
    found = document("facts", "过敏", "--family", "prescription")["facts"]
    assert "patient.allergies" in [f["name"] for f in found]
    found = document("facts", "--each", "diagnoses")["facts"]
    assert {f["each"] for f in found} == {"diagnoses"}
    assert "item.drug.name" in run("facts", "--each", "items").stdout


def shadowed(rule: Path) -> None:
    rule.write_text(rule.read_text("utf-8").replace("status: draft", "status: shadow"), "utf-8")


def test_drafts_are_free_of_the_lock_and_a_dropped_version_is_named() -> None:
    options = mine()
    rule = Path("mine/rules/house/rule.yaml")
    assert "1 drafts are not locked" in run("lock", *options).stdout
    text = rule.read_text("utf-8")
    rule.write_text(text.replace("severity: warning", "severity: info"), "utf-8")
    run("lock", *options, "--check")
    shadowed(rule)
    run("lock", *options)
    text = rule.read_text("utf-8").replace("version: 1", "version: 2")
    rule.write_text(text.replace("severity: info", "severity: critical"), "utf-8")
    assert "house.rule version 1 is not kept" in run("lock", *options).stdout


def test_a_parameter_is_not_called_unused_while_a_rule_cannot_be_read() -> None:
    options = mine()
    rule = Path("mine/rules/house/rule.yaml")
    rule.write_text(rule.read_text("utf-8").replace("item.days_supply:", "item.d:"), "utf-8")
    found = document("check", *options, code=NO)
    assert "YJ407" not in {problem["check"] for problem in found["problems"]}


def test_a_comma_without_quotes_is_told_with_what_to_do() -> None:
    options = mine()
    file = Path("mine/knowledge/house_rule.yaml")
    text = file.read_text("utf-8")
    file.write_text(text.replace("title: {zh: ", "title: {zh: 练习, 一), ", 1), "utf-8")
    said = run("check", *options, code=USAGE).stderr
    assert "put that text in quotes" in said
    assert "rules are looked at once" in said


def test_a_draft_in_a_pack_is_said_not_to_be_evaluated() -> None:
    options = mine()
    said = run("pack", *options, "--author", "me").stderr
    assert "drafts are not evaluated by workers: house.rule" in said


def test_a_rule_that_is_not_in_use_is_looked_for_with_pack() -> None:
    mine()
    said = run("explain", "house.rule", "--case", "x", code=NO).stderr
    assert "--pack FOLDER" in said
    said = run("explain", "house.rul", "--case", "x", "--pack", "mine/rules",
               "--add-knowledge", "mine/knowledge", code=NO).stderr  # fmt: skip
    assert "did you mean house.rule" in said


def test_an_event_is_explained_by_the_id_that_replay_names() -> None:
    file = simulated()
    rule = "prescription_standards.days_supply"
    found = document("explain", rule, "--event", str(file))
    assert any(e["outcome"] != "does_not_apply" for e in found["elements"])
    assert document("explain", rule, "--event", str(file), "--id", found["event"]["id"]) == found
    assert "no event x" in run("explain", rule, "--event", str(file), "--id", "x",
                               code=USAGE).stderr  # fmt: skip


def test_an_explanation_says_how_old_a_stale_value_is_and_what_unit_came() -> None:
    shipped = PACKS / "medication_safety" / "metformin_egfr.yaml"
    text = shipped.read_text("utf-8").replace("medication_safety.metformin_egfr", "house.egfr")
    file = Path("mine/rules/house/egfr.yaml")
    file.parent.mkdir(parents=True)
    limit = "{parameter: metformin.minimum_egfr}"
    file.write_text(text.replace(limit, f"{limit}, fresh_within: 1 h"), "utf-8")
    short = Path("short.yaml")
    form = "event: prescription.signed\nitems: [{drug: metformin}]\npatient: "
    value = '{code: egfr, value: "20 mL/min/{1.73_m2}", at: 2026-01-01T10:00+08:00}'
    short.write_text(f"{form}{{observations: [{value}]}}\n", "utf-8")
    command = ("explain", "house.egfr", "--event", str(short), "--pack", "mine/rules")
    said = run(*command).stdout
    assert "stale 已过期: patient.egfr is 1440 h old; fresh within 1 h" in said
    assert "patient.egfr_at = 2026-01-01" in said
    assert '"why": "stale", "age": "1440 h"' in json.dumps(document(*command))
    later = value.replace("2026-01-01T10:00", "2026-03-02T13:00")
    short.write_text(f"{form}{{observations: [{later}]}}\n", "utf-8")
    late = "future 晚于服务时间: patient.egfr was observed 3 h after the service"
    assert late in " ".join(run(*command).stdout.split())
    short.write_text(f"{form}{{egfr: 20 mL/min}}\n", "utf-8")
    assert "received 收到 20 mL/min" in run(*command).stdout


def test_a_lock_is_written_and_then_current() -> None:
    options = mine()
    shadowed(Path("mine/rules/house/rule.yaml"))
    run("lock", *options, "--check", code=NO)
    assert set(document("lock", *options)) == promised("lock")
    run("lock", *options, "--check")
    rule = Path("mine/rules/house/rule.yaml")
    rule.write_text(rule.read_text("utf-8").replace("severity: warning", "severity: info"), "utf-8")
    said = run("lock", *options, code=NO).stdout
    assert "raise the version to 2" in said


def test_docs_are_written_and_then_current() -> None:
    options = mine()
    assert "rules-house.md" in run("docs", *options, "--out", "pages").stdout
    run("docs", *options, "--out", "pages", "--check")
    page = Path("pages/rules-house.md").read_text("utf-8")
    for word in ("house.rule.max_days", "eight days fire", "Say what the rule cannot see"):
        assert word in page
    Path("pages/facts.md").unlink()
    assert document("docs", *options, "--out", "pages", "--check", code=NO) == {
        "ok": False,
        "stale": ["facts.md"],
    }


def test_the_reference_that_is_checked_in_is_current() -> None:
    core = load_core(settings.load({}))
    folder = GUIDE.parent / "reference"
    for name, text in pages(core.pack, core.knowledge).items():
        page = folder / name
        current = page.is_file() and page.read_text("utf-8") == text
        assert current, f"{name} is stale: run `yijian rules docs --out rules/reference`"
    assert {p.name for p in folder.iterdir()} == set(pages(core.pack, core.knowledge))


@pytest.mark.parametrize("command", [["promote", RULE], ["feedback"], ["feedback", "--rule", RULE]])
def test_figures_of_rules_without_a_store_say_what_is_missing(command: list[str]) -> None:
    answer = runner.invoke(app, ["rules", *command])
    assert isinstance(answer.exception, settings.SettingError)


@pytest.mark.parametrize("command", ["new", "check", "test", "explain", "replay", "facts", "docs",
                                     "lock", "promote", "feedback"])  # fmt: skip
def test_every_command_speaks_to_machines(command: str) -> None:
    assert "--json" in run(command, "--help").stdout


def test_output_for_a_file_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    said: Sequence[str] = run("facts", "age").stdout
    assert "\x1b[" not in "".join(said)
