"""`yijian evaluate`: events in, decisions out, without Kafka."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from yijian import settings
from yijian.cli.bundle_option import Bundle, core_of
from yijian.cli.console import USAGE, fail, say
from yijian.composition import supervisor_of
from yijian.offline import evaluate as decisions_of


def register(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    file: Annotated[str, typer.Argument(help="NDJSON of events, or - for standard input.")],
    bundle: Bundle = None,
    until: Annotated[
        str | None,
        typer.Option(help="After the last event, let time pass to then: 2026-03-02T10:00+08:00."),
    ] = None,
) -> None:
    """Events in, decisions out as NDJSON, in order. 离线评估。

    Patients are remembered from line to line, and time passes with the events: deadlines that it
    brings due are decided between them. A line that is refused gives `{"dead_letter": {…}}` in
    its place, and exit code 1 at the end.
    """
    end = None if until is None else _instant(until)
    s = settings.load()
    supervisor = supervisor_of(s, core_of(s, bundle), from_kafka=False)
    if file != "-" and not Path(file).is_file():
        fail(f"{file}: no such file", USAGE)
    refused = 0
    source = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115
    try:
        for answer in decisions_of(source, supervisor, end):
            refused += answer.refused
            sys.stdout.buffer.write(answer.line + b"\n")
    finally:
        source.close()
    if refused:
        say(f"{refused} lines were refused 条记录被拒绝")
        sys.exit(1)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        fail(
            f"--until {text}: not a time with an offset; expected for example "
            "2026-03-02T10:00+08:00 需要带时区的时间",
            USAGE,
        )
    return at
