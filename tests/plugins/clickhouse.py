"""ClickHouse for tests: a real server named by YIJIAN_CLICKHOUSE_DSN, else the embedded one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.schema import migrate

_TABLES = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_versions'
"""


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
    with _database(clickhouse_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def clickhouse_module_database(clickhouse_dsn: str) -> Iterator[str]:
    """The same for all tests of a file together."""
    with _database(clickhouse_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def _clickhouse_schema(clickhouse_dsn: str) -> Iterator[str]:
    """DSN of the database whose tables tests share, one after the other."""
    with _database(clickhouse_dsn) as dsn, closing(connect(dsn)) as client:
        migrate(client)
        yield dsn


@pytest.fixture
def clickhouse_tables(_clickhouse_schema: str) -> str:
    """DSN of a database with the sink's tables, all empty, for a test that leaves their form alone.

    Emptying them takes a twentieth of the time that making them takes.
    """
    with closing(connect(_clickhouse_schema)) as client:
        for (name,) in client.query(_TABLES).result_rows:
            client.command(f"TRUNCATE TABLE {name} SYNC")  # forgets repeated inserts as well
    return _clickhouse_schema


@contextmanager
def _database(server: str) -> Iterator[str]:
    database = f"test_{uuid.uuid4().hex}"
    with closing(connect(server)) as client:
        client.command(f"CREATE DATABASE {database}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
        finally:
            client.command(f"DROP DATABASE IF EXISTS {database} SYNC")
