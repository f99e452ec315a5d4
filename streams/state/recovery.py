"""The state topic is read back, and the decisions that it does not cover are looked through.

One consumer reads all partitions that were assigned, as fast as librdkafka can, in a thread. It
only fills dicts with bytes: a memory is opened when an event of its subject comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.errors import StateUnreadable, StreamsError
from streams.state.interrupted import Tail, Withdrawal, as_headers
from streams.state.memories import Memories
from streams.state.stores import InMemory, Opening

_REQUEST_TIMEOUT_S: Final = 10.0
_AT_ONCE: Final = 10_000
_WAIT_S: Final = 0.1


@dataclass(frozen=True)
class StateSource:
    """Where the state is."""

    bootstrap: str
    state: str
    decisions: str
    options: Mapping[str, str] = field(default_factory=dict)
    silent_s: float = 60.0
    """Without a record for so long, reading it back has failed."""
    max_live: int = 20_000
    """Memories of one partition that are kept open."""
    store: Opening = InMemory
    """What makes the store of a partition."""

    def open(self) -> Consumer:
        """A consumer that belongs to no group."""
        return Consumer(
            {
                **self.options,
                "bootstrap.servers": self.bootstrap,
                "group.id": "yijian-state",  # librdkafka wants one; nothing is ever committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "check.crcs": False,
                "fetch.wait.max.ms": 20,
                "queued.max.messages.kbytes": 65_536,
            }
        )


@dataclass
class Reading:
    """How far reading back is; written in its thread, read in any."""

    partitions: tuple[int, ...]
    records: int = 0
    expected: int = 0
    """Offsets between the ends of the topics: as many records at most."""
    bytes: int = 0
    began_at: float = field(default_factory=monotonic)
    took_s: float = 0.0


@dataclass(frozen=True)
class Restored:
    """A partition number as it was left."""

    memories: Memories
    withdrawals: list[Withdrawal]


class Recovery(Protocol):
    """Reads partitions back."""

    def read(self, reading: Reading, stop: threading.Event) -> dict[int, Restored]:
        """Every partition of `reading`; {} where it was told to stop. Raises StateUnreadable."""


class KafkaRecovery:
    """Reads from the topics of a `StateSource`."""

    def __init__(self, source: StateSource, open: Callable[[], Any] | None = None) -> None:
        self._source = source
        self._open = open or source.open

    def read(self, reading: Reading, stop: threading.Event) -> dict[int, Restored]:
        """Every partition of `reading`; {} where it was told to stop.

        Raises:
            StateUnreadable: the topics cannot be read, or hold what this version cannot read.
        """
        consumer = self._open()
        memories = {
            p: Memories(self._source.max_live, self._source.store()) for p in reading.partitions
        }
        found: dict[int, Restored] = {}
        try:
            found = self._read(consumer, memories, reading, stop)
            return found
        except KafkaException as error:
            raise StateUnreadable(
                f"{self._source.state} cannot be read back: {error.args[0].str()}"
            ) from error
        finally:
            consumer.close()
            if not found:
                for one in memories.values():
                    one.close()

    def _read(
        self,
        consumer: Any,
        memories: dict[int, Memories],
        reading: Reading,
        stop: threading.Event,
    ) -> dict[int, Restored]:
        source = self._source
        starts = dict.fromkeys(reading.partitions, 0)
        for message in self._all(consumer, source.state, starts, reading, stop):
            value = message.value()
            key = message.key()
            if key is not None:
                memories[message.partition()].restore(key, value)
            reading.bytes += len(value or b"")
        tails = {p: Tail() for p in reading.partitions}
        starts = {p: m.covered + 1 for p, m in memories.items() if m.is_restored}
        for message in self._all(consumer, source.decisions, starts, reading, stop):
            self._look(message, memories[message.partition()], tails[message.partition()])
        if stop.is_set():
            return {}
        reading.took_s = monotonic() - reading.began_at
        return {p: Restored(m, tails[p].withdrawals()) for p, m in memories.items()}

    def _look(self, message: Message, memories: Memories, tail: Tail) -> None:
        key, value = message.key(), message.value()
        if not isinstance(key, bytes) or value is None:
            return
        # A batch's state may be there in part: each memory says what it knows of.
        if (message.offset() or 0) > memories.covered_of(key):
            tail.take(key, value, as_headers(cast(Any, message.headers())))

    def _all(
        self,
        consumer: Any,
        topic: str,
        starts: Mapping[int, int],
        reading: Reading,
        stop: threading.Event,
    ) -> Iterator[Any]:
        """The records from `starts` to the ends that the partitions have now."""
        ends: dict[int, int] = {}
        places = []
        for partition, start in starts.items():
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=_REQUEST_TIMEOUT_S
            )
            first = max(low, start)
            if first < high:
                ends[partition] = high
                places.append(TopicPartition(topic, partition, first))
                reading.expected += high - first
        if not places:
            return
        consumer.assign(places)
        heard_at = monotonic()
        while ends and not stop.is_set():
            messages = consumer.consume(_AT_ONCE, _WAIT_S)
            if messages:
                heard_at = monotonic()
            elif monotonic() - heard_at > self._source.silent_s:
                raise StateUnreadable(
                    f"{topic} gave no record of partitions {sorted(ends)} for "
                    f"{self._source.silent_s:.0f} s; the process ends"
                )
            for message in messages:
                error = message.error()
                if error is None:
                    reading.records += 1
                    yield message
                    if message.offset() + 1 >= ends.get(message.partition(), 0):
                        ends.pop(message.partition(), None)
                elif error.code() == KafkaError._PARTITION_EOF:
                    ends.pop(message.partition(), None)
                else:
                    raise KafkaException(error)
        consumer.unassign()


def failure_of(error: Exception) -> StreamsError:
    """An error as one of this package."""
    if isinstance(error, StreamsError):
        return error
    failure = StateUnreadable(f"the state could not be read back: {error!r}")
    failure.__cause__ = error
    return failure
