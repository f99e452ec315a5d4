"""What measures: events kept for other processes, children, the command line."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

import knowledge_base
from benchmarks import load, machine
from benchmarks.errors import ProcessFailed
from benchmarks.processes import Measured
from benchmarks.wish import PARTS, parse
from contracts.intake import Accepted, decode

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)


def child(tmp_path: Path, code: str) -> Measured:
    (tmp_path / "trial_child.py").write_text(code, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return Measured(["trial_child"], env, tmp_path / "log")


def test_events_are_the_same_in_another_process(tmp_path: Path) -> None:
    knowledge = knowledge_base.load(knowledge_base.default_paths())
    loads = load.simulated(knowledge, 50, UNTIL, seed=3)
    load.write(loads, tmp_path / "loads")
    assert load.read(tmp_path / "loads") == loads
    assert all(isinstance(decode(one.bytes, key=one.key), Accepted) for one in loads)


def test_a_child_answers_with_its_last_line(tmp_path: Path) -> None:
    with child(tmp_path, "print('working')\nprint('{\"rate\": 5}')") as process:
        assert process.answer(20) == {"rate": 5}


def test_a_child_that_fails_is_quoted(tmp_path: Path) -> None:
    with (
        child(tmp_path, "raise SystemExit('no broker')") as process,
        pytest.raises(ProcessFailed, match="no broker"),
    ):
        process.wait(20)


def test_a_child_that_was_left_is_ended(tmp_path: Path) -> None:
    with child(tmp_path, "import time; time.sleep(60)") as process:
        assert process.cpu_s() >= 0
    with pytest.raises(ProcessFailed):
        process.cpu_s()


def test_the_command_line_names_all_parts() -> None:
    assert parse([]).parts == PARTS
    assert parse(["--only", "decode", "--runs", "2"]).parts == ("decode",)


def test_a_part_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--only", "everything"])
    assert "everything" in capsys.readouterr().err


def test_the_stock_peer_never_sees_more_events_than_there_are() -> None:
    assert parse(["--events", "100"]).stock_events == 100


def test_the_machine_is_described() -> None:
    assert "cores" in machine.describe()
    assert machine.python().startswith("CPython 3.11")
