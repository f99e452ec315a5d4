"""Processes are kept running, and end with their owner."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from streams.supervise import Backoff, ProcessSupervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
QUICK = Backoff(first_s=0.01, most_s=0.05)
ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], object], deadline_s: float = 20) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ProcessSupervisor]:
    with ProcessSupervisor(log_folder=tmp_path, backoff=QUICK, grace_s=5) as supervised:
        yield supervised


def test_a_killed_process_is_started_again_and_counted(processes: ProcessSupervisor) -> None:
    processes.start("worker-0", SLEEP)
    first = processes.pid("worker-0")
    processes.kill("worker-0")
    until(lambda: processes.restarts["worker-0"] == 1)
    assert processes.pid("worker-0") not in (None, first)


def test_a_process_that_keeps_ending_is_started_more_and_more_slowly() -> None:
    backoff = Backoff(first_s=0.2, most_s=10)
    assert [backoff.after(n) for n in (0, 1, 2, 20)] == [0.2, 0.4, 0.8, 10]


def test_a_process_that_ends_by_itself_is_started_again(processes: ProcessSupervisor) -> None:
    processes.start("short", [sys.executable, "-c", "raise SystemExit(3)"])
    until(lambda: processes.restarts["short"] >= 2)


def test_output_goes_to_a_log_of_the_process(processes: ProcessSupervisor, tmp_path: Path) -> None:
    processes.start("talks", [sys.executable, "-c", "print('hello', flush=True)"])
    until(lambda: "hello" in (tmp_path / "talks.log").read_text())


def test_a_stopped_process_is_asked_to_end_and_stays_away(processes: ProcessSupervisor) -> None:
    drains = "import signal,sys,time; signal.signal(15, lambda *_: sys.exit(7)); print(1); time.sleep(600)"  # noqa: E501
    processes.start("drains", [sys.executable, "-u", "-c", drains])
    assert processes._log_folder is not None
    log = processes._log_folder / "drains.log"
    until(lambda: log.read_text())
    assert processes.stop("drains") == 7
    assert processes.names == ()
    assert processes.restarts["drains"] == 0


def test_a_suspended_process_stands_still_until_it_is_resumed(
    processes: ProcessSupervisor,
) -> None:
    processes.start("worker-0", SLEEP)
    pid = processes.pid("worker-0")
    assert pid is not None
    processes.suspend("worker-0")
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    processes.resume("worker-0")
    until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED)


def test_a_suspended_process_can_be_stopped(processes: ProcessSupervisor) -> None:
    processes.start("worker-0", SLEEP)
    processes.suspend("worker-0")
    assert processes.stop("worker-0") == -15


def test_a_process_that_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)"
    with ProcessSupervisor(log_folder=tmp_path, grace_s=0.2) as processes:
        processes.start("deaf", [sys.executable, "-u", "-c", deaf])
        until(lambda: (tmp_path / "deaf.log").read_text())
        assert processes.stop("deaf") == -9


def test_a_name_is_kept_running_once(processes: ProcessSupervisor) -> None:
    processes.start("worker-0", SLEEP)
    with pytest.raises(ValueError, match="already"):
        processes.start("worker-0", SLEEP)


OWNER = """
import sys, time
from streams.supervise import ProcessSupervisor
processes = ProcessSupervisor()
processes.start("worker-0", [sys.executable, "-c", "import time; time.sleep(600)"])
print(processes.pid("worker-0"), flush=True)
time.sleep(600)
"""


@contextmanager
def owner(script: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A process that supervises, and what it says; gone afterwards."""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_processes_end_when_their_owner_is_killed() -> None:
    with owner(OWNER) as (process, said):
        child = psutil.Process(int(said.readline()))
        process.kill()
        process.wait()
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


FOREVER = """
import sys
from streams.supervise import run_forever
ends = "import signal,sys,time; signal.signal(15, lambda *_: sys.exit(CODE)); print('up', flush=True); time.sleep(600)"
sys.exit(run_forever({"a": ([sys.executable, "-c", ends], None)}))
"""  # noqa: E501


@pytest.mark.parametrize("code", [0, 5])
def test_running_for_ever_passes_a_signal_on_and_tells_how_it_ended(code: int) -> None:
    with owner(FOREVER.replace("CODE", str(code))) as (process, said):
        assert said.readline() == b"up\n"
        process.terminate()
        assert process.wait(20) == (1 if code else 0)


def test_a_process_that_ended_is_told_of_with_its_last_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = "print('one\\ntwo\\nthree\\nthe end'); raise SystemExit(7)"
    with ProcessSupervisor(log_folder=tmp_path) as processes:
        processes.start("worker-0", [sys.executable, "-c", script])
        until(lambda: processes.restarts["worker-0"] > 0)
    told = next(record.getMessage() for record in caplog.records if "ended" in record.getMessage())
    assert "worker-0 ended with 7\n    two\n    three\n    the end\n" in told
