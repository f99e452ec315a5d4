"""The durable engine and the verifier from the command line, without services."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from contracts.decision import Decision, Reader, encode_record
from simulation.simulator import Simulator
from yijian import settings
from yijian.cli import app
from yijian.composition import load_core
from yijian.settings import SettingError

read = Reader(Decision)
change = msgspec.structs.replace


@pytest.fixture
def events(tmp_path: Path) -> Path:
    knowledge = load_core(settings.load({})).knowledge
    made = Simulator(knowledge, 2, 50, date(2026, 3, 2), fault_rate=0.9).events(120)
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(event.bytes + b"\n" for event in made))
    return file


def decided(events: Path, engine: str) -> list[Decision]:
    done = CliRunner().invoke(app, ["evaluate", str(events)], env={"YIJIAN_RULES_ENGINE": engine})
    assert done.exit_code == 0, done.output
    return [read(line) for line in done.stdout_bytes.splitlines()]


def test_evaluate_with_either_engine_gives_the_same_decisions(events: Path) -> None:
    one, other = (decided(events, engine) for engine in ("compiled", "durable"))
    assert {d.basis.engine for d in one} == {"compiled/1"}
    assert {d.basis.engine for d in other} == {"durable/1"}
    assert [change(d, basis=one[0].basis) for d in other] == one


def test_an_unknown_engine_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(SettingError, match=r"YIJIAN_RULES_ENGINE .*`compiled`, or `durable`"):
        settings.load({"YIJIAN_RULES_ENGINE": "drools"})


@pytest.mark.parametrize("share", ["-1", "101", "all"])
def test_a_share_is_a_percentage(share: str) -> None:
    with pytest.raises(SettingError, match="YIJIAN_VERIFY_SHARE"):
        settings.load({"YIJIAN_VERIFY_SHARE": share})


def test_offline_confirms_decisions_and_names_a_planted_lie(events: Path, tmp_path: Path) -> None:
    made = decided(events, "compiled")
    file = tmp_path / "decisions.ndjson"
    file.write_bytes(b"\n".join(encode_record(d) for d in made))
    done = CliRunner().invoke(app, ["verify", "offline", str(file)])
    assert done.exit_code == 0, done.output
    own = [decision for decision in made if decision.scope == "patient"]
    assert f"{len(own)} agreed" in done.output

    lie = next(d for d in made if d.findings)
    c = lie.coverage
    counted = change(c, alerts=c.alerts - 1, silent=c.silent + 1)
    file.write_bytes(encode_record(change(lie, findings=lie.findings[1:], coverage=counted)))
    done = CliRunner().invoke(app, ["verify", "offline", str(file)])
    assert done.exit_code == 1
    assert lie.findings[0].rule_id in done.stdout
    assert "found alert" in done.stdout or "found unverified" in done.stdout
    assert lie.subject not in done.output


def test_what_is_no_decision_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "decisions.ndjson"
    file.write_bytes(b"{}\n")
    done = CliRunner().invoke(app, ["verify", "offline", str(file)])
    assert done.exit_code == 2
    assert "decisions.ndjson:1: not a decision" in done.output
