"""Rows of one cut for one table, and how they are divided into inserts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from sinks.tables import Row, Table

MAX_MONTHS: Final = 50
"""Most table partitions one insert may touch; ClickHouse refuses 100 (error 252)."""


@dataclass
class Block:
    """Rows in the order of their records. `owners[i]` is the index in the cut of the record that
    row i comes from, `months[i]` the table partition it belongs to."""

    table: Table
    rows: list[Row] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    months: list[int] = field(default_factory=list)

    def add(self, row: Row, owner: int, month: int) -> None:
        self.rows.append(row)
        self.owners.append(owner)
        self.months.append(month)

    def __len__(self) -> int:
        return len(self.rows)

    def columns(self) -> list[tuple[object, ...]]:
        return list(zip(*self.rows, strict=True))

    def select(self, keep: Collection[int]) -> Block:
        """The rows at these indexes, in order."""
        kept = sorted(keep)
        return Block(
            self.table,
            [self.rows[i] for i in kept],
            [self.owners[i] for i in kept],
            [self.months[i] for i in kept],
        )

    def without(self, owners: Collection[int]) -> Block:
        """The block without the rows of these records."""
        if not owners:
            return self
        return self.select([i for i, owner in enumerate(self.owners) if owner not in owners])

    def by_months(self, most: int = MAX_MONTHS) -> Iterator[Block]:
        """Blocks that touch at most `most` table partitions each; the same for the same rows."""
        months = sorted(set(self.months))
        if len(months) <= most:
            if self.rows:
                yield self
            return
        for start in range(0, len(months), most):
            group = set(months[start : start + most])
            yield self.select([i for i, month in enumerate(self.months) if month in group])

    def halves(self) -> tuple[Block, Block] | None:
        """Two blocks, each with about half of the records; None where only one record is left."""
        owners = sorted(set(self.owners))
        if len(owners) < 2:
            return None
        first = set(owners[: len(owners) // 2])
        left = [i for i, owner in enumerate(self.owners) if owner in first]
        right = [i for i, owner in enumerate(self.owners) if owner not in first]
        return self.select(left), self.select(right)
