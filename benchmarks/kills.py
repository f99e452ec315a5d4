"""Workers that are killed while they work."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from yijian.kafka_log import ends
from yijian.settings import Settings
from yijian.stack import Stack

_LOOK_S: Final = 0.2
_SESSIONS: Final = 5
"""So many session timeouts without a decision, and there is nothing left to do."""


def kill_at_work(stack: Stack, chance: Random, most_s: float) -> None:
    """Kill the first worker once something is decided, up to `most_s` seconds later.

    A worker that still waits for its partitions would lose nothing by it.
    """
    until_at_work(stack.settings)
    time.sleep(chance.uniform(0.0, most_s))
    while stack.processes.pid("worker-0") is None:
        time.sleep(0.01)
    stack.processes.kill("worker-0")


def until_at_work(s: Settings) -> None:
    """Return when something is decided, or nothing seems to be left."""
    until = time.monotonic() + _SESSIONS * s.session_timeout_s
    begun = _decided(s)
    while _decided(s) == begun and time.monotonic() < until:
        time.sleep(_LOOK_S)


def _decided(s: Settings) -> int:
    return sum(ends(s, [s.topics.decisions]).values())
