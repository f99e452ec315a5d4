"""The worker with its main thread sampled: `python -m benchmarks.profiled_worker FILE`.

Whenever the process has used another few milliseconds of processor time, a signal notes the
main thread's stack; FILE is written again and again. Time in C functions counts for the Python
function that called them, or for the one that it enters next. (A thread that samples would not
do: it gets its turn mostly where the main thread gives the interpreter away, and would find it
there.)
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

from yijian.cli import main as yijian_main

_EVERY_S: Final = 0.004
_WRITE_EVERY: Final = 250
_TOP: Final = 40


class Sampler:
    """Counts in which functions the main thread is, and under which."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own: Counter[str] = Counter()
        self._under: Counter[str] = Counter()
        self._samples = 0
        self._is_taking = False

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)  # the interpreter's end would take the handler off

    def _take(self, number: int, frame: FrameType | None) -> None:
        if frame is None or self._is_taking:  # on a busy machine a signal meets the one before
            return
        self._is_taking = True
        self._samples += 1
        self._own[_where(frame)] += 1
        self._under.update(_stack(frame))
        if self._samples % _WRITE_EVERY == 0:
            self._path.write_text(self.report(), encoding="utf-8")
        self._is_taking = False

    def report(self) -> str:
        """Shares of the samples: by function itself, by function with all it calls."""
        parts = [f"{self._samples} samples, one each {_EVERY_S * 1000:.0f} ms of processor time"]
        for title, counts in (
            ("in the function itself", self._own),
            ("in the function and what it calls", self._under),
        ):
            parts.append(f"\n{title}")
            for name, count in counts.most_common(_TOP):
                parts.append(f"  {count / max(self._samples, 1):6.1%}  {name}")
        return "\n".join(parts) + "\n"


def _where(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_qualname}"


def _stack(frame: FrameType) -> set[str]:
    found: set[str] = set()
    at: FrameType | None = frame
    while at is not None:
        found.add(_where(at))
        at = at.f_back
    return found


if __name__ == "__main__":
    sampler = Sampler(Path(sys.argv[1]))
    sys.argv = ["yijian", "worker"]
    sampler.start()
    try:
        yijian_main()
    finally:
        sampler.stop()
