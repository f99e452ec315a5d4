"""What is to be measured, as the command line asks for it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PARTS: Final = ("pipeline", "stock", "decode", "latency")


@dataclass(frozen=True)
class Wish:
    """What is measured, and for how long."""

    runs: int = 5
    events: int = 100_000
    stock_events: int = 20_000
    rate: float = 2000.0
    seconds: float = 20.0
    sink_rate: float = 10_000.0
    seed: int = 1
    parts: Sequence[str] = PARTS
    profile: bool = False
    sink: bool = False


def parse(arguments: Sequence[str] | None = None) -> Wish:
    """The wish on a command line; ends the process where it makes no sense."""
    usual = Wish()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pipeline",
        description="Throughput and latency; the last line is JSON.",
    )
    parser.add_argument("--runs", type=int, default=usual.runs, help="runs of each throughput")
    parser.add_argument("--events", type=int, default=usual.events)
    parser.add_argument("--stock-events", type=int, default=usual.stock_events)
    parser.add_argument("--rate", type=float, default=usual.rate, help="events/s for latency")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of paced load")
    parser.add_argument("--sink-rate", type=float, default=usual.sink_rate, help="events/s")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--only", default=",".join(PARTS), help="comma list of " + ", ".join(PARTS))
    parser.add_argument("--profile", action="store_true", help="print where a worker's time goes")
    parser.add_argument("--sink", action="store_true", help="also how the sink keeps up")
    given = parser.parse_args(arguments)
    parts = tuple(word for word in given.only.split(",") if word)
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"--only names {', '.join(unknown)}; known are {', '.join(PARTS)}")
    return Wish(
        runs=given.runs,
        events=given.events,
        stock_events=min(given.stock_events, given.events),
        rate=given.rate,
        seconds=given.seconds,
        sink_rate=given.sink_rate,
        seed=given.seed,
        parts=parts,
        profile=given.profile,
        sink=given.sink,
    )
