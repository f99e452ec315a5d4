"""What the commands of `yijian rules` share: what they read, and how they show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import knowledge_base
from knowledge_base import KnowledgeBase, KnowledgeError
from yijian import settings
from yijian.cli.console import USAGE, err, fail, say
from yijian.composition import PACKS

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Rule files or folders; the packs in use if left out.")
]
AddKnowledge = Annotated[
    list[Path] | None,
    typer.Option("--add-knowledge", help="More knowledge, besides what is in use. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document for machines.")]
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="compiled or durable; YIJIAN_RULES_ENGINE if left out."),
]


def knowledge_paths(s: settings.Settings, more: Sequence[Path] | None = None) -> tuple[Path, ...]:
    """The knowledge in use, and more of it."""
    missing = [str(path) for path in more or () if not path.exists()]
    if missing:
        fail(f"{', '.join(missing)}: no such file or folder 不存在", USAGE)
    shipped = knowledge_base.default_paths(demo=not s.knowledge)
    return (*shipped, *s.knowledge, *(more or ()))


def load_knowledge(s: settings.Settings, more: Sequence[Path] | None = None) -> KnowledgeBase:
    """The knowledge in use, and more of it; ends with every problem where it has any."""
    try:
        return knowledge_base.load(list(knowledge_paths(s, more)))
    except KnowledgeError as e:
        for problem in e.problems:
            say(str(problem))
        fail(
            f"{len(e.problems)} problems in the knowledge base; rules are looked at once they are "
            "corrected 知识库有误, 改正后再检查规则",
            USAGE,
        )


def rule_paths(s: settings.Settings, paths: Sequence[Path] | None) -> list[Path]:
    """The named files and folders; else the packs in use."""
    chosen = list(paths or s.packs or (PACKS,))
    missing = [str(path) for path in chosen if not path.exists()]
    if missing:
        fail(f"{', '.join(missing)}: no such file or folder 不存在", USAGE)
    return chosen


def shown(path: Path) -> str:
    """A path as short as it can be from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def plain(value: Any) -> str:
    """A fact's value for people."""
    if value == {"unknown": "stated_absent"}:
        return "absent 无"
    if isinstance(value, dict) and set(value) == {"unknown"}:
        return f"unknown 未知 ({value['unknown']})"
    if isinstance(value, dict) and set(value) == {"partial"}:
        return f"{plain(value['partial'])} … and maybe others 可能不全"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(plain(entry) for entry in value)}]"
    if isinstance(value, float):
        return f"{value:g}"
    amount, unit = getattr(value, "value", None), getattr(value, "unit", None)
    if amount is not None and isinstance(unit, str):
        return f"{plain(amount)} {unit}"
    return str(value)


@contextmanager
def bytes_bar(what: str) -> Iterator[Progress]:
    """A progress bar on standard error, on a terminal only; each task counts bytes."""
    bar = Progress(
        SpinnerColumn(), TextColumn(what), BarColumn(), DownloadColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        yield bar


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on standard error, on a terminal only."""
    bar = Progress(
        SpinnerColumn(), TextColumn(what), TimeElapsedColumn(), console=err, transient=True,
        disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        bar.add_task(what, total=None)
        yield
