"""In which order the files run, and servers for what the tests start."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TypedDict

import pytest

from plugins.kafka import Kafka


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take long come first, then those of many: no long one ends alone."""
    count = Counter(item.path for item in items)
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        limit = mark.args[0] if mark else 0
        longest[item.path] = max(limit, longest.get(item.path, 0))
    items.sort(key=lambda item: (-longest[item.path], -count[item.path]))


class Servers(TypedDict):
    """Settings that name servers."""

    kafka_bootstrap: str
    clickhouse_dsn: str


@pytest.fixture
def servers(kafka: Kafka, clickhouse_database: str) -> Servers:
    """The session's broker and a database of the test's own, for a stack that spares its servers.

    A stack that is not told of servers starts both: some seconds, and as many to end them.
    """
    return Servers(kafka_bootstrap=kafka.bootstrap, clickhouse_dsn=clickhouse_database)


@pytest.fixture(scope="module")
def module_servers(kafka: Kafka, clickhouse_module_database: str) -> Servers:
    """The same for one stack of all tests of a file."""
    return Servers(kafka_bootstrap=kafka.bootstrap, clickhouse_dsn=clickhouse_module_database)
