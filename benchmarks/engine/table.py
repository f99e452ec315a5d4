"""The figures as people read them, and as machines do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Group
from rich.table import Table

from benchmarks.engine.cell import Figures, Found
from benchmarks.engine.peers import PEERS
from benchmarks.engine.wish import NATIVE_DROOLS

OURS: Final = ("compiled", "conditions", "matching")
_AGAINST: Final = ("drools_jpy", "zen", "durable", "hand")
_SMALL, _BIG = 100, 2_000


def tables(cells: Sequence[Found]) -> Group:
    """A table of figures, and one of ratios."""
    figures = Table(title="Engines: same rules, same events, equal firings, one core")
    for name in ("rules", "firings an event", "engine"):
        figures.add_column(name, justify="right" if name != "engine" else "left")
    for name in ("events/s", "p50 µs", "p99 µs", "build s", "memory MB", "compared"):
        figures.add_column(name, justify="right")
    for found in cells:
        for engine, one in found.figures.items():
            figures.add_row(
                f"{found.cell.rules:,}", f"{one.firings:g}", PEERS[engine].title,
                f"{one.events_per_s:,}", f"{one.p50_us:,.1f}", f"{one.p99_us:,.1f}",
                f"{one.build_s:.2f}", f"{one.memory_mb:,.0f}", f"{one.compared:,}",
            )  # fmt: skip
        figures.add_section()
    ratios = Table(title="Ratios")
    ratios.add_column("what")
    ratios.add_column("ratio", justify="right")
    for name, value in _ratios(cells).items():
        ratios.add_row(name, f"{value:.2f}")
    return Group(figures, ratios)


def answer(cells: Sequence[Found]) -> dict[str, Any]:
    """The last line: figures by `rules/firings` and engine, and the ratios by name."""
    return {
        "cells": {_name(found): found.figures for found in cells},
        "missing": {_name(found): found.missing for found in cells if found.missing},
        "ratios": _ratios(cells),
    }


def one_line(text: str) -> str:
    """The last line of a complaint: what a traceback ends with."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"\s+", " ", lines[-1]) if lines else "no reason given"


def _name(found: Found) -> str:
    return f"{found.cell.rules}/{found.cell.firings:g}"


def _ratios(cells: Sequence[Found]) -> dict[str, float]:
    """Rates of ours by those of others; times of a big pack by those of a small one."""
    found: dict[str, float] = {}
    for cell in cells:
        for mine in OURS:
            if (ours := cell.figures.get(mine)) is None:
                continue
            for other in _AGAINST:
                if (theirs := cell.figures.get(other)) is not None:
                    name = f"{mine} / {other} at {_name(cell)}"
                    found[name] = round(ours.events_per_s / theirs.events_per_s, 3)
            if (known := NATIVE_DROOLS.get(cell.cell)) is not None:
                name = f"{mine} / {known:,} (Drools in Java elsewhere) at {_name(cell)}"
                found[name] = round(ours.events_per_s / known, 3)
    return found | _growth(cells)


def _growth(cells: Iterable[Found]) -> dict[str, float]:
    """Time an event with 2,000 rules by that with 100, at equal firings."""
    by_cell = {found.cell: found.figures for found in cells}
    found: dict[str, float] = {}
    for cell, figures in by_cell.items():
        big = by_cell.get(cell._replace(rules=_BIG), {})
        if cell.rules != _SMALL:
            continue
        for engine, small in figures.items():
            one: Figures | None = big.get(engine)
            if one is not None:
                name = f"{engine}: time at {_BIG} / {_SMALL} rules, {cell.firings:g} firings"
                found[name] = round(small.events_per_s / one.events_per_s, 3)
    return found
