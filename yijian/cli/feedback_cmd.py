"""`yijian rules promote` and `feedback`: how rules do, by what they found and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from contracts.acts import phase_of
from knowledge_base import KnowledgeBase
from rules.pack import Pack
from sinks.client import connect
from sinks.feedback import Quality, ReasonCount, RuleFeedback, quality, reasons, rule_feedback
from sinks.firing import Firing, firing
from yijian import services, settings
from yijian.cli.authoring_cmd import whole_pack
from yijian.cli.console import NO, as_json, fail, out, table
from yijian.cli.workbench import Json, load_knowledge, rule_paths

_PROBLEMS: Final = {
    "unknown_alert": "no such alert was ever given 无此告警",
    "withdrawn_alert": "the alert was withdrawn since 告警已撤回",
    "unknown_response": "the response is no known word 反馈词无法识别",
    "unknown_reason": "the reason is not in the knowledge base 理由编码不在知识库",
    "no_reason": "overridden without a reason 坚持执行未给理由",
    "unknown_outcome": "the outcome is no known word 复核结论无法识别",
    "no_outcome": "an appeal was closed without an outcome 申诉结案无结论",
}


def register(app: typer.Typer) -> None:
    for command in (promote, feedback):
        app.command()(command)


def promote(
    rule: Annotated[str, typer.Argument(help="Id of the rule.")],
    json: Json = False,
) -> None:
    """What a rule's shadow period shows, for who decides on its promotion. 晋级依据。

    Nothing is changed: a rule becomes active when two named people sign it in its file.
    """
    s = services.with_clickhouse(settings.load())
    with closing(connect(s.clickhouse_dsn)) as client:
        found, answered = firing(client, rule), rule_feedback(client, rule)
        given = reasons(client, rule)
    pack, knowledge = _known(s)
    rates = [figures_of(one, pack) for one in answered]
    if json:
        as_json({
            "rule": rule,
            "versions": [{**asdict(f), "rate": f.rate} for f in found],
            "feedback": rates,
            "reasons": _reasons(given, knowledge),
        })  # fmt: skip
    elif found:
        _show_firing(rule, found)
        _show_feedback(rates)
        _show_reasons(_reasons(given, knowledge))
    if not found:
        fail(f"no decision has looked at {rule} 无评估记录", NO)


def feedback(
    rule: Annotated[str, typer.Option("--rule", help="Only this rule, by its id.")] = "",
    json: Json = False,
) -> None:
    """What is answered to alerts, by rule and version, and what is odd about it. 告警反馈。

    Rates are of the alerts that were answered; what nobody has answered says nothing.
    """
    s = services.with_clickhouse(settings.load())
    with closing(connect(s.clickhouse_dsn)) as client:
        answered, given = rule_feedback(client, rule), reasons(client, rule)
        odd = quality(client)
    pack, knowledge = _known(s)
    rates = [figures_of(one, pack) for one in answered]
    if json:
        as_json({
            "rules": rates,
            "reasons": _reasons(given, knowledge),
            "quality": [asdict(one) for one in odd],
        })  # fmt: skip
    else:
        if rates:
            _show_feedback(rates)
            _show_reasons(_reasons(given, knowledge))
        _show_quality(odd)
    if not rates:
        fail(f"no alert of {rule or 'any rule'} is stored 无告警记录", NO)


def _known(s: settings.Settings) -> tuple[Pack, KnowledgeBase]:
    knowledge = load_knowledge(s)
    return whole_pack(rule_paths(s, None), knowledge), knowledge


def figures_of(one: RuleFeedback, pack: Pack) -> dict[str, Any]:
    """Figures and rates of one version; no heed rate of a rule that is asked of drafts alone."""
    heed = one.heed_rate if _is_asked_later(one.rule_id, pack) else None
    return {
        **asdict(one),
        "override_rate": one.override_rate,
        "false_positive_rate": one.false_positive_rate,
        "heed_rate": heed,
    }


def _is_asked_later(rule_id: str, pack: Pack) -> bool:
    """Whether the rule is also asked of acts that went on: else nobody looks for its finding."""
    rule = next((one for one in pack.rules if one.id == rule_id), None)
    if rule is None:
        return True
    names = (name.split(".") for body in rule.bodies for name in body.on)
    return any(phase_of(verb, family) != "pre" for family, verb in names)


def _reasons(given: Sequence[ReasonCount], knowledge: KnowledgeBase) -> list[dict[str, Any]]:
    """Reasons with their words; a code that is not known is shown as it came."""
    found = []
    for one in given:
        known = knowledge.override_reasons.get(one.reason)
        words = {"zh": known.name.zh, "en": known.name.en} if known is not None else None
        found.append({"reason": one.reason, "alerts": one.alerts, "words": words})
    return found


def _show_firing(rule: str, found: Sequence[Firing]) -> None:
    table(
        f"Firing of {rule} 触发情况",
        ["version", "status", "decisions 决定", "with alert 有告警", "rate 触发率",
         "alerts 告警", "from", "to"],
        [
            [str(f.version), f.status or "-", f.decisions, f.alerting, f"{f.rate:.2%}",
             f.alerts, f"{f.first:%Y-%m-%d}", f"{f.last:%Y-%m-%d}"]
            for f in found
        ],
    )  # fmt: skip


def _show_feedback(rates: Sequence[Mapping[str, Any]]) -> None:
    if not rates:
        out.print("no alert is stored 无告警记录")
        return
    table(
        "Feedback 告警反馈",
        ["rule 规则", "version", "fired 触发", "told 已提示", "answered 已反馈",
         "overridden 坚持执行", "accepted 采纳", "false 误报", "heeded 提醒后改正"],
        [
            [f["rule_id"], str(f["rule_version"]), f["fired"], f["delivered"], f["answered"],
             _part(f["overridden"], f["override_rate"]), f["accepted"],
             _part(f["false_positive"], f["false_positive_rate"]),
             _part(f["heeded"], f["heed_rate"])]
            for f in rates
        ],
    )  # fmt: skip
    for f in rates:
        if f["in_appeal"] or f["upheld"] or f["withdrawn"]:
            out.print(
                f"{f['rule_id']} {f['rule_version']}: appeals 申诉 {f['in_appeal']} open 进行中, "
                f"{f['upheld']} upheld 维持, {f['withdrawn']} withdrawn 撤销",
                markup=False,
            )


def _part(count: int, rate: float | None) -> str:
    return "-" if rate is None else f"{count} ({rate:.0%})"


def _show_reasons(given: Sequence[Mapping[str, Any]]) -> None:
    if not given:
        return
    rows = []
    for one in given:
        words = one["words"]
        code = one["reason"] or "-"
        said = f"{words['zh']} {words['en']}" if words else "not in the knowledge base 不在知识库"
        rows.append([code, said if one["reason"] else "no reason given 未给理由", one["alerts"]])
    table("Reasons of overrides 坚持执行的理由", ["reason", "meaning 含义", "alerts 告警"], rows)


def _show_quality(odd: Sequence[Quality]) -> None:
    if not odd:
        return
    table(
        "Odd answers 反馈数据质量",
        ["problem", "meaning 含义", "answers 反馈", "example 例"],
        [[q.problem, _PROBLEMS.get(q.problem, ""), q.answers, q.example] for q in odd],
    )
