"""How an explanation is shown: as a tree for people, and as a document for machines."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree

from contracts.decision import Finding
from contracts.event import Event
from rules.authoring.explain import ElementExplanation, Explanation, Step
from rules.engine.asked import EVENT, PATIENT
from rules.engine.reasons import FUTURE, STALE
from rules.model import Rule
from yijian.cli.console import out
from yijian.cli.explain_past import told
from yijian.cli.workbench import plain

_TRUTH = {True: ("true 真", "green"), False: ("false 假", "red"), None: ("unknown 未知", "yellow")}
_JSON_TRUTH = {True: "true", False: "false", None: "unknown"}


def show_head(rule: Rule) -> None:
    head = Text(f"{rule.id}  ", style="bold")
    head.append(f"{rule.title.zh} {rule.title.en}")
    out.print(head)


def show(explained: Explanation, event: Event) -> None:
    """One event: what was remembered, and each condition."""
    decision = explained.decision
    about = f"{event.type} {event.id}, as of {decision.as_of}, phase {decision.phase}"
    if decision.cause != EVENT:  # a step of a duty: remind, due, escalate1
        about += f", {decision.cause.rpartition(':')[2]}"
    if decision.scope != PATIENT:
        about += f", {decision.scope}"
    out.print(Text(about, "dim"))
    if decision.remembered:
        out.print(Text(f"remembered 既往记忆: {', '.join(decision.remembered)}", "dim"))
    if explained.note:
        out.print(Text(explained.note, style="yellow"))
    for element in explained.elements:
        out.print(_tree(element), soft_wrap=False)


def show_finding(finding: Finding) -> None:
    line = Text(f"{finding.severity} {finding.result} {finding.action}: ", style="bold")
    line.append(f"{finding.message.zh}\n    {finding.message.en}")
    if finding.overridden_by:
        line.append(f"\n    gives way to 让位于 {finding.overridden_by}", style="yellow")
    if finding.delivery is not None and finding.delivery.suppressed:
        line.append(
            f"\n    not told again until 不再提示至 {finding.delivery.until}", style="yellow"
        )
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


def document(explained: Explanation, event: Event) -> dict[str, Any]:
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
