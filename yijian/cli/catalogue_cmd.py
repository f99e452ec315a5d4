"""`yijian rules facts` and `docs`: looking things up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rules import docs as pages
from rules.authoring import workbench
from rules.authoring.workbench import FactDoc
from yijian import settings
from yijian.cli.authoring_cmd import whole_pack
from yijian.cli.console import NO, USAGE, as_json, fail, out, table
from yijian.cli.workbench import AddKnowledge, Json, Paths, load_knowledge, rule_paths, shown


def register(app: typer.Typer) -> None:
    for command in (facts, docs):
        app.command()(command)


def facts(
    text: Annotated[
        str | None, typer.Argument(help="Only facts with this in name or meaning.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Only facts of these events, e.g. prescription.")
    ] = None,
    each: Annotated[
        str | None, typer.Option(help="Only facts of the elements of this list, e.g. items.")
    ] = None,
    json: Json = False,
) -> None:
    """Every fact that a rule can ask for. 事实目录。"""
    everything = workbench.facts()
    families = {name for fact in everything for name in fact.families}
    lists = {fact.each for fact in everything if fact.each}
    for word, known, what in ((family, families, "family"), (each, lists, "list")):
        if word is not None and word not in known:
            fail(f"there is no {what} {word}; there are: {', '.join(sorted(known))}", USAGE)
    found = [fact for fact in everything if _fits(fact, text, family, each)]
    if json:
        as_json({"facts": [asdict(fact) for fact in found]})
    elif found:
        rows = [[f.name, f.type, f.unit, f.each, f.zh, _said(f)] for f in found]
        table("Facts 事实", ["fact", "type", "unit", "of", "含义", "meaning"],
              [list(r) for r in rows])  # fmt: skip
    if not found:
        fail("no fact is like that 没有符合的事实", NO)


def _said(fact: FactDoc) -> str:
    """What it means, with its words where they are a closed list."""
    return f"{fact.en}: {', '.join(fact.words)}" if fact.words else fact.en


def _fits(fact: FactDoc, text: str | None, family: str | None, each: str | None) -> bool:
    if family is not None and family not in fact.families:
        return False
    if each is not None and fact.each != each:
        return False
    searched = " ".join((fact.name, fact.zh, fact.en, *fact.words)).lower()
    return text is None or text.lower() in searched


def docs(
    paths: Paths = None,
    target: Annotated[
        Path, typer.Option("--out", help="Folder for the pages; files of one name are replaced.")
    ] = Path("rule-docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the pages are current.")
    ] = False,
    add_knowledge: AddKnowledge = None,
    json: Json = False,
) -> None:
    """The catalogue of rules and facts, the language and the checks as pages. 文档。"""
    s = settings.load()
    knowledge = load_knowledge(s, add_knowledge)
    pack = whole_pack(rule_paths(s, paths), knowledge)
    if check:
        made = sorted(pages.pages(pack, knowledge).items())
        stale = [name for name, text in made if not _is_current(target / name, text)]
        if json:
            as_json({"ok": not stale, "stale": stale})
        if stale:
            fail(f"not current 已过期: {', '.join(stale)}", NO)
        return
    try:
        files = pages.build(pack, knowledge, target)
    except OSError as e:
        fail(f"{e.filename}: {e.strerror}", USAGE)
    if json:
        as_json({"files": [str(path) for path in files]})
        return
    for path in files:
        out.print(shown(path), markup=False)


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
