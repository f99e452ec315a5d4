"""`yijian contracts`: the published data standard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts import schema
from contracts.acts import phase_of
from contracts.event import EVENT_TYPES
from yijian.cli.console import out, table

contracts = typer.Typer(help="The data standard. 数据标准。", no_args_is_help=True)


@contracts.command()
def export(
    folder: Annotated[Path, typer.Option(help="Where to write.")] = schema.FOLDER,
) -> None:
    """Write JSON Schema and AsyncAPI from the types."""
    for path in schema.export(folder):
        out.print(path.name)


@contracts.command()
def types() -> None:
    """List every supported event type and its phase."""
    rows = [[name, t.family, phase_of(t.verb, t.family)] for name, t in EVENT_TYPES.items()]
    table("Event types 事件类型", ["type", "family", "phase"], [list(r) for r in rows])
