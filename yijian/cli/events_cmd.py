"""`yijian events export`: intake records back out of Kafka, as lines of NDJSON."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from contracts.topics import INTAKE_FAMILIES
from yijian import kafka_log, services, settings
from yijian.cli.console import USAGE, fail, say
from yijian.exporting import Exported, export_lines

events = typer.Typer(help="Events that came in. 已接收的事件。", no_args_is_help=True)


@events.command()
def export(
    family: Annotated[
        list[str] | None, typer.Option(help="Only these families, e.g. billing. Repeatable.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", help="File to write; standard output if left out.")
    ] = None,
) -> None:
    """Everything the intake topics still keep, with topic, partition, offset and arrival. 导出。

    `yijian evaluate` and `yijian rules replay` read it. Its records are patients' data.
    """
    unknown = [name for name in family or () if name not in INTAKE_FAMILIES]
    if unknown:
        known = ", ".join(INTAKE_FAMILIES)
        fail(f"there is no family {', '.join(unknown)}; there are: {known}", USAGE)
    s = services.with_kafka(settings.load())
    chosen = family or list(INTAKE_FAMILIES)
    topics = [s.topics.intake(name, system) for system in s.systems for name in chosen]
    counted = Exported()
    with target.open("wb") if target else nullcontext(sys.stdout.buffer) as out:
        for line in export_lines(kafka_log.read(s, topics), counted):
            out.write(line)
    say(f"{counted.records:,} records 条记录")
    if counted.not_json:
        say(
            f"{counted.not_json:,} of them are not JSON and stand as `null`: they are refused on "
            "replay as they were at intake 非 JSON 记录"
        )
