"""Kafka to the agent, one message per partition and fetch; commits only what is acknowledged.

A subclass of Faust's own transport, registered under the scheme `yijian://` (entry point group
`faust.transports`; `register()` does the same where the distribution is not installed). What it
changes, and why, is in CONTRIBUTING under "What Faust really does".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, ClassVar, Final, NamedTuple, cast

import aiokafka
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from streams.errors import LostPosition, PositionOutsideLog, ReadFailed
from streams.lease import Lease
from streams.offsets import OffsetTracker, Progress

SCHEME: Final = "yijian"


def register() -> None:
    """Make the scheme known to Faust also where no installed distribution does."""
    drivers.TRANSPORTS.aliases.setdefault(SCHEME, "streams.transport:Transport")


@dataclass(frozen=True)
class FetchLimits:
    """How much is read ahead, and how connections are made."""

    max_batch_bytes: int = 1_048_576
    """Keys and values of one batch; a single larger record is a batch of its own."""
    fetch_max_bytes: int = 16 * 1_048_576
    partition_fetch_bytes: int = 1_048_576
    fetch_wait_ms: int = 50
    """A fetch in flight keeps the partitions it does not name waiting: short."""
    connection: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the aiokafka client: security."""


class Batch(NamedTuple):
    """Consecutive records of one partition, as they came in one fetch; never empty."""

    tp: TP
    records: list[Any]
    """aiokafka ConsumerRecords, in the order of their offsets."""
    epoch: int
    """Of the positions under which it was read; older batches are stale."""

    @property
    def last(self) -> int:
        return int(self.records[-1].offset)


class _Fetched(dict[TP, list[Any]]):
    """Records by partition, and the seek after which they were fetched."""

    serial: int = -1


def cut(records: list[Any], max_bytes: int) -> Iterator[list[Any]]:
    """The records in lists of at most `max_bytes`; a larger record stands alone."""
    start = size = 0
    for index, record in enumerate(records):
        length = max(record.serialized_key_size, 0) + max(record.serialized_value_size, 0)
        if size + length > max_bytes and index > start:
            yield records[start:index]
            start, size = index, 0
        size += length
    yield records[start:] if start else records


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
        deliver = self.callback
        acks_enabled_for = self.app.topics.acks_enabled_for

        async def tracked(message: Message) -> None:
            if acks_enabled_for(message.topic):
                batch = cast(Batch, message.value)
                self.tracker.delivered(message.tp, message.offset, batch.records[0].timestamp)
            await deliver(message)

        self.callback = tracked

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yields one message per partition of a fetch, or several where it is over the bytes."""
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
        serial = cast(_Fetched, fetched).serial
        for tp, records in fetched.items():
            for part in cut(records, self.limits.max_batch_bytes):
                # A seek came after the fetch: all this will be read again from there.
                if not self.flow_active or serial != self.ready_serial:
                    return
                yield tp, self._message(Batch(tp, part, self.tracker.epoch))

    def _message(self, batch: Batch) -> ConsumerMessage:
        last = batch.records[-1]
        return ConsumerMessage(
            batch.tp.topic,
            batch.tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(Any, batch),
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

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: our own watchdog ends a stuck process instead of logging."""

    async def perform_seek(self) -> None:
        """Go on at the committed positions, or at the beginning where there is none.

        Raises:
            PositionOutsideLog: a committed position is not in its log.
        """
        generation = self.app.consumer_generation_id
        self.ready_serial = -1
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
        committed, fetched = tracker.positions(), self._thread.fetch_positions()
        return {
            # With nothing under way, what was skipped (transaction markers) counts as done.
            tp: Progress(
                offset if tracker.unacknowledged([tp]) else max(offset, fetched.get(tp, 0)),
                committed.get(tp, offset),
            )
            for tp, offset in tracker.processed().items()
        }

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


class _Start(NamedTuple):
    positions: dict[TP, int]
    serial: int


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka in its thread, with bounded buffers and positions that are never guessed."""

    consumer: Consumer
    _serial = 0

    async def on_start(self) -> None:
        await super().on_start()
        self._watch_heartbeats()

    def _watch_heartbeats(self) -> None:
        """Let every answered heartbeat renew the lease."""
        lease, coordinator = self.consumer.lease, self._ensure_consumer()._coordinator
        if lease is None:
            return
        heartbeat = coordinator._do_heartbeat

        async def timed() -> bool:
            sent_at = monotonic()
            answered = bool(await heartbeat())
            if answered:
                lease.renew(sent_at)
            elif coordinator.generation < 0:
                lease.revoke()
            return answered

        coordinator._do_heartbeat = timed

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        conf, limits = self.app.conf, self.consumer.limits
        # Faust's assignor keeps one partition number of all topics on one member.
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            # Never guess: a lost position raises, a fresh group is set to the beginning by us.
            auto_offset_reset="none",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=limits.partition_fetch_bytes,
            fetch_max_bytes=limits.fetch_max_bytes,
            fetch_max_wait_ms=limits.fetch_wait_ms,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **limits.connection,
        )

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> _Fetched:
        serial = self._serial
        if serial != self.consumer.ready_serial:
            await asyncio.sleep(0.01)
            return _Fetched()
        fetched = _Fetched(
            await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        )
        if self._serial != serial:
            # A seek came while this call waited, and these records were read after it: put the
            # position back, they are fetched again when the new positions are known to all.
            for tp, records in fetched.items():
                consumer.seek(TopicPartition(*tp), records[0].offset)
            return _Fetched()
        fetched.serial = serial
        return fetched

    def fetch_positions(self) -> dict[TP, int]:
        """Per assigned partition the next offset to be fetched, where that is known."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None:
            return {}
        states = {TP(*tp): assignment.state_value(tp) for tp in assignment.tps}
        return {
            tp: s.position for tp, s in states.items() if s is not None and s.has_valid_position
        }

    async def seek_to_start(self) -> _Start | None:
        """Seek all assigned partitions; None where the assignment changed meanwhile."""
        start: _Start | None = await self.call_thread(self._seek_to_start)
        return start

    async def _seek_to_start(self) -> _Start | None:
        consumer = self._ensure_consumer()
        coordinator = consumer._coordinator
        generation = coordinator.generation
        tps = sorted(consumer.assignment())
        if not tps:
            return _Start({}, self._serial)
        try:
            committed = await coordinator.fetch_committed_offsets(tps)
            earliest = await consumer.beginning_offsets(tps)
            latest = await consumer.end_offsets(tps)
            if self.consumer.lease is not None:
                await coordinator._do_heartbeat()  # do not wait for the first regular one
        except IllegalStateError:
            return None
        if coordinator.generation != generation or set(tps) != consumer.assignment():
            return None
        known = {tp: c.offset for tp, c in committed.items() if c.offset >= 0}
        self._check(tps, known, earliest, latest)
        positions = {TP(*tp): known.get(tp, earliest[tp]) for tp in tps}
        for tp in tps:
            consumer.seek(tp, positions[TP(*tp)])
        self._serial += 1
        return _Start(positions, self._serial)

    def _check(
        self,
        tps: Iterable[TopicPartition],
        committed: Mapping[TopicPartition, int],
        earliest: Mapping[TopicPartition, int],
        latest: Mapping[TopicPartition, int],
    ) -> None:
        lost = [
            LostPosition(tp.topic, tp.partition, committed[tp], earliest[tp], latest[tp])
            for tp in tps
            if tp in committed and not earliest[tp] <= committed[tp] <= latest[tp]
        ]
        if lost:
            raise PositionOutsideLog(self.app.conf.id, lost)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """False where the broker did not store them; the next commit asks again."""
        asked = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()
        }
        try:
            await self._ensure_consumer().commit(asked)
        except (CommitFailedError, IllegalStateError) as error:
            self.log.info("Not committed, the group has moved on: %s", error)
            return False
        except KafkaError as error:
            self.log.warning("Not committed: %r", error)
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
