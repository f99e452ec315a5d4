from __future__ import annotations

import errno
import gzip
import json
import zlib

import lz4.frame
import pytest
import zstandard

from sinks.embedded.engine import Progress
from sinks.embedded.failures import own_failure
from sinks.embedded.responses import (
    broken_stream,
    choose_encoding,
    compressed,
    error_text,
    summary,
)
from sinks.errors import EngineError

UNPACKERS = {
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("", None), ("br", None), ("gzip, deflate", "gzip"), ("zstd;q=0.5, lz4", "lz4")],
)
def test_the_fastest_accepted_encoding_is_chosen(accepted: str, chosen: str | None) -> None:
    assert choose_encoding(accepted) == chosen


@pytest.mark.parametrize("encoding", UNPACKERS)
@pytest.mark.parametrize("pieces", [[], [b""], [b"a" * 100_000, b"b", b"c" * 70_000]])
def test_pieces_become_one_frame(encoding: str, pieces: list[bytes]) -> None:
    packed = b"".join(compressed(iter(pieces), encoding))

    assert UNPACKERS[encoding](packed) == b"".join(pieces)


def test_the_summary_gives_numbers_as_strings() -> None:
    fields = json.loads(summary(Progress(written_rows=5), 7))

    assert (fields["written_rows"], fields["result_rows"], fields["elapsed_ns"]) == ("5", "5", "7")


def test_an_error_names_the_version_once() -> None:
    assert error_text("Code: 1. x", "26.9").endswith(b"x (version 26.9 (official build))\n")
    assert error_text("Code: 1. x (version 26.9)", "26.9").count(b"version") == 1


def test_a_broken_stream_is_marked_with_its_tag_on_both_sides() -> None:
    marked = broken_stream(b"Code: 1.\n", "tag")

    assert marked == b"\r\n__exception__\r\ntag\r\nCode: 1.\n9 tag\r\n__exception__\r\n"


def test_the_engines_message_becomes_code_and_name() -> None:
    error = EngineError.from_engine(
        "Code: 33. DB::Exception: Code: 33. DB::Exception: Cannot read all data: (in file/uri "
        "/tmp/x): While executing Native. (CANNOT_READ_ALL_DATA) (version 26.9.2.1)"
    )

    assert (error.code, error.name) == (33, "CANNOT_READ_ALL_DATA")
    assert str(error).startswith("Code: 33. DB::Exception: Cannot read all data")
    assert "/tmp" not in str(error)
    assert EngineError.from_engine("what?").code == 1002


def test_own_failures_tell_a_full_disk_from_the_rest() -> None:
    assert own_failure(OSError(errno.ENOSPC, "secret")).name == "NOT_ENOUGH_SPACE"
    assert "secret" not in str(own_failure(ValueError("secret")))
