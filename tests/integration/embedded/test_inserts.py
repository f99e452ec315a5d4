"""Inserts: every way a client sends them, counted to the row."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator

import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.client import connect

ROWS = 1_000_000
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstandard.ZstdCompressor(level=1).compress,
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}


@pytest.fixture
def table(client: Client) -> str:
    client.command("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    return "t"


def count(client: Client) -> tuple[int, int, int]:
    """Rows, distinct keys and the sum of keys: a lost or doubled row changes one of them."""
    row = client.query("SELECT count(), uniqExact(a), sum(a) FROM t").result_rows[0]
    return (row[0], row[1], row[2])


@pytest.mark.parametrize("compress", ["lz4", "zstd"])
def test_a_million_rows_in_one_compressed_insert_all_arrive(
    clickhouse_database: str, compress: str
) -> None:
    client = connect(clickhouse_database, compress=compress)
    client.command("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")

    summary = client.insert(
        "t",
        [range(ROWS), ["payload"] * ROWS],
        column_names=["a", "s"],
        column_oriented=True,
    )

    assert summary.written_rows == ROWS
    assert count(client) == (ROWS, ROWS, ROWS * (ROWS - 1) // 2)
    client.close()


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_of_many_compressed_frames_is_read_to_its_end(
    client: Client, table: str, encoding: str
) -> None:
    def frames() -> Iterator[bytes]:
        for first in range(0, 200_000, 1_000):
            lines = "".join(f"{number}\tx\n" for number in range(first, first + 1_000))
            yield ENCODERS[encoding](lines.encode())

    summary = client.raw_insert(
        table, ["a", "s"], b"".join(frames()), fmt="TabSeparated", compression=encoding
    )

    assert summary.written_rows == 200_000
    assert count(client) == (200_000, 200_000, 200_000 * 199_999 // 2)


def test_a_chunked_body_of_frames_is_read_to_its_end(client: Client, table: str) -> None:
    def frames() -> Generator[bytes, None, None]:
        for first in range(0, 50_000, 100):
            lines = "".join(f"{number}\tx\n" for number in range(first, first + 100))
            yield lz4.frame.compress(lines.encode())

    client.raw_insert(table, ["a", "s"], frames(), fmt="TabSeparated", compression="lz4")

    assert count(client)[:2] == (50_000, 50_000)


def test_arrow_tables_are_stored(client: Client, table: str) -> None:
    data = pa.table({"a": pa.array(range(10_000), pa.uint64()), "s": ["é"] * 10_000})

    summary = client.insert_arrow(table, data)

    assert summary.written_rows == 10_000
    assert count(client)[:2] == (10_000, 10_000)
    assert client.query_arrow("SELECT * FROM t ORDER BY a").num_rows == 10_000


@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        ("JSONEachRow", b'{"a": 1, "s": "x"}\n{"a": 2, "s": "\\u533b"}\n'),
        ("CSV", b'1,"x"\n2,"y"\n'),
        ("Values", b"(1, 'x'), (2, upper('y'));"),
        ("RowBinary", b"\x01" + bytes(7) + b"\x01x" + b"\x02" + bytes(7) + b"\x01y"),
    ],
)
def test_text_and_binary_formats_are_stored(
    client: Client, table: str, fmt: str, data: bytes
) -> None:
    client.raw_insert(table, ["a", "s"], data, fmt=fmt)

    assert count(client) == (2, 2, 3)


def test_values_in_the_statement_itself_are_stored(client: Client, table: str) -> None:
    client.command("INSERT INTO t VALUES (1, 'FORMAT CSV'), (2, '); SELECT 1')")
    client.command("INSERT INTO t (s, a) VALUES ({s:String}, 3)", parameters={"s": "it's"})

    rows = client.query("SELECT * FROM t ORDER BY a").result_rows
    assert rows == [(1, "FORMAT CSV"), (2, "); SELECT 1"), (3, "it's")]


def test_an_insert_from_a_select_reports_its_rows(client: Client, table: str) -> None:
    client.command("INSERT INTO t SELECT number, 'x' FROM numbers(1234)")

    assert count(client)[0] == 1234


def test_a_repeated_token_is_stored_once_within_the_window(client: Client) -> None:
    client.command(
        "CREATE TABLE d (a UInt64) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    for token in ("topic-0:1-3", "topic-0:1-3", "topic-0:4-6"):
        client.insert(
            "d", [[1], [2], [3]], column_names=["a"], settings={"insert_deduplication_token": token}
        )

    assert client.command("SELECT count() FROM d") == 6


def test_a_dropped_duplicate_counts_once_in_dependent_views(client: Client) -> None:
    client.command(
        "CREATE TABLE d (a UInt64) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    client.command(
        "CREATE TABLE m (a UInt64) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    client.command("CREATE MATERIALIZED VIEW v TO m AS SELECT a FROM d")
    for _ in range(2):
        client.insert("d", [[1]], column_names=["a"], settings={"insert_deduplication_token": "t"})

    assert client.command("SELECT count() FROM m") == 1


def test_bad_data_is_refused_whole_and_the_connection_goes_on(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.raw_insert(table, ["a", "s"], b"1\tx\nnot a number\ty\n", fmt="TabSeparated")

    assert caught.value.code == 27
    assert count(client)[0] == 0


def test_data_cut_off_inside_a_block_is_refused_whole(client: Client, table: str) -> None:
    block = client.raw_query("SELECT toUInt64(number) a, 'xyz' s FROM numbers(1000)", fmt="Native")

    with pytest.raises(DatabaseError):
        client.raw_insert(table, ["a", "s"], block[: len(block) // 2], fmt="Native")

    assert count(client)[0] == 0


def test_a_last_frame_cut_off_is_refused_whole(client: Client, table: str) -> None:
    frame = lz4.frame.compress(b"".join(b"%d\tx\n" % number for number in range(10_000)))

    with pytest.raises(DatabaseError, match="cut off"):
        client.raw_insert(table, ["a", "s"], frame[:-8], fmt="TSV", compression="lz4")

    assert count(client)[0] == 0


def test_more_partitions_than_allowed_are_the_engines_error_252(client: Client) -> None:
    client.command("CREATE TABLE p (a UInt64) ENGINE = MergeTree ORDER BY a PARTITION BY a")

    with pytest.raises(DatabaseError) as caught:
        client.insert("p", [[number] for number in range(101)], column_names=["a"])

    assert caught.value.code == 252


def test_what_goes_wrong_at_the_end_of_an_insert_is_told(client: Client) -> None:
    # The engine's own streaming insert answers "done" here and stores nothing.
    client.command(
        "CREATE TABLE c (a UInt64, CONSTRAINT seven CHECK a != 7) ENGINE = MergeTree ORDER BY a"
    )
    client.command("CREATE TABLE s (a UInt64) ENGINE = MergeTree ORDER BY a")
    client.command(
        "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY a AS SELECT throwIf(a = 5) a FROM s"
    )

    for table, rows, name in (
        ("c", [[1], [7]], "VIOLATED_CONSTRAINT"),
        ("s", [[5]], "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ):
        with pytest.raises(DatabaseError, match=name):
            client.insert(table, rows, column_names=["a"])
        client.insert(table, [[1]], column_names=["a"])


def test_nothing_inside_the_data_ends_it(client: Client, table: str) -> None:
    # The engine's own inline data ends at the first of these.
    texts = [";\n", "\n\n", ";", "\\.\n", "-- x\n", "*/", "\x00;\n"]
    rows = [[number, texts[number % len(texts)]] for number in range(70_000)]

    client.insert(table, rows, column_names=["a", "s"])
    client.raw_insert(table, ["a", "s"], b'{"a": 70000, "s": ";\\n"};\n'[:-2], fmt="JSONEachRow")

    assert count(client) == (70_001, 70_001, 70_000 * 70_001 // 2)
    stored = client.query("SELECT s FROM t WHERE a < 7 ORDER BY a").result_columns[0]
    assert list(stored) == texts


def test_reading_the_body_through_input_is_refused_not_lost(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError, match="input"):
        client.command(
            "INSERT INTO t SELECT a, s FROM input('a UInt64, s String') FORMAT TSV", data="1\tx\n"
        )
