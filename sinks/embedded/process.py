"""An embedded ClickHouse that lives and dies with the program that started it."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from sinks.embedded.launch import launch
from sinks.embedded.protocol import ServerConfig
from sinks.errors import EmbeddedError, StopFailed

USER = "default"
_STOP_TIMEOUT_S = 40.0


def make_dsn(port: int, password: str, database: str = "default") -> str:
    """The DSN of an embedded server on this machine."""
    return f"clickhouse://{USER}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


class EmbeddedClickHouse:
    """A ClickHouse server of one's own, on loopback, for demo, development and tests.

    `with EmbeddedClickHouse() as server: connect(server.dsn)`. Without `data_dir` its data is
    deleted with it; without `password` it makes one up; `port` 0 takes a free one and keeps it
    over restarts. It ends with this process, also when this process is killed.
    """

    def __init__(
        self, data_dir: Path | None = None, password: str | None = None, port: int = 0
    ) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._data_dir = data_dir
        self._password = secrets.token_urlsafe(18) if password is None else password
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> EmbeddedClickHouse:
        """Itself, running. Raises DataDirInUse or StartFailed."""
        if self._process is not None:
            raise EmbeddedError("this embedded ClickHouse runs already; stop() it first")
        config = ServerConfig(
            data_dir=str(self._directory()),
            port=self._port,
            user=USER,
            password=self._password,
            owned=True,
        )
        try:
            self._process, self._port = launch(config)
        except BaseException:
            self._discard_temporary()
            raise
        return self

    def _directory(self) -> Path:
        if self._data_dir is not None:
            return self._data_dir.resolve()
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="yijian-clickhouse-")
        return Path(self._temporary.name).resolve()

    @property
    def dsn(self) -> str:
        """How to reach it; stays the same over kill() and restart()."""
        if not self._port:
            raise EmbeddedError("this embedded ClickHouse has no port yet; start() it first")
        return make_dsn(self._port, self._password)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._running().pid

    @property
    def data_dir(self) -> Path:
        """Where it keeps its data, lock and log."""
        return self._directory()

    def stop(self) -> None:
        """End it in order (SIGTERM): running requests are answered first. Twice is no error.

        Raises StopFailed if it had to be killed.
        """
        if self._process is not None:
            self._running().terminate()
            self._end("SIGTERM")
        self._discard_temporary()

    def kill(self) -> None:
        """End it at once (SIGKILL), for tests of what survives. Its data stays."""
        self._running().kill()
        self._end("SIGKILL")

    def restart(self) -> None:
        """Bring it up again, stopped or killed: same data, port and password."""
        if self._process is not None:
            self._running().terminate()
            self._end("SIGTERM")
        self.start()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmbeddedError("this embedded ClickHouse does not run; start() it first")
        return self._process

    def _discard_temporary(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _end(self, signal_name: str) -> None:
        process, self._process = self._running(), None
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise StopFailed(
                f"the embedded ClickHouse (pid {process.pid}) did not end within "
                f"{_STOP_TIMEOUT_S:g} s of {signal_name} and was killed"
            ) from None
        finally:
            # Not before it has ended: the end of its input is a signal to it as well.
            if process.stdin:
                process.stdin.close()

    def __enter__(self) -> EmbeddedClickHouse:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
