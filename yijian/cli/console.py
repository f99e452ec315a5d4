"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

NO, USAGE, UNREACHABLE = 1, 2, 3


def fail(message: str, code: int = NO) -> NoReturn:
    """Say what is wrong and end with this exit code."""
    err.print(message, style="red", markup=False)
    sys.exit(code)


def say(message: str) -> None:
    """Tell a person what is going on."""
    err.print(message, markup=False)


def as_json(value: Any) -> None:
    """One line of JSON for machines."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table for people; numbers to the right."""
    grid = Table(title=title, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        number = bool(rows) and all(isinstance(r[i], int | float) for r in rows)
        grid.add_column(column, justify="right" if number else "left")
    for row in rows:
        grid.add_row(*(f"{c:,}" if isinstance(c, int) else str(c) for c in row))
    out.print(grid)


def logs(level: str) -> None:
    """Log lines of a service, one a line, on standard error."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    if level != "DEBUG":
        for chatty in ("faust", "mode", "aiokafka"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
