"""The guard, watching a `sleep` in place of a JVM."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from streams.broker import guard
from streams.broker.detached import ProcessMark

DEADLINE_S = 20.0


@contextmanager
def guarded(
    tmp_path: Path, *options: str, command: tuple[str, ...] = ("sleep", "300")
) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """A guard and the process it guards; both are gone afterwards."""
    line = [sys.executable, "-I", guard.__file__, f"--log={tmp_path / 'log'}", "--grace-s=5"]
    child = subprocess.Popen(
        [*line, *options, "--", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    with child.stdin, child.stdout:
        pids = json.loads(child.stdout.readline())
        try:
            yield child, psutil.Process(pids["jvm"])
        finally:
            for pid in (pids["guard"], pids["jvm"]):
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()
            child.wait(DEADLINE_S)


def ended(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def wait_for_end(process: psutil.Process) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not ended(process):
        assert time.monotonic() < deadline, f"{process} did not end"
        time.sleep(0.02)


def test_the_broker_ends_and_its_data_go_when_the_owner_closes_the_pipe(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with guarded(tmp_path, f"--parent={os.getpid()}", f"--remove={data}") as (child, sleeper):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(DEADLINE_S) == 128 + 9
        assert ended(sleeper)
        assert not data.exists()


def test_an_owner_that_is_not_the_parent_any_more_counts_as_gone(tmp_path: Path) -> None:
    nobody = 2**22 - 1
    with guarded(tmp_path, f"--parent={nobody}") as (child, sleeper):
        child.wait(DEADLINE_S)
        assert ended(sleeper)


def test_the_order_to_stop_is_a_sigterm(tmp_path: Path) -> None:
    with guarded(tmp_path, f"--parent={os.getpid()}") as (child, _):
        assert child.stdin is not None
        child.stdin.write(guard.STOP)
        child.stdin.flush()
        assert child.wait(DEADLINE_S) == 128 + 15


def test_a_frozen_broker_follows_the_order_to_stop(tmp_path: Path) -> None:
    with guarded(tmp_path, f"--parent={os.getpid()}") as (child, sleeper):
        sleeper.suspend()
        assert child.stdin is not None
        child.stdin.write(guard.STOP)
        child.stdin.flush()
        assert child.wait(DEADLINE_S) == 128 + 15


def test_the_order_to_kill_is_a_sigkill(tmp_path: Path) -> None:
    with guarded(tmp_path, f"--parent={os.getpid()}") as (child, _):
        assert child.stdin is not None
        child.stdin.write(guard.KILL)
        child.stdin.flush()
        assert child.wait(DEADLINE_S) == 128 + 9


def test_a_broker_that_ends_by_itself_ends_its_guard_with_its_own_code(tmp_path: Path) -> None:
    command = ("sh", "-c", "sleep 0.2; echo out of luck >&2; exit 3")
    with guarded(tmp_path, f"--parent={os.getpid()}", command=command) as (child, _):
        assert child.wait(DEADLINE_S) == 3
    assert (tmp_path / "log").read_text() == "out of luck\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent-death signal")
def test_the_broker_ends_when_the_guard_is_killed(tmp_path: Path) -> None:
    with guarded(tmp_path, f"--parent={os.getpid()}") as (child, sleeper):
        child.kill()
        wait_for_end(sleeper)


def test_a_detached_broker_outlives_the_command_that_started_it(tmp_path: Path) -> None:
    with guarded(tmp_path, "--detached") as (child, sleeper):
        assert child.wait(DEADLINE_S) == 0
        assert not ended(sleeper)
        parent = sleeper.parent()
        assert parent is not None
        assert parent.pid != child.pid
        parent.terminate()
        wait_for_end(sleeper)
        wait_for_end(parent)


def test_a_detached_broker_ends_with_the_owner_it_was_given(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "300"])
    try:
        mark = ProcessMark.of(owner.pid)
        with guarded(tmp_path, "--detached", f"--owner={mark.pid}:{mark.started_s}") as (_, held):
            assert not ended(held)
            owner.kill()
            wait_for_end(held)
    finally:
        owner.kill()
        owner.wait()


def test_a_process_with_the_owners_pid_but_another_start_is_not_the_owner(tmp_path: Path) -> None:
    mark = ProcessMark.of(os.getpid())
    stale = f"--owner={mark.pid}:{mark.started_s - 3600}"
    with guarded(tmp_path, "--detached", stale) as (_, sleeper):
        wait_for_end(sleeper)
