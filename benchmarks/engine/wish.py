"""What is to be measured, as the command line asks for it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.engine.peers import PEERS


class Cell(NamedTuple):
    """One workload: so many rules, and about so many firings an event."""

    rules: int
    firings: float


SIZES: Final = (100, 400, 2_000, 10_000)
FIRINGS: Final = (0.02, 0.2, 1.0, 15.0)
NATIVE_DROOLS: Final = {
    Cell(100, 0.2): 158_000,
    Cell(400, 0.74): 120_000,
    Cell(2_000, 3.6): 160_000,
}
"""Events/s of Drools in Java as it was measured elsewhere, with rules and events of its own."""


@dataclass(frozen=True)
class Wish:
    """What is measured, and for how long."""

    sizes: tuple[int, ...] = SIZES
    firings: tuple[float, ...] = FIRINGS
    engines: tuple[str, ...] = tuple(PEERS)
    runs: int = 5
    seconds: float = 1.0
    warm_up_s: float = 20.0
    build_s: float = 180.0
    events: int = 2_000
    core: int = 0
    seed: int = 1

    @property
    def cells(self) -> list[Cell]:
        """The grid, and what can be laid beside known figures."""
        return [
            Cell(size, firings)
            for size in self.sizes
            for firings in sorted({*self.firings, *(f for s, f in NATIVE_DROOLS if s == size)})
        ]


QUICK: Final = Wish(sizes=(100, 2_000), firings=(1.0,), runs=3, seconds=0.4, warm_up_s=6.0)
"""The two sizes whose times are compared, in a few minutes."""


def parse(arguments: Sequence[str] | None = None) -> Wish:
    """The wish on a command line; ends the process where it makes no sense."""
    usual = Wish()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine",
        description="Our engine and its peers, same rules, same events; the last line is JSON.",
    )
    parser.add_argument("--sizes", default=_words(usual.sizes), help="rules, a comma list")
    parser.add_argument("--firings", default=_words(usual.firings), help="an event, a comma list")
    parser.add_argument(
        "--engines", default=_words(PEERS), help="comma list of " + ", ".join(PEERS)
    )
    parser.add_argument("--runs", type=int, default=usual.runs, help="laps whose median counts")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="of one lap")
    parser.add_argument("--warm-up-s", type=float, default=usual.warm_up_s, help="at most")
    parser.add_argument("--build-s", type=float, default=usual.build_s, help="at most")
    parser.add_argument("--events", type=int, default=usual.events, help="different ones")
    parser.add_argument("--core", type=int, default=usual.core, help="the one that all run on")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument(
        "--quick", action="store_true", help="few workloads and short laps; others may be named"
    )
    given = parser.parse_args(arguments)
    if given.quick:
        parser.set_defaults(
            sizes=_words(QUICK.sizes), firings=_words(QUICK.firings),
            runs=QUICK.runs, seconds=QUICK.seconds, warm_up_s=QUICK.warm_up_s,
        )  # fmt: skip
        given = parser.parse_args(arguments)
    engines = tuple(given.engines.split(","))
    if unknown := sorted(set(engines) - set(PEERS)):
        parser.error(f"--engines names {', '.join(unknown)}; known are {', '.join(PEERS)}")
    return Wish(
        sizes=tuple(int(word) for word in given.sizes.split(",")),
        firings=tuple(float(word) for word in given.firings.split(",")),
        engines=engines,
        runs=given.runs,
        seconds=given.seconds,
        warm_up_s=given.warm_up_s,
        build_s=given.build_s,
        events=given.events,
        core=given.core,
        seed=given.seed,
    )


def _words(values: Iterable[object]) -> str:
    return ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
