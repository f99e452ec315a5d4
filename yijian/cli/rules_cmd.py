"""`yijian rules`: the author's workbench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from knowledge_base import KnowledgeBase, KnowledgeError
from rules import workbench
from yijian import settings
from yijian.cli.console import NO, USAGE, fail, out, say, table
from yijian.composition import PACKS, load_knowledge

rules = typer.Typer(help="The rule author's workbench. 规则作者工作台。", no_args_is_help=True)

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Rule files or folders; the shipped packs if left out.")
]


def _knowledge() -> KnowledgeBase:
    try:
        return load_knowledge(settings.load())
    except KnowledgeError as e:
        for problem in e.problems:
            say(str(problem))
        fail(f"{len(e.problems)} problems in the knowledge base 知识库有误", USAGE)


def _folders(paths: list[Path] | None) -> list[Path]:
    chosen = paths or list(settings.load().packs) or [PACKS]
    missing = [str(p) for p in chosen if not p.exists()]
    if missing:
        fail(f"{', '.join(missing)}: no such file or folder", USAGE)
    return chosen


@rules.command()
def check(paths: Paths = None) -> None:
    """Every error of rules and their tests at once, with file and line. 检查。"""
    knowledge = _knowledge()
    problems = workbench.check(_folders(paths), knowledge)
    for problem in problems:
        out.print(str(problem), markup=False)
    if problems:
        fail(f"{len(problems)} problems 处问题", NO)
    out.print("no problems 没有问题")


@rules.command("test")
def run_tests(
    paths: Paths = None,
    rule: Annotated[str | None, typer.Option(help="Only the tests of this rule.")] = None,
) -> None:
    """Run the rules' own tests through the production engine. 测试。"""
    report = workbench.test(_folders(paths), _knowledge(), rule or "")
    out.print(str(report), markup=False)
    if not report.ok:
        fail("tests failed 测试未通过", NO)
    if not report.results:
        fail("no test was found 没有测试", NO)


@rules.command()
def facts() -> None:
    """Every fact that a rule can ask for. 事实目录。"""
    rows = [[f.name, f.type, f.unit, f.zh, f.en] for f in workbench.facts()]
    table("Facts 事实", ["fact", "type", "unit", "含义", "meaning"], [list(r) for r in rows])
