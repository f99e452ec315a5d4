"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNSAID_COLUMNS = 80
"""What rich takes where neither a terminal nor COLUMNS says how wide lines are."""
_PIPED_COLUMNS = 160


def _console(stderr: bool = False) -> Console:
    """Colours and width as the terminal has them; NO_COLOR and COLUMNS are honoured.

    Files and pipes have no width of their own: their tables are wide, not folded.
    """
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not console.is_terminal and console.width == _UNSAID_COLUMNS:
        console.width = _PIPED_COLUMNS
    return console


out = _console()
err = _console(stderr=True)

NO, USAGE, UNREACHABLE = 1, 2, 3
EXIT_CODES = {
    0: "done 完成",
    NO: "the answer is no: a check found something, a test failed, a guarantee broke 结果为否",
    USAGE: "wrong use, settings, rules or knowledge: nothing was started 用法、设置或规则有误",
    UNREACHABLE: "a service could not be reached or would not go on 服务不可用",
}
"""What every command ends with."""


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
    """A table for people: numbers to the right, the names in the first column never broken."""
    grid = Table(title=title, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        number = bool(rows) and all(isinstance(r[i], int | float) for r in rows)
        grid.add_column(
            column, justify="right" if number else "left", overflow="fold", no_wrap=i == 0
        )
    for row in rows:
        grid.add_row(*(Text(f"{c:,}" if isinstance(c, int) else str(c)) for c in row))
    out.print(grid, soft_wrap=False)


def logs(level: str) -> None:
    """Log lines of a service, one a line, on standard error."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    if level != "DEBUG":
        for chatty in ("faust", "mode", "aiokafka"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
