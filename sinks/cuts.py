"""Lanes, cuts and batches: one lane a Kafka partition, one cut of it in flight.

A lane collects the records that were fetched and not yet cut. A cut is a run of records with no
gap to the cut before it: its range starts where the last one ended, whatever offsets the log
leaves out, so that the ranges of a lane's cuts tile the log.

Cuts of several partitions that go to the same tables travel as one batch: an insert costs
ClickHouse as much for ten rows as for ten thousand, and every insert is a part to be merged.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from sinks.rows.record import Record


class Limits(NamedTuple):
    """When there is enough to store: at so many records or bytes of a batch, or at this age of
    the oldest record."""

    rows: int = 10_000
    size: int = 16_000_000
    age_s: float = 0.3


class LaneId(NamedTuple):
    topic: str
    partition: int


@dataclass(frozen=True)
class Cut:
    """Records [first, last] of a lane, to be stored as a whole."""

    lane: LaneId
    topic_id: str
    epoch: int
    first: int
    last: int
    records: tuple[Record, ...]
    size: int

    @property
    def name(self) -> str:
        """Names exactly these records: log, range, count."""
        return f"{self.topic_id}:{self.lane.partition}:{self.first}-{self.last}:{len(self.records)}"


@dataclass(frozen=True)
class Batch:
    """Cuts of different lanes that are stored together. Stored or abandoned as a whole."""

    cuts: tuple[Cut, ...]
    abandoned: threading.Event = field(repr=False, compare=False)

    @cached_property
    def records(self) -> list[Record]:
        return [record for cut in self.cuts for record in cut.records]

    @property
    def size(self) -> int:
        return sum(cut.size for cut in self.cuts)

    def token(self, table: str, part: int, parts: int) -> str:
        """Names one insert: table, exact ranges and counts, part, and rebuild epoch.

        ClickHouse drops an insert whose token it has seen, whatever the rows are, so the token
        says all that the rows are a function of.
        """
        return f"{table}:{self._ranges}:{part}/{parts}:e{self.cuts[0].epoch}"

    @cached_property
    def _ranges(self) -> str:
        names = sorted(cut.name for cut in self.cuts)
        if len(names) == 1:
            return names[0]
        return f"{len(names)}:{sha256(' '.join(names).encode()).hexdigest()}"


@dataclass
class Lane:
    """What was fetched of one partition since its last cut."""

    id: LaneId
    topic_id: str
    epoch: int
    next: int
    """The first offset that is in no cut yet."""
    in_flight: Cut | None = None
    size: int = 0
    since_s: float = 0.0
    _expected: int = -1
    """The lowest offset that has not been taken; older ones are deliveries from before a seek."""
    _waiting: deque[Record] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def stored(self) -> int:
        """Everything below this offset is stored and recorded."""
        return self.in_flight.first if self.in_flight else self.next

    def take(self, record: Record, now_s: float) -> bool:
        """True if the record is new to this lane."""
        if record.offset < max(self._expected, self.next):
            return False
        if not self._waiting:
            self.since_s = now_s
        self._waiting.append(record)
        self._expected = record.offset + 1
        self.size += record.size
        return True

    def cut(self, most_rows: int, most_size: int, now_s: float) -> Cut:
        """The next cut, now in flight: at least one record, and within the bounds from there on.
        What is above them stays for the cut after it."""
        records: list[Record] = []
        size = 0
        while self._waiting and len(records) < most_rows:
            if records and size + self._waiting[0].size > most_size:
                break
            records.append(self._waiting.popleft())
            size += records[-1].size
        last = records[-1].offset
        self.in_flight = Cut(
            self.id, self.topic_id, self.epoch, self.next, last, tuple(records), size
        )
        self.next = last + 1
        self.size -= size
        self.since_s = now_s
        return self.in_flight


def is_due(lanes: Iterable[Lane], limits: Limits, now_s: float) -> bool:
    """True when what these lanes hold, and may cut, should be stored now."""
    ready = [lane for lane in lanes if lane.in_flight is None and len(lane)]
    return bool(ready) and (
        sum(len(lane) for lane in ready) >= limits.rows
        or sum(lane.size for lane in ready) >= limits.size
        or now_s - min(lane.since_s for lane in ready) >= limits.age_s
    )


def cut_batch(
    lanes: Iterable[Lane], limits: Limits, now_s: float, abandoned: threading.Event
) -> Batch:
    """One cut of each lane that may cut, longest waiting first, until the batch is full."""
    ready = sorted(
        (lane for lane in lanes if lane.in_flight is None and len(lane)),
        key=lambda lane: lane.since_s,
    )
    cuts: list[Cut] = []
    rows, size = limits.rows, limits.size
    for lane in ready:
        if cuts and (rows <= 0 or size <= 0):
            break
        cut = lane.cut(max(rows, 1), max(size, 1), now_s)
        rows -= len(cut.records)
        size -= cut.size
        cuts.append(cut)
    return Batch(tuple(cuts), abandoned)
