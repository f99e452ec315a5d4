"""A broker that stays between commands: `yijian kafka start|stop|status`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psutil

from streams.broker.ahead import prepare_ahead
from streams.broker.errors import BrokerStartError, BrokerStopError
from streams.broker.files import exclusive, write_atomically
from streams.broker.launch import (
    STOP_GRACE_S,
    Prepared,
    lost_its_port,
    spawn,
    wait_until_ready,
)
from streams.broker.ports import free_ports, is_free
from streams.broker.server_config import JvmSettings, Ports

_STATE_FILE: Final = "broker.json"
_SAME_START_S: Final = 2.0
"""Start times are counted from the boot, whose own time a clock correction shifts a little."""

_PORT_RETRIES: Final = 3


class ProcessMark(msgspec.Struct, frozen=True):
    """A process, told from a later one with the same pid by its start (seconds since 1970)."""

    pid: int
    started_s: float

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The process itself; None when it ended, is a zombie, or the pid is somebody else's."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_s) <= _SAME_START_S
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


class RunningBroker(msgspec.Struct, frozen=True):
    """A detached broker: where it answers, which processes it is, where it keeps things."""

    bootstrap: str
    controller_port: int
    cluster_id: str
    jvm: ProcessMark
    guard: ProcessMark
    folder: str

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        return self.jvm.pid

    @property
    def ports(self) -> Ports:
        return Ports(int(self.bootstrap.rpartition(":")[2]), self.controller_port)

    @property
    def log_file(self) -> Path:
        return Path(self.folder) / "broker.log"

    @property
    def data_dir(self) -> Path:
        return Path(self.folder) / "data"


@dataclass(frozen=True)
class DetachedOptions:
    """How a detached broker runs; with an `owner_pid` it ends when that process does."""

    cache_dir: Path
    java_home: Path | None = None
    heap_mb: int = 512
    tiered_compilation_only: bool = True
    owner_pid: int | None = None


def start_detached(state_dir: Path, options: DetachedOptions) -> RunningBroker:
    """The broker of `state_dir`, started if it is not running; its data outlive it.

    It gets the port it had last time if that is free.

    Raises:
        JarsError: the jars are not in the cache and could not be fetched.
        BrokerStartError: it ended or did not answer; the error shows the end of its log.
    """
    with exclusive(state_dir / "lock"):
        running = status(state_dir)
        if running is not None:
            wait_until_ready(_prepared(running), lambda: running.jvm.process() is not None)
            return running
        return _start(state_dir, options)


def stop_detached(state_dir: Path) -> bool:
    """Whether there was a broker to stop; when this returns it has ended. Its data stay.

    Raises:
        BrokerStopError: it did not end, even after SIGKILL.
    """
    with exclusive(state_dir / "lock"):
        running = status(state_dir)
        if running is not None:
            _end(running)
        return running is not None


def status(state_dir: Path) -> RunningBroker | None:
    """The broker of `state_dir` if its JVM runs, else None."""
    last = _last(state_dir)
    return last if last is not None and last.jvm.process() is not None else None


def _last(state_dir: Path) -> RunningBroker | None:
    """The broker that was started last, whether it runs or not; None without a readable state."""
    try:
        return msgspec.json.decode((state_dir / _STATE_FILE).read_bytes(), type=RunningBroker)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _start(state_dir: Path, options: DetachedOptions) -> RunningBroker:
    settings = JvmSettings(options.heap_mb, options.tiered_compilation_only)
    folder = (state_dir / "kafka").absolute()
    ports = _former_ports(state_dir)
    for retry in reversed(range(_PORT_RETRIES)):
        chosen = ports or free_ports()
        prepared = prepare_ahead(folder, chosen, options.cache_dir, options.java_home, settings)
        try:
            return _start_once(state_dir, prepared, folder, options)
        except BrokerStartError:
            if not (retry and lost_its_port(prepared)):
                raise
            ports = None
    raise AssertionError("the last try returns or raises")


def _former_ports(state_dir: Path) -> Ports | None:
    last = _last(state_dir)
    if last is None:
        return None
    ports = last.ports
    return ports if is_free(ports.broker) and is_free(ports.controller) else None


def _start_once(
    state_dir: Path, prepared: Prepared, folder: Path, options: DetachedOptions
) -> RunningBroker:
    spawned = spawn(prepared, _guard_options(options))
    spawned.child.communicate()  # it only forked the guard, which goes on without us
    try:
        running = RunningBroker(
            bootstrap=prepared.ports.bootstrap,
            controller_port=prepared.ports.controller,
            cluster_id=prepared.cluster_id,
            jvm=ProcessMark.of(spawned.jvm_pid),
            guard=ProcessMark.of(spawned.guard_pid),
            folder=str(folder),
        )
    except psutil.NoSuchProcess:
        wait_until_ready(prepared, alive=lambda: False)
        raise
    # Before it is ready: were we killed now, the next command must find what we started.
    write_atomically(state_dir / _STATE_FILE, msgspec.json.encode(running).decode())
    try:
        wait_until_ready(prepared, lambda: running.jvm.process() is not None)
    except BaseException:
        _end(running, grace_s=0.0)
        raise
    return running


def _guard_options(options: DetachedOptions) -> list[str]:
    if options.owner_pid is None:
        return ["--detached"]
    owner = ProcessMark.of(options.owner_pid)
    return ["--detached", f"--owner={owner.pid}:{owner.started_s}"]


def _prepared(running: RunningBroker) -> Prepared:
    return Prepared(running.ports, running.cluster_id, running.log_file, command=())


def _end(running: RunningBroker, grace_s: float = STOP_GRACE_S + 5.0) -> None:
    """Ask the guard, which asks the JVM; whatever is left after `grace_s` is killed."""
    marks = (running.guard, running.jvm)
    # Without its guard (killed by hand, and not on Linux) the JVM is asked itself.
    asked = running.guard.process() or running.jvm.process()
    if asked is not None and grace_s > 0:
        with contextlib.suppress(psutil.NoSuchProcess):
            asked.terminate()
        if _all_ended(marks, grace_s):
            return
    for mark in marks:
        with contextlib.suppress(psutil.NoSuchProcess):
            if (process := mark.process()) is not None:
                process.kill()
    if not _all_ended(marks, within_s=10.0):
        raise BrokerStopError(
            f"the local Kafka (pid {running.pid}) did not end; its log is {running.log_file}"
        )


def _all_ended(marks: Sequence[ProcessMark], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while any(mark.process() is not None for mark in marks):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
