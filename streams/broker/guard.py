"""A small process between a broker and its owner: it ends the broker when the owner is gone.

Run as a script (`python -I guard.py …`), so it imports the standard library only, and psutil where
it watches a foreign owner. It is the JVM's parent: only the parent can kill a pid without ever
hitting somebody else's, because the pid stays reserved until the parent has reaped it.

Attached, the owner holds the write end of our stdin: a byte is an order, end of file means that
the owner ended, however it did. A child the owner forked may hold that end open longer than the
owner lives, so our parent's pid is watched as well. Detached, we leave the owner's session and end
on SIGTERM, or when the process given by --owner is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

STOP: Final = b"s"
KILL: Final = b"k"

_LOOK_EVERY_S: Final = 0.25
_PR_SET_PDEATHSIG: Final = 1


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    if options.detached:
        _leave_session()
    stop_asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: stop_asked.append(received))
    owner_gone = _owner_watch(options)
    jvm = _start(options)
    _report(jvm.pid, options.detached)
    return _watch(jvm, options, stop_asked, owner_gone)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--grace-s", type=float, required=True)
    parser.add_argument("--detached", action="store_true")
    parser.add_argument("--parent", type=int, help="attached: the owner, which is our parent")
    parser.add_argument("--owner", help="detached: pid:start-time whose end ends the broker")
    parser.add_argument("--remove", type=Path, help="folder to remove when the owner vanished")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def _leave_session() -> None:
    """Go on in a child of init, so that nobody has to wait for us and no terminal reaches us."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _owner_watch(options: argparse.Namespace) -> Callable[[], bool]:
    if options.parent is not None:
        parent = int(options.parent)
        return lambda: os.getppid() != parent
    if options.owner is None:
        return lambda: False
    import psutil

    pid, started = options.owner.split(":")

    def gone() -> bool:
        try:
            process = psutil.Process(int(pid))
            return (
                abs(process.create_time() - float(started)) > 2.0
                or process.status() == psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return True

    return gone


def _start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    with options.log.open("ab") as log:
        return subprocess.Popen(
            options.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def _die_with_parent() -> None:
    """Linux: the kernel kills the JVM when this guard is killed.

    The death signal is bound to the thread that forked; the guard has one thread only.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _report(jvm_pid: int, detached: bool) -> None:
    sys.stdout.write(json.dumps({"guard": os.getpid(), "jvm": jvm_pid}) + "\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    if detached:
        os.dup2(nowhere, 0)
    os.close(nowhere)


def _watch(
    jvm: subprocess.Popen[bytes],
    options: argparse.Namespace,
    stop_asked: list[int],
    owner_gone: Callable[[], bool],
) -> int:
    while jvm.poll() is None:
        order = _next_order(options.detached)
        if order == KILL:
            _end(jvm, grace_s=0.0)
        elif order == STOP or stop_asked:
            _end(jvm, options.grace_s)
        elif order == b"" or owner_gone():
            # Nobody will read data that is removed anyway: no time is lost on a clean shutdown.
            _end(jvm, 0.0 if options.remove else options.grace_s)
            if options.remove:
                shutil.rmtree(options.remove, ignore_errors=True)
    return jvm.returncode if jvm.returncode >= 0 else 128 - jvm.returncode


def _next_order(detached: bool) -> bytes | None:
    """A byte from the owner, b"" when the owner's end is closed, None when there is nothing."""
    readable, _, _ = select.select([] if detached else [0], [], [], _LOOK_EVERY_S)
    return os.read(0, 1) if readable else None


def _end(jvm: subprocess.Popen[bytes], grace_s: float) -> None:
    if grace_s > 0:
        jvm.terminate()
        jvm.send_signal(signal.SIGCONT)  # a frozen JVM could not follow the order
        with contextlib.suppress(subprocess.TimeoutExpired):
            jvm.wait(grace_s)
    if jvm.poll() is None:
        jvm.kill()
        jvm.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
