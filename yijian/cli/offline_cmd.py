"""`yijian evaluate`: events in, decisions out, without Kafka."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from yijian import settings
from yijian.cli.bundle_option import Bundle, core_of
from yijian.cli.console import fail, say
from yijian.composition import supervisor_of
from yijian.offline import evaluate as decisions_of


def register(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    file: Annotated[str, typer.Argument(help="NDJSON of events, or - for standard input.")],
    bundle: Bundle = None,
) -> None:
    """Events in, decisions out as NDJSON, in order. 离线评估。

    A line that is refused gives `{"dead_letter": {…}}` in its place, and exit code 1 at the end.
    """
    s = settings.load()
    supervisor = supervisor_of(s, core_of(s, bundle), from_kafka=False)
    if file != "-" and not Path(file).is_file():
        fail(f"{file}: no such file", 2)
    refused = 0
    source = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115
    try:
        for answer in decisions_of(source, supervisor):
            refused += answer.refused
            sys.stdout.buffer.write(answer.line + b"\n")
    finally:
        source.close()
    if refused:
        say(f"{refused} lines were refused 条记录被拒绝")
        sys.exit(1)
