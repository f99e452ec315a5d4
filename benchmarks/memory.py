"""`python -m benchmarks.memory`: what it costs to remember, without Kafka; the last line is JSON.

Events of a simulated day are taken as a worker takes them: fetch by fetch, each fetch in batches of
one topic and partition number, and what a fetch changed is packed once, as a cut. Times are
processor microseconds an event of the main thread, for each fetch the best lap: recall, decide and
keep (`step`), packing (`seal`), and the same rules without memory (`without`).
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import load, machine
from benchmarks.bench import PARTITIONS
from benchmarks.load import Load
from benchmarks.machine import Neighbours
from contracts.clock import SystemClock
from contracts.identity import partition_of
from streams.state.framing import framed
from streams.state.memories import PARTITION_KEY, Change, Memories
from streams.supervision import Supervisor
from yijian import settings
from yijian.composition import load_core, supervisor_of

_FETCH: Final = 4000
"""Records a fetch, as many as a worker takes at once."""


class Lap(NamedTuple):
    """Of one lap: seconds by fetch, and what it left."""

    step_s: list[float]
    seal_s: list[float]
    written: list[Change]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--laps", type=int, default=4)
    wish = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    s = replace(settings.load(), profile="demo")
    core = load_core(s)
    supervisor = supervisor_of(s, core)
    until = SystemClock().now()
    received_ms = int(until.timestamp() * 1000) + 1
    loads = load.simulated(core.knowledge, wish.events, until, 7)
    fetches = [_batches(loads[at : at + _FETCH]) for at in range(0, len(loads), _FETCH)]
    _lap(supervisor, fetches, received_ms, remembers=True)  # compiles what comes often
    neighbours = Neighbours()
    with_memory = [_lap(supervisor, fetches, received_ms, remembers=True) for _ in range(wish.laps)]
    without = [_lap(supervisor, fetches, received_ms, remembers=False) for _ in range(wish.laps)]
    written = with_memory[-1].written
    last = {one.key: one for one in written if one.key != PARTITION_KEY}
    sizes = sorted(len(framed(one.due_us, 0, one.body or b"")) for one in last.values())
    figures: dict[str, Any] = {
        "events": len(loads),
        "step_us": _best_us([lap.step_s for lap in with_memory], len(loads)),
        "seal_us": _best_us([lap.seal_s for lap in with_memory], len(loads)),
        "without_us": _best_us([lap.step_s for lap in without], len(loads)),
        "state_records": len(written),
        "patients": len(sizes),
        "bytes": round(mean(sizes)),
        "bytes_p99": sizes[len(sizes) * 99 // 100],
        "foreign_cores": round(neighbours.cores(), 2),
        "machine": machine.describe(),
        "python": machine.python(),
    }
    print(msgspec.json.encode(figures).decode())
    return 0


def _batches(loads: Sequence[Load]) -> list[tuple[int, list[Load]]]:
    """Events by topic and partition number, as a fetch brings them."""
    found: dict[tuple[str, int], list[Load]] = {}
    for one in loads:
        found.setdefault((one.topic_family, partition_of(one.key, PARTITIONS)), []).append(one)
    return [(partition, batch) for (_, partition), batch in found.items()]


def _lap(
    supervisor: Supervisor, fetches: Sequence[list[tuple[int, list[Load]]]], received_ms: int, *,
    remembers: bool,
) -> Lap:  # fmt: skip
    memories = [Memories() for _ in range(PARTITIONS)]
    lap = Lap([], [], [])
    for fetch in fetches:
        began = time.thread_time()
        for partition, batch in fetch:
            past = memories[partition] if remembers else None
            for one in batch:
                supervisor.supervise(one.bytes, one.key, received_ms, past)
        stepped = time.thread_time()
        for past in memories if remembers else ():
            past.reached("simulated", 0)
            lap.written.extend(past.seal().changes)
        lap.step_s.append(stepped - began)
        lap.seal_s.append(time.thread_time() - stepped)
    return lap


def _best_us(laps: Sequence[Sequence[float]], events: int) -> float:
    best_s: float = sum(min(fetch) for fetch in zip(*laps, strict=True))
    return round(best_s / events * 1e6, 1)


if __name__ == "__main__":
    sys.exit(main())
