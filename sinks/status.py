"""A sink's /health and /metrics over HTTP, on loopback unless told otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sinks.errors import AddressUnavailable

Health = Callable[[], Mapping[str, Any]]
"""The state as JSON; `ok` says whether all is well."""


class StatusServer:
    """Serves until `stop`. `/health` answers 200 where `ok` is true, else 503."""

    def __init__(self, address: str, registry: CollectorRegistry, health: Health) -> None:
        """Raises AddressUnavailable."""
        host, _, port = address.rpartition(":")
        try:
            self._server = ThreadingHTTPServer((host, int(port)), _handler(registry, health))
        except (OSError, ValueError, OverflowError) as error:
            raise AddressUnavailable(
                f"health and metrics cannot be served on {address!r} "
                f"({getattr(error, 'strerror', None) or 'not host:port'}); choose another address, "
                "or port 0 for a free one"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="sink-status", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(registry: CollectorRegistry, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            page = self.path.partition("?")[0]
            if page == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif page == "/health":
                state = health()
                code = 200 if state.get("ok") else 503
                self._answer(code, "application/json", msgspec.json.encode(state))
            else:
                self._answer(404, "text/plain", b"/health and /metrics are served here\n")

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler
