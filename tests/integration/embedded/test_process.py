"""The server as a process: it keeps what it acknowledged, has one owner, and ends with it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from clickhouse_connect.driver.exceptions import Error as ClickHouseError

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse, start_detached, status, stop_detached
from sinks.errors import DataDirInUse, EmbeddedError, StartFailed


def wait_until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not come true in time"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse(tmp_path / "data") as running:
        yield running


def test_what_was_acknowledged_survives_sigkill_under_load(server: EmbeddedClickHouse) -> None:
    client = connect(server.dsn)
    client.command("CREATE DATABASE d")
    client.command("CREATE TABLE d.t (a UInt64, w UInt8) ENGINE = MergeTree ORDER BY a")
    acknowledged: list[list[int]] = [[] for _ in range(4)]

    def write(worker: int) -> None:
        own = connect(server.dsn)
        first = worker * 10**9
        try:
            while True:
                rows = [[first + offset, worker] for offset in range(50)]
                own.insert("d.t", rows, column_names=["a", "w"])
                acknowledged[worker].append(first)
                first += 50
        except ClickHouseError:
            return

    for _ in range(2):
        writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for writer in writers:
            writer.start()
        enough = sum(map(len, acknowledged)) + 100
        wait_until(lambda enough=enough: sum(map(len, acknowledged)) >= enough)  # type: ignore[misc]
        server.kill()
        for writer in writers:
            writer.join()
        server.restart()

    stored = {row[0] for row in connect(server.dsn).query("SELECT DISTINCT a FROM d.t").result_rows}
    missing = [
        first + offset
        for batches in acknowledged
        for first in batches
        for offset in range(50)
        if first + offset not in stored
    ]
    assert missing == []
    assert sum(map(len, acknowledged)) >= 200


def test_a_restart_keeps_address_password_and_data(server: EmbeddedClickHouse) -> None:
    dsn, pid = server.dsn, server.pid
    client = connect(dsn)
    client.command("CREATE TABLE default.t (a UInt8) ENGINE = MergeTree ORDER BY a")
    client.insert("default.t", [[1], [2]], column_names=["a"])

    server.restart()

    assert (server.dsn, server.pid == pid) == (dsn, False)
    assert client.command("SELECT count() FROM default.t") == 2


def test_a_second_process_on_the_same_data_is_refused(server: EmbeddedClickHouse) -> None:
    with pytest.raises(DataDirInUse, match=str(server.pid)):
        EmbeddedClickHouse(server.data_dir).start()

    assert connect(server.dsn).command("SELECT 1") == 1


def test_a_port_in_use_is_said_to_be(server: EmbeddedClickHouse, tmp_path: Path) -> None:
    port = int(server.dsn.rpartition(":")[2].partition("/")[0])

    with pytest.raises(StartFailed, match="in use"):
        EmbeddedClickHouse(tmp_path / "other", port=port).start()


def test_stopping_lets_a_running_query_finish(server: EmbeddedClickHouse) -> None:
    client, watcher = connect(server.dsn), connect(server.dsn)
    answers: list[object] = []
    asking = threading.Thread(
        target=lambda: answers.append(client.command("SELECT sleep(2) + 7 FORMAT TSV"))
    )
    asking.start()
    wait_until(
        lambda: (
            watcher.command("SELECT count() FROM system.processes WHERE query LIKE '%sle%'") == 2
        )
    )

    server.stop()
    asking.join()

    assert answers == [7]


def test_data_without_a_place_of_its_own_is_deleted() -> None:
    with EmbeddedClickHouse() as temporary:
        data_dir = temporary.data_dir
        assert data_dir.exists()

    assert not data_dir.exists()
    with pytest.raises(EmbeddedError, match="start"):
        _ = temporary.pid


@pytest.mark.parametrize("leave_a_fork", [False, True])
def test_the_server_ends_with_an_owner_that_was_killed(leave_a_fork: bool) -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "from sinks.embedded import EmbeddedClickHouse\n"
            "server = EmbeddedClickHouse().start()\n"
            # A forked child inherits the owner's end of the pipe and keeps it open.
            f"fork = os.fork() if {leave_a_fork} else 0\n"
            "print(server.pid, fork, server.data_dir, flush=True) if fork or "
            f"not {leave_a_fork} else None\n"
            "time.sleep(60)\n",
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert owner.stdout is not None
    server_pid, fork_pid, data_dir = owner.stdout.readline().decode().split()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    try:
        wait_until(lambda: is_gone(int(server_pid)))
    finally:
        if int(fork_pid):
            os.kill(int(fork_pid), signal.SIGKILL)
        subprocess.run(["rm", "-rf", data_dir], check=True)


def test_a_detached_server_starts_once_and_stops(tmp_path: Path) -> None:
    assert status(tmp_path).running is False
    assert stop_detached(tmp_path) is False
    first = start_detached(tmp_path)
    try:
        assert first.answering
        assert first.dsn is not None
        client = connect(first.dsn)
        client.command("CREATE TABLE default.t (a UInt8) ENGINE = MergeTree ORDER BY a")
        state = tmp_path / "clickhouse.json"
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        assert start_detached(tmp_path).pid == first.pid
        command_line = " ".join(psutil.Process(first.pid).cmdline())
        assert json.loads(state.read_bytes())["password"] not in command_line
    finally:
        assert stop_detached(tmp_path) is True
    assert status(tmp_path).running is False

    again = start_detached(tmp_path)
    try:
        assert (again.dsn, again.pid == first.pid) == (first.dsn, False)
        assert client.command("SELECT count() FROM default.t") == 0
    finally:
        stop_detached(tmp_path)


def test_a_detached_server_outlives_its_starter(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sinks.embedded import start_detached; "
        "start_detached(Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    try:
        found = status(tmp_path)
        assert (found.running, found.answering) == (True, True)
    finally:
        assert stop_detached(tmp_path) is True


def test_somebody_elses_process_is_not_taken_for_the_server(tmp_path: Path) -> None:
    state = {
        "pid": os.getpid(),
        "process_started_s": 1.0,
        "port": 1,
        "password": "x",
        "data_dir": str(tmp_path),
    }
    (tmp_path / "clickhouse.json").write_text(json.dumps(state))

    assert status(tmp_path).running is False
    assert stop_detached(tmp_path) is False
