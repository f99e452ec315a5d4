"""Empties the tables so that the sinks fill them again from Kafka."""

from __future__ import annotations

import logging
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.positions import EPOCH, STARTED
from sinks.schema import migrate

log = logging.getLogger(__name__)

TABLES: Final = ("events", "decisions", "alerts", "dead_letters", "sink_positions")


def rebuild(client: Client) -> int:
    """The new epoch. Afterwards the tables are empty and every sink reads from the log's start.

    Sinks may run meanwhile: they notice within seconds, wait until the tables are empty, and read
    anew. A rebuild that was cut off leaves them waiting; run it again. One at a time.

    What Kafka has deleted by then cannot come back: compare `lag` and the log's start before.
    """
    migrate(client)
    # TRUNCATE alone would not do: ClickHouse keeps the tokens of the rows that are gone and would
    # store nothing under the same token, without an error. The epoch makes all tokens new.
    epoch = _announced(client) + 1
    _note(client, STARTED, epoch)
    for table in TABLES:
        client.command(f"TRUNCATE TABLE {table}")
    _note(client, EPOCH, epoch)
    log.info("tables are empty; rebuild epoch %d", epoch)
    return epoch


def _announced(client: Client) -> int:
    """The highest epoch that was ever begun."""
    found = client.query(
        "SELECT max(toUInt64(value)) FROM meta WHERE name IN ({epoch:String}, {started:String})",
        {"epoch": EPOCH, "started": STARTED},
    )
    return int(found.result_rows[0][0])


def _note(client: Client, name: str, epoch: int) -> None:
    client.insert("meta", [[name, str(epoch), epoch]], ["name", "value", "version"])
