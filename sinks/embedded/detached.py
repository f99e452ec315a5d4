"""An embedded ClickHouse that outlives the command that started it.

`start_detached`, `stop_detached` and `status` share a state file in `state_dir`. It holds the
password, so it is readable by its owner only; it is replaced as a whole, never half written.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import msgspec
import psutil

from sinks.embedded.launch import launch
from sinks.embedded.process import USER, make_dsn
from sinks.embedded.protocol import ServerConfig
from sinks.errors import DataDirInUse, EmbeddedError, StopFailed

_STATE_NAME = "clickhouse.json"
_DATA_NAME = "clickhouse"
_STOP_TIMEOUT_S = 40.0
_PING_TIMEOUT_S = 3.0
# A start time is a float read twice from the kernel; two processes with one pid lie further apart.
_SAME_START_S = 0.5


class _State(msgspec.Struct, frozen=True):
    pid: int
    process_started_s: float
    port: int
    password: str
    data_dir: str


class Status(msgspec.Struct, frozen=True):
    """Whether the server's process lives, whether it answers, and how to reach it."""

    running: bool
    answering: bool = False
    pid: int | None = None
    dsn: str | None = None
    data_dir: str | None = None


def start_detached(
    state_dir: Path,
    *,
    data_dir: Path | None = None,
    password: str | None = None,
    port: int = 0,
) -> Status:
    """The running server, started if it was not: in its own session, log in its data directory.

    `data_dir` is `state_dir/clickhouse` unless given. A password or port left out is that of the
    last start, so that a DSN written down stays good. Raises DataDirInUse or StartFailed.
    """
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    current = status(state_dir)
    if current.running:
        return current
    last = _read(state_dir)
    directory = (data_dir or state_dir / _DATA_NAME).resolve()
    config = ServerConfig(
        data_dir=str(directory),
        port=port or (last.port if last and _is_free(last.port) else 0),
        user=USER,
        password=password or (last.password if last else secrets.token_urlsafe(18)),
        owned=False,
    )
    try:
        process, bound_port = launch(config)
    except DataDirInUse:
        # Another start won the race; its server is as good as ours.
        current = status(state_dir)
        if current.running and current.data_dir == config.data_dir:
            return current
        raise
    started_s = psutil.Process(process.pid).create_time()
    _write(
        state_dir,
        _State(process.pid, started_s, bound_port, config.password, config.data_dir),
    )
    # It is nobody's child from here on; without this Popen would warn that it still runs.
    process.returncode = 0
    return status(state_dir)


def stop_detached(state_dir: Path) -> bool:
    """True if a running server was stopped, False if none ran; it answers what runs first.

    Raises StopFailed if it had to be killed. Data, password and port stay for the next start.
    """
    process = _process(_read(state_dir))
    if process is None:
        return False
    try:
        process.terminate()
        process.wait(_STOP_TIMEOUT_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        process.kill()
        raise StopFailed(
            f"the embedded ClickHouse (pid {process.pid}) did not end within "
            f"{_STOP_TIMEOUT_S:g} s of SIGTERM and was killed"
        ) from None
    return True


def status(state_dir: Path) -> Status:
    """What is known of the server whose state is in `state_dir`; never raises for its absence."""
    state = _read(state_dir)
    process = _process(state)
    if state is None or process is None:
        return Status(running=False, data_dir=state.data_dir if state else None)
    return Status(
        running=True,
        answering=_answers(state.port),
        pid=state.pid,
        dsn=make_dsn(state.port, state.password),
        data_dir=state.data_dir,
    )


def _answers(port: int) -> bool:
    # Straight to loopback: a proxy from the environment has no business here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/ping", timeout=_PING_TIMEOUT_S) as answer:
            return bool(answer.read() == b"Ok.\n")
    except (OSError, urllib.error.URLError):
        return False


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server binds it: connections that linger from the last one are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _process(state: _State | None) -> psutil.Process | None:
    """The state's process if it lives; a pid alone may be somebody else's by now."""
    if state is None:
        return None
    try:
        process = psutil.Process(state.pid)
        same = abs(process.create_time() - state.process_started_s) < _SAME_START_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _read(state_dir: Path) -> _State | None:
    path = state_dir / _STATE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=_State)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise EmbeddedError(
            f"the state file {path} cannot be read ({error}); end the server it belonged to, "
            "if one still runs, and delete the file"
        ) from error


def _write(state_dir: Path, state: _State) -> None:
    descriptor, name = tempfile.mkstemp(dir=state_dir, prefix=f".{_STATE_NAME}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(state_dir / _STATE_NAME)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
