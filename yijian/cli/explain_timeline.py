"""`yijian rules explain` of a timeline: one of its steps, with all that came before it."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text

from rules.authoring.cases import Case
from rules.authoring.explain import Explainer
from rules.authoring.running import Played, Ran, run_timeline, said_by, shown
from rules.authoring.subjects import Standing
from rules.authoring.timelines import NOTHING_SAID, Timeline
from rules.model import Rule
from yijian.cli.console import USAGE, as_json, fail, out
from yijian.cli.explain_shown import document, show, show_finding, show_head

_STATES: Final = {
    "waits": "waits 等待中",
    "over": "over 时限已过",
    "settled": "settled 已了结",
    "late_data": "late data 迟到数据",
    "withdrawn": "withdrawn 已撤销",
}

_SAID: Final = {
    "silent": "不提示",
    "exempt": "豁免",
    "does_not_apply": "不适用",
    "retracted": "撤回",
    "waiting": "待定",
    "not_evaluable": "不能评估",
    "undetermined": "不能确定是否适用",
}


def show_step(
    case: Case, timeline: Timeline, rule: Rule, explainer: Explainer, wanted: int | None, *,
    json: bool,
) -> None:  # fmt: skip
    """Plays the timeline as its test does, and explains the step."""
    ran = run_timeline(timeline, rule.id, explainer)
    count = len(timeline.moments)
    if wanted is not None and not 1 <= wanted <= count:
        fail(f"`{case.name}` has {count} steps; there is no step {wanted} 没有该步骤", USAGE)
    number = wanted or _usual(ran)
    if number > len(ran.steps):
        fail(f"{case.path}: {ran.error}", USAGE)
    step = ran.steps[number - 1]
    if json:
        as_json(_document(case, number, step, rule))
    else:
        _show(case, number, count, step, rule)


def _usual(ran: Ran) -> int:
    """The first step that fails, or the last that expects something."""
    failed = [n for n, step in enumerate(ran.steps, 1) if step.diffs]
    if ran.error:
        failed.append(len(ran.steps) + 1)
    expecting = [n for n, step in enumerate(ran.steps, 1) if step.moment.expect is not None]
    return (failed or expecting[-1:] or [len(ran.steps)])[0]


def _show(case: Case, number: int, count: int, step: Played, rule: Rule) -> None:
    show_head(rule)
    place = f"step {number} of {count} 第 {number} 步, line {step.moment.line}"
    out.print(Text(f"{case.name}: {place}, at {step.at.isoformat()}", style="bold"))
    looked_at = any(explained.elements for _, explained in step.explained)
    for event, explained in step.explained:
        if explained.elements or not looked_at:
            show(explained, event)
    for duty in step.duties:
        out.print(Text(f"duty 待办: {_told(duty, step)}", style="dim"))
    for decision in step.decisions:
        for finding in decision.findings:
            show_finding(finding)
    told = [one for decision in step.decisions for one in said_by(decision)]
    loud = [one for one in told if one.word not in NOTHING_SAID]
    for one in loud or told[-1:]:
        if one.word != "alert":
            out.print(Text(f"{_SAID[one.word]} {shown(one)}", style="bold"))
    for difference in step.diffs:
        for line in difference.lines():
            out.print(Text(line, style="red"))


def _told(duty: Standing, step: Played) -> str:
    name = f"{duty.event_id}, element {duty.element}" if duty.element else duty.event_id
    by = f" by {duty.by}" if duty.by else ""
    due = duty.due.astimezone(step.at.tzinfo).isoformat()
    return f"{name}, due 到期 {due}: {_STATES[duty.state]}{by}"


def _document(case: Case, number: int, step: Played, rule: Rule) -> dict[str, Any]:
    told = [one for decision in step.decisions for one in said_by(decision)]
    return {
        "rule": rule.id,
        "case": case.name,
        "step": number,
        "line": step.moment.line,
        "at": step.at,
        "said": [shown(one) for one in told if one.word not in NOTHING_SAID],
        "differences": [line for one in step.diffs for line in one.lines()],
        "duties": [
            {"event": d.event_id, "element": d.element, "due": d.due, "state": d.state, "by": d.by}
            for d in step.duties
        ],
        "explained": [document(explained, event) for event, explained in step.explained],
    }
