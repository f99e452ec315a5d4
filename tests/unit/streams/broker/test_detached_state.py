from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import psutil
import pytest

from streams.broker.detached import ProcessMark, RunningBroker, status, stop_detached


def write_state(state_dir: Path, jvm: ProcessMark) -> RunningBroker:
    state = RunningBroker(
        bootstrap="127.0.0.1:20001",
        controller_port=20002,
        cluster_id="cluster",
        jvm=jvm,
        guard=jvm,
        folder=str(state_dir / "kafka"),
    )
    state_dir.mkdir(exist_ok=True)
    (state_dir / "broker.json").write_bytes(msgspec.json.encode(state))
    return state


def test_without_a_state_file_nothing_runs(tmp_path: Path) -> None:
    assert status(tmp_path) is None
    assert stop_detached(tmp_path) is False


def test_a_state_file_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text('{"bootstrap": "127.0')
    assert status(tmp_path) is None


def test_the_state_of_a_living_process_is_told_back(tmp_path: Path) -> None:
    state = write_state(tmp_path, ProcessMark.of(os.getpid()))
    assert status(tmp_path) == state
    assert state.pid == os.getpid()
    assert state.ports.broker == 20001
    assert state.log_file == tmp_path / "kafka" / "broker.log"


def test_a_recycled_pid_is_neither_reported_nor_killed(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "300"])
    try:
        started = psutil.Process(bystander.pid).create_time()
        write_state(tmp_path, ProcessMark(bystander.pid, started - 60.0))
        assert status(tmp_path) is None
        assert stop_detached(tmp_path) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_zombie_is_not_running(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "300"])
    mark = ProcessMark.of(child.pid)
    child.kill()
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert mark.process() is None
    finally:
        child.wait()


def test_stopping_ends_what_the_state_names(tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "300"])
    try:
        write_state(tmp_path, ProcessMark.of(child.pid))
        assert stop_detached(tmp_path) is True
        assert child.wait(10) == -15
        assert status(tmp_path) is None
    finally:
        child.kill()
        child.wait()


def test_a_process_that_ended_has_no_mark() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(psutil.NoSuchProcess):
        ProcessMark.of(child.pid)
