from __future__ import annotations

from typing import Any

import clickhouse_connect
import pytest

import sinks.client
from sinks.errors import DsnInvalid


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    options: dict[str, Any] = {}
    monkeypatch.setattr(clickhouse_connect, "get_client", lambda **given: options.update(given))
    return options


def test_a_dsn_becomes_address_credentials_and_writer_settings(asked: dict[str, Any]) -> None:
    sinks.client.connect("clickhouse://u%40x:p%2Fw%3A@h:9/db?max_threads=3")

    assert (asked["host"], asked["port"], asked["secure"]) == ("h", 9, False)
    assert (asked["username"], asked["password"], asked["database"]) == ("u@x", "p/w:", "db")
    assert asked["autogenerate_session_id"] is False
    assert asked["settings"]["async_insert"] == 0
    assert asked["settings"]["wait_end_of_query"] == 1
    assert asked["settings"]["deduplicate_blocks_in_dependent_materialized_views"] == 1
    assert asked["settings"]["max_threads"] == "3"


@pytest.mark.parametrize(
    ("scheme", "secure", "port"),
    [
        *[("http", False, 8123), ("clickhouse", False, 8123)],
        *[("https", True, 8443), ("clickhouses", True, 8443)],
    ],
)
def test_the_scheme_decides_about_tls_and_the_port(
    asked: dict[str, Any], scheme: str, secure: bool, port: int
) -> None:
    sinks.client.connect(f"{scheme}://h")

    assert (asked["secure"], asked["port"]) == (secure, port)
    assert (asked["username"], asked["password"], asked["database"]) == ("default", "", None)


def test_overrides_win_and_their_settings_are_added(asked: dict[str, Any]) -> None:
    sinks.client.connect("http://h/db", database="other", settings={"wait_end_of_query": 0})

    assert asked["database"] == "other"
    assert (asked["settings"]["wait_end_of_query"], asked["settings"]["async_insert"]) == (0, 0)


@pytest.mark.parametrize("dsn", ["", "h:1", "mysql://u:secret@h", "http://", "http://u:secret@h:x"])
def test_a_dsn_that_names_no_server_is_refused_without_showing_it(dsn: str) -> None:
    with pytest.raises(DsnInvalid, match="expected clickhouse://") as caught:
        sinks.client.connect(dsn)

    assert "secret" not in str(caught.value)
