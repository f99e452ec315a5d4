from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from streams.broker import (
    DetachedOptions,
    TopicSpec,
    apply_topics,
    check_equal_partitions,
    start_detached,
    status,
    stop_detached,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

START_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from streams.broker import DetachedOptions, start_detached
print(start_detached(Path(sys.argv[1]), DetachedOptions(Path(sys.argv[2]))).pid)
"""


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    stop_detached(folder)


def test_start_is_idempotent_and_stop_ends_it_and_data_stay(
    state_dir: Path, kafka_cache_dir: Path
) -> None:
    options = DetachedOptions(kafka_cache_dir)
    started = start_detached(state_dir, options)
    assert status(state_dir) == started
    assert start_detached(state_dir, options) == started
    apply_topics(started.bootstrap, [TopicSpec("kept", 3)])

    assert stop_detached(state_dir) is True
    assert status(state_dir) is None
    assert not psutil.pid_exists(started.pid)
    assert stop_detached(state_dir) is False

    again = start_detached(state_dir, options)
    assert again.pid != started.pid
    assert again.bootstrap == started.bootstrap
    assert check_equal_partitions(again.bootstrap, ["kept"]) == 3


def test_two_starts_at_once_give_one_broker_that_outlives_them(
    state_dir: Path, kafka_cache_dir: Path
) -> None:
    line = [sys.executable, "-c", START_IN_ANOTHER_PROCESS, str(state_dir), str(kafka_cache_dir)]
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {int(process.communicate(timeout=120)[0]) for process in both}
    running = status(state_dir)
    assert running is not None
    assert pids == {running.pid}


def test_it_ends_with_the_owner_it_was_given(state_dir: Path, kafka_cache_dir: Path) -> None:
    with subprocess.Popen(["sleep", "300"]) as owner:
        start_detached(state_dir, DetachedOptions(kafka_cache_dir, owner_pid=owner.pid))
        owner.kill()
    deadline = time.monotonic() + 30.0
    while status(state_dir) is not None:
        assert time.monotonic() < deadline, "the broker outlived its owner"
        time.sleep(0.05)
