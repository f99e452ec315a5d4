"""A broker that lives as long as the process that started it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.broker import guard
from streams.broker.ahead import prepare_ahead
from streams.broker.errors import BrokerStartError, BrokerStopError
from streams.broker.launch import (
    READY_TIMEOUT_S,
    STOP_GRACE_S,
    Prepared,
    Spawned,
    lost_its_port,
    spawn,
    wait_until_ready,
)
from streams.broker.ports import free_ports
from streams.broker.server_config import JvmSettings, Ports

_PORT_RETRIES: Final = 3
_KILL_TIMEOUT_S: Final = 30.0


class LocalKafka:
    """One Kafka node on loopback; `with LocalKafka(cache) as kafka: … kafka.bootstrap …`.

    It ends with this process, however this process ends. Without a `data_dir` it keeps its data in
    a temporary folder that `stop` removes; with one, a later broker on the same folder goes on
    with the data. The jars are fetched into `cache_dir` once; `java_home` is used if it runs and
    is new enough. `tiered_compilation_only` keeps the JVM at its first compiler: ready sooner and
    smaller, but slower once warm, so benchmarks leave it out. `properties` overrides lines of
    server.properties. Not for use from several threads at once.
    """

    def __init__(
        self,
        cache_dir: Path,
        data_dir: Path | None = None,
        java_home: Path | None = None,
        heap_mb: int = 512,
        tiered_compilation_only: bool = True,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self._cache_dir = cache_dir.absolute()
        self._data_dir = data_dir.absolute() if data_dir else None
        self._java_home = java_home
        self._settings = JvmSettings(heap_mb, tiered_compilation_only, properties or {})
        self._folder: Path | None = None
        self._ports: Ports | None = None
        self._running: Spawned | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """127.0.0.1:port; the same through `restart`, `kill` and a new `start`."""
        if self._ports is None:
            raise BrokerStartError("the local Kafka has no address yet: call start() first")
        return self._ports.bootstrap

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        if self._running is None or not self.running:
            raise BrokerStartError("the local Kafka is not running: call start() first")
        return self._running.jvm_pid

    @property
    def running(self) -> bool:
        """Whether the JVM is there; a broker that ended by itself is not running."""
        return self._running is not None and self._running.child.poll() is None

    @property
    def log_file(self) -> Path:
        """Where the broker writes what it does."""
        if self._folder is None:
            raise BrokerStartError("the local Kafka has no log yet: call start() first")
        return self._folder / "broker.log"

    def start(self) -> None:
        """Start the broker and return when it answers; does nothing when it runs.

        Raises:
            JarsError: the jars are not in the cache and could not be fetched.
            BrokerStartError: it ended or did not answer; the error shows the end of its log,
                which is kept until `stop`.
        """
        if self.running:
            return
        self._release()
        ports_are_ours_to_choose = self._ports is None
        for retry in reversed(range(_PORT_RETRIES)):
            ports = self._ports or free_ports()
            prepared = self._prepare(ports)
            try:
                self._start_once(prepared)
            except BrokerStartError:
                if not (retry and ports_are_ours_to_choose and lost_its_port(prepared)):
                    raise
            else:
                self._ports = ports
                return

    def stop(self) -> None:
        """Stop the broker; a temporary data folder is removed."""
        # Nobody will read data that is removed: no time is lost on a clean shutdown.
        self._end(guard.KILL if self._data_dir is None else guard.STOP)
        self._remove_temporary()

    def restart(self) -> None:
        """Shut down cleanly and start again on the same port and data."""
        self._end(guard.STOP)
        self.start()

    def kill(self) -> None:
        """End the JVM with SIGKILL; `start` goes on with the same port and data."""
        self._end(guard.KILL)

    def _make_folder(self) -> Path:
        if self._data_dir is None:
            return Path(tempfile.mkdtemp(prefix="yijian-kafka-"))
        self._data_dir.mkdir(parents=True, exist_ok=True)
        return self._data_dir

    def _prepare(self, ports: Ports) -> Prepared:
        if self._folder is None:
            self._folder = self._make_folder()
        try:
            return prepare_ahead(
                self._folder, ports, self._cache_dir, self._java_home, self._settings
            )
        except BaseException:
            self._remove_temporary()  # no broker has run, so there is no log to keep it for
            raise

    def _remove_temporary(self) -> None:
        if self._data_dir is None and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start_once(self, prepared: Prepared) -> None:
        options = [f"--parent={os.getpid()}"]
        if self._data_dir is None:
            options.append(f"--remove={self._folder}")
        self._running = spawn(prepared, options)
        try:
            wait_until_ready(prepared, lambda: self.running, READY_TIMEOUT_S)
        except BaseException:
            self._end(guard.KILL)
            raise

    def _end(self, order: bytes) -> None:
        if self._running is None:
            return
        child = self._running.child
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended by itself
            child.stdin.write(order)
            child.stdin.flush()
        try:
            child.wait(_KILL_TIMEOUT_S + STOP_GRACE_S)
        except subprocess.TimeoutExpired as error:
            raise BrokerStopError(
                f"the local Kafka (pid {self._running.jvm_pid}) did not end; its log is "
                f"{self.log_file}"
            ) from error
        self._release()

    def _release(self) -> None:
        if self._running is None:
            return
        child = self._running.child
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        child.wait()
        self._running = None
