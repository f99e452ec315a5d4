"""From a batch to confirmed rows: decode, divide, insert, and send away what is refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sinks.blocks import Block
from sinks.cuts import Batch
from sinks.errors import DeliveryFailed
from sinks.faults import describe
from sinks.letters import Letters
from sinks.rows import Builder, Record, Unwritable, stub_rows
from sinks.store import Abandoned, Store
from sinks.tables import DEAD_LETTERS

log = logging.getLogger(__name__)

_RETRY_S: Final = 0.5


@dataclass(frozen=True)
class Stored:
    """A batch all of whose rows are confirmed, and how many records became dead letters."""

    batch: Batch
    letters: int


@dataclass(frozen=True)
class Cutter:
    """Stores batches. May be used by several threads at once, each with a batch of its own."""

    store: Store
    letters: Letters
    builders: Mapping[str, Builder]
    """How rows are made of a topic's records. Topics with the same builder share batches."""
    dead_letters: str
    """The topic whose records cannot become dead letters once more."""
    max_months: int

    def put(self, batch: Batch) -> Stored:
        """Returns when every row is confirmed and every refused record is a dead letter.

        Raises Abandoned when the batch is not wanted any more.
        """
        records = batch.records
        blocks, refused = build(records, self.builders[records[0].topic])
        for block in blocks:
            parts = list(block.without(refused).by_months(self.max_months))
            for n, part in enumerate(parts):
                token = batch.token(block.table.name, n, len(parts))
                refused |= self.store.put(part, token, batch.abandoned)
        if refused:
            self._refuse(batch, refused)
        return Stored(batch, len(refused))

    def _refuse(self, batch: Batch, refused: Mapping[int, str]) -> None:
        chosen = [(batch.records[owner], reason) for owner, reason in sorted(refused.items())]
        first = chosen[0][0]
        log.warning(
            "%d records refused for their content, the first at %s, partition %d, offset %d",
            len(chosen), first.topic, first.partition, first.offset,
        )  # fmt: skip
        if first.topic == self.dead_letters:
            self._stubs(batch, chosen)
            return
        while True:
            if batch.abandoned.is_set():
                raise Abandoned
            try:
                self.letters.send(chosen)
                return
            except DeliveryFailed as error:
                log.warning("%s; trying again", error)
                batch.abandoned.wait(_RETRY_S)

    def _stubs(self, batch: Batch, refused: Sequence[tuple[Record, str]]) -> None:
        block = Block(DEAD_LETTERS)
        for owner, (record, reason) in enumerate(refused):
            for placed in stub_rows(record, reason):
                block.add(placed.row, owner, placed.month)
        for n, part in enumerate(block.by_months(self.max_months)):
            again = self.store.put(part, batch.token("stubs", n, 0), batch.abandoned)
            for owner in again:
                record = refused[owner][0]
                log.error(
                    "%s, partition %d, offset %d: not even a dead letter without its bytes can be "
                    "stored; it stays in the topic only",
                    record.topic, record.partition, record.offset,
                )  # fmt: skip


def build(records: Sequence[Record], builder: Builder) -> tuple[list[Block], dict[int, str]]:
    """A block a table, in the order in which they must be stored, and the records that can be no
    row, by index, with the reason."""
    blocks: dict[str, Block] = {}
    refused: dict[int, str] = {}
    for owner, record in enumerate(records):
        try:
            placed = builder(record)
        except Unwritable as reason:
            refused[owner] = str(reason)
            continue
        except Exception as error:  # a record must not stop its partition, whatever is wrong
            log.error("a record of %s cannot be made a row (%s)", record.topic, describe(error))
            refused[owner] = f"the record cannot be made a row ({type(error).__name__})"
            continue
        for table, row, month in placed:
            block = blocks.get(table.name)
            if block is None:
                block = blocks[table.name] = Block(table)
            block.add(row, owner, month)
    # Alerts before decisions ("alerts" < "decisions"), whichever came first in the cut.
    return [blocks[name] for name in sorted(blocks)], refused
