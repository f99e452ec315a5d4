"""Queries: parameters, settings, formats, streams, sessions, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from sinks.client import connect

NAUGHTY = [
    "",
    'it\'s "quoted" `here`',
    "tab\tline\nreturn\rback\\slash \\N \\t",
    "nul\x00inside",
    "'; DROP TABLE t; --",
    "{x:String} %s ${y}",
    "医监 \U0001f9ea \u202etxet\u202c \ufeff \u0000 Ω≈ç√",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_a_bound_string_arrives_unharmed(client: Client, text: str) -> None:
    answer = client.query(
        "SELECT {x:String}, {l:Array(String)}", parameters={"x": text, "l": [text, "b"]}
    )

    assert answer.result_rows == [(text, [text, "b"])]


def test_parameters_of_other_types_and_names_bind(client: Client) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    answer = client.query(
        "SELECT {n:UInt64}, {d:Decimal(18, 2)}, {o:Nullable(Int8)}, count() FROM {t:Identifier}",
        parameters={"n": 2**64 - 1, "d": "1.25", "o": None, "t": "t"},
    )

    assert [str(value) for value in answer.result_rows[0]] == [str(2**64 - 1), "1.25", "None", "0"]


def test_a_setting_of_one_query_does_not_reach_the_next(client: Client) -> None:
    sql = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    before = client.command(sql)

    inside = client.command(sql, settings={"max_block_size": 1234})

    assert inside == 1234
    assert client.command(sql) == before != 1234


def test_a_setting_in_the_statement_does_not_reach_the_next(client: Client) -> None:
    sql = "SELECT getSetting('max_threads')"

    assert client.query(f"{sql} SETTINGS max_threads = 1").result_rows == [(1,)]
    client.command("SET max_block_size = 7")
    assert client.command("SELECT getSetting('max_block_size')") != 7


def test_an_unknown_setting_is_the_engines_error(client: Client) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_SETTING") as caught:
        client.command("SELECT 1", settings={"no_such_setting": 1})

    assert caught.value.code == 115


def test_the_database_of_one_client_is_not_that_of_another(
    client: Client, clickhouse_dsn: str
) -> None:
    client.command("CREATE TABLE only_here (a UInt8) ENGINE = MergeTree ORDER BY a")
    other = connect(clickhouse_dsn, database="default")

    assert client.command("SELECT count() FROM only_here") == 0
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        other.command("SELECT count() FROM only_here")
    other.close()


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT FROM WHERE", 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
        ("SELECT * FROM no_such_table", 60, "UNKNOWN_TABLE"),
        ("SELECT * FROM no_such_database.t", 81, "UNKNOWN_DATABASE"),
        ("SELECT no_such_column", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"),
        ("INSERT INTO no_such_table VALUES (1)", 60, "UNKNOWN_TABLE"),
        ("SELECT throwIf(1, 'told so')", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ],
)
def test_an_error_carries_clickhouses_code_and_name(
    client: Client, sql: str, code: int, name: str
) -> None:
    with pytest.raises(DatabaseError, match=name) as caught:
        client.query(sql) if sql.startswith("SELECT") else client.command(sql)

    assert caught.value.code == code


def test_a_wrong_password_is_refused(clickhouse_dsn: str) -> None:
    with pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED") as caught:
        connect(clickhouse_dsn, password="wrong")

    assert caught.value.code == 516


def test_rows_stream_in_blocks(client: Client) -> None:
    rows = 0
    blocks = 0
    with client.query_row_block_stream(
        "SELECT number, toString(number) FROM numbers(1000000)"
    ) as stream:
        for block in stream:
            blocks += 1
            rows += len(block)

    assert rows == 1_000_000
    assert blocks > 1


def test_a_stream_that_fails_underway_says_so(client: Client) -> None:
    sql = (
        "SELECT number, repeat('x', 100), throwIf(number = 900000, 'told so') FROM numbers(1000000)"
    )
    settings = {"max_threads": 1, "wait_end_of_query": 0}
    blocks: list[int] = []

    def read() -> None:
        with client.query_row_block_stream(sql, settings=settings) as stream:
            blocks.extend(len(block) for block in stream)

    with pytest.raises(StreamFailureError, match="told so"):
        read()
    assert sum(blocks) < 1_000_000


def test_a_failure_underway_is_a_plain_error_for_those_who_wait(client: Client) -> None:
    with pytest.raises(DatabaseError, match="told so"):
        client.query(
            "SELECT repeat('x', 100), throwIf(number = 900000, 'told so') FROM numbers(1000000)"
        )


def test_an_abandoned_stream_does_not_hurt_the_next_query(client: Client) -> None:
    with client.query_row_block_stream(
        "SELECT number FROM numbers(3000000)", settings={"wait_end_of_query": 0}
    ) as stream:
        next(iter(stream))

    assert client.command("SELECT 1") == 1


def test_formats_with_header_and_footer_come_whole(client: Client) -> None:
    sql = "SELECT number FROM numbers(200000)"

    body = json.loads(client.raw_query(sql, fmt="JSON"))
    lines = client.raw_query(sql, fmt="CSVWithNames").splitlines()

    assert body["rows"] == 200_000 == len(body["data"])
    assert len(lines) == 200_001
    assert client.query_arrow(sql).num_rows == 200_000


def test_an_empty_result_still_has_its_columns(client: Client) -> None:
    client.command("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")

    assert client.query("SELECT * FROM t LIMIT 0").column_names == ("a", "b")
    assert client.query("SELECT * FROM t").result_rows == []


def test_the_summary_reports_what_was_read(client: Client) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    client.command("INSERT INTO t SELECT number FROM numbers(5000)")

    summary = client.query("SELECT a FROM t WHERE a < 10").summary

    assert (summary["read_rows"], summary["result_rows"]) == ("5000", "10")


def test_a_session_keeps_its_temporary_table_and_settings(clickhouse_dsn: str) -> None:
    client = connect(clickhouse_dsn, session_id="a-session")
    client.command("CREATE TEMPORARY TABLE held (a UInt8)")
    client.command("SET max_block_size = 4321")

    assert client.command("SELECT count() FROM held") == 0
    assert client.command("SELECT getSetting('max_block_size')") == 4321
    client.close()


def test_external_data_is_a_table_of_the_query(client: Client, tmp_path: Path) -> None:
    data = ExternalData(
        file_name="codes.csv",
        data=b'1,"a\r\nb"\n2,c\n',
        fmt="CSV",
        structure="id UInt8, name String",
    )

    answer = client.query("SELECT id, name FROM codes ORDER BY id", external_data=data)

    assert answer.result_rows == [(1, "a\r\nb"), (2, "c")]
