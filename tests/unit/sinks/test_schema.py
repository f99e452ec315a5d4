"""Migrations: numbered without gaps, and only types that hold 1900 to 2299."""

from __future__ import annotations

import re

from sinks.schema import migrations
from sinks.tables import ALERTS, DEAD_LETTERS, DECISIONS, EVENTS, POSITIONS


def test_migrations_are_numbered_without_gaps() -> None:
    assert [m.version for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_every_statement_can_run_again() -> None:
    for migration in migrations():
        for statement in migration.statements:
            assert re.match(
                r"CREATE (TABLE IF NOT EXISTS|OR REPLACE VIEW) "
                r"|ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS ",
                statement,
            )


def test_no_column_has_a_type_that_wraps() -> None:
    text = "\n".join(s for m in migrations() for s in m.statements)
    assert not re.search(r"\b(DateTime|Date)\b", text)
    assert "now(" not in text


def test_every_table_keeps_a_window_of_tokens() -> None:
    tables = [s for m in migrations() for s in m.statements if s.startswith("CREATE TABLE")]
    assert tables
    assert all("non_replicated_deduplication_window" in t for t in tables)


def test_the_columns_that_the_sink_writes_are_those_of_the_tables() -> None:
    text = "\n".join(s for m in migrations() for s in m.statements)
    for table in (EVENTS, DECISIONS, ALERTS, DEAD_LETTERS, POSITIONS):
        body = text.split(f"CREATE TABLE IF NOT EXISTS {table.name}\n")[1].split("ENGINE")[0]
        added = re.findall(rf"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS `?([\w.]+)", text)
        for name in table.names:
            column = name.removeprefix("lines.")
            is_there = re.search(rf"^\s+{column} ", body, re.M) or name in added
            assert is_there, (table.name, name)
