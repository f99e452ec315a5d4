"""The one way to a ClickHouse server, embedded or real: `connect(dsn)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as ClientError

from sinks.errors import DsnInvalid

__all__ = ["ClientError", "connect"]

CONNECT_TIMEOUT_S = 5
SEND_RECEIVE_TIMEOUT_S = 120

_SECURE_OF_SCHEME = {"http": False, "clickhouse": False, "https": True, "clickhouses": True}
_PORT = {False: 8123, True: 8443}

# Server defaults of ClickHouse 26 that would break the writers' guarantees.
WRITER_SETTINGS: Mapping[str, int] = {
    # 1 by default: answers before the rows are stored, and rows of other inserts share the fate.
    "async_insert": 0,
    # An answer of 200 is sent when the statement has ended, not when it has begun.
    "wait_end_of_query": 1,
    "insert_deduplicate": 1,
    # 0 by default: a repeated insert, dropped in the table, would count twice in its views.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}


def connect(dsn: str, **overrides: Any) -> Client:
    """A client that may be used by several threads at once, with the settings writers need.

    `dsn` is `clickhouse://user:password@host:port/database` (`clickhouses` and `https` for TLS,
    `http` means the same as `clickhouse`); its query parameters become settings. `overrides` go
    to clickhouse_connect.get_client; `settings` among them are added to the writers' own.
    Raises DsnInvalid; clickhouse_connect's OperationalError when the server cannot be reached,
    DatabaseError when it refuses the password or database.
    """
    url = _split(dsn)
    secure = _SECURE_OF_SCHEME[url.scheme]
    settings = {**WRITER_SETTINGS, **dict(parse_qsl(url.query)), **overrides.pop("settings", {})}
    options: dict[str, Any] = {
        "host": url.hostname,
        "port": url.port or _PORT[secure],
        "username": unquote(url.username or "default"),
        "password": unquote(url.password or ""),
        "database": unquote(url.path.strip("/")) or None,
        "secure": secure,
        "interface": "https" if secure else "http",
        "connect_timeout": CONNECT_TIMEOUT_S,
        "send_receive_timeout": SEND_RECEIVE_TIMEOUT_S,
        # A session runs one statement at a time; clients are shared between threads here.
        "autogenerate_session_id": False,
        "settings": settings,
        **overrides,
    }
    return clickhouse_connect.get_client(**options)


def _split(dsn: str) -> SplitResult:
    expected = (
        "expected clickhouse://user:password@host:port/database "
        "(or http, https, clickhouses); correct YIJIAN_CLICKHOUSE_DSN"
    )
    try:
        url = urlsplit(dsn)
        named = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError as error:
        raise DsnInvalid(f"ClickHouse DSN cannot be read ({error}); {expected}") from None
    # The DSN itself is never shown: it holds the password.
    if url.scheme not in _SECURE_OF_SCHEME:
        raise DsnInvalid(f"ClickHouse DSN has the scheme {url.scheme!r}; {expected}")
    if not named:
        raise DsnInvalid(f"ClickHouse DSN names no host; {expected}")
    return url
