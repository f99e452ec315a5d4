"""Many clients at once: nobody's rows, settings or errors reach anybody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.client import connect

CLIENTS = 32
ROUNDS = 6
ROWS = 200


def test_32_clients_insert_and_read_at_once(clickhouse_database: str) -> None:
    shared = connect(clickhouse_database)
    shared.command("CREATE TABLE t (c UInt16, a UInt64) ENGINE = MergeTree ORDER BY (c, a)")

    def work(number: int) -> int:
        client = connect(clickhouse_database)
        mine = {"max_block_size": 1000 + number}
        for turn in range(ROUNDS):
            rows = [[number, turn * ROWS + offset] for offset in range(ROWS)]
            assert client.insert("t", rows, column_names=["c", "a"]).written_rows == ROWS
            seen = client.query(
                "SELECT count(), max(a), getSetting('max_block_size') FROM t WHERE c = {c:UInt16}",
                parameters={"c": number},
                settings=mine,
            ).result_rows
            assert seen == [((turn + 1) * ROWS, (turn + 1) * ROWS - 1, 1000 + number)]
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            client.query("SELECT * FROM no_such_table")
        client.close()
        return ROUNDS * ROWS

    with ThreadPoolExecutor(CLIENTS) as pool:
        written = sum(pool.map(work, range(CLIENTS)))

    assert shared.command("SELECT count() FROM t") == written
    assert shared.command("SELECT uniqExact((c, a)) FROM t") == written
    shared.close()


def test_one_client_serves_many_threads(clickhouse_database: str) -> None:
    client = connect(clickhouse_database)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: client.command(f"SELECT {n}"), range(200)))

    assert answers == list(range(200))
    client.close()
