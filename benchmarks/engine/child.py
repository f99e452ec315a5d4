"""One engine in a process of its own, on one core: `python -m benchmarks.engine.child WISH`.

It answers each line of its input with one line of JSON: `check`, `lap`, `timed`, `memory`.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any

import msgspec
import psutil

from benchmarks.engine.peers import PEERS
from benchmarks.engine.wish import Cell
from benchmarks.engine.workload import generate
from rules.errors import EngineError
from streams.config import Runtime


class Task(msgspec.Struct, frozen=True):
    """What a child is to measure."""

    engine: str
    cell: Cell
    visits: int
    seed: int
    core: int


def main() -> int:
    task = msgspec.json.decode(sys.argv[1], type=Task)
    os.sched_setaffinity(0, {task.core})
    # Libraries and virtual machines print as they like: our answers get a channel of their own.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def answer(value: Any) -> None:
        answers.write(msgspec.json.encode(value) + b"\n")

    workload = generate(task.cell.rules, task.cell.firings, task.visits, task.seed)
    gc.collect()
    before_mb, start = _memory_mb(), time.perf_counter()
    try:
        bench = PEERS[task.engine].make(workload)
    except (ImportError, EngineError) as error:
        answer({"missing": f"{error}"})
        return 0
    answer({"build_s": time.perf_counter() - start, "firings": workload.firings})
    # As a worker does it, for every engine alike.
    gc.freeze()
    gc.set_threshold(*Runtime().gc_threshold)
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        if order == "check":
            most, seconds = rest.split()
            answer([sorted(found) for found in bench.found(int(most), float(seconds))])
        elif order == "lap":
            answer(bench.lap(float(rest)))
        elif order == "timed":
            answer(bench.timed_lap(float(rest)))
        elif order == "memory":
            own = bench.memory_mb()
            answer(own if own is not None else _memory_mb() - before_mb)
    bench.close()
    return 0


def _memory_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    sys.exit(main())
