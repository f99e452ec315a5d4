"""`yijian registry`: what is registered, for every worker: institutions, people, devices, beds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from contracts.registry import KINDS, Registered
from yijian import registry as topic
from yijian import services, settings
from yijian.cli.console import NO, USAGE, as_json, fail, out, say, table
from yijian.cli.workbench import Json

_MOST_SHOWN: Final = 20
_COLUMNS: Final = [
    "kind 类别", "institution 机构", "id 编号", "from 自", "to 至", "entries 条目数",
]  # fmt: skip

registry = typer.Typer(
    help="What is registered: institutions, practitioners, devices, beds. 登记信息。",
    no_args_is_help=True,
)


@registry.command()
def publish(
    file: Annotated[Path, typer.Argument(help="One record a line, as registry.v1 says.")],
    dry_run: Annotated[bool, typer.Option(help="Check the file, publish nothing.")] = False,
) -> None:
    """Put the records of a file into the registry; all workers follow. 发布登记信息。

    A record tells the whole history of what it registers, in the place of the one before.
    Nothing is published where a line is wrong.
    """
    with file.open("rb") as lines:
        records, faults = topic.read_lines(lines)
    for fault in faults[:_MOST_SHOWN]:
        say(f"{file}: {fault}")
    if faults:
        fail(f"{len(faults)} faults: nothing was published 有误，未发布", NO)
    if not records:
        fail(f"{file}: no records 没有记录", USAGE)
    if dry_run:
        out.print(f"{len(records)} records are good 记录有效")
        return
    s = services.with_kafka(settings.load())
    topic.publish(s, records)
    digest = topic.read_log(s).register.digest
    out.print(f"{len(records)} records published 已发布; registry 登记版本 {digest}")


@registry.command()
def remove(
    keys: Annotated[list[str], typer.Argument(help="kind/institution/id, as `show` lists them.")],
    dry_run: Annotated[bool, typer.Option(help="Say what would be taken out, change nothing.")] = (
        False
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take out what was registered by mistake, with its whole history. 撤销登记。

    What merely ended is published again with a `to` in its last entry: its days stay as they
    were. Of what is taken out knowledge files have the word again, else nothing is known, for
    events of any day that come from now on. Nothing is taken out where a key is not registered.
    """
    s = services.with_kafka(settings.load())
    known = {record.key: record for record in topic.read_log(s).register.records}
    asked = {key.encode("utf-8", "surrogatepass"): key for key in keys}
    unknown = [shown for key, shown in asked.items() if key not in known]
    for shown in unknown:
        say(f"{shown}: not registered 未登记; `yijian registry show` lists what is")
    if unknown:
        fail(f"{len(unknown)} unknown: nothing was taken out 有误，未撤销", NO)
    table("To take out 待撤销", _COLUMNS, [_row(known[key]) for key in asked])
    if dry_run:
        return
    if not yes:
        typer.confirm(f"Take {len(asked)} out, with the whole history? 确认撤销？", abort=True)
    topic.remove(s, list(asked))
    digest = topic.read_log(s).register.digest
    out.print(f"{len(asked)} records taken out 已撤销; registry 登记版本 {digest or '(empty 空)'}",
              markup=False)  # fmt: skip


@registry.command()
def show(
    kind: Annotated[str, typer.Option(help=f"Only one kind: {', '.join(KINDS)}.")] = "",
    institution: Annotated[str, typer.Option(help="Only of one institution.")] = "",
    json: Json = False,
) -> None:
    """What is registered now, with the digest that decisions name it by. 查看登记信息。"""
    if kind and kind not in KINDS:
        fail(f"there is no kind {kind!r}; expected {', '.join(KINDS)}", USAGE)
    s = services.with_kafka(settings.load())
    log = topic.read_log(s)
    found = [
        record
        for record in log.register.records
        if kind in ("", _kind(record)) and institution in ("", record.institution)
    ]
    if json:
        as_json(
            {
                "registry": log.register.digest,
                "offset": log.offset,
                "refused": dict(log.refused),
                "records": [msgspec.to_builtins(record) for record in found],
            }
        )
        return
    if found:
        title = f"Registry 登记版本 {log.register.digest}"
        table(title, _COLUMNS, [_row(record) for record in found])
    else:
        say("nothing is registered 尚无登记: knowledge files alone count 仅知识文件有效")
    for reason, count in sorted(log.refused.items()):
        say(f"{count} records say nothing 无效: {reason}")


def _row(record: Registered) -> list[Any]:
    history = record.history
    start = history[0].start.isoformat() if history else ""
    end = history[-1].end.isoformat() if history and history[-1].end else ""
    return [_kind(record), record.institution, record.id, start, end, len(history)]


def _kind(record: Registered) -> str:
    return str(record.__struct_config__.tag)
