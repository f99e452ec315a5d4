"""A piece of the past that is brought in: told to a worker, and noted in the order of record."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from contracts.decision import SCHEMA, Basis, Record


class Backfill(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One step of bringing past acts into what is remembered of one partition number.

    It is told in the ticks topic, and stands in the decisions topic where it was done: what is
    decided after it may know more. Steps are numbered from 0; one that does not follow the last
    one is not done. The first has no records; the last one says in `complete` what is known now.
    """

    schema: int = SCHEMA
    kind: str = "backfill"
    id: str
    """Of the whole backfill."""
    number: int
    from_us: int
    """Events from before are not brought in; microseconds since 1970, UTC."""
    families: tuple[str, ...] = ()
    """Families that are brought in."""
    topic: str = ""
    """Whose records of the partition number are read; "" for none."""
    first: int = 0
    last: int = -1
    """Offset of the last record."""
    complete: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Family to the time from which Kafka has every record of it; only in the last step."""
    brought: int = 0
    """Events that were brought in; in the order of record."""
    basis: Basis | None = None
    """The rules that say what is kept of acts; in the order of record."""
