"""Where each partition is to be resumed: `sink_positions`, written after rows and never before.

A position says "every row of records first…last of this log is confirmed in every table it goes
to". Why the highest `last` is where to resume, whoever wrote it and however late:

- A sink starts at the recorded position R of a partition, and cuts it in order without gaps, one
  cut at a time, each recorded only when all its rows are confirmed. So what one sink records is
  R…x without a hole, and everything below R was recorded before it started. By induction
  everything up to the highest recorded `last` is confirmed.
- A sink that lost its partition (a rebalance, or a freeze of twice the session timeout) may still
  finish its cut and record it. The statement is true when it is made and stays true: rows are
  never removed but by `rebuild`. Its rows equal those that its successor writes, because a row is
  a function of the record and its place alone, and merge with them. A late lower position changes
  no maximum; a late higher one lets the next sink skip what is confirmed.
- `rebuild` does remove rows. It announces the next epoch, empties the tables, and then makes the
  epoch the current one; sinks wait in between, so no row of the new epoch can be among those that
  are removed. A position of an older epoch says nothing of the present tables and is never read,
  however late it is written; rows written late are again those of the log. The epoch is part of
  each insert's token, too, because ClickHouse remembers tokens of rows that are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.cuts import Cut
from sinks.errors import PositionInvalid
from sinks.kafka_log import LogPart
from sinks.tables import POSITIONS

EPOCH: Final = "rebuild_epoch"
STARTED: Final = "rebuild_started"


@dataclass(frozen=True)
class Recorded:
    """What is recorded of one partition of one log."""

    cluster: str
    topic_id: str
    last: int


Book = Mapping[tuple[str, int], Sequence[Recorded]]
"""(topic, partition) to what is recorded of it, one entry a log that ever had this name."""


@dataclass(frozen=True)
class Epoch:
    """Which filling of the tables this is, and whether they are being emptied for the next."""

    number: int
    emptying: bool


def current_epoch(client: Client) -> Epoch:
    """The epoch whose positions count; number 0 at first."""
    found = client.query(
        "SELECT maxIf(toUInt64(value), name = {epoch:String}), "
        "maxIf(toUInt64(value), name = {started:String}) "
        "FROM meta WHERE name IN ({epoch:String}, {started:String})",
        {"epoch": EPOCH, "started": STARTED},
    )
    number, started = found.result_rows[0]
    return Epoch(int(number), int(started) > int(number))


def read(client: Client, epoch: int) -> Book:
    """Everything recorded in this epoch."""
    found = client.query(
        "SELECT topic, partition, cluster, topic_id, max(last) FROM sink_positions "
        "WHERE epoch = {epoch:UInt64} GROUP BY topic, partition, cluster, topic_id",
        {"epoch": epoch},
    )
    book: dict[tuple[str, int], list[Recorded]] = {}
    for topic, partition, cluster, topic_id, last in found.result_rows:
        book.setdefault((topic, partition), []).append(Recorded(cluster, topic_id, last))
    return book


def write(client: Client, cluster: str, cuts: Iterable[Cut]) -> None:
    """Records that these cuts are stored. To be called only when all their rows are confirmed."""
    rows = [
        (c.epoch, cluster, c.topic_id, c.lane.topic, c.lane.partition, c.first, c.last,
         len(c.records))
        for c in cuts
    ]  # fmt: skip
    client.insert(
        POSITIONS.name,
        rows,
        column_names=POSITIONS.names,
        column_type_names=POSITIONS.types,
    )


def resume_at(log: LogPart, book: Book) -> int:
    """The offset to go on from: after what is recorded, else the log's start.

    Raises PositionInvalid where what is recorded belongs to another log (the topic was made anew,
    or it is another cluster) or lies outside this one (records were deleted before they were
    stored, or the log was cut off).
    """
    place = f"{log.topic}, partition {log.partition}"
    recorded = book.get((log.topic, log.partition), ())
    for entry in recorded:
        if (entry.cluster, entry.topic_id) != (log.cluster, log.topic_id):
            raise PositionInvalid(
                f"{place}: the position on record belongs to topic id {entry.topic_id} on cluster "
                f"{entry.cluster}, but the topic now has id {log.topic_id} on cluster "
                f"{log.cluster}: it was made anew, or this is another broker. Point the sink at "
                "the broker its tables were filled from, or at other tables, or run "
                "`yijian rebuild` to fill the tables from the present topics."
            )
    if not recorded:
        return log.low
    following = recorded[0].last + 1
    if following < log.low:
        raise PositionInvalid(
            f"{place}: records {following} to {log.low - 1} were deleted by Kafka before they were "
            f"stored (the log now starts at {log.low}). They are lost to the tables unless a "
            "backup of the topic is restored; `yijian rebuild` starts from what is left."
        )
    if following > log.high:
        raise PositionInvalid(
            f"{place}: stored up to {following - 1}, but the log ends at {log.high - 1}: it was "
            "cut off. Restore the topic, or run `yijian rebuild` to fill the tables from what it "
            "holds."
        )
    return following
