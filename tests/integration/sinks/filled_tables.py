"""The sink's tables, filled delivery by delivery without Kafka."""

from __future__ import annotations

import json
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from contracts.decision import DeadLetterHeaders, encode_record
from integration.sinks.world import decision_of
from sinks.cutting import build
from sinks.rows import Builder, EventRows, Record, decision_rows, letter_rows
from sinks.schema import migrate

APPENDED_MS: Final = 1_790_000_000_000


class Tables:
    """Rows as the sink makes them, put into the tables without Kafka, each in a part of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        migrate(client)
        for table in ("events", "decisions", "alerts", "dead_letters"):
            client.command(f"SYSTEM STOP MERGES {table}")

    def put(self, record: Record, builder: Builder) -> None:
        blocks, refused = build([record], builder)
        assert not refused
        for block in blocks:
            self.client.insert(
                block.table.name,
                block.columns(),
                column_names=block.table.names,
                column_type_names=block.table.types,
                column_oriented=True,
            )

    def event(
        self, sent: dict[str, Any], offset: int, topic: str = "in", appended_ms: int = APPENDED_MS
    ) -> None:
        value, key = json.dumps(sent).encode(), sent["subject"].encode()
        record = _record(topic, offset, key, value)
        self.put(record._replace(appended_ms=appended_ms), EventRows())

    def decision(self, sent: dict[str, Any], offset: int, *rules: str, pack: str = "p1") -> None:
        value = encode_record(decision_of(sent, rules, pack))
        self.put(_record("decisions", offset, b"k", value), decision_rows)

    def refusal(self, offset: int, reason: str) -> None:
        headers = [
            (DeadLetterHeaders.TOPIC, b"in"),
            (DeadLetterHeaders.PARTITION, b"0"),
            (DeadLetterHeaders.OFFSET, str(offset).encode()),
            (DeadLetterHeaders.REASON, reason.encode()),
        ]
        self.put(_record("letters", offset, b"k", b"v", headers), letter_rows)

    def merge(self) -> None:
        for table in ("events", "decisions", "alerts", "dead_letters"):
            self.client.command(f"SYSTEM START MERGES {table}")
            self.client.command(f"OPTIMIZE TABLE {table} FINAL")

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.client.query(sql).result_rows]


def _record(topic: str, offset: int, key: bytes, value: bytes, headers: Any = ()) -> Record:
    return Record(topic, 0, offset, APPENDED_MS, APPENDED_MS, key, value, headers)
