"""Work beside the event loop gives the interpreter away, unless somebody waits for it."""

from __future__ import annotations

import sys
from time import perf_counter, thread_time

from streams.bundles.pace import Pace


def busy(seconds: float) -> None:
    def step() -> None: ...

    end = thread_time() + seconds
    while thread_time() < end:
        step()


def test_the_thread_rests_after_each_step() -> None:
    began = perf_counter()
    with Pace(step_s=0.001, rest_s=0.004):
        busy(0.05)
    assert perf_counter() - began > 0.1


def test_hurrying_ends_the_rests() -> None:
    pace = Pace(step_s=0.001, rest_s=10)
    pace.hurry()
    began = perf_counter()
    with pace:
        busy(0.05)
    assert perf_counter() - began < 5


def test_the_hook_is_gone_afterwards() -> None:
    with Pace():
        assert sys.getprofile() is not None
    assert sys.getprofile() is None
