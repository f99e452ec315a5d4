"""The command line says what it can do, and says it in the README too."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from contracts.decision import Decision, Reader
from gateway.fhir import ImportReport, import_bundles
from simulation.fhir_population import fhir_bundles, write_bundles
from yijian import settings
from yijian.cli import app, main
from yijian.cli.trial_cmd import _seconds
from yijian.composition import load_knowledge

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
runner = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YIJIAN_CACHE_DIR", str(tmp_path))
    for name in ("YIJIAN_KAFKA_BOOTSTRAP", "YIJIAN_CLICKHOUSE_DSN"):
        monkeypatch.delenv(name, raising=False)


def commands() -> list[str]:
    root = get_command(app)
    found = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [f"{name} {sub}" for sub in inner] if inner else [name]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_and_stands_in_the_readme(command: str) -> None:
    answer = runner.invoke(app, [*command.split(), "--help"])
    assert answer.exit_code == 0
    group, _, verb = command.partition(" ")
    rows = [line for line in README.splitlines() if f"yijian {group}" in line]
    assert any(verb in row for row in rows), f"`yijian {command}` is not in the README"


def test_offline_evaluation_answers_every_line_in_order(tmp_path: Path) -> None:
    simulated = runner.invoke(app, ["simulate", "--events", "60", "--date", "2026-03-02"])
    assert simulated.exit_code == 0
    lines = simulated.stdout.splitlines()
    lines.insert(10, "{}")
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(lines), encoding="utf-8")
    answer = runner.invoke(app, ["evaluate", str(file)])
    assert answer.exit_code == 1  # one line was refused
    answers = answer.stdout.splitlines()
    scopes = [json.loads(line).get("scope", "patient") for line in answers]
    assert scopes.count("patient") == len(lines)  # groups of acts have decisions of their own
    assert json.loads(answers[10]) == {
        "dead_letter": {
            "line": 11,
            "reason": "envelope",
            "path": "$.type",
            "detail": "expected text such as prescription.signed.v1",
        }
    }
    decision = Reader(Decision)
    for line, given in zip(lines[:10], answers[:10], strict=True):
        assert decision(given.encode()).event.id == json.loads(line)["id"]


def test_the_same_seed_gives_the_same_events() -> None:
    arguments = ["simulate", "--events", "40", "--seed", "5", "--date", "2026-03-02"]
    one, two = (runner.invoke(app, arguments).stdout for _ in range(2))
    assert one == two
    assert one != runner.invoke(app, [*arguments[:-3], "6", *arguments[-2:]]).stdout


def test_a_day_in_the_future_is_refused() -> None:
    assert runner.invoke(app, ["simulate", "--date", "2999-01-01"]).exit_code == 2


@pytest.mark.parametrize(
    "command", [["worker"], ["sink"], ["topics", "apply"], ["migrate"], ["indicators"], ["audit"]]
)
def test_a_missing_server_is_one_clear_line(command: list[str]) -> None:
    answer = runner.invoke(app, command)
    assert isinstance(answer.exception, settings.SettingError)
    assert "YIJIAN_" in str(answer.exception)
    assert "start" in str(answer.exception)


@pytest.mark.slow
def test_rules_are_checked_and_tested_from_the_command_line() -> None:
    assert runner.invoke(app, ["rules", "check"]).exit_code == 0
    answer = runner.invoke(app, ["rules", "test", "--rule", "medication_safety.allergy"])
    assert answer.exit_code == 0
    assert "1 rules" in answer.stdout


def test_a_broken_rule_gives_every_error_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.yaml").write_text("id: mine.other\nversion: x\nfoo: 1\n", encoding="utf-8")
    answer = runner.invoke(app, ["rules", "check", str(folder)])
    assert answer.exit_code == 1
    assert answer.stdout.count("broken.yaml:") >= 3


def test_exported_contracts_are_the_published_ones(tmp_path: Path) -> None:
    assert runner.invoke(app, ["contracts", "export", "--folder", str(tmp_path)]).exit_code == 0
    document = msgspec.json.decode((tmp_path / "asyncapi.json").read_bytes())
    assert document["asyncapi"] == "3.0.0"


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60.0), ("5m", 300.0), ("1.5h", 5400.0)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "60", "s", "1d", "-"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _seconds(text)


def test_an_import_says_what_it_assumed(tmp_path: Path) -> None:
    knowledge = load_knowledge(settings.load({}))
    bundles = fhir_bundles(knowledge, date(2026, 3, 2), patients=1)
    (file,) = write_bundles(bundles, tmp_path)
    answer = runner.invoke(app, ["import", "fhir", str(file)])
    assert answer.exit_code == 0
    assert "Patient: 1 resources" in answer.stderr
    report = ImportReport()
    for outcome in import_bundles([file], "urn:fhir:import", "Asia/Shanghai", "fhir-import"):
        report.add(outcome)
    for _, words, count in report.notes_table():
        assert f"{count} × {words.zh} {words.en}" in answer.stderr


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "no" / "such" / "a.bundle"
    monkeypatch.setattr(
        "sys.argv", ["yijian", "rules", "pack", "--author", "me", "-o", str(target)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "a.bundle: No such file or directory" in capsys.readouterr().err
