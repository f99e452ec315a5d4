"""Keeps processes running: starts again what ended, with backoff and a count that can be seen."""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, Final, Self

from streams.broker.files import tail

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.05
_LAST_LINES: Final = 3
_STEADY_S: Final = 20.0
"""A process that ran so long starts again at once when it ends."""


@dataclass(frozen=True)
class Backoff:
    """Seconds between an end and the next start: doubled each time up to the most."""

    first_s: float = 0.2
    most_s: float = 10.0

    def after(self, failures: int) -> float:
        return min(self.first_s * 2.0**failures, self.most_s)


@dataclass
class _Child:
    command: list[str]
    env: dict[str, str] | None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    """Ends in a row that came soon after the start."""
    last_exit: int | None = None


class ProcessSupervisor:
    """Runs named commands and starts them again when they end, until they are stopped.

    `with ProcessSupervisor(log_folder=…) as processes: processes.start("worker-0", [...])`.
    Output goes to `log_folder/NAME.log`, or where this process's goes. Every process has a
    session of its own, so that a Ctrl-C reaches only their owner. When this process dies, in
    whatever way, they are ended. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        log_folder: Path | None = None,
        backoff: Backoff | None = None,
        grace_s: float = 30.0,
    ) -> None:
        self.restarts: dict[str, int] = {}
        """How often each name was started again after it had ended by itself or was killed."""
        self._log_folder = log_folder
        self._backoff = backoff or Backoff()
        self._grace_s = grace_s
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "streams.guardian"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )
        self._watcher = threading.Thread(target=self._watch, name="yijian-supervise", daemon=True)
        self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The processes that are kept running."""
        with self._lock:
            return tuple(self._children)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        """Run `command` under `name`, with exactly `env` as its environment where given."""
        with self._lock:
            if name in self._children:
                raise ValueError(f"a process named {name} is already kept running")
            child = _Child(list(command), None if env is None else dict(env))
            self.restarts.setdefault(name, 0)
            self._spawn(name, child)
            self._children[name] = child

    def stop(self, name: str) -> int | None:
        """End a process for good: SIGTERM, then SIGKILL after the grace; its exit code."""
        with self._lock:
            child = self._children.pop(name)
        self._ask(child)
        return self._end(name, child)

    def pid(self, name: str) -> int | None:
        """The process id, or None between an end and the next start."""
        with self._lock:
            process = self._children[name].process
            return process.pid if process is not None and process.poll() is None else None

    def kill(self, name: str) -> None:
        """SIGKILL; the process is started again."""
        self._signal(name, signal.SIGKILL)

    def suspend(self, name: str) -> None:
        """SIGSTOP: the process stands still until `resume`."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT after `suspend`."""
        self._signal(name, signal.SIGCONT)

    def close(self) -> dict[str, int | None]:
        """End all processes at once; the exit code of each."""
        with self._lock:
            children, self._children = self._children, {}
        for child in children.values():
            self._ask(child)
        codes = {name: self._end(name, child) for name, child in children.items()}
        self._closing.set()
        self._watcher.join()
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait()
        return codes

    def _signal(self, name: str, number: signal.Signals) -> None:
        with self._lock:
            process = self._children[name].process
            if process is not None:
                process.send_signal(number)

    def _spawn(self, name: str, child: _Child) -> None:
        with self._output(name) as output:
            child.process = subprocess.Popen(
                child.command,
                env=child.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                start_new_session=True,
            )
        child.started_at = time.monotonic()
        self._tell(f"+{child.process.pid}")

    def _output(self, name: str) -> contextlib.AbstractContextManager[IO[bytes] | None]:
        if self._log_folder is None:
            return contextlib.nullcontext(None)
        self._log_folder.mkdir(parents=True, exist_ok=True)
        return (self._log_folder / f"{name}.log").open("ab")

    def _last_words(self, name: str) -> str:
        """What a process said last, where its output goes to a file of its own."""
        if self._log_folder is None:
            return ""
        said = tail(self._log_folder / f"{name}.log", _LAST_LINES).splitlines()
        return "".join(f"\n    {line}" for line in said) + "\n   "

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError), self._lock:
            if self._guardian.stdin is not None:
                self._guardian.stdin.write(f"{line}\n".encode())
                self._guardian.stdin.flush()

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_S):
            with self._lock:
                for name, child in self._children.items():
                    self._look_after(name, child)

    def _look_after(self, name: str, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start_again(name, child)
            return
        code = child.process.poll()
        if code is None:
            return
        self._tell(f"-{child.process.pid}")
        child.failures = 0 if now - child.started_at >= _STEADY_S else child.failures + 1
        child.process, child.last_exit = None, code
        self._start_later(name, child, f"ended with {code}{self._last_words(name)}")

    def _start_again(self, name: str, child: _Child) -> None:
        try:
            self._spawn(name, child)
        except OSError as error:
            child.failures += 1
            self._start_later(name, child, f"could not be started: {error}")
            return
        self.restarts[name] += 1
        log.warning("Started %s again (restart %d)", name, self.restarts[name])

    def _start_later(self, name: str, child: _Child, why: str) -> None:
        pause_s = self._backoff.after(max(child.failures - 1, 0))
        child.start_at = time.monotonic() + pause_s
        log.warning("%s %s; starting it again in %.1f s", name, why, pause_s)

    def _ask(self, child: _Child) -> None:
        """SIGTERM, once: a second one could hit a process that is ending as it was asked to."""
        process = child.process
        if process is not None and process.poll() is None:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # a suspended one could not hear it

    def _end(self, name: str, child: _Child) -> int | None:
        """Wait for a process that was asked to end; kill it after the grace."""
        process = child.process
        if process is None:
            return child.last_exit
        try:
            code = process.wait(self._grace_s)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end within %.0f s: killing it", name, self._grace_s)
            process.kill()
            code = process.wait()
        self._tell(f"-{process.pid}")
        return code


def run_forever(commands: Mapping[str, tuple[Sequence[str], Mapping[str, str] | None]]) -> int:
    """Keep all commands running until SIGTERM or SIGINT; 0 if all of them then ended cleanly.

    To be called in the main thread.
    """
    # No event: a handler that sets one waits for ever where it interrupts the waiting for it.
    asked: SimpleQueue[int] = SimpleQueue()
    before = {
        number: signal.signal(number, lambda received, _: asked.put(received))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        with ProcessSupervisor() as processes:
            for name, (command, env) in commands.items():
                processes.start(name, command, env)
            while True:  # an endless wait would keep the signal's handler waiting as well
                with contextlib.suppress(Empty):
                    asked.get(timeout=1.0)
                    break
            return 0 if all(code == 0 for code in processes.close().values()) else 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
