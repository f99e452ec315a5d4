"""Looks from outside whether the worker still gets its work done, and ends it where it does not.

A stuck consumer looks alive: its loop turns, its heartbeats are answered. So the ends of the
logs are asked for over a connection of its own, and compared with what was committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    OffsetSpec,
)
from faust.types import TP

from streams.errors import StuckError
from streams.offsets import Progress

_REQUEST_TIMEOUT_S: Final = 5.0
_TURNS: Final = 10
"""So many times longer may a partition wait for its turn while others are worked through."""


def log_ends(client: AdminClient) -> Callable[[list[TP]], dict[TP, int]]:
    """A function that asks the broker where the logs end; {} where it does not answer."""

    def ask(tps: list[TP]) -> dict[TP, int]:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        try:
            futures = client.list_offsets(
                {TopicPartition(*tp): latest for tp in tps}, request_timeout=_REQUEST_TIMEOUT_S
            )
            found = {at: f.result(timeout=2 * _REQUEST_TIMEOUT_S) for at, f in futures.items()}
        except (KafkaException, TimeoutError):
            return {}
        return {TP(at.topic, at.partition): int(result.offset) for at, result in found.items()}

    return ask


@dataclass
class _Seen:
    committed: int = -1
    waited_s: float = 0.0


@dataclass
class Lags:
    """What the watchdog saw last: records that are still to be done, by partition."""

    records: dict[TP, int] = field(default_factory=dict)
    waited_s: dict[TP, float] = field(default_factory=dict)
    """How long there has been work without anything committed."""


class Watchdog:
    """Calls `on_stuck` when there is work and no partition's commit goes on for `stuck_s`, or when
    that of one partition stands still for ten times as long while others go on.

    Time is counted in looks, not on the clock: a process that was suspended for a while has not
    been stuck for a while. `call_loop` runs a function in the event loop; when that does not
    happen for `stuck_s` the loop itself is stuck. While `is_waiting` says that the worker reads
    back what it remembers no commit is expected; that ends by itself where it hangs.
    """

    def __init__(
        self,
        progress: Callable[[], Mapping[TP, Progress]],
        ends: Callable[[list[TP]], dict[TP, int]],
        call_loop: Callable[[Callable[[], None]], object],
        on_stuck: Callable[[StuckError], None],
        *,
        stuck_s: float,
        look_s: float = 2.0,
        is_waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        self.lags = Lags()
        self._progress = progress
        self._ends = ends
        self._call_loop = call_loop
        self._on_stuck = on_stuck
        self._stuck_s = stuck_s
        self._look_s = look_s
        self._is_waiting = is_waiting
        self._seen: dict[TP, _Seen] = {}
        self._loop_waited_s = 0.0
        self._idle_s = 0.0
        """How long no partition with work has gone on."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="yijian-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._look_s):
            self.look()

    def look(self) -> None:
        """Compare once."""
        self._look_at_loop()
        progress = dict(self._progress())
        ends = self._ends(sorted(progress)) if progress else {}
        for tp in self._seen.keys() - progress.keys():
            del self._seen[tp]
        lags = {tp: max(end - progress[tp].done, 0) for tp, end in ends.items() if tp in progress}
        if not lags and progress:
            return  # the broker did not answer: that alone is not being stuck
        moved = any(
            tp in self._seen and progress[tp].committed != self._seen[tp].committed for tp in lags
        )
        self._idle_s = 0.0 if moved or not any(lags.values()) else self._idle_s + self._look_s
        for tp, lag in lags.items():
            self._look_at(tp, progress[tp].committed, lag)
        self.lags = Lags(lags, {tp: seen.waited_s for tp, seen in self._seen.items()})

    def _look_at(self, tp: TP, committed: int, lag: int) -> None:
        seen = self._seen.setdefault(tp, _Seen())
        if lag == 0 or self._is_waiting() or committed != seen.committed:
            seen.committed, seen.waited_s = committed, 0.0
            return
        seen.waited_s += self._look_s
        # One of many with work must wait for its turn: nothing is wrong while others get on.
        most_s = self._stuck_s if self._idle_s >= self._stuck_s else _TURNS * self._stuck_s
        if seen.waited_s >= most_s:
            self._on_stuck(
                StuckError(
                    f"{tp.topic}[{tp.partition}] has {lag} records to do and its commit has stood "
                    f"at {committed} for {seen.waited_s:.0f} s; the process ends"
                )
            )

    def _look_at_loop(self) -> None:
        self._loop_waited_s += self._look_s
        if self._loop_waited_s > self._stuck_s:
            self._on_stuck(
                StuckError(f"the event loop has not turned for {self._stuck_s:.0f} s; it ends")
            )
        self._call_loop(self._loop_turned)

    def _loop_turned(self) -> None:
        self._loop_waited_s = 0.0
