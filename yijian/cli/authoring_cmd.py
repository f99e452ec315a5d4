"""`yijian rules check`, `test`, `new` and `lock`: writing rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from contracts.clock import SystemClock
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.authoring import lock as locking
from rules.authoring import workbench
from rules.authoring.seen import SeenCondition
from rules.authoring.testing import CaseResult, word_of
from rules.engine.engines import ENGINES
from rules.errors import PackError
from rules.pack import Pack, load_pack
from yijian import settings
from yijian.cli.bundle_option import Bundle, material
from yijian.cli.console import NO, USAGE, as_json, fail, out, table
from yijian.cli.workbench import (
    AddKnowledge,
    Engine,
    Json,
    Paths,
    knowledge_paths,
    load_knowledge,
    rule_paths,
    shown,
    working,
)


def register(app: typer.Typer) -> None:
    for command in (check, new, lock):
        app.command()(command)
    app.command("test")(run_tests)


def check(paths: Paths = None, add_knowledge: AddKnowledge = None, json: Json = False) -> None:
    """Every mistake of rules, their tests and their lock at once, with file and line. 检查。"""
    s = settings.load()
    knowledge = load_knowledge(s, add_knowledge)
    folders = rule_paths(s, paths)
    more = list(add_knowledge or ()) if paths else list(knowledge_paths(s, add_knowledge))
    with working("checking 检查中"):
        problems = workbench.check(
            folders, knowledge, today=SystemClock().now().date(), knowledge_paths=more
        )
    errors = sum(problem.level == "error" for problem in problems)
    warnings = len(problems) - errors
    if json:
        as_json({"ok": not errors, "errors": errors, "warnings": warnings,
                 "problems": [_problem(p) for p in problems]})  # fmt: skip
    else:
        show_problems(problems)
    if errors:
        fail(f"{errors} problems 处问题, {warnings} warnings 处提醒", NO)
    if not json:
        out.print(f"no problems 没有问题{f', {warnings} warnings 处提醒' if warnings else ''}")


def show_problems(problems: Sequence[Problem]) -> None:
    """Problems by file: place, what is wrong, which check says so, and what to do."""
    for path, group in groupby(problems, key=lambda problem: problem.path):
        out.print(Text(shown(path), style="bold"))
        for p in group:
            line = Text(f"  {shown(p.path)}:{p.line}:{p.column}: ", style="dim")
            line.append(p.message, style="red" if p.level == "error" else "yellow")
            line.append(f"  [{p.check or '-'}]", style="dim")
            out.print(line)
            if p.fix:
                out.print(Text(f"      → {p.fix}", style="green"))


def whole_pack(folders: Sequence[Path], knowledge: KnowledgeBase) -> Pack:
    """The rules, where every one can be read; else what is wrong, and the end."""
    try:
        return load_pack(folders, knowledge)
    except PackError as e:
        show_problems(e.problems)
        fail(f"{len(e.problems)} problems 处问题: run `yijian rules check`", NO)


def _problem(p: Problem) -> dict[str, Any]:
    return {"path": str(p.path), "line": p.line, "column": p.column, "level": p.level,
            "check": p.check, "message": p.message, "fix": p.fix}  # fmt: skip


def run_tests(
    paths: Paths = None,
    rule: Annotated[str | None, typer.Option(help="Only the tests of this rule.")] = None,
    engine: Engine = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show how often each condition was what.")
    ] = False,
    add_knowledge: AddKnowledge = None,
    bundle: Bundle = None,
    json: Json = False,
) -> None:
    """Run the rules' own tests through the engine that workers run. 测试。"""
    s = settings.load()
    chosen = engine_of(s, engine)
    with (
        material(s, bundle, paths, add_knowledge) as (folders, knowledge),
        working("testing 测试中"),
    ):
        tested = workbench.test(folders, knowledge, rule or "", chosen)
    report = tested.report
    if json:
        as_json(_tested(tested, chosen))
    else:
        show_problems(report.problems)
        for failure in report.failures:
            _show_failure(failure)
        _show_coverage(tested.conditions, everything=coverage)
        passed = len(report.results) - len(report.failures)
        rules = len({result.case.rule for result in report.results})
        out.print(f"{passed} of {len(report.results)} cases passed, {rules} rules 条规则, {chosen}")
    if not report.ok:
        fail("tests failed 测试未通过", NO)
    if not report.results:
        fail("no test was found 没有测试", NO)


def engine_of(s: settings.Settings, engine: str | None) -> str:
    chosen = engine or s.rules_engine
    if chosen not in ENGINES:
        fail(f"there is no engine {chosen}; expected {' or '.join(ENGINES)}", USAGE)
    return chosen


def _show_failure(result: CaseResult) -> None:
    case = result.case
    head = Text(f"{shown(case.path)}:{case.line}: ", style="dim")
    head.append(f"{case.rule}: {case.name}", style="bold red")
    out.print(head)
    if result.error:
        out.print(Text(f"    {result.error}"))
    for difference in result.diffs:
        expected, got = difference.lines()
        out.print(Text(f"    {expected}", style="green"))
        out.print(Text(f"    {got}", style="red"))


def _show_coverage(conditions: Sequence[SeenCondition], *, everything: bool) -> None:
    never = [c for c in conditions if c.never]
    chosen = list(conditions) if everything else never
    if chosen:
        title = "Conditions 条件" if everything else "Never tested 未测试到的情形"
        columns = ["rule", "part", "condition", "true", "false", "unknown", "never 从未"]
        rows = [
            [c.rule, c.part, c.condition, *(c.counts[t] for t in (True, False, None)),
             ", ".join(c.never)]
            for c in chosen
        ]  # fmt: skip
        table(title, columns, rows)
    if conditions:
        out.print(
            f"{len(conditions) - len(never)} of {len(conditions)} conditions seen true, false and "
            "unknown 条件各种真值均已测试"
        )


def _tested(tested: workbench.Tested, engine: str) -> dict[str, Any]:
    report = tested.report
    return {
        "ok": report.ok and bool(report.results),
        "engine": engine,
        "cases": len(report.results),
        "failed": len(report.failures),
        "problems": [_problem(p) for p in report.problems],
        "results": [
            {
                "rule": r.case.rule,
                "case": r.case.name,
                "path": str(r.case.path),
                "line": r.case.line,
                "passed": r.passed,
                "got": word_of(r.got),
                "error": r.error,
                "differences": [
                    {"part": d.part, "expected": d.expected, "got": d.got} for d in r.diffs
                ],
            }
            for r in report.results
        ],
        "conditions": [c.as_dict() for c in tested.conditions],
    }


def new(
    rule: Annotated[str, typer.Argument(help="PACK.NAME of the rule, e.g. house.long_course.")],
    folder: Annotated[Path, typer.Option("--in", help="Where your rules and knowledge lie.")] = (
        Path("mine")
    ),
    json: Json = False,
) -> None:
    """Write the files of a new rule: rule, test and knowledge, with guidance in them. 新建规则。"""
    s = settings.load()
    knowledge = load_knowledge(s)
    try:
        made = workbench.scaffold(rule, folder, knowledge, SystemClock().now().date())
    except ValueError as e:
        fail(str(e), USAGE)
    except FileExistsError as e:
        fail(f"{e.filename}: exists already; choose another name 已存在", NO)
    if json:
        as_json({"rule": rule, "files": [str(path) for path in made.files]})
        return
    for path in made.files:
        out.print(f"written 已写入: {shown(path)}", markup=False)
    rules_folder, more = shown(folder / "rules"), shown(folder / "knowledge")
    out.print(f"next 下一步: yijian rules test {rules_folder} --add-knowledge {more}", markup=False)


def lock(
    paths: Paths = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the lock is current.")
    ] = False,
    add_knowledge: AddKnowledge = None,
    json: Json = False,
) -> None:
    """Lock the content of rules: what changes later needs a new version. 锁定版本。"""
    s = settings.load()
    knowledge = load_knowledge(s, add_knowledge)
    folders = rule_paths(s, paths)
    pack = whole_pack(folders, knowledge)
    home = folders[0] if folders[0].is_dir() else folders[0].parent
    path = locking.path_for(folders) or home / locking.NAME
    gone = [] if only_check else locking.dropped(pack, path)
    found = locking.problems(pack, path) if only_check else locking.write(pack, path)
    drafts = sum(rule.status == locking.DRAFT for rule in pack.rules)
    if json:
        as_json({"ok": not found, "lock": str(path), "rules": len(pack.rules) - drafts,
                 "problems": [_problem(p) for p in found]})  # fmt: skip
    else:
        show_problems(found)
    if found:
        fail(f"{len(found)} problems 处问题: nothing was written 未写入", NO)
    if not json:
        word = "current 一致" if only_check else "locked 已锁定"
        free = f", {drafts} drafts are not locked 草稿不锁定" if drafts else ""
        out.print(f"{len(pack.rules) - drafts} rules {word}: {shown(path)}{free}", markup=False)
        for name in gone:
            out.print(
                f"{name} is not kept: earlier service dates are judged by the new text; keep it "
                "under `versions:` if that is not meant 旧版本未保留",
                markup=False,
            )
