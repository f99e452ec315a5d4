"""Runs the engines on every workload and prints what they did; the last line is JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console

from benchmarks import machine
from benchmarks.engine import table
from benchmarks.engine.cell import Found, measure
from benchmarks.engine.wish import parse
from benchmarks.errors import BenchmarkError


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all engines found the same everywhere; 1: they did not, and there are no figures."""
    wish = parse(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)

    def say(line: str) -> None:
        console.print(line, markup=False, style="dim")

    say(f"{machine.describe()}, {machine.python()}; all engines on core {wish.core}")
    neighbours = machine.Neighbours()
    cells: list[Found] = []
    try:
        for cell in wish.cells:
            found = measure(cell, wish, say)
            cells.append(found)
            for engine, why in found.missing.items():
                say(f"{cell.rules:>6} rules, {cell.firings:g} firings: {engine} is missing: "
                    f"{table.one_line(why)}")  # fmt: skip
    except BenchmarkError as error:
        console.print(f"no figures: {error}", markup=False, style="red")
        return 1
    console.print(table.tables(cells))
    answer = table.answer(cells) | {
        "machine": machine.describe(),
        "python": machine.python(),
        "foreign_cores": round(neighbours.cores(), 2),
        "runs": wish.runs,
        "lap_s": wish.seconds,
    }
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
