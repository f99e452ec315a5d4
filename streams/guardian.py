"""Ends processes whose owner has died: `python -m streams.guardian` reads their ids from stdin.

A line `+ID` adds a process, `-ID` forgets it. When stdin ends, the owner is gone, and every
process still listed is asked to end and then killed. One small process, so that it works where
the kernel cannot be asked to (prctl is Linux only, and follows threads, not processes).
"""

from __future__ import annotations

import contextlib
import signal
import sys

import psutil

_GRACE_S = 10.0


def main() -> None:
    """Keep the list until stdin ends, then end what is on it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its owner, not with a terminal
    listed: dict[int, psutil.Process] = {}
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "-":
            listed.pop(pid, None)
        else:
            # psutil remembers the start time: another process with the id is never touched.
            with contextlib.suppress(psutil.NoSuchProcess):
                listed[pid] = psutil.Process(pid)
    _end(list(listed.values()))


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_GRACE_S)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


if __name__ == "__main__":
    main()
