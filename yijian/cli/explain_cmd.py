"""`yijian rules explain`: why a rule answered as it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from contracts.event import EVENT_TYPES, Event
from contracts.intake import Rejected, decode
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem, read
from rules import words
from rules.authoring import workbench
from rules.authoring.explain import ElementExplanation, Explanation, Step
from rules.authoring.shorthand import ShorthandError, event_of
from rules.authoring.testing import read_cases
from rules.engine.asked import NOW
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.engine.reasons import FUTURE, STALE
from rules.model import Rule
from rules.pack import TEST_SUFFIX, Pack, read_pack
from simulation.ndjson import read as read_lines
from yijian import settings
from yijian.cli.authoring_cmd import engine_of
from yijian.cli.console import NO, USAGE, as_json, fail, out, say
from yijian.cli.explain_past import recalled, told
from yijian.cli.workbench import (
    AddKnowledge,
    Engine,
    Json,
    load_knowledge,
    plain,
    rule_paths,
)

_TRUTH = {True: ("true 真", "green"), False: ("false 假", "red"), None: ("unknown 未知", "yellow")}
_JSON_TRUTH = {True: "true", False: "false", None: "unknown"}


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
    wanted = _Wanted(event, case, line, event_id)
    given = _Given(found, rules, knowledge, evaluator).event(wanted)
    found = alive
    asked = NOW if past is None else recalled(given, _events(_file(past)), evaluator)
    explained = workbench.explain(rule, given, evaluator, asked)
    if json:
        as_json(_document(explained, given))
    else:
        _show(explained, given, found)


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

    def event(self, wanted: _Wanted) -> Event:
        file, case = wanted.file, wanted.case
        if file is None:
            path = self._pack.path(self._rule.id)
            file = path.with_name(f"{path.stem}{TEST_SUFFIX}") if path is not None else Path()
            if case is None:
                fail("say which event: --event FILE, or --case NAME of the rule's test", USAGE)
        if not file.is_file():
            fail(f"{file}: no such file 不存在", USAGE)
        if file.suffix in (".yaml", ".yml"):
            return self._shorthand(file, case)
        return self._line(file, wanted.line, wanted.id)

    def _shorthand(self, file: Path, case: str | None) -> Event:
        problems: list[Problem] = []
        node = read(file, problems)
        if node is None or not node.is_mapping:
            fail("\n".join(map(str, problems)) or f"{file}: expected an event in shorthand", USAGE)
        if node.get("cases") is None:
            short = node.plain()
        elif case is None:
            base = node.get("base")
            short = base.plain() if base is not None else {}
        else:
            short = self._case(file, case, problems)
        try:
            return event_of(short, self._knowledge)
        except ShorthandError as e:
            fail(f"{file}: {e}", USAGE)

    def _case(self, file: Path, name: str, problems: list[Problem]) -> dict[str, Any]:
        cases = read_cases(file, self._pack, problems)
        for case in cases:
            if case.name == name:
                return case.event
        for problem in problems:
            say(str(problem))
        known = "\n  ".join(case.name for case in cases)
        return fail(f"{file} has no case `{name}`; there are:\n  {known}", USAGE)

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


def _show(explained: Explanation, event: Event, rule: Rule) -> None:
    head = Text(f"{rule.id}  ", style="bold")
    head.append(f"{rule.title.zh} {rule.title.en}")
    out.print(head)
    decision = explained.decision
    out.print(
        Text(f"{event.type} {event.id}, as of {decision.as_of}, phase {decision.phase}", "dim")
    )
    if decision.remembered:
        out.print(Text(f"remembered 既往记忆: {', '.join(decision.remembered)}", "dim"))
    if explained.note:
        out.print(Text(explained.note, style="yellow"))
    for element in explained.elements:
        out.print(_tree(element), soft_wrap=False)
    for finding in decision.findings:
        line = Text(f"{finding.severity} {finding.result} {finding.action}: ", style="bold")
        line.append(f"{finding.message.zh}\n    {finding.message.en}")
        out.print(line)


def _tree(element: ElementExplanation) -> Tree:
    name = f"element {element.element}" if element.element else "event 事件"
    outcome = element.outcome + (
        ", exemption unverified 豁免未核实" if element.exemption_unverified else ""
    )
    if element.missing:
        outcome += f": {', '.join(element.missing)}"
    root = Tree(Text(f"{name}: {outcome}", style="bold"))
    for part, step in element.parts:
        _branch(root.add(Text(part, style="bold cyan")), step)
    return root


def _branch(parent: Tree, step: Step) -> None:
    word, style = _TRUTH[step.truth]
    label = Text(f"{word} ", style=style)
    label.append(step.said, style="default")
    node = parent.add(label)
    for read_fact in step.reads:
        text = Text(f"{read_fact.fact} = {plain(read_fact.value)}", style="default")
        if read_fact.zh:
            text.append(f" {read_fact.zh}")
        if read_fact.received:
            text.append(f", received 收到 {read_fact.received}")
        if read_fact.unit not in ("", "1") and not isinstance(read_fact.value, dict):
            text.append(f" {read_fact.unit}")
        if read_fact.origin is not None and str(read_fact.origin):
            text.append(f"   ← {read_fact.origin}", style="dim")
        node.add(text)
    if step.past is not None:
        node.add(Text(f"history 既往 = {told(step.past)}", style="default"))
    for operand in step.compared:
        value = "no value 无" if operand.value is None else plain(operand.value)
        text = Text(f"{operand.said} = {value}", style="default")
        if operand.unit not in ("", "1"):
            text.append(f" {operand.unit}")
        if operand.source:
            since = f", from {operand.valid_from}" if operand.valid_from else ""
            text.append(f"   ← {operand.source}: {operand.locator}{since}", style="dim")
        node.add(text)
    for lack in step.lacks:
        if lack.why == STALE:
            limit = f"; {step.said.rpartition(', ')[2]}" if ", fresh within " in step.said else ""
            node.add(Text(f"stale 已过期: {lack.fact} is {lack.age} old{limit}", style="yellow"))
        elif lack.why == FUTURE:
            late = f"{lack.fact} was observed {lack.age} after the service"
            node.add(Text(f"future 晚于服务时间: {late}", style="yellow"))
        elif not any(r.fact == lack.fact and isinstance(r.value, dict) for r in step.reads):
            node.add(Text(f"unknown for 未知原因: {lack.fact}: {lack.why}", style="yellow"))
    for child in step.steps:
        _branch(node, child)


def _document(explained: Explanation, event: Event) -> dict[str, Any]:
    return {
        "rule": explained.rule_id,
        "event": {"source": event.source, "id": event.id, "type": event.type},
        "note": explained.note,
        "verdict": explained.decision.verdict,
        "remembered": explained.decision.remembered,
        "elements": [
            {
                "element": e.element,
                "version": e.version,
                "outcome": e.outcome,
                "exemption_unverified": e.exemption_unverified,
                "missing": e.missing,
                "parts": {part: _step(step) for part, step in e.parts},
            }
            for e in explained.elements
        ],
        "findings": explained.decision.findings,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "condition": step.said,
        "truth": _JSON_TRUTH[step.truth],
        "facts": [
            {
                "fact": r.fact,
                "value": r.value,
                "unit": r.unit,
                "zh": r.zh,
                "received": r.received,
                "fields": r.origin.fields if r.origin is not None else (),
                "looked_up": r.origin.looked_up if r.origin is not None else (),
            }
            for r in step.reads
        ],
        "history": step.past,
        "compared": step.compared,
        "unknown_because": [
            {"fact": lack.fact, "why": lack.why, "age": lack.age} for lack in step.lacks
        ],
        "steps": [_step(child) for child in step.steps],
    }
