"""Where the figures come from."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

import psutil


def describe() -> str:
    """Processor, cores, memory and system in one line."""
    cores = psutil.cpu_count() or 1
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"{_processor()}, {cores} cores, {memory_gb:.0f} GB, {platform.system()}"


def load_average() -> float:
    """Of the last minute: above the number of cores, somebody else was measured as well."""
    return os.getloadavg()[0]


def python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


class _Reading(NamedTuple):
    at_s: float
    busy_s: float
    ours_s: float


class Neighbours:
    """How many processors others kept busy since this was made: a measurement's honesty."""

    def __init__(self) -> None:
        self._start = _read()

    def cores(self) -> float:
        """Processors used by neither this process nor what it started; 0.0 on a quiet machine."""
        end, start = _read(), self._start
        foreign_s = (end.busy_s - start.busy_s) - (end.ours_s - start.ours_s)
        return max(foreign_s, 0.0) / max(end.at_s - start.at_s, 1e-9)


def _read() -> _Reading:
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    guest_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    busy_s = sum(times) - idle_s - guest_s  # guest time is part of user time
    me = psutil.Process()
    ours_s = 0.0
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            ours_s += used.user + used.system
    return _Reading(time.monotonic(), float(busy_s), ours_s)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
