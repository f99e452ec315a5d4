"""Processes under measurement: started, watched, ended; what they said is kept for complaints."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
import psutil

from benchmarks.errors import ProcessFailed

_STOP_S: Final = 40.0
_TAIL: Final = 12


class ThreadTime(NamedTuple):
    """Processor seconds of one thread."""

    thread: int
    seconds: float


class Measured:
    """One child process; `with` ends it, whatever happens."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._name = " ".join(arguments)
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._process = psutil.Process(self._child.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    @property
    def pid(self) -> int:
        return self._child.pid

    def cpu_s(self) -> float:
        """Processor seconds used so far. Raises ProcessFailed where the process ended."""
        if self._child.poll() is not None:
            raise ProcessFailed(self._complaint())
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def threads(self) -> list[ThreadTime]:
        """The threads by processor time, the busiest first."""
        found = [ThreadTime(t.id, t.user_time + t.system_time) for t in self._process.threads()]
        return sorted(found, key=lambda thread: -thread.seconds)

    def rss_mb(self) -> float:
        """Resident memory, in MB."""
        return float(self._process.memory_info().rss) / 1e6

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait. Raises ProcessFailed unless it ends with 0."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        self.wait(_STOP_S)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end. Raises ProcessFailed unless it ends with 0."""
        try:
            code = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"{self._name} did not end within {timeout_s:.0f} s") from None
        if code != 0:
            raise ProcessFailed(self._complaint())

    def answer(self, timeout_s: float) -> dict[str, Any]:
        """Its last line, which is JSON. Raises ProcessFailed."""
        self.wait(timeout_s)
        lines = self._log.read_bytes().splitlines()
        try:
            found: dict[str, Any] = msgspec.json.decode(lines[-1], type=dict[str, Any])
        except (IndexError, msgspec.MsgspecError):
            raise ProcessFailed(self._complaint()) from None
        return found

    def _complaint(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
        code = self._child.poll()
        return "\n  ".join([f"{self._name} ended with {code}; it said last:", *lines])


def wait_for(condition: Any, timeout_s: float, what: str) -> None:
    """Wait until `condition()` holds. Raises ProcessFailed."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise ProcessFailed(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.05)
