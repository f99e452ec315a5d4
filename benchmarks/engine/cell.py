"""All engines on one workload: equal firings first, then laps in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from benchmarks.engine.child import Task
from benchmarks.engine.engine import Lap
from benchmarks.engine.neutral import Firing
from benchmarks.engine.peers import PEERS
from benchmarks.engine.wish import Cell, Wish
from benchmarks.errors import FiringsDiffer, ProcessFailed

Say = Callable[[str], None]
T = TypeVar("T")

_CHECK_S: Final = 10.0
_GRACE_S: Final = 60.0
_NEIGHBOURS: Final = 10
_STEADY: Final = 1.03
"""A lap that is not faster by this than those before it ends the warm-up, after three such."""
_STEADY_LAPS: Final = 3
_MEETINGS: Final = 10
"""So often each event is decided before a warm-up may end."""


class Figures(msgspec.Struct, frozen=True):
    """What one engine did on one workload."""

    events_per_s: int
    p50_us: float
    p99_us: float
    firings: float
    """An event, on average over those that were compared."""
    compared: int
    """Events whose firings were compared with the other engines'."""
    build_s: float
    memory_mb: float
    runs: list[int]


@dataclass
class Found:
    """The figures of a cell by engine, and why an engine has none."""

    cell: Cell
    figures: dict[str, Figures]
    missing: dict[str, str]


class _Child:
    """The process of one engine. Every answer has a limit; past it the process is ended."""

    def __init__(self, engine: str, cell: Cell, wish: Wish) -> None:
        task = Task(engine, cell, wish.events, wish.seed, wish.core)
        self.engine = engine
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engine.child", msgspec.json.encode(task).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._last: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Keep the last lines of its errors, for a complaint."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last = [*self._last, line][-8:]

    def ask(self, order: str, kind: type[T], timeout_s: float) -> T:
        """Send an order and read its answer. Raises ProcessFailed where none comes."""
        assert self._process.stdin is not None
        if order:
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        assert self._process.stdout is not None
        timer = threading.Timer(timeout_s, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        late = timer.finished.is_set()
        timer.cancel()
        if not line:
            said = b"".join(self._last).decode("utf-8", "replace").strip()
            raise ProcessFailed(f"no answer within {timeout_s:.0f} s" if late else said)
        return msgspec.json.decode(line, type=kind)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def measure(cell: Cell, wish: Wish, say: Say) -> Found:
    """Build, compare, warm up, then take turns. Raises FiringsDiffer."""
    found = Found(cell, {}, {})
    with ExitStack() as exit_stack:
        ready: list[tuple[_Child, dict[str, Any]]] = []
        for engine in wish.engines:
            if cell.rules > (most := PEERS[engine].most_rules):
                found.missing[engine] = f"is asked for at most {most} rules"
                continue
            child = _Child(engine, cell, wish)
            exit_stack.callback(child.close)
            try:
                built = child.ask("", dict[str, Any], wish.build_s + _GRACE_S)
            except ProcessFailed as error:
                built = {"missing": str(error)}
            if "missing" in built:
                found.missing[engine] = built["missing"]
                child.close()
            else:
                ready.append((child, built))
        sets = {child.engine: _firings(child, wish) for child, _ in ready}
        check_equal(sets)
        laps: dict[str, list[Lap]] = {child.engine: [] for child, _ in ready}
        for child, _ in ready:
            _warm_up(child, wish)
        for _ in range(wish.runs):
            for child, _ in ready:
                laps[child.engine].append(_lap(child, "lap", wish))
        # Once more: what ran hot may be other code than what was compared before.
        check_equal({child.engine: _firings(child, wish) for child, _ in ready} | reference(sets))
        for child, built in ready:
            timed = _lap(child, "timed", wish)
            memory_mb = child.ask("memory", float, _GRACE_S)
            compared = sets[child.engine]
            rates = [round(lap.events / lap.seconds) for lap in laps[child.engine]]
            found.figures[child.engine] = Figures(
                events_per_s=round(statistics.median(rates)),
                p50_us=_quantile(timed.latencies_us, 0.5),
                p99_us=_quantile(timed.latencies_us, 0.99),
                firings=round(sum(map(len, compared)) / max(len(compared), 1), 3),
                compared=len(compared),
                build_s=round(built["build_s"], 3),
                memory_mb=round(memory_mb, 1),
                runs=rates,
            )
            say(f"{cell.rules:>6} rules, {cell.firings:g} firings: {child.engine} "
                f"{found.figures[child.engine].events_per_s:,} events/s")  # fmt: skip
    return found


def _firings(child: _Child, wish: Wish) -> list[set[Firing]]:
    return child.ask(f"check {wish.events} {_CHECK_S}", list[set[Firing]], _limit(_CHECK_S))


def reference(sets: dict[str, list[set[Firing]]]) -> dict[str, list[set[Firing]]]:
    """What the engine that answered most found at first, under a name of its own."""
    if not sets:
        return {}
    engine = max(sets, key=lambda name: len(sets[name]))
    return {f"{engine} at first": sets[engine]}


def check_equal(sets: dict[str, list[set[Firing]]]) -> None:
    """Every engine says of each event what the one that answered most says."""
    if not sets:
        return
    most = max(sets, key=lambda engine: len(sets[engine]))
    for engine, answers in sets.items():
        for number, (ours, theirs) in enumerate(zip(answers, sets[most], strict=False)):
            if ours != theirs:
                raise FiringsDiffer(
                    f"event {number}: only {engine}: {sorted(ours - theirs)[:5]}, "
                    f"only {most}: {sorted(theirs - ours)[:5]}"
                )


def _lap(child: _Child, order: str, wish: Wish) -> Lap:
    return child.ask(f"{order} {wish.seconds}", Lap, _limit(wish.seconds))


def _limit(processor_s: float) -> float:
    """How long by the clock something may take: on a busy core many times its processor time."""
    return _NEIGHBOURS * processor_s + _GRACE_S


def _warm_up(child: _Child, wish: Wish) -> None:
    """Laps until they get no faster: virtual machines compile while they run.

    Ours compiles what it meets for the eighth time, and a machine what it meets ten thousand times:
    laps in which an engine compiles are slower than those before, which is not steady yet.
    """
    best, steady, spent, met = 0.0, 0, 0.0, 0
    while (steady < _STEADY_LAPS or met < _MEETINGS * wish.events) and spent < wish.warm_up_s:
        lap = _lap(child, "lap", wish)
        rate = lap.events / lap.seconds
        steady = 0 if rate > best * _STEADY else steady + 1
        met += lap.events
        best, spent = max(best, rate), spent + lap.seconds


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)
