"""The patients of a file, then its groups, shared out to processes, each of which takes all events
of its own.

A patient's events have to meet one memory in their order, so the file cannot be cut into pieces.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.pool import AsyncResult
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

    `progress` is told bytes done and in all, which are twice as many where groups ask for a second
    reading.
    """
    size = wish.events.stat().st_size
    if wish.processes == 1:
        found = _here(wish, sides, changed, size, progress)
    else:
        found = _in_processes(wish, size, progress)
    total = size * (1 + bool(_to_groups(found)))
    progress(total, total)
    return found


def _here(
    wish: Wish, sides: tuple[Side, Side], changed: tuple[ChangedRule, ...], size: int,
    progress: Callable[[int, int], None],
) -> list[Share]:  # fmt: skip
    worker = Worker(wish.plan, sides, changed, wish.examples, 0, 1)
    found = [worker.share(wish.events, lambda done: progress(done, size))]
    told = _to_groups(found)
    if told:
        worker = Worker(wish.plan, sides, changed, wish.examples, 0, 1)
        again = worker.groups(wish.events, told, lambda done: progress(size + done, 2 * size))
        found.append(again)
    return found


def _to_groups(found: Sequence[Share]) -> list[ToGroups]:
    return [told for share in found for told in share.to_groups]


def _in_processes(wish: Wish, size: int, progress: Callable[[int, int], None]) -> list[Share]:
    # Processes are spawned: a forked one would inherit the parent's threads and locks.
    spawn = multiprocessing.get_context("spawn")
    done = [spawn.Value("q", 0) for _ in range(wish.processes)]
    numbers = range(wish.processes)
    with spawn.Pool(wish.processes, _start, (wish, done)) as pool:
        answer = pool.map_async(_share, numbers, chunksize=1)
        found = _followed(answer, done, lambda read: progress(read, size))
        groups = _to_groups(found)
        if groups:
            for one in done:
                one.value = 0
            answer = pool.map_async(partial(_groups, groups), numbers, chunksize=1)
            found += _followed(answer, done, lambda read: progress(size + read, 2 * size))
        return found


def _followed(
    answer: AsyncResult[list[Share]], done: Sequence[Synchronized[int]],
    progress: Callable[[int], None],
) -> list[Share]:  # fmt: skip
    """What all processes answer; until then `progress` is told how far the slowest has read."""
    told = 0
    while not answer.ready():
        answer.wait(_LOOK_S)
        slowest = min(one.value for one in done)
        if slowest > told:
            told = slowest
            progress(told)
    return answer.get()


_told: tuple[Wish, Sequence[Synchronized[int]]] | None = None


def _start(wish: Wish, done: Sequence[Any]) -> None:
    global _told
    _told = (wish, done)


def _share(number: int) -> Share:
    worker, wish, tell = _worker(number)
    return worker.share(wish.events, tell)


def _groups(told: Sequence[ToGroups], number: int) -> Share:
    worker, wish, tell = _worker(number)
    return worker.groups(wish.events, told, tell)


def _worker(number: int) -> tuple[Worker, Wish, Callable[[int], None]]:
    if _told is None:
        raise RuntimeError("the process was not made ready")
    wish, done = _told
    sides = wish.plan.sides()
    worker = Worker(
        wish.plan, sides, wish.plan.changed(sides), wish.examples, number, wish.processes
    )
    # Memories only grow, and nothing in them refers back: looking for cycles is time lost.
    gc.disable()

    def tell(read: int) -> None:
        done[number].value = read

    return worker, wish, tell
