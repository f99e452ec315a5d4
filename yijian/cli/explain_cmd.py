"""`yijian rules explain`: why a rule answered as it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.event import EVENT_TYPES, Event
from contracts.intake import Rejected, decode
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem, read
from rules import words
from rules.authoring.explain import Explainer, Explanation
from rules.authoring.shorthand import ShorthandError, event_of
from rules.authoring.testing import Case, explain_case, read_cases
from rules.engine.asked import NOW
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.model import Rule
from rules.pack import TEST_SUFFIX, Pack, read_pack
from simulation.ndjson import read as read_lines
from yijian import settings
from yijian.cli.authoring_cmd import engine_of
from yijian.cli.console import NO, USAGE, as_json, fail, say
from yijian.cli.explain_past import recalled
from yijian.cli.explain_shown import document, show, show_finding, show_head
from yijian.cli.explain_timeline import show_step
from yijian.cli.workbench import (
    AddKnowledge,
    Engine,
    Json,
    load_knowledge,
    rule_paths,
)


def register(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    rule: Annotated[str, typer.Argument(help="Id of the rule.")],
    event: Annotated[
        Path | None,
        typer.Option(help="NDJSON or JSON of events, or a YAML test file or event in shorthand."),
    ] = None,
    case: Annotated[
        str | None, typer.Option(help="The case of this name in the rule's test file.")
    ] = None,
    line: Annotated[
        int | None,
        typer.Option(help="Line of an NDJSON file; the first the rule applies to if left out."),
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="The event of this id, as `replay` names it.")
    ] = None,
    pack: Annotated[
        list[Path] | None, typer.Option("--pack", help="Rules, instead of those in use.")
    ] = None,
    past: Annotated[
        Path | None, typer.Option(help="NDJSON of earlier events: what is remembered of them.")
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            help="Step of a timeline, from 1; the first that fails, or the last with `expect`."
        ),
    ] = None,
    engine: Engine = None,
    add_knowledge: AddKnowledge = None,
    json: Json = False,
) -> None:
    """Each condition: its fact, where the value came from, and true, false or unknown. 解释。"""
    s = settings.load()
    knowledge = load_knowledge(s, add_knowledge)
    problems: list[Problem] = []
    rules = read_pack(rule_paths(s, pack), knowledge, problems)
    found = rules.rule(rule)
    if found is None:
        for problem in problems:
            say(str(problem))
        fail(f"there is no rule {rule}{_other(rule, rules, named=bool(pack))} 没有该规则")
    alive = found if found.is_evaluated else found.in_shadow()
    evaluator = make_evaluator(engine_of(s, engine), Pack.of([alive]), knowledge, s.profile)
    explainer = Explainer(evaluator, with_origins=True)
    given = _Given(found, rules, knowledge, evaluator)
    wanted = _Wanted(event, case, line, event_id)
    chosen = given.case(wanted)
    if chosen is not None and chosen.timeline is not None:
        if past is not None:
            fail("a timeline is its own past: leave out --past 时间线自带既往", USAGE)
        show_step(chosen, chosen.timeline, alive, explainer, step, json=json)
        return
    if step is not None:
        fail("only a timeline has steps: leave out --step 只有时间线才有步骤", USAGE)
    if chosen is not None and past is None:
        present, explained = given.explained(chosen, explainer)
    else:
        present = given.event(wanted) if chosen is None else given.of_case(chosen)
        asked = NOW if past is None else recalled(present, _events(_file(past)), evaluator)
        explained = explainer.explain(rule, present, asked)
    if json:
        as_json(document(explained, present))
    else:
        show_head(alive)
        show(explained, present)
        for finding in explained.decision.findings:
            show_finding(finding)


def _other(rule: str, pack: Pack, *, named: bool) -> str:
    """What to do about the id of a rule that is not there."""
    name = rule.rpartition(".")[2]
    alike = [r.id for r in pack.rules if r.id.rpartition(".")[2] == name]
    near = f"did you mean {' or '.join(alike)}?" if alike else ""
    near = near or words.nearest(rule, [r.id for r in pack.rules])
    return f"; {near}" if near else "" if named else "; your own rules are named with --pack FOLDER"


@dataclass(frozen=True)
class _Wanted:
    """What was said of the event."""

    file: Path | None
    case: str | None
    line: int | None
    id: str | None


class _Given:
    """Finds the event that is meant."""

    def __init__(
        self, rule: Rule, pack: Pack, knowledge: KnowledgeBase, evaluator: Evaluator
    ) -> None:
        self._evaluator = evaluator
        self._rule = rule
        self._pack = pack
        self._knowledge = knowledge

    def case(self, wanted: _Wanted) -> Case | None:
        """The case that is named, of the rule's test file or another one; None for no name."""
        file, name = wanted.file, wanted.case
        if name is None:
            return None
        if file is None:
            path = self._pack.path(self._rule.id)
            file = path.with_name(f"{path.stem}{TEST_SUFFIX}") if path is not None else Path()
        problems: list[Problem] = []
        cases = read_cases(_file(file), self._pack, problems)
        for case in cases:
            if case.name == name:
                return case
        for problem in problems:
            say(str(problem))
        known = "\n  ".join(case.name for case in cases)
        return fail(f"{file} has no case `{name}`; there are:\n  {known}", USAGE)

    def explained(self, case: Case, explainer: Explainer) -> tuple[Event, Explanation]:
        """The event of a plain case, explained as its test decides it."""
        try:
            return explain_case(case, explainer)
        except ShorthandError as e:
            fail(f"{case.path}:{case.line}: {e}", USAGE)

    def of_case(self, case: Case) -> Event:
        return self._made(case.event, f"{case.path}:{case.line}")

    def event(self, wanted: _Wanted) -> Event:
        """The event of a file."""
        if wanted.file is None:
            fail("say which event: --event FILE, or --case NAME of the rule's test", USAGE)
        file = _file(wanted.file)
        if file.suffix in (".yaml", ".yml"):
            return self._shorthand(file)
        return self._line(file, wanted.line, wanted.id)

    def _shorthand(self, file: Path) -> Event:
        """An event in shorthand, or the base of a test file."""
        problems: list[Problem] = []
        node = read(file, problems)
        if node is None or not node.is_mapping:
            fail("\n".join(map(str, problems)) or f"{file}: expected an event in shorthand", USAGE)
        base = node.get("base") or node
        return self._made(base.plain() if base.is_mapping else {}, f"{file}:{base.line}")

    def _made(self, short: dict[str, Any], place: str) -> Event:
        try:
            return event_of(short, self._knowledge)
        except ShorthandError as e:
            fail(f"{place}: {e}", USAGE)

    def _line(self, file: Path, number: int | None, event_id: str | None) -> Event:
        first: Event | None = None
        about = {f"{name}.v{EVENT_TYPES[known].version}" for known, name in _names(self._rule)}
        others, refused = 0, []
        for line in _events(file):
            if number is not None and line.number != number:
                continue
            taken = decode(line.value)
            if isinstance(taken, Rejected):
                if number is not None:
                    fail(f"{file}:{number}: {taken.path}: {taken.detail} ({taken.reason})", USAGE)
                refused.append(f"line {line.number}: {taken.path}: {taken.detail}")
                continue
            if event_id is not None and taken.event.id != event_id:
                continue
            if number is not None or event_id is not None:
                return taken.event
            if taken.event.type in about:
                if self._evaluator.decide(taken.event).coverage.applicable:
                    return taken.event
                first = first or taken.event
                continue
            others += 1
        if event_id is not None:
            fail(f"{file} has no event {event_id}", USAGE)
        if number is not None:
            fail(f"{file} has no line {number}", USAGE)
        if first is not None:
            return first
        text = f"none of the {others} events of {file} has a type the rule is about"
        if refused:
            text += f"; {len(refused)} refused 被拒绝, the first one: {refused[0]}"
        return fail(text, NO)


def _names(rule: Rule) -> Iterator[tuple[str, str]]:
    for known, event_type in EVENT_TYPES.items():
        name = f"{event_type.family}.{event_type.verb}"
        if any(name in body.on for body in rule.bodies):
            yield known, name


def _events(file: Path) -> Iterator[Any]:
    """The events of a file: a line each, or one that is written over several lines."""
    text = file.read_bytes()
    first = next(iter(text.lstrip().splitlines()), b"")
    if first.strip() in (b"{", b"["):
        yield from read_lines([b" ".join(text.splitlines())])
    else:
        yield from read_lines(text.splitlines())


def _file(path: Path) -> Path:
    if not path.is_file():
        fail(f"{path}: no such file 不存在", USAGE)
    return path
