"""`yijian rules keygen`, `pack` and `bundles verify`: what they say, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.bundle import digest_of
from support import bundle_files
from yijian.bundles.errors import KeyFault, PackingFault, RefusedBundle
from yijian.cli import app
from yijian.settings import SettingError

runner = CliRunner()


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YIJIAN_CACHE_DIR", str(tmp_path))
    for name in ("YIJIAN_KAFKA_BOOTSTRAP", "YIJIAN_BUNDLE_KEYS", "YIJIAN_BUNDLE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
def test_a_shipped_pack_is_packed_signed_and_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    made = json.loads(runner.invoke(app, ["rules", "keygen", "--json"]).stdout)
    packed = runner.invoke(app, ["rules", "pack", "-o", "a.bundle", "--key", made["private"]])
    assert packed.exit_code == 0, packed.output
    digest = packed.stdout.split()[0]
    monkeypatch.setenv("YIJIAN_BUNDLE_KEYS", made["public"])
    answer = runner.invoke(app, ["rules", "bundles", "verify", "a.bundle", "--json"])
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["bundles"] == [
        {"name": "a.bundle", "digest": digest, "why": "", "detail": ""}
    ]
    tested = runner.invoke(
        app, ["rules", "test", "--bundle", "a.bundle", "--rule", "medication_safety.allergy"]
    )
    assert tested.exit_code == 0, tested.output


def test_a_bundle_of_another_key_is_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        runner.invoke(app, ["rules", "keygen", "--name", name])
    signer = bundle_files.signer(Path("third"))
    Path("a.bundle").write_bytes(bundle_files.bundle(bundle_files.files(), signer))
    monkeypatch.setenv("YIJIAN_BUNDLE_KEYS", "keys")
    answer = runner.invoke(app, ["rules", "bundles", "verify", "a.bundle"])
    assert answer.exit_code == 1
    assert "unknown_key" in answer.stdout
    assert "(one)" in answer.stdout


def test_rules_with_a_problem_are_not_packed() -> None:
    for path, text in bundle_files.files().items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text.replace("below", "belwo"), encoding="utf-8")
    command = ["rules", "pack", "rules", "--add-knowledge", "knowledge", "--author", "me"]
    answer = runner.invoke(app, command)
    assert answer.exit_code == 1
    assert "minor.yaml" in answer.stdout
    assert not Path("rules.bundle").exists()


def test_an_evaluation_by_a_bundle_names_it() -> None:
    Path("a.bundle").write_bytes(bundle_files.bundle(bundle_files.files(), None))
    events = runner.invoke(app, ["simulate", "--events", "20", "--date", "2026-03-02"]).stdout
    Path("events.ndjson").write_text(events, encoding="utf-8")
    answer = runner.invoke(app, ["evaluate", "events.ndjson", "--bundle", "a.bundle"])
    assert answer.exit_code == 0
    found = {json.loads(line)["basis"]["bundle"] for line in answer.stdout.splitlines()}
    assert found == {digest_of(bundle_files.files())}


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        (["rules", "publish"], SettingError, "no Kafka"),
        (["rules", "rollback", "abcdef"], SettingError, "no Kafka"),
        (["rules", "bundles"], SettingError, "no Kafka"),
        (["rules", "pack", "--key", "none.key"], KeyFault, "cannot be read"),
        (["rules", "bundles", "verify", "none"], PackingFault, "cannot be read"),
        (["evaluate", "-", "--bundle", "none"], PackingFault, "cannot be read"),
    ],
)
def test_what_is_missing_is_one_clear_line(
    command: list[str], error: type[Exception], words: str
) -> None:
    answer = runner.invoke(app, command)
    assert isinstance(answer.exception, error)
    assert words in str(answer.exception)


def test_a_file_that_is_no_bundle_is_refused() -> None:
    Path("a.bundle").write_bytes(b"{}")
    answer = runner.invoke(app, ["evaluate", "-", "--bundle", "a.bundle"])
    assert isinstance(answer.exception, RefusedBundle)
    assert runner.invoke(app, ["rules", "test", "rules", "--bundle", "a.bundle"]).exit_code == 2
    assert runner.invoke(app, ["rules", "pack"]).exit_code == 2  # nobody packs it
    assert runner.invoke(app, ["rules", "keygen", "--name", "../x"]).exit_code == 2
