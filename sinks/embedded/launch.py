"""Starting the server process and hearing that it is ready."""

from __future__ import annotations

import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from sinks.embedded.protocol import Ready, ServerConfig, decode_ready, encode_line
from sinks.errors import DataDirInUse, StartFailed

START_TIMEOUT_S = 90.0
_LOG_NAME = "server.log"
_LOG_TAIL_BYTES = 2000
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def launch(
    config: ServerConfig, timeout_s: float = START_TIMEOUT_S
) -> tuple[subprocess.Popen[bytes], int]:
    """The running process and its port.

    Raises DataDirInUse, and StartFailed with the end of the process's log.
    """
    data_dir = Path(config.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_path = data_dir / _LOG_NAME
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sinks.embedded.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            # -m finds the package here; the process itself changes into its data directory.
            cwd=_PACKAGE_ROOT,
            # Ctrl-C in a terminal reaches the whole group; the owner decides when we end.
            start_new_session=True,
        )
    try:
        ready = _converse(process, config, timeout_s)
    except BaseException:
        _abandon(process)
        raise
    if ready is not None and ready.port:
        return process, ready.port
    _abandon(process)
    if ready is not None and ready.in_use:
        raise DataDirInUse(ready.error)
    reason = ready.error if ready else f"no answer within {timeout_s:g} s"
    raise StartFailed(
        f"the embedded ClickHouse on {data_dir} did not start: {reason}\n{_tail(log_path)}"
    )


def _converse(
    process: subprocess.Popen[bytes], config: ServerConfig, timeout_s: float
) -> Ready | None:
    """Tell the process its configuration; its answer, None if it gave none in time."""
    stdin, stdout = _pipe(process.stdin), _pipe(process.stdout)
    try:
        stdin.write(encode_line(config))
        stdin.flush()
    except BrokenPipeError:
        return Ready(error="it ended before it read its configuration")
    if not config.owned:
        stdin.close()
    deadline_s = time.monotonic() + timeout_s
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            if not selector.select(max(0.0, deadline_s - time.monotonic())):
                return None
            chunk = stdout.read1(4096) if hasattr(stdout, "read1") else stdout.read(1)
            if not chunk:
                return Ready(error=f"it ended with status {process.wait()}")
            answer += chunk
    stdout.close()
    return decode_ready(answer)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise StartFailed("the embedded ClickHouse was started without pipes")
    return pipe


def _abandon(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _tail(log_path: Path) -> str:
    text = log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
    return f"its log ({log_path}) ends:\n{text}" if text else f"its log ({log_path}) is empty"
