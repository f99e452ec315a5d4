"""Work beside the event loop in small steps, so that events hardly notice it."""

from __future__ import annotations

import sys
import threading
from time import perf_counter, sleep
from types import FrameType, TracebackType
from typing import Any, Final, Self

STEP_S: Final = 0.001
REST_S: Final = 0.003


class Pace:
    """Context manager: this thread gives the interpreter away after every millisecond of work.

    Python takes the interpreter from a busy thread only after the switch interval (5 ms), and an
    event loop asks for it anew after each system call: a compiling thread would cost every batch
    many times that. So the thread is interrupted by its own profile hook, which the interpreter
    calls at each function call and return, and rests. `hurry` ends the resting, from any thread.
    """

    def __init__(self, step_s: float = STEP_S, rest_s: float = REST_S) -> None:
        self._step_s = step_s
        self._rest_s = rest_s
        self._since = 0.0
        self._hurried = threading.Event()

    def hurry(self) -> None:
        """Somebody waits for the work: do the rest of it at once."""
        self._hurried.set()

    def __enter__(self) -> Self:
        self._since = perf_counter()
        sys.setprofile(self._step)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.setprofile(None)

    def _step(self, frame: FrameType, event: str, argument: Any) -> None:
        if self._hurried.is_set():
            sys.setprofile(None)
        elif perf_counter() - self._since > self._step_s:
            sleep(self._rest_s)
            self._since = perf_counter()
