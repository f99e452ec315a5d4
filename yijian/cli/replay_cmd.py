"""`yijian rules replay`: what other rules or knowledge would have said about past events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from knowledge_base import KnowledgeError
from rules import PackError
from rules.replay import Kind
from rules.replay.report import SCHEMA, grouped, shown_examples, total
from yijian import settings
from yijian.cli.authoring_cmd import engine_of
from yijian.cli.console import USAGE, as_json, fail, out, say, table
from yijian.cli.workbench import Engine, Json, bytes_bar, knowledge_paths, rule_paths, shown
from yijian.composition import PACKS
from yijian.replaying import Outcome, Plan, replay
from yijian.sides import opened

Packs = Annotated[
    list[Path] | None,
    typer.Option("--pack", help="Candidate: rule folders or a bundle, instead of those in use."),
]
AddPacks = Annotated[
    list[Path] | None,
    typer.Option("--add-pack", help="Candidate: more rule folders or files."),
]
Knowledge = Annotated[
    list[Path] | None,
    typer.Option("--knowledge", help="Candidate: knowledge, instead of what is in use."),
]
AddKnowledge = Annotated[
    list[Path] | None, typer.Option("--add-knowledge", help="Candidate: more knowledge.")
]
Baseline = Annotated[
    list[Path] | None,
    typer.Option("--baseline", help="Baseline: rule folders or a bundle; those in use if left out"),
]
BaselineKnowledge = Annotated[
    list[Path] | None,
    typer.Option("--baseline-knowledge", help="Baseline: knowledge, instead of what is in use."),
]
AddBaselineKnowledge = Annotated[
    list[Path] | None, typer.Option("--add-baseline-knowledge", help="Baseline: more knowledge.")
]


def register(app: typer.Typer) -> None:
    app.command("replay")(run)


def run(
    events: Annotated[
        Path, typer.Argument(help="NDJSON, of `yijian simulate` or `yijian events export`.")
    ],
    pack: Packs = None,
    add_pack: AddPacks = None,
    knowledge: Knowledge = None,
    add_knowledge: AddKnowledge = None,
    baseline: Baseline = None,
    baseline_knowledge: BaselineKnowledge = None,
    add_baseline_knowledge: AddBaselineKnowledge = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only these rules. Repeatable.")
    ] = None,
    examples: Annotated[int, typer.Option(help="Examples a rule and kind of change.")] = 3,
    target: Annotated[
        Path | None, typer.Option("--out", help="Every single change, one JSON line each.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; as many as processors if left out.")
    ] = None,
    engine: Engine = None,
    json: Json = False,
) -> None:
    """Past events through a candidate: alerts gained and lost, and where. 回放评估。

    Drafts of the candidate count as if they were in shadow. A side is what is in use but for
    what is named here.
    """
    s = settings.load()
    if not events.is_file():
        fail(f"{events}: no such file 不存在", USAGE)
    used_packs, used_knowledge = s.packs or (PACKS,), knowledge_paths(s)
    with opened() as opening:
        old = opening.side(baseline or used_packs, baseline_knowledge, used_knowledge)
        old = old.plus((), tuple(add_baseline_knowledge or ()))
        new = opening.side(pack or used_packs, knowledge, used_knowledge)
        new = new.plus(tuple(add_pack or ()), tuple(add_knowledge or ()))
        for side in (old, new):
            rule_paths(s, [*side.packs, *side.knowledge])
        plan = Plan(
            old,
            new,
            engine_of(s, engine),
            s.profile,
            s.max_ahead_s,
            frozenset(rule or ()),
            remembers=s.state == "on",
            lateness_s=s.lateness_s,
        )
        outcome = _run(events, plan, workers, examples, target)
    if json:
        as_json(_document(outcome, plan))
    else:
        _show(outcome, plan, target)


def _run(
    events: Path, plan: Plan, workers: int | None, examples: int, target: Path | None
) -> Outcome:
    try:
        with bytes_bar("replaying 回放中") as bar:
            task = bar.add_task("", total=events.stat().st_size)
            return replay(
                events,
                plan,
                workers=workers,
                examples=examples,
                out=target,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except (KnowledgeError, PackError) as e:
        for problem in e.problems:
            say(str(problem))
        return fail(f"{len(e.problems)} problems: nothing was replayed 规则或知识有误", USAGE)
    except OSError as e:
        return fail(f"{e.filename}: {e.strerror}", USAGE)


def _document(outcome: Outcome, plan: Plan) -> dict[str, Any]:
    tally = outcome.tally
    (old_pack, old_knowledge), (new_pack, new_knowledge) = outcome.basis
    return {
        "schema": SCHEMA,
        "engine": plan.engine,
        "baseline": {"pack": old_pack, "knowledge": old_knowledge},
        "candidate": {"pack": new_pack, "knowledge": new_knowledge},
        "lines": outcome.counts._asdict(),
        "refused_reasons": dict(sorted(outcome.reasons.items())),
        "rules_changed": outcome.changed,
        "rules_equal": outcome.unchanged,
        "patients_remembered": outcome.has_past,
        "not_compared_in_groups": outcome.of_groups,
        "timers": _sides(tally.timers),
        "retracted": _sides(tally.retracted),
        "events_affected": tally.affected,
        "total": total(tally),
        "by_rule": grouped(tally, "rule"),
        "by_place": grouped(tally, "institution", "department"),
        "by_rule_and_place": grouped(tally, "rule", "institution", "department"),
        "examples": shown_examples(outcome.examples),
    }


def _sides(counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(("baseline", "candidate"), counts, strict=True))


_MOST_PLACES = 12
_COLUMNS = {
    "gained": "gained\n新增",
    "lost": "lost\n消失",
    "changed": "changed\n改变",
    "newly_not_evaluable": "newly not\nevaluable\n新未评估",
    "no_longer_not_evaluable": "evaluable\nagain\n恢复评估",
    "newly_undetermined": "newly\nundetermined\n新适用未知",
    "no_longer_undetermined": "determined\nagain\n恢复适用",
    "blocked": "blocked\nacts 拦截",
    "money": "money\n金额",
}
_ALWAYS = ("gained", "lost", "changed")


def _show(outcome: Outcome, plan: Plan, target: Path | None) -> None:
    counts, tally = outcome.counts, outcome.tally
    out.print(
        f"{counts.lines:,} lines; {counts.compared:,} events compared by {len(outcome.changed)} "
        f"changed rules; {outcome.unchanged} rules are equal on both sides 相同规则",
    )
    out.print(
        f"not looked at, of types no changed rule is about 无关类型: {counts.other_types:,}; "
        f"refused 被拒绝: {counts.refused:,}; repeated 重复: {counts.repeated:,}"
    )
    if outcome.has_past:
        timers, back = ("{:,} → {:,}".format(*n) for n in (tally.timers, tally.retracted))
        out.print(
            "patients were remembered from event to event 逐事件记忆患者; decisions of timers "
            f"计时决定: {timers}; taken back 撤回: {back}"
        )
    why = {c.rule_id: ", ".join(c.why) for c in outcome.changed}
    if not why:
        out.print("nothing that rules read differs: every alert is the same 两侧一致，告警相同")
        return
    rows = grouped(tally, "rule")
    silent = [name for name in why if name not in {row["rule"] for row in rows}]
    _show_rows(
        "Impact by rule 按规则",
        ["rule", "why 原因", "alerts 告警"],
        [([r["rule"], why[r["rule"]], f"{r['baseline']:,} → {r['candidate']:,}"], r) for r in rows],
    )
    for name in silent:
        out.print(f"{name} ({why[name]}): neither side says anything 两侧均无结论", markup=False)
    places = [r for r in grouped(tally, "rule", "institution", "department") if _differs(r)]
    places.sort(key=lambda r: -sum(r[name] for name in _ALWAYS))
    if places:
        names = ["rule"] if len({r["rule"] for r in places}) > 1 else []
        names += ["institution", "department"]
        _show_rows(
            "Impact by institution and department 按机构科室",
            names,
            [([r[name] for name in names], r) for r in places[:_MOST_PLACES]],
        )
        if len(places) > _MOST_PLACES:
            say(f"and {len(places) - _MOST_PLACES} more; --json has all of them 其余见 --json")
    _show_severities(rows)
    _show_examples(outcome)
    removed = [c.rule_id for c in outcome.changed if c.why == ("removed",)]
    if removed:
        say(
            f"the candidate lacks {len(removed)} rules of the baseline; if that is not meant, name "
            "their folder with --pack too, or use --add-pack 候选缺少基线中的规则"
        )
    if outcome.of_groups:
        say(
            f"not compared 未比较: what {', '.join(outcome.of_groups)} find in groups, for "
            "YIJIAN_STATE is off: nothing is remembered 未启用记忆，不含分组规则的结果"
        )
    if target is not None:
        out.print(f"every change 全部变化: {shown(target)}", markup=False)


def _show_rows(
    title: str, head: list[str], rows: Sequence[tuple[list[str], dict[str, Any]]]
) -> None:
    """A table with those figures of which any is not nothing."""
    if not rows:
        return
    cells = [_cells(figures) for _, figures in rows]
    told = {name for c in cells for name, value in c.items() if value not in _NOTHING}
    chosen = [name for name in _COLUMNS if name in _ALWAYS or name in told]
    table(
        title,
        [*head, *(_COLUMNS[name] for name in chosen)],
        [[*row[0], *(c[n] for n in chosen)] for row, c in zip(rows, cells, strict=True)],
    )


_NOTHING = (0, "+0 −0", "0")


def _cells(figures: dict[str, Any]) -> dict[str, Any]:
    blocked = figures["blocked_acts"]
    return {
        **{name: figures[name] for name in _COLUMNS if name in figures},
        "blocked": f"+{blocked['newly']} −{blocked['no_longer']}",
        "money": figures["money"]["change"],
    }


def _differs(row: dict[str, Any]) -> bool:
    names = ("gained", "lost", *(kind.value for kind in Kind))
    return any(row[name] for name in names)


def _show_severities(rows: Sequence[dict[str, Any]]) -> None:
    found = [
        [row["rule"], change["before"], change["after"], change["alerts"]]
        for row in rows
        for change in row["severity_changes"]
    ]
    if found:
        table("Changed severity 严重程度变化", ["rule", "before", "after", "alerts"], found)


def _show_examples(outcome: Outcome) -> None:
    found = shown_examples(outcome.examples)
    if not found:
        return
    out.print(Text("Examples 示例 (event ids only 仅事件编号)", style="italic"))
    for change in found:
        element = f" element {change.element}" if change.element else ""
        element += f" ({change.cause})" if change.cause else ""
        where = "/".join(word for word in (change.institution, change.department) if word)
        out.print(
            f"  {change.change.value:9} {change.rule}{element}: {change.event} {change.type} "
            f"{change.time} {where}",
            markup=False,
        )
