from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.embedded.statements import InsertWithData, Plain, analyse


def parts(sql: bytes) -> tuple[bytes, bytes, str, bytes]:
    statement = analyse(sql)
    assert isinstance(statement, InsertWithData)
    data = sql[statement.data_offset :]
    return (statement.target.strip(), statement.settings.strip(), statement.format, data)


@pytest.mark.parametrize(
    ("sql", "target", "settings", "fmt", "data"),
    [
        (b"INSERT INTO t FORMAT TSV\n1\t2\n", b"INSERT INTO t", b"", "TSV", b"1\t2\n"),
        (b"INSERT INTO t FORMAT TSV\r\n1", b"INSERT INTO t", b"", "TSV", b"1"),
        (b"INSERT INTO t FORMAT TSV \n\n1", b"INSERT INTO t", b"", "TSV", b"\n1"),
        (b"INSERT INTO t FORMAT CSV 1,2", b"INSERT INTO t", b"", "CSV", b"1,2"),
        (b"insert into t values (1)", b"insert into t", b"", "Values", b" (1)"),
        (b"INSERT INTO t VALUES(1)", b"INSERT INTO t", b"", "Values", b"(1)"),
        (
            b'/* a */ -- b\n INSERT INTO `a``b`."c" (x, `format`, values) FORMAT Native\n\x00\xff',
            b'/* a */ -- b\n INSERT INTO `a``b`."c" (x, `format`, values)',
            b"",
            "Native",
            b"\x00\xff",
        ),
        (b"INSERT INTO format FORMAT TSV\n", b"INSERT INTO format", b"", "TSV", b""),
        (
            b"INSERT INTO TABLE db.values VALUES (1)",
            b"INSERT INTO TABLE db.values",
            b"",
            "Values",
            b" (1)",
        ),
        (
            b"INSERT INTO FUNCTION file('a FORMAT b') FORMAT TSV\n1",
            b"INSERT INTO FUNCTION file('a FORMAT b')",
            b"",
            "TSV",
            b"1",
        ),
        (
            b"INSERT INTO t (a) SETTINGS a = 'FORMAT x', b = 1 FORMAT JSONEachRow\n{}",
            b"INSERT INTO t (a)",
            b"SETTINGS a = 'FORMAT x', b = 1",
            "JSONEachRow",
            b"{}",
        ),
    ],
)
def test_an_insert_is_taken_apart(
    sql: bytes, target: bytes, settings: bytes, fmt: str, data: bytes
) -> None:
    assert parts(sql) == (target, settings, fmt, data)


@pytest.mark.parametrize(
    ("sql", "fmt", "streams"),
    [
        (b"SELECT 1", None, True),
        (b"SELECT 1 FORMAT JSON", "JSON", True),
        (b"select 1 format CSV ;", "CSV", True),
        (b"SELECT 1 FORMAT TSV SETTINGS max_threads = 1", "TSV", True),
        (b"SELECT format FROM t", None, True),
        (b"SELECT 'FORMAT JSON'", None, True),
        (b"SELECT 1 -- FORMAT JSON", None, True),
        (b"SELECT * FROM (SELECT 1 FORMAT JSON)", None, True),
        (b"SELECT $tag$ FORMAT JSON $tag$", None, True),
        (b"WITH 1 AS x SELECT x", None, True),
        (b"(SELECT 1) UNION ALL (SELECT 2) FORMAT TSV", "TSV", True),
        (b"SHOW TABLES FORMAT JSON", "JSON", False),
        (b"INSERT INTO t SELECT 1", None, False),
        (b"INSERT INTO t FROM INFILE 'f' FORMAT CSV", None, False),
        (b"INSERT INTO t", None, False),
        (b"INSERT INTO t FORMAT", None, False),
        (b"  ", None, False),
        (b"", None, False),
    ],
)
def test_other_statements_have_a_format_and_stream_if_they_select(
    sql: bytes, fmt: str | None, streams: bool
) -> None:
    assert analyse(sql) == Plain(fmt, streams)


def test_a_select_that_reads_the_body_is_recognised() -> None:
    statement = analyse(b"INSERT INTO t SELECT a FROM input('a UInt8') FORMAT TSV\n1")

    assert statement == Plain(None, False, reads_input=True)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_upset_the_analysis(sql: bytes) -> None:
    analyse(sql)


@given(st.binary(max_size=200))
def test_the_data_of_an_insert_never_changes_where_it_begins(data: bytes) -> None:
    head = b"INSERT INTO t (a) FORMAT Native\n"

    assert parts(head + data) == (b"INSERT INTO t (a)", b"", "Native", data)
