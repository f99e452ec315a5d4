"""A small HTTP server for /metrics and /health, in threads of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


class Health(NamedTuple):
    """Whether the process does its work, and what a person or a probe wants to know."""

    ok: bool
    details: dict[str, Any]


class StatusServer:
    """Serves a registry and a health report; port 0 takes a free one (`address` says which)."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, health: Callable[[], Health]
    ) -> None:
        class Handler(_Handler):
            pages = {"/metrics": _metrics(registry), "/health": _health(health)}  # noqa: RUF012

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="yijian-status", daemon=True
        )

    @property
    def address(self) -> str:
        """host:port as bound."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


Page = Callable[[], tuple[int, str, bytes]]


def _metrics(registry: CollectorRegistry) -> Page:
    return lambda: (200, CONTENT_TYPE_LATEST, generate_latest(registry))


def _health(health: Callable[[], Health]) -> Page:
    def page() -> tuple[int, str, bytes]:
        report = health()
        body = msgspec.json.encode({"ok": report.ok, **report.details})
        return (200 if report.ok else 503), "application/json", body

    return page


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Page]
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        status, kind, body = page() if page is not None else (404, "text/plain", b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a probe every few seconds is no news."""
