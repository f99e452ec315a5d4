"""Responses: compression the client accepts, the summary header, ClickHouse's error texts."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import lz4.frame
import zstandard

from sinks.embedded.engine import Progress, Result

# Below this a compressed answer costs more than the bytes it saves.
COMPRESS_FROM_BYTES = 1 << 16

_CONTENT_TYPES = {
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
}


class Compressor(Protocol):
    """Turns pieces into one compressed frame."""

    def compress(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class _Lz4Frame:
    """lz4's frame compressor with its begin() folded into the first piece."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        start = b"" if self._begun else cast(bytes, self._frame.begin())
        self._begun = True
        return start + cast(bytes, self._frame.compress(data))

    def flush(self) -> bytes:
        start = b"" if self._begun else cast(bytes, self._frame.begin())
        return start + cast(bytes, self._frame.flush())


# In the order of preference: on loopback the fastest one wins.
_COMPRESSORS: dict[str, Callable[[], object]] = {
    "lz4": _Lz4Frame,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(level=1, wbits=31),
    "deflate": lambda: zlib.compressobj(level=1),
}


def choose_encoding(accepted: str) -> str | None:
    """The encoding to answer in, None for plain bytes; `accepted` is Accept-Encoding."""
    offers = {offer.partition(";")[0].strip() for offer in accepted.split(",")}
    return next((name for name in _COMPRESSORS if name in offers), None)


def compressed(pieces: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """The pieces as one compressed frame, or as they are without an encoding."""
    if encoding is None:
        yield from pieces
        return
    frame = cast(Compressor, _COMPRESSORS[encoding]())
    for piece in pieces:
        data = frame.compress(piece)
        if data:
            yield data
    yield frame.flush()


def result_headers(result: Result, encoding: str | None, elapsed_ns: int) -> dict[str, str]:
    """The headers that say what the body is and what the statement did."""
    headers = {"X-ClickHouse-Summary": summary(result.progress, elapsed_ns)}
    if result.format is not None:
        headers["X-ClickHouse-Format"] = result.format
        headers["Content-Type"] = _CONTENT_TYPES.get(
            result.format.lower(), "application/octet-stream"
        )
    if encoding:
        headers["Content-Encoding"] = encoding
    return headers


def summary(progress: Progress, elapsed_ns: int) -> str:
    """The value of X-ClickHouse-Summary: numbers as strings, as the server writes them."""
    return json.dumps(
        {
            "read_rows": str(progress.read_rows),
            "read_bytes": str(progress.read_bytes),
            "written_rows": str(progress.written_rows),
            "written_bytes": str(progress.written_bytes),
            "total_rows_to_read": str(progress.read_rows),
            "result_rows": str(progress.result_rows or progress.written_rows),
            "result_bytes": str(progress.result_bytes or progress.written_bytes),
            "elapsed_ns": str(elapsed_ns),
        },
        separators=(",", ":"),
    )


def error_text(message: str, version: str) -> bytes:
    """The body of an error response: the message with the version behind it."""
    trailer = "" if "(version " in message else f" (version {version} (official build))"
    return f"{message}{trailer}\n".encode("utf-8", "backslashreplace")


def broken_stream(message: bytes, tag: str) -> bytes:
    """What ends a stream whose status 200 went out before its query failed.

    The tag is announced in X-ClickHouse-Exception-Tag, so that data cannot imitate it.
    Source: ClickHouse, src/Server/HTTP/WriteBufferFromHTTPServerResponse.cpp (25.11 and later).
    """
    mark = tag.encode()
    length = str(len(message)).encode()
    return b"\r\n__exception__\r\n%b\r\n%b%b %b\r\n__exception__\r\n" % (
        *(mark, message, length, mark),
    )


def no_such_path(path: str) -> bytes:
    """The body of a 404 for a path that is not ClickHouse's."""
    text = (
        f"There is no handle {path}\n\n"
        "Use / or /ping for health checks.\nOr /replicas_status for more sophisticated health "
        "checks.\n\nSend queries from your program with POST method or GET /?query=...\n"
    )
    return text.encode("utf-8", "replace")
