"""Request bodies as streams of bytes: framing undone, compression undone, nothing held whole."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, cast

import lz4.frame
import zstandard

from sinks.embedded.statuses import NOT_IMPLEMENTED
from sinks.errors import EngineError

_READ_BYTES = 1 << 18
_CANNOT_DECOMPRESS = 271


class BodyCutOff(ConnectionError):
    """The peer went away before the end of its request's body."""


class _Decompressor(Protocol):
    unused_data: bytes | None
    eof: bool

    def decompress(self, data: bytes) -> bytes: ...


def _make_brotli() -> _Decompressor:
    raise EngineError(
        NOT_IMPLEMENTED,
        "NOT_IMPLEMENTED",
        "Content-Encoding br is not supported here; send lz4, zstd, gzip or deflate",
    )


_DECOMPRESSORS: dict[str, Callable[[], object]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": lambda: zlib.decompressobj(),
    "xz": lzma.LZMADecompressor,
    "bz2": bz2.BZ2Decompressor,
    "br": _make_brotli,
}


def read_sized(source: BinaryIO, content_length: str) -> Iterator[bytes]:
    """The next `content_length` bytes. Raises BodyCutOff when the peer sent fewer."""
    if not content_length.isdecimal():
        raise BodyCutOff(f"Content-Length {content_length!r} is not a number")
    return _read(source, int(content_length))


def _read(source: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left:
        chunk = source.read(min(left, _READ_BYTES))
        if not chunk:
            raise BodyCutOff(f"the body ended {left} bytes before its Content-Length")
        left -= len(chunk)
        yield chunk


def read_chunked(source: BinaryIO) -> Iterator[bytes]:
    """A body in HTTP/1.1 chunks, trailers skipped. Raises BodyCutOff when the last one is missing.

    Reaching the end without the closing chunk of size 0 means the sender died: taking what came
    for the whole would lose rows without an error.
    """
    while True:
        size_bytes = _chunk_size(source.readline(1024))
        if size_bytes == 0:
            while source.readline(65536).strip():
                continue
            return
        yield from _read(source, size_bytes)
        source.readline(1024)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";", 1)[0].strip(), 16)
    except ValueError:
        raise BodyCutOff("the chunked body ended before its last chunk") from None


def decompress(body: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The plain bytes of `body`, over all its frames, in order.

    Clients send one frame a block: stopping at the first frame's end loses rows silently.
    Raises EngineError for an unknown encoding, broken data and a last frame that is cut off.
    """
    if encoding in ("", "identity"):
        return body
    make = _DECOMPRESSORS.get(encoding)
    if make is None:
        known = ", ".join(sorted(set(_DECOMPRESSORS) - {"br"}))
        raise EngineError(
            NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            f"Unsupported Content-Encoding {encoding!r}; expected one of {known}",
        )
    return _decompress_frames(body, encoding, make)


def _decompress_frames(
    body: Iterator[bytes], encoding: str, make: Callable[[], object]
) -> Iterator[bytes]:
    frame: _Decompressor | None = None
    try:
        for chunk in body:
            data = chunk
            while data:
                if frame is None:
                    frame = cast(_Decompressor, make())
                plain = frame.decompress(data)
                if plain:
                    yield plain
                if not frame.eof:
                    break
                data = frame.unused_data or b""
                frame = None
    except (RuntimeError, zstandard.ZstdError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, ConnectionError | TimeoutError):
            raise
        raise EngineError(
            _CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", f"Cannot decompress {encoding} body: {error}"
        ) from error
    if frame is not None:
        raise EngineError(
            _CANNOT_DECOMPRESS,
            "CANNOT_DECOMPRESS",
            f"Cannot decompress {encoding} body: its last frame is cut off",
        )
