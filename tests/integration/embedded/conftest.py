"""Clients on a database of the test's own, and plain HTTP for what no client library sends."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from sinks.client import connect


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


Post = Callable[..., Answer]


@pytest.fixture
def client(clickhouse_database: str) -> Iterator[Client]:
    made = connect(clickhouse_database)
    yield made
    made.close()


@pytest.fixture
def send(clickhouse_database: str) -> Iterator[Post]:
    """send(method, body, headers, **url_parameters) over one connection that is kept alive."""
    url = urlsplit(clickhouse_database)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    credentials = {
        "X-ClickHouse-User": url.username or "",
        "X-ClickHouse-Key": url.password or "",
        "X-ClickHouse-Database": url.path.strip("/"),
    }

    def send(
        method: str = "POST",
        body: object = b"",
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        authenticate: bool = True,
        **parameters: str,
    ) -> Answer:
        fields = {**(credentials if authenticate else {}), **(headers or {})}
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        connection.request(method, target, body=body, headers=fields)  # type: ignore[arg-type]
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers), answer.read())

    yield send
    connection.close()
