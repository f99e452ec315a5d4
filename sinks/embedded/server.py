"""The embedded ClickHouse as a process: `python -m sinks.embedded.server`.

Not started by hand: `EmbeddedClickHouse` and `start_detached` start it, send one line of JSON
(`ServerConfig`; the password never shows in a process list) on its standard input and read one
line (`Ready`) from its standard output. Its log is its standard error.
"""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from sinks.embedded.protocol import Ready, ServerConfig, decode_config, encode_line
from sinks.signals import stopping

if TYPE_CHECKING:
    from sinks.embedded.http_server import HttpServer

_DRAIN_TIMEOUT_S = 10.0
_EXIT_TIMEOUT_S = 30.0
_LOOK_EVERY_S = 1.0
_STOP_POLL_S = 0.1


def main() -> int:
    """Serve until SIGTERM, or until the owner is gone; the exit status."""
    config = decode_config(sys.stdin.buffer.readline())
    data_dir = Path(config.data_dir)
    stop = threading.Event()
    with os.fdopen(_take_stdout(), "wb", buffering=0) as answers:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _lock(data_dir):
            answers.write(encode_line(Ready(error=_in_use(data_dir), in_use=True)))
            return 2
        os.ftruncate(2, 0)  # the log of the last run; not before the lock says it is over
        if config.owned:
            _watch_owner(stop)
        try:
            server = _serve(config, data_dir)
        except Exception as error:
            answers.write(encode_line(Ready(error=f"{type(error).__name__}: {error}")))
            return 1
        # After the engine has started: it installs handlers of its own.
        with stopping(stop):
            answers.write(encode_line(Ready(port=server.port)))
            # Not without end: a signal that another thread is given interrupts no waiting here.
            while not stop.wait(_LOOK_EVERY_S):
                continue
            _finish(server)
    return 0


def _take_stdout() -> int:
    """The answer channel, moved away so that nothing the engine prints can get into it."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


def _lock(data_dir: Path) -> bool:
    """Whether this process owns the directory now; it does until it ends, however it ends."""
    lock = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return True  # and the descriptor stays open


def _in_use(data_dir: Path) -> str:
    owner = (data_dir / "server.lock").read_text().strip() or "unknown"
    return (
        f"another embedded ClickHouse (pid {owner}) owns the data directory {data_dir}: "
        "stop it, or use a data directory of its own"
    )


def _watch_owner(stop: threading.Event) -> None:
    """Set `stop` when the owner is gone, be it by SIGKILL.

    Its end of our standard input closes with it, unless a process it forked holds a copy; then
    our parent has still changed.
    """
    parent = os.getppid()

    def watch_input() -> None:
        while os.read(0, 4096):
            continue
        stop.set()

    def watch_parent() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            if os.getppid() != parent:
                stop.set()

    for watch in (watch_input, watch_parent):
        threading.Thread(target=watch, name=watch.__name__, daemon=True).start()


def _serve(config: ServerConfig, data_dir: Path) -> HttpServer:
    # The engine reads the zone of naive times from TZ; results must not depend on the machine.
    os.putenv("TZ", "UTC")
    # Relative file names in queries mean this directory, not wherever the owner was started.
    files_dir = data_dir / "files"
    rmtree(files_dir, ignore_errors=True)
    files_dir.mkdir(mode=0o700)
    os.chdir(files_dir)
    # Not before the lock is held: importing the engine takes most of a second.
    from sinks.embedded.engine import Engine
    from sinks.embedded.http_server import HttpServer
    from sinks.embedded.spool import Spool

    engine, spool = Engine(data_dir / "engine"), Spool(data_dir / "spool")
    server = HttpServer(config.port, engine, spool, config.user, config.password)
    threading.Thread(
        target=server.serve_forever, args=(_STOP_POLL_S,), name="http", daemon=True
    ).start()
    return server


def _finish(server: HttpServer) -> None:
    """Answer what is running, refuse what is new, close the engine."""
    # A statement that does not end must not keep the process: what was acknowledged is on disk.
    guard = threading.Timer(_EXIT_TIMEOUT_S, os._exit, (3,))
    guard.daemon = True
    guard.start()
    server.shutdown()
    server.socket.close()
    server.wait_until_idle(_DRAIN_TIMEOUT_S)
    server.sessions.close_all()
    server.engine.close()


if __name__ == "__main__":
    # Not sys.exit: threads inside the engine and idle connections must not hold up the end.
    status = main()
    sys.stderr.flush()
    os._exit(status)
