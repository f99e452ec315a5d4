from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sinks.embedded.bodies import BodyCutOff, decompress, read_chunked, read_sized
from sinks.errors import EngineError

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "gzip": gzip.compress,
}


def slices(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[start : start + size] for start in range(0, len(data), size)])


@pytest.mark.parametrize("encoding", PACKERS)
@given(frames=st.lists(st.binary(max_size=300), min_size=1, max_size=6), size=st.integers(1, 50))
def test_all_frames_come_out_however_the_bytes_are_cut(
    encoding: str, frames: list[bytes], size: int
) -> None:
    packed = b"".join(PACKERS[encoding](frame) for frame in frames)

    assert b"".join(decompress(slices(packed, size), encoding)) == b"".join(frames)


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_frame_cut_off_is_an_error_not_less_data(encoding: str) -> None:
    packed = PACKERS[encoding](b"x" * 1000) * 2

    with pytest.raises(EngineError, match="cut off") as caught:
        list(decompress(iter([packed[:-3]]), encoding))

    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", PACKERS)
def test_broken_data_is_clickhouses_error(encoding: str) -> None:
    with pytest.raises(EngineError, match="CANNOT_DECOMPRESS"):
        list(decompress(iter([b"not compressed at all"]), encoding))


def test_plain_bodies_pass_and_unknown_encodings_are_refused() -> None:
    assert list(decompress(iter([b"a", b"b"]), "")) == [b"a", b"b"]
    with pytest.raises(EngineError, match="snappy"):
        decompress(iter([b""]), "snappy")
    with pytest.raises(EngineError, match="br"):
        list(decompress(iter([b"x"]), "br"))


def test_a_sized_body_ends_at_its_length_and_not_before() -> None:
    source = io.BytesIO(b"12345next")

    assert b"".join(read_sized(source, "5")) == b"12345"
    assert source.read() == b"next"
    with pytest.raises(BodyCutOff):
        list(read_sized(io.BytesIO(b"123"), "5"))
    with pytest.raises(BodyCutOff):
        read_sized(io.BytesIO(b""), "-1")


def test_chunks_are_joined_and_extensions_and_trailers_skipped() -> None:
    source = io.BytesIO(b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nnext")

    assert b"".join(read_chunked(source)) == b"abc0123456789"
    assert source.read() == b"next"


@pytest.mark.parametrize("sent", [b"", b"3\r\nabc\r\n", b"5\r\nabc", b"zz\r\n"])
def test_chunks_without_an_end_are_cut_off(sent: bytes) -> None:
    with pytest.raises(BodyCutOff):
        list(read_chunked(io.BytesIO(sent)))
