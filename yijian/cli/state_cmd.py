"""`yijian state show`, `backfill`: what is remembered, and bringing in what came before."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.topics import INTAKE_FAMILIES
from rules.memory.instants import instant_of
from streams.state import Memories
from yijian import backfilling, services, settings, state_log
from yijian.cli.console import UNREACHABLE, USAGE, as_json, fail, out, say, table
from yijian.cli.workbench import Json
from yijian.composition import load_core, supervisor_of
from yijian.settings import Settings

_MOST_SHOWN: Final = 50

state = typer.Typer(help="What is remembered of patients. 患者记忆。", no_args_is_help=True)


@state.command()
def show(
    subject_file: Annotated[
        str,
        typer.Option(help="Subjects, `namespace|id`, one a line; `-`: standard input."),
    ] = "",
    show_subjects: Annotated[
        bool, typer.Option("--show-subjects", help="Print who they are, beside their numbers.")
    ] = False,
    json: Json = False,
) -> None:
    """How much is remembered, what is due, since when the past is known. 查看记忆。

    Nobody is named, unless --show-subjects asks for it: a subject is known by its line's number.
    """
    s = services.with_kafka(settings.load())
    subjects = list(_subjects(subject_file)) if subject_file else []
    found = state_log.read(s)
    if show_subjects and subjects:
        say("identities of patients are shown below 以下显示患者身份")
    rows = [state_log.subject_row(s, found, one, n) for n, one in enumerate(subjects, 1)]
    if show_subjects:
        for row, subject in zip(rows, subjects, strict=True):
            row["subject"] = subject
    parts = _parts(s, found)
    if json:
        as_json({**parts, "subjects": rows} if subject_file else parts)
    else:
        _print(parts, rows)


def _parts(s: Settings, found: dict[int, Memories]) -> dict[str, Any]:
    waiting = None
    if s.bundle_keys:
        say("rules come as bundles: `yijian rules bundles --status HOST:PORT` says which wait")
    else:
        waiting = [w.as_dict() for w in state_log.waits(found, supervisor_of(s, load_core(s)))]
    return {
        "partitions": [state_log.partition_row(number, m) for number, m in found.items()],
        "known_since": [one._asdict() for one in state_log.known_since(found)],
        "waiting_rules": waiting,
    }


def _print(parts: dict[str, Any], subjects: list[dict[str, Any]]) -> None:
    columns = ["partition", "subjects 对象", "bytes", "waiting 等待", "next due 最近到期",
               "decisions 已含判定", "last backfill 回填"]  # fmt: skip
    table("Remembered 记忆", columns, [list(row.values()) for row in parts["partitions"]])
    known = [list(row.values()) for row in parts["known_since"]]
    if known:
        table("Known since 已知自", ["source", "family", "since", "partitions"], known)
    waiting = parts["waiting_rules"]
    if waiting:
        shown = [[w["rule"], " ".join(w["families"]), _until(w)] for w in waiting[:_MOST_SHOWN]]
        table(f"{len(waiting)} rules look back further than is known 历史不足的规则",
              ["rule", "families", "until"], shown)  # fmt: skip
    if subjects:
        columns = ["line", "partition", "bytes", "events", "identities 身份", "acts", "timers"]
        lines = [
            [row.get("subject", row["number"]), row["partition"], row["bytes"], row["events"],
             _identities(row),
             " ".join(f"{family}:{n}" for family, n in row["acts"].items()),
             "; ".join(f"{t['kind']} {t['rule']} {t['due']}".strip() for t in row["timers"])]
            for row in subjects
        ]  # fmt: skip
        table("Subjects 对象", columns, lines)


def _identities(row: dict[str, Any]) -> str:
    """How many others are the same person, or where the person is remembered."""
    if row["home"] is not None:
        return f"→ {row['home']}"
    return f"+{row['tied']}" if row["tied"] else ""


def _subjects(file: str) -> Iterable[str]:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    return (line.strip() for line in text.splitlines() if line.strip())


@state.command()
def backfill(
    since: Annotated[
        str, typer.Option("--from", help="Acts from then on: a time with its offset, ISO 8601.")
    ],
    family: Annotated[list[str] | None, typer.Option(help="Only this family. Repeatable.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds without any step done.")] = 60.0,
) -> None:
    """Bring past acts out of Kafka into what is remembered, beside running workers. 回填历史。

    For a rule whose window is new or longer. Nothing is decided again and no timer fires. What
    Kafka has deleted is not brought in, and stays not evaluable. To be cut off does no harm: run
    it again. Groups (`group_by`) are not told of what is brought in: rules about them go on
    waiting, and the command says until when.
    """
    unknown = sorted(set(family or ()) - INTAKE_FAMILIES.keys())
    if unknown:
        fail(f"{unknown[0]} is no family; expected one of {', '.join(INTAKE_FAMILIES)}", USAGE)
    s = services.with_kafka(settings.load())
    if s.state == "off":
        fail("YIJIAN_STATE is off: nothing is remembered that could be filled 未启用记忆", USAGE)
    planned = backfilling.plan(s, _time(since), family or ())
    for topic in planned.gone:
        say(f"{topic}: Kafka keeps nothing from then on; what it has is brought in 部分已删除")
    say(f"{planned.records:,} records are read again 重新读取")
    try:
        backfilling.run(s, planned, lambda done, of: say(f"step {done:,} of {of:,}"), timeout)
    except backfilling.BackfillStalled as e:
        fail(str(e), UNREACHABLE)
    found = state_log.read(s)
    left = [n for n, memories in found.items() if memories.coverage.refilled_by != planned.id]
    for one in state_log.known_since(found):
        if one.family in planned.families:
            out.print(f"{one.source} {one.family}: known since 已知自 {one.since}", markup=False)
    _say_of_groups(s, found, planned.families)
    if left:
        fail(
            f"partitions {left} are not covered: other rules came into force meanwhile, or records "
            "could not be read again; run it again 未完成，请重新运行"
        )
    earliest = max((max(c.values()) for c in planned.complete.values()), default=planned.from_us)
    say(f"Kafka has everything since {instant_of(earliest).isoformat(timespec='seconds')}")


def _say_of_groups(s: Settings, found: dict[int, Memories], families: Iterable[str]) -> None:
    """Which rules about groups wait as before, and until when."""
    told = "groups are told of nothing that is brought in; rules about them wait as before"
    if s.bundle_keys:
        say(f"{told}: `yijian rules bundles --status HOST:PORT` says until when 分组规则仍等待")
        return
    core, wanted = load_core(s), set(families)
    of_groups = {rule.id for rule in core.pack.rules if rule.group_by}
    waits = [w for w in state_log.waits(found, supervisor_of(s, core)) if w.rule in of_groups]
    waits = [w for w in waits if wanted.intersection(w.families)]
    if waits:
        say(f"{told} 分组规则仍等待")
    for one in waits:
        out.print(f"{one.rule}: until 至 {_until(one.as_dict())}", markup=False)


def _until(waits: dict[str, Any]) -> str:
    return waits["until"] or "no end known 未知"


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; expected 2026-03-01T00:00+08:00") from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; expected 2026-03-01T00:00+08:00")
    return at
