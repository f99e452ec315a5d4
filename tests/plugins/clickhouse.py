"""ClickHouse for tests: a real server named by YIJIAN_CLICKHOUSE_DSN, else the embedded one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse


@pytest.fixture(scope="session")
def clickhouse_dsn() -> Iterator[str]:
    """DSN of one server for the whole run; its data is gone afterwards if it is the embedded."""
    dsn = os.environ.get("YIJIAN_CLICKHOUSE_DSN")
    if dsn:
        yield dsn
        return
    with EmbeddedClickHouse() as server:
        yield server.dsn


@pytest.fixture
def clickhouse_database(clickhouse_dsn: str) -> Iterator[str]:
    """DSN of a database of the test's own, empty at its start and dropped at its end."""
    database = f"test_{uuid.uuid4().hex}"
    client = connect(clickhouse_dsn)
    try:
        client.command(f"CREATE DATABASE {database}")
        try:
            yield urlunsplit(urlsplit(clickhouse_dsn)._replace(path=f"/{database}"))
        finally:
            client.command(f"DROP DATABASE IF EXISTS {database} SYNC")
    finally:
        client.close()
