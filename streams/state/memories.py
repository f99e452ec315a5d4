"""What is remembered of every subject of one partition number.

Memories lie as bytes, as the state topic has them, and are opened when an event of their subject
comes. What the batches of a cut changed is packed once, at its end, so that the state topic never
tells of an event whose outputs are not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from contracts.event import Event
from rules.memory.coverage import Coverage
from rules.memory.model import NEVER_US, Memory, copied, decode, encode
from streams.errors import StateUnreadable
from streams.offsets import Work
from streams.past import Due
from streams.state.clocks import Clocks
from streams.state.framing import Packing, framed, head_of
from streams.state.reach import Reach
from streams.state.stores import InMemory, Store
from streams.state.timers import Timers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
PARTITION_KEY: Final = b"\x00partition"
"""No subject begins with this byte."""
_CLOCKS_EVERY_US: Final = 5_000_000
DEFAULT_MAX_LIVE: Final = 20_000
_SCHEMA: Final = 1


class PartitionRecord(msgspec.Struct, array_like=True):
    """What belongs to a partition number as a whole."""

    schema: int = _SCHEMA
    coverage: Coverage = msgspec.field(default_factory=Coverage)
    clocks: Clocks = msgspec.field(default_factory=Clocks)
    positions: dict[str, int] = {}
    """Intake topic to the offset behind the last record that is remembered."""


class Change(NamedTuple):
    """A record of the state topic, but for the decisions that it covers."""

    key: bytes
    due_us: int
    body: bytes | None
    """None where nothing is left to remember."""


class Sealed(NamedTuple):
    """What a cut changed, as of its end."""

    memories: Memories
    changes: list[Change]
    """The last one is of the partition itself: what stands before it is complete."""

    @property
    def size(self) -> int:
        return sum([len(change.body or b"") for change in self.changes])


class Memories:
    """The memories of one partition number; for the event loop only, once they are read back."""

    def __init__(self, max_live: int = DEFAULT_MAX_LIVE, store: Store | None = None) -> None:
        self.timers = Timers()
        self.covered = -1
        """The offset of the last decision that the state topic knows of."""
        self._record = PartitionRecord()
        self._is_restored = False
        self._values: Store = InMemory() if store is None else store
        self._live: dict[bytes, Memory] = {}
        self._touched: dict[bytes, Memory] = {}
        self._max_live = max_live
        self._packing = Packing()
        self._before: Memory | None = None
        self._reach = Reach()
        self._sealed_us = 0
        self._is_quiet = True

    @property
    def coverage(self) -> Coverage:
        return self._record.coverage

    @property
    def clocks(self) -> Clocks:
        return self._record.clocks

    @property
    def positions(self) -> Mapping[str, int]:
        return self._record.positions

    @property
    def stored_bytes(self) -> int:
        return self._values.stored_bytes

    def __len__(self) -> int:
        return len(self._values)

    # What the step asks (streams.supervision.Past).

    def recall(self, subject: bytes) -> Memory:
        """What is remembered of a subject, to be changed in place; an empty memory of a new one."""
        memory = self._live.get(subject)
        if memory is None:
            memory = self._live[subject] = self._opened(subject)
            self._before = None
        else:
            # Values in store are of the end of the cut before: within a cut they are too old.
            self._before = copied(memory) if subject in self._touched else None
        return memory

    def keep(self, subject: bytes) -> None:
        """What was recalled last has changed."""
        memory = self._touched[subject] = self._live[subject]
        if memory.timers:
            self.timers.set(subject, memory.timers.values())

    def undo(self, subject: bytes) -> None:
        """What was recalled last is again as it was then."""
        if self._before is None:
            del self._live[subject]
        else:
            self._live[subject] = self._touched[subject] = self._before

    def is_written(self, subject: bytes) -> bool:
        """Whether nothing of a subject has changed in this batch.

        Of the batches before it the agent has waited, where it matters.
        """
        return subject not in self._touched

    def heard(self, event: Event, received_ms: int | None) -> None:
        """An event was looked at: its source's clock goes on."""
        event_us = (event.time - _EPOCH) // _MICROSECOND
        received_us = event_us if received_ms is None else received_ms * 1000
        self.clocks.heard(event.source, event_us, received_us)

    # What the agent asks.

    def due(self) -> list[Due]:
        """The timers that one subject has to fire now, in order; [] where nobody has any."""
        while (subject := self.timers.pop(self.clocks)) is not None:
            memory = self.recall(subject)
            clock_of = self.clocks.of
            waiting = sorted(memory.timers.values(), key=_by_time)
            found = [
                Due(subject, timer.id, clock_of(timer.source))
                for timer in waiting
                if timer.fire_us <= clock_of(timer.source)
            ]
            self.timers.set(subject, [t for t in waiting if t.fire_us > clock_of(t.source)])
            if found:
                return found
        return []

    def tick(self, broker_ms: int, work: Mapping[str, Work]) -> None:
        """The broker's clock showed `broker_ms`, with so much of the intake worked through."""
        reached_ms = self._reach.tick(broker_ms, work)
        if reached_ms is not None:
            self.clocks.advance(reached_ms * 1000)

    def reached(self, topic: str, position: int, *, is_tick: bool = False) -> None:
        """A batch of a topic is done, up to `position`."""
        self._record.positions[topic] = position
        self._is_quiet &= is_tick

    def seal(self) -> Sealed:
        """What changed since the last call, as of the end of the last batch.

        Clocks alone are not worth a record at every tick: they go on by themselves.
        """
        now_us, is_quiet = self.clocks.broker_us, self._is_quiet and not self._touched
        if is_quiet and now_us - self._sealed_us < _CLOCKS_EVERY_US:
            return Sealed(self, [])
        self._sealed_us, self._is_quiet = now_us, True
        changes = [self._stored(subject, memory) for subject, memory in self._touched.items()]
        self._touched.clear()
        if len(self._live) > self._max_live:  # those that were opened last may well come again
            for subject in list(islice(self._live, len(self._live) - self._max_live // 2)):
                del self._live[subject]
        body = self._packing.pack(_encode(self._record))
        changes.append(Change(PARTITION_KEY, NEVER_US, body))
        return Sealed(self, changes)

    def close(self) -> None:
        """Give everything up: the partition is not ours any more."""
        self._live.clear()
        self._values.close()

    def forget_coverage(self) -> None:
        """Events went by that are not remembered: from now on the timeline begins anew."""
        self.coverage.forget()

    def begin(self, positions: Mapping[str, int]) -> bool:
        """Go on where reading goes on; False where records before that are not remembered.

        `positions` are those of the intake topics.
        """
        remembered = self._record.positions
        missed = [t for t, at in positions.items() if at > remembered.get(t, 0)]
        if missed and (self.coverage.since or self.coverage.groups):
            self.forget_coverage()
        for topic in missed:
            remembered[topic] = positions[topic]
        return not missed or not self._is_restored

    # What recovery brings.

    def restore(self, key: bytes, value: bytes | None) -> None:
        """A record of the state topic, in the order of the topic. Raises StateUnreadable."""
        if key == PARTITION_KEY:
            self._restore_partition(value)
            return
        if value is None:
            self._values.drop(key)
            self.timers.hint(key, NEVER_US)
            return
        self.timers.hint(key, head_of(value).due_us)
        self._values.put(key, value)

    def covered_of(self, subject: bytes) -> int:
        """The offset up to which decisions about a subject are remembered; for recovery."""
        value = self._values.get(subject)
        return max(self.covered, head_of(value).covered if value is not None else -1)

    @property
    def is_restored(self) -> bool:
        """Whether the state topic knew this partition number."""
        return self._is_restored

    def _restore_partition(self, value: bytes | None) -> None:
        if value is None:
            self._record, self.covered, self._is_restored = PartitionRecord(), -1, False
            return
        try:
            record = _decode(self._packing.open(value))
        except msgspec.MsgspecError as error:
            raise StateUnreadable(f"the state of a partition cannot be read: {error}") from error
        if record.schema != _SCHEMA:
            raise StateUnreadable(
                f"the state of a partition has schema {record.schema}; this version reads "
                f"{_SCHEMA}. Start a version that reads it, or rebuild the state"
            )
        self._record = record
        self.covered = head_of(value).covered
        self._is_restored = True

    def _opened(self, subject: bytes) -> Memory:
        value = self._values.get(subject)
        if value is None:
            return Memory()
        try:
            return decode(self._packing.open(value))
        except msgspec.MsgspecError as error:
            raise StateUnreadable(f"a remembered state cannot be read: {error}") from error

    def _stored(self, subject: bytes, memory: Memory) -> Change:
        if memory.is_empty:
            self._values.drop(subject)
            self._live.pop(subject, None)
            return Change(subject, NEVER_US, None)
        due_us = memory.next_us if memory.timers else NEVER_US
        change = Change(subject, due_us, self._packing.pack(encode(memory)))
        self._values.put(subject, framed(due_us, -1, change.body or b""))
        return change


_by_time = attrgetter("fire_us", "id")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(PartitionRecord).decode
