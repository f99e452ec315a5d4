"""Dead letters as they stand: listed, shown, and with everything that a replay needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client

_HEAD: Final = "topic, partition, offset, reason, path, detail, received_at, appended_at"
_RAW: Final[dict[str, str | dict[str, str]]] = {"key": "bytes", "value": "bytes"}


@dataclass(frozen=True)
class Heading:
    """One dead letter without its content. `topic`, `partition` and `offset` are its origin's and
    identify it; `path` is the field that was refused."""

    topic: str
    partition: int
    offset: int
    reason: str
    path: str
    detail: str
    received_at: datetime
    appended_at: datetime


@dataclass(frozen=True)
class Letter:
    """One dead letter in full: publishing `value` under `key` to `heading.topic` replays it.

    `value` is exactly what was refused; None where the record had no value, or where the sink
    could not store the bytes (reason `sink_refused` on the dead-letter topic's own record).
    """

    heading: Heading
    key: bytes | None
    value: bytes | None
    letter_topic: str
    letter_partition: int
    letter_offset: int


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; an empty field means any."""

    topic: str = ""
    reason: str = ""
    since: datetime | None = None
    """Received at this time or later."""

    def where(self) -> tuple[str, dict[str, Any]]:
        terms, values = ["1"], dict[str, Any]()
        if self.topic:
            terms.append("topic = {topic:String}")
            values["topic"] = self.topic
        if self.reason:
            terms.append("reason = {reason:String}")
            values["reason"] = self.reason
        if self.since is not None:
            terms.append("received_at >= {since:DateTime64(3, 'UTC')}")
            values["since"] = self.since
        return " AND ".join(terms), values


def listed(client: Client, wanted: Filter | None = None, limit: int = 100) -> list[Heading]:
    """The latest dead letters first, at most `limit` of them."""
    where, values = (wanted or Filter()).where()
    found = client.query(
        f"SELECT {_HEAD} FROM dead_letters_current WHERE {where} "
        "ORDER BY appended_at DESC, topic, partition, offset DESC LIMIT {limit:UInt64}",
        values | {"limit": limit},
    )
    return [Heading(*row) for row in found.result_rows]


def counted(client: Client) -> dict[str, int]:
    """How many dead letters there are for each reason, most first."""
    found = client.query(
        "SELECT reason, count() AS n FROM dead_letters_current GROUP BY reason ORDER BY n DESC, 1"
    )
    return dict(_pairs(found.result_rows))


def shown(client: Client, topic: str, partition: int, offset: int) -> Letter | None:
    """The dead letter of one origin, with its bytes; None where there is none."""
    found = client.query(
        f"SELECT {_HEAD}, key, value, letter_topic, letter_partition, letter_offset "
        "FROM dead_letters_current WHERE topic = {topic:String} "
        "AND partition = {partition:Int32} AND offset = {offset:Int64}",
        {"topic": topic, "partition": partition, "offset": offset},
        column_formats=_RAW,
    )
    for row in found.result_rows:
        return Letter(Heading(*row[:8]), *row[8:])
    return None


def _pairs(rows: Sequence[Sequence[Any]]) -> list[tuple[str, int]]:
    return [(str(reason), int(n)) for reason, n in rows]
