"""Kafka to the agent, one message a fetch; commits only what is acknowledged.

A subclass of Faust's own transport, registered under the scheme `yijian://` (entry point group
`faust.transports`; `register()` does the same where the distribution is not installed). Faust
costs four tasks a message, can commit past an unacknowledged one, and guesses positions: each
override here says which of these it puts right.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from time import monotonic
from typing import Any, ClassVar, Final, NamedTuple, cast

from aiokafka.errors import (
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from streams.errors import ReadFailed
from streams.kafka_thread import ConsumerThread, Fetched, FetchLimits, fit_aiokafka
from streams.lease import Lease
from streams.offsets import OffsetTracker, Progress, Work

SCHEME: Final = "yijian"


def register() -> None:
    """Make the scheme known to Faust also where no installed distribution does."""
    drivers.TRANSPORTS.aliases.setdefault(SCHEME, "streams.transport:Transport")
    fit_aiokafka()


class Batch(NamedTuple):
    """Consecutive records of one partition, as they came in one fetch; never empty."""

    tp: TP
    records: list[Any]
    """aiokafka's records as they came off the wire, in the order of their offsets."""
    epoch: int
    """Of the positions under which it was read; older batches are stale."""

    @property
    def last(self) -> int:
        return int(self.records[-1].offset)


def cut(records: list[Any], max_bytes: int) -> Iterator[tuple[list[Any], int]]:
    """The records in lists of at most `max_bytes`, with their size; a larger record stands alone.

    Only keys and values count.
    """
    start = size = 0
    for index, record in enumerate(records):
        length = len(record.key or b"") + len(record.value or b"")
        if size + length > max_bytes and index > start:
            yield records[start:index], size
            start, size = index, 0
        size += length
    yield records[start:] if start else records, size


class Consumer(driver.Consumer):
    """Hands out batches and remembers, in the order of delivery, which are acknowledged."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker = OffsetTracker()
        self.limits: FetchLimits = getattr(self.app, "fetch_limits", FetchLimits())
        self.lease: Lease | None = getattr(self.app, "lease", None)
        self.last_commit_at = monotonic()
        self.ready_serial = -1
        """The seek whose records may be delivered; -1 while positions are unknown."""
        self.handed_on: dict[TP, int] = {}
        """Where reading stood when everything that was fetched before had been delivered."""
        deliver = self.callback
        acks_enabled_for = self.app.topics.acks_enabled_for

        async def tracked(message: Message) -> None:
            if acks_enabled_for(message.topic):
                for batch in cast("list[Batch]", message.value):
                    self.tracker.delivered(batch.tp, batch.last, batch.records[0].timestamp)
            await deliver(message)

        self.callback = tracked

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yields one message a fetch, or several where it is over the bytes.

        To Faust a message is a record of its first batch's partition: each passes several queues
        by itself, and at a moderate load a fetch brings a few records of many partitions.
        """
        if self.ready_serial >= 0:  # whoever asks for more has delivered all of the fetch before
            self.handed_on = self._thread.fetch_positions()
        try:
            fetched, _ = await self._wait_next_records(timeout)
        except UnsupportedCodecError as error:
            raise ReadFailed(
                f"a producer compresses with a codec that cannot be read here: {error.args[0]}; "
                "install cramjam, or let the broker store these topics uncompressed"
            ) from error
        except OffsetOutOfRangeError as error:
            raise ReadFailed(
                f"the position to read from is not in the log any more: {error.args[0]}; records "
                "were deleted (retention?) before they were read"
            ) from error
        if not fetched or self.should_stop:
            return
        serial = cast(Fetched, fetched).serial
        for batches in self._grouped(fetched):
            # A seek came after the fetch: all this will be read again from there.
            if not self.flow_active or serial != self.ready_serial:
                return
            yield batches[0].tp, self._message(batches)

    def _grouped(self, fetched: Mapping[TP, list[Any]]) -> Iterator[list[Batch]]:
        """Batches in groups that end as soon as they are over `max_batch_bytes`."""
        group: list[Batch] = []
        total = 0
        for tp, records in fetched.items():
            for part, size in cut(records, self.limits.max_batch_bytes):
                group.append(Batch(tp, part, self.tracker.epoch))
                total += size
                if total > self.limits.max_batch_bytes:
                    yield group
                    group, total = [], 0
        if group:
            yield group

    def _message(self, batches: list[Batch]) -> ConsumerMessage:
        batch = batches[0]
        last = batch.records[-1]
        return ConsumerMessage(
            batch.tp.topic,
            batch.tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(Any, batches),
            None,
            0,
            0,
            batch.tp,
            generation_id=self.app.consumer_generation_id,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: a full queue blocks the fetcher by itself.

        Faust would take the partition out of the active ones, and sleep a second when none is
        left.
        """

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: to Faust every batch looks like a gap, and the tracker needs none."""

    async def verify_all_partitions_active(self) -> None:
        """Nothing: our own watchdog ends a stuck process instead of logging."""

    async def perform_seek(self) -> None:
        """Go on at the committed positions, or at the beginning where there is none.

        Raises:
            PositionOutsideLog: a committed position is not in its log.
        """
        generation = self.app.consumer_generation_id
        self.ready_serial = -1
        self.handed_on = {}
        start = await self._thread.seek_to_start()
        if start is None or generation != self.app.consumer_generation_id:
            return  # another rebalance came between; it will seek
        self.tracker.start(start.positions)
        self._read_offset.clear()
        self._read_offset.update(start.positions)
        self.last_commit_at = monotonic()
        self.ready_serial = start.serial

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop delivering; Faust's signal lets the worker flush; then forget the partitions."""
        self.stop_flow()
        self.ready_serial = -1
        await super().on_partitions_revoked(revoked)
        self.tracker.drop()

    def progress(self) -> dict[TP, Progress]:
        """How far each partition is; to be read from any thread."""
        tracker = self.tracker
        committed, passed = tracker.positions(), self.handed_on
        return {
            # With nothing under way, what was skipped (transaction markers) counts as done. What
            # was fetched and waits for the agent's queue does not: nobody has looked at it.
            tp: Progress(
                offset if tracker.unacknowledged([tp]) else max(offset, passed.get(tp, 0)),
                committed.get(tp, offset),
            )
            for tp, offset in tracker.processed().items()
        }

    def work(self, partition: int) -> dict[str, Work]:
        """By topic how much of a partition number was looked at, as of the last fetches."""
        ends, passed = self._thread.fetched_ends(), self.handed_on
        found = {}
        for topic, (offset, is_all) in self.tracker.looked_at(partition).items():
            tp = TP(topic, partition)
            done = max(offset, passed.get(tp, 0)) if is_all else offset
            found[topic] = Work(done, ends.get(tp))
        return found

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit every contiguous acknowledged prefix; True if something new was stored."""
        offsets, epoch = self.tracker.committable(), self.tracker.epoch
        if not offsets or not await self._commit(offsets):
            return False
        self.tracker.committed(offsets, epoch)
        self.last_commit_at = monotonic()
        return True

    async def commit_acknowledged(self) -> bool:
        """Commit all that is acknowledged; True if nothing is left to commit."""
        while self.tracker.committable():
            if not await self.maybe_wait_for_commit_to_finish() and not await self.commit():
                return False
        return True


class SilentProducer(driver.Producer):
    """Never connects: everything is produced by librdkafka (streams.producer)."""

    async def on_start(self) -> None: ...

    async def on_stop(self) -> None: ...

    async def flush(self) -> None: ...


class Transport(driver.Transport):
    """Faust's Kafka transport with our consumer."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[SilentProducer]] = SilentProducer
