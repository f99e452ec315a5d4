"""A partition number's records of the state topic, made anew from what is known of its past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from rules.memory.coverage import Coverage
from rules.memory.model import NEVER_US, decode
from streams.state.clocks import Clocks
from streams.state.framing import Packing, framed
from streams.state.memories import PARTITION_KEY, PartitionRecord


def rewritten(
    memories: Mapping[bytes, bytes],
    coverage: Coverage,
    clocks: Clocks,
    positions: Mapping[str, int],
    covered: int,
    old: Iterable[bytes],
) -> Iterator[tuple[bytes, bytes | None]]:
    """Key and value of every record, in the order in which they are to be written.

    `memories` are encoded memories by subject, `old` the keys that the topic has now, `covered` is
    the offset of the last decision that they know of. The partition's own record goes first and
    comes back last: where only some of this was written, nothing is remembered of the partition,
    and a worker that finds it so calls no past known.
    """
    packing = Packing()
    yield PARTITION_KEY, None
    for key in old:
        if key != PARTITION_KEY and key not in memories:
            yield key, None
    for key, encoded in memories.items():
        memory = decode(encoded)
        if not memory.is_empty:
            due_us = memory.next_us if memory.timers else NEVER_US
            yield key, framed(due_us, covered, packing.pack(encoded))
    record = PartitionRecord(coverage=coverage, clocks=clocks, positions=dict(positions))
    body = packing.pack(msgspec.msgpack.encode(record))
    yield PARTITION_KEY, framed(NEVER_US, covered, body)
