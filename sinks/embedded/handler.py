"""ClickHouse's HTTP interface: one request in, one statement run, one answer out."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from http.server import BaseHTTPRequestHandler
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from sinks.embedded import bodies, forms, responses
from sinks.embedded.engine import Handle, Result, quote_name
from sinks.embedded.execution import execute, whole
from sinks.embedded.failures import log_failure, own_failure
from sinks.embedded.requests import Target, parse_target
from sinks.embedded.statuses import AUTHENTICATION_FAILED, NOT_IMPLEMENTED, http_status
from sinks.errors import EngineError

if TYPE_CHECKING:
    from sinks.embedded.http_server import HttpServer

_OK = b"Ok.\n"
_HEALTH_PATHS = frozenset({"/ping", "/replicas_status"})
_QUERY_PATHS = frozenset({"/", "/query"})
_MAX_REQUEST_LINE_BYTES = 1 << 20  # http_max_uri_size of a real server
_ONE_PACKET_BYTES = 1 << 16
_BUFFERED_RESULT_BYTES = 8 << 20
_DRAIN_BYTES = 4 << 30
_DRAIN_UNAUTHENTICATED_BYTES = 16 << 20


class QueryHandler(BaseHTTPRequestHandler):
    """One client connection; its requests are answered one after the other."""

    protocol_version = "HTTP/1.1"
    # Two small packets to a client that delays its acknowledgement cost 40 ms.
    disable_nagle_algorithm = True
    timeout = 600.0  # seconds a connection may be idle, or a body may stall
    server: HttpServer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: queries and their data are not for logs."""

    # The standard handler takes 64 KiB of request line; a query in the URL may be longer.
    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self._query_id = ""
        self._head_sent = False
        try:
            self.raw_requestline = self.rfile.readline(_MAX_REQUEST_LINE_BYTES + 1)
            if not self.raw_requestline:
                self.close_connection = True
            elif len(self.raw_requestline) > _MAX_REQUEST_LINE_BYTES:
                self.command = ""
                self.close_connection = True
                self._send(414, b"The URL is too long; send the query in the body\n", {})
            elif self.parse_request():
                with self.server.request_running():
                    self._answer()
        except (TimeoutError, ConnectionError):
            self.close_connection = True

    def _answer(self) -> None:
        source = cast(BinaryIO, self.rfile)
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            self._raw_body = bodies.read_chunked(source)
        else:
            self._raw_body = bodies.read_sized(source, self.headers.get("Content-Length") or "0")
        target = parse_target(self.path, self.headers)
        if self.command in ("GET", "HEAD") and (
            target.path in _HEALTH_PATHS or (target.path == "/" and not target.values)
        ):
            self._send(200, _OK, {"Content-Type": "text/html; charset=UTF-8"})
        elif self.command not in ("GET", "POST", "PUT"):
            self._send(501, b"Only GET, HEAD and POST are supported\n", {})
        elif target.path not in _QUERY_PATHS:
            self._send(404, responses.no_such_path(target.path), {})
        else:
            self._answer_query(target)

    def _answer_query(self, target: Target) -> None:
        self._query_id = target.values.get("query_id") or str(uuid.uuid4())
        started_ns = time.perf_counter_ns()
        try:
            target.credentials.check(self.server.user, self.server.password)
        except EngineError as error:
            self._drain(_DRAIN_UNAUTHENTICATED_BYTES)
            self._send_error(error, ask=not target.credentials.given)
            return
        try:
            with self._handle(target) as handle:
                result = self._run(handle, target)
                self._send_result(result, target, started_ns)
        except EngineError as error:
            # A client that is still sending would see a reset instead of the error.
            self._drain(_DRAIN_BYTES)
            self._send_error(error)
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            log_failure(error)
            self.close_connection = True
            if not self._head_sent:
                self._send_error(own_failure(error))

    def _handle(self, target: Target) -> AbstractContextManager[Handle]:
        if target.session_id:
            return self.server.sessions.use(
                target.session_id, target.session_timeout_s, must_exist=target.session_must_exist
            )
        return closing(self.server.engine.open_handle())

    def _run(self, handle: Handle, target: Target) -> Result:
        if target.flag("decompress") or target.flag("compress"):
            raise EngineError(
                NOT_IMPLEMENTED,
                "NOT_IMPLEMENTED",
                "ClickHouse's own block compression (compress=1, decompress=1) is not offered "
                "here; use Content-Encoding and Accept-Encoding with lz4 or zstd",
            )
        body = bodies.decompress(self._raw_body, target.content_encoding)
        form = forms.Form({}, {})
        content_type = self.headers.get("Content-Type") or ""
        if content_type.lower().startswith("multipart/form-data"):
            form = forms.parse_form(whole(body), content_type)
        if target.database:
            handle.use(target.database)
        if target.roles:
            handle.query("SET ROLE " + ", ".join(quote_name(role) for role in target.roles))
        forms.create_external_tables(handle, form, target.values, self.server.spool)
        # GET changes nothing on a ClickHouse server either: a link must not drop a table.
        handle.apply(target.settings(form.table_parameters), read_only=self.command == "GET")
        return execute(
            handle,
            self.server.spool,
            target.query + form.query,
            body,
            default_format=target.default_format,
            parameters={**target.parameters, **form.parameters},
        )

    def _send_result(self, result: Result, target: Target, started_ns: int) -> None:
        """The result with its length if it is small or has to be awaited, else in chunks."""
        head: list[bytes] = []
        head_bytes = 0
        complete = True
        for piece in result.pieces:
            head.append(piece)
            head_bytes += len(piece)
            if head_bytes > _BUFFERED_RESULT_BYTES:
                complete = False
                break
        encoding = None
        if target.flag("enable_http_compression") and head_bytes >= responses.COMPRESS_FROM_BYTES:
            encoding = responses.choose_encoding(target.accept_encoding)

        def headers() -> dict[str, str]:
            elapsed_ns = time.perf_counter_ns() - started_ns
            return responses.result_headers(result, encoding, elapsed_ns)

        pieces = chain(head, result.pieces)
        if complete:
            data = b"".join(responses.compressed(iter(head), encoding))
            self._send(200, data, headers())
        elif target.flag("wait_end_of_query"):
            # Held back until it has ended, so that an error can still be an error, but on disk.
            with self.server.spool.keep(responses.compressed(pieces, encoding)) as file:
                self._send_file(file, headers())
        else:
            self._send_chunked(pieces, headers(), encoding)

    def _send_file(self, file: Path, headers: dict[str, str]) -> None:
        with file.open("rb") as data:
            size_bytes = str(file.stat().st_size)
            self.connection.sendall(self._head(200, {**headers, "Content-Length": size_bytes}))
            self.connection.sendfile(data)

    def _send_chunked(
        self, pieces: Iterator[bytes], headers: dict[str, str], encoding: str | None
    ) -> None:
        tag = secrets.token_hex(8)
        fields = {**headers, "Transfer-Encoding": "chunked", "X-ClickHouse-Exception-Tag": tag}
        self.connection.sendall(self._head(200, fields))
        for data in responses.compressed(self._marking_errors(pieces, tag), encoding):
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        self.connection.sendall(b"0\r\n\r\n")

    def _marking_errors(self, pieces: Iterator[bytes], tag: str) -> Iterator[bytes]:
        try:
            yield from pieces
        except EngineError as error:
            self.close_connection = True
            message = responses.error_text(str(error), self.server.engine.version)
            yield responses.broken_stream(message, tag)

    def _send_error(self, error: EngineError, *, ask: bool = False) -> None:
        headers = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "Content-Type": "text/plain; charset=UTF-8",
        }
        status = http_status(error.code)
        if ask and error.code == AUTHENTICATION_FAILED:
            status = 401
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        self._send(status, responses.error_text(str(error), self.server.engine.version), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """One answer with its length, in one packet if it fits one."""
        head = self._head(status, {**headers, "Content-Length": str(len(body))})
        if self.command == "HEAD":
            body = b""
        if len(body) <= _ONE_PACKET_BYTES:
            self.connection.sendall(head + body)
        else:
            self.connection.sendall(head)
            self.connection.sendall(body)

    def _head(self, status: int, headers: dict[str, str]) -> bytes:
        self._head_sent = True
        phrase = self.responses[status][0] if status in self.responses else ""
        fields = {
            "Date": self.date_time_string(),
            "Connection": "close" if self.close_connection else "Keep-Alive",
            "Keep-Alive": f"timeout={self.timeout:.0f}",
            "X-ClickHouse-Server-Display-Name": "yijian",
            "X-ClickHouse-Timezone": self.server.engine.timezone,
            **({"X-ClickHouse-Query-Id": self._query_id} if self._query_id else {}),
            **headers,
        }
        lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1", "replace")

    def _drain(self, limit_bytes: int) -> None:
        """Read what is left of the body, so that the client gets to read the answer."""
        left_bytes = limit_bytes
        try:
            for chunk in self._raw_body:
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    self.close_connection = True
                    return
        except (ConnectionError, TimeoutError):
            self.close_connection = True


def _one_line(value: str) -> str:
    """A header value that cannot start a header of its own."""
    return value.replace("\r", " ").replace("\n", " ")
