"""The author's guide names every command; tests/integration runs what it says."""

from __future__ import annotations

from typer.main import get_command

from support.author_guide import GUIDE, steps
from yijian.cli import app
from yijian.cli.console import EXIT_CODES

TEXT = GUIDE.read_text("utf-8")


def test_every_command_of_the_workbench_stands_in_the_guide() -> None:
    group = get_command(app).commands["rules"]  # type: ignore[attr-defined]
    missing = [n for n in group.commands if f"rules {n}" not in TEXT and f"| `{n}" not in TEXT]
    assert missing == []


def test_the_guide_is_made_of_steps_that_can_be_run() -> None:
    found = list(steps(TEXT))
    assert {step.kind for step in found} == {"console", "file", "edit"}
    assert sum(len(step.commands) for step in found) > 15


def test_the_guide_names_every_exit_code() -> None:
    line = next(line for line in TEXT.splitlines() if "Exit codes:" in line)
    assert all(f"{code} " in line.partition("Exit codes:")[2] for code in EXIT_CODES)
