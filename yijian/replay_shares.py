"""The patients of a file, then its groups, shared out to processes, each of which takes all events
of its own.

A patient's events have to meet one memory in their order, so the file cannot be cut into pieces.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, Final, NamedTuple

from rules.replay import ChangedRule, Side, ToGroups
from yijian.replay_pieces import Plan
from yijian.replay_subjects import Share, Worker

_LOOK_S: Final = 0.1


class Wish(NamedTuple):
    """What every process is told."""

    events: Path
    plan: Plan
    examples: int
    processes: int


def shares(
    wish: Wish,
    sides: tuple[Side, Side],
    changed: tuple[ChangedRule, ...],
    progress: Callable[[int, int], None],
) -> Sequence[Share]:
    """What the patients and the groups of each process came to.

    `progress` is told bytes done and in all; groups ask for a second reading.
    """
    size = wish.events.stat().st_size
    if wish.processes == 1:
        found = [
            Worker(wish.plan, sides, changed, wish.examples, 0, 1).share(
                wish.events, lambda done: progress(done, size)
            )
        ]
        told = _to_groups(found)
        if told:
            worker = Worker(wish.plan, sides, changed, wish.examples, 0, 1)
            found.append(worker.groups(wish.events, told))
    else:
        found = _in_processes(wish, lambda done: progress(done, size))
    progress(size, size)
    return found


def _to_groups(found: Sequence[Share]) -> list[ToGroups]:
    return [told for share in found for told in share.to_groups]


def _in_processes(wish: Wish, progress: Callable[[int], None]) -> list[Share]:
    # Processes are spawned: a forked one would inherit the parent's threads and locks.
    spawn = multiprocessing.get_context("spawn")
    done = [spawn.Value("q", 0) for _ in range(wish.processes)]
    with spawn.Pool(wish.processes, _start, (wish, done)) as pool:
        answer = pool.map_async(_share, range(wish.processes), chunksize=1)
        told = 0
        while not answer.ready():
            time.sleep(_LOOK_S)
            slowest = min(one.value for one in done)
            if slowest > told:
                told = slowest
                progress(told)
        found = answer.get()
        groups = _to_groups(found)
        if groups:
            found += pool.map(partial(_groups, groups), range(wish.processes), chunksize=1)
        return found


_told: tuple[Wish, Sequence[Synchronized[int]]] | None = None


def _start(wish: Wish, done: Sequence[Any]) -> None:
    global _told
    _told = (wish, done)


def _share(number: int) -> Share:
    worker, wish, done = _worker(number)

    def tell(read: int) -> None:
        done[number].value = read

    return worker.share(wish.events, tell)


def _groups(told: Sequence[ToGroups], number: int) -> Share:
    worker, wish, _ = _worker(number)
    return worker.groups(wish.events, told)


def _worker(number: int) -> tuple[Worker, Wish, Sequence[Synchronized[int]]]:
    if _told is None:
        raise RuntimeError("the process was not made ready")
    wish, done = _told
    sides = wish.plan.sides()
    worker = Worker(
        wish.plan, sides, wish.plan.changed(sides), wish.examples, number, wish.processes
    )
    # Memories only grow, and nothing in them refers back: looking for cycles is time lost.
    gc.disable()
    return worker, wish, done
