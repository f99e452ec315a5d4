"""What ClickHouse's HTTP interface answers, byte for byte where clients look."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import lz4.frame
import pytest

Send = Callable[..., Any]


def test_health_paths_answer_without_a_password(send: Send) -> None:
    for path in ("/", "/ping", "/replicas_status"):
        answer = send("GET", path=path, authenticate=False)
        assert (answer.status, answer.body) == (200, b"Ok.\n")


def test_the_password_may_come_by_header_basic_or_url(send: Send, clickhouse_database: str) -> None:
    url = urlsplit(clickhouse_database)
    basic = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()

    by_header = send(body=b"SELECT 1")
    by_basic = send(
        body=b"SELECT 1", headers={"Authorization": f"Basic {basic}"}, authenticate=False
    )
    by_url = send(body=b"SELECT 1", authenticate=False, user=url.username, password=url.password)

    assert [answer.body for answer in (by_header, by_basic, by_url)] == [b"1\n"] * 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"X-ClickHouse-User": "default", "X-ClickHouse-Key": "no"}, 403)],
)
def test_no_password_is_401_and_a_wrong_one_403(
    send: Send, headers: dict[str, str], status: int
) -> None:
    answer = send(body=b"SELECT 1", headers=headers, authenticate=False)

    assert answer.status == status
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    assert b"AUTHENTICATION_FAILED" in answer.body


def test_a_query_may_be_in_the_url_the_body_or_both(send: Send) -> None:
    assert send("GET", query="SELECT 1 FORMAT CSV").body == b"1\n"
    assert send(body=b"SELECT 2").body == b"2\n"
    assert send(body=b"2 + 1", query="SELECT").body == b"3\n"


def test_get_changes_nothing(send: Send) -> None:
    answer = send("GET", query="CREATE TABLE t (a UInt8) ENGINE = Memory")

    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


def test_an_answer_carries_clickhouses_headers(send: Send) -> None:
    answer = send(body=b"SELECT 1 FORMAT JSON", query_id="given")

    assert answer.headers["X-ClickHouse-Query-Id"] == "given"
    assert answer.headers["X-ClickHouse-Format"] == "JSON"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "1"
    assert json.loads(answer.body)["data"] == [{"1": 1}]


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        (b"SELEC", 400),
        (b"SELECT * FROM nope", 404),
        (b"SELECT * FROM nope.nope", 404),
        (b"SELECT throwIf(1)", 500),
        (b"", 400),
    ],
)
def test_the_status_follows_the_error_code(send: Send, sql: bytes, status: int) -> None:
    assert send(body=sql).status == status
    assert send(body=b"SELECT 1").body == b"1\n"  # on the same connection


def test_the_default_format_applies_unless_the_query_names_one(send: Send) -> None:
    assert send(body=b"SELECT 1 AS x", default_format="JSONEachRow").body == b'{"x":1}\n'
    assert send(body=b"SELECT 1", headers={"X-ClickHouse-Format": "Values"}).body == b"(1)"
    assert send(body=b"SELECT 1 FORMAT CSV", default_format="JSON").body == b"1\n"


def test_large_results_are_compressed_for_those_who_ask(send: Send) -> None:
    sql = b"SELECT number FROM numbers(100000) FORMAT TSV"
    plain = send(body=sql)

    packed = send(body=sql, headers={"Accept-Encoding": "lz4"}, enable_http_compression="1")
    unasked = send(body=sql, headers={"Accept-Encoding": "lz4"})

    assert packed.headers["Content-Encoding"] == "lz4"
    assert lz4.frame.decompress(packed.body) == plain.body == unasked.body


@pytest.mark.parametrize("wait", ["0", "1"])
def test_a_result_larger_than_the_buffer_is_complete(send: Send, wait: str) -> None:
    answer = send(body=b"SELECT number FROM numbers(3000000)", wait_end_of_query=wait)

    assert answer.body.count(b"\n") == 3_000_000
    assert answer.body.endswith(b"\n2999999\n")


def test_insert_data_may_begin_in_the_url_or_the_body(send: Send) -> None:
    send(body=b"CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")

    assert send(body=b"1\tx\n", query="INSERT INTO t FORMAT TSV").status == 200
    assert send(body=b"INSERT INTO t FORMAT TSV\n2\ty\n").status == 200
    assert send(body=b"(3, 'z')", query="INSERT INTO t VALUES").status == 200
    answer = send(body=[b"INSERT INTO t FOR", b"MAT TSV", b"\n4\t", b"w\n"])
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "1"
    assert send(body=b"SELECT sum(a), count() FROM t").body == b"10\t4\n"


def test_a_sender_that_dies_leaves_no_rows(send: Send, clickhouse_database: str) -> None:
    send(body=b"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    url = urlsplit(clickhouse_database)
    basic = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    head = (
        f"POST /?database={url.path.strip('/')}&query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: Basic {basic}\r\n"
    )
    for framing, body in (
        ("Content-Length: 1000\r\n\r\n", b"1\n2\n3\n"),
        ("Transfer-Encoding: chunked\r\n\r\n", b"6\r\n1\n2\n3\n\r\n"),
    ):
        with socket.create_connection((url.hostname or "", url.port or 0)) as sender:
            sender.sendall((head + framing).encode() + body)
            sender.shutdown(socket.SHUT_WR)
            sender.settimeout(10)
            assert not sender.recv(100).startswith(b"HTTP/1.1 200")

    assert send(body=b"SELECT count() FROM t").body == b"0\n"


def test_an_unknown_path_and_method_are_told_apart(send: Send) -> None:
    assert send("GET", path="/nope").status == 404
    assert send("DELETE", path="/").status == 501


def test_block_compression_is_refused_with_advice(send: Send) -> None:
    answer = send(body=b"SELECT 1", compress="1")

    assert answer.status == 501
    assert b"Content-Encoding" in answer.body
