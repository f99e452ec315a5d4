"""The tables and views in ClickHouse, brought to the version this code expects.

A migration is a numbered SQL file in sinks/migrations; its statements are idempotent (IF NOT
EXISTS, OR REPLACE), and its number is recorded only when all of them are done. So a migration
that was cut off is simply run again, and two processes may migrate at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.errors import SchemaTooNew

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_versions
(version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
ENGINE = ReplacingMergeTree ORDER BY version
"""


@dataclass(frozen=True)
class Migration:
    """One step: its number, its name and its statements."""

    version: int
    name: str
    statements: tuple[str, ...]


def migrations() -> tuple[Migration, ...]:
    """All migrations in order. Source: sinks/migrations/NNNN_name.sql."""
    found = []
    for file in resources.files("sinks.migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            statements = tuple(_statements(file.read_text(encoding="utf-8")))
            found.append(Migration(int(match[1]), match[2], statements))
    return tuple(sorted(found, key=lambda m: m.version))


def migrate(client: Client) -> list[int]:
    """The versions that were applied now; [] where the schema was up to date.

    Raises SchemaTooNew where the tables were made by later code, and the driver's own errors.
    """
    client.command(_LEDGER)
    done = schema_version(client)
    steps = migrations()
    if done > steps[-1].version:
        raise SchemaTooNew(
            f"the tables are at schema version {done}, this program knows {steps[-1].version}; "
            "run the program that made them, or a newer one"
        )
    applied = []
    for step in steps:
        if step.version <= done:
            continue
        for statement in step.statements:
            client.command(statement)
        client.insert("schema_versions", [[step.version, step.name]], ["version", "name"])
        applied.append(step.version)
    return applied


def schema_version(client: Client) -> int:
    """The number of the last migration that was completed; 0 where there is none."""
    if not int(str(client.command("EXISTS TABLE schema_versions"))):
        return 0
    return int(str(client.command("SELECT max(version) FROM schema_versions")))


def _statements(text: str) -> Iterator[str]:
    """The statements of a file: each ends with a semicolon at the end of a line."""
    for part in re.split(r";[ \t]*(?:\n|$)", text):
        lines = [line for line in part.splitlines() if not line.lstrip().startswith("--")]
        statement = "\n".join(lines).strip()
        if statement:
            yield statement
