"""The listening socket on loopback and the threads behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from sinks.embedded.engine import Engine
from sinks.embedded.handler import QueryHandler
from sinks.embedded.sessions import Sessions
from sinks.embedded.spool import Spool

HOST = "127.0.0.1"


class HttpServer(ThreadingHTTPServer):
    """Serves ClickHouse's HTTP interface for one engine to whoever knows the password."""

    daemon_threads = True
    allow_reuse_address = True  # a restart takes its old port although connections linger
    request_queue_size = 512

    def __init__(self, port: int, engine: Engine, spool: Spool, user: str, password: str) -> None:
        super().__init__((HOST, port), QueryHandler)
        self.engine = engine
        self.spool = spool
        self.user = user
        self.password = password
        self.sessions = Sessions(engine.open_handle)
        self._running = 0
        self._idle = threading.Condition()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @contextmanager
    def request_running(self) -> Iterator[None]:
        """Counts a request from its first line to its last byte."""
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether every running request came to its end within `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        with self._idle:
            while self._running:
                if not self._idle.wait(deadline_s - time.monotonic()):
                    return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that goes away is not an event, and its data is not for logs."""
