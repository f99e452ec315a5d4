"""aiokafka in its thread: bounded buffers, positions never guessed, a session that is proven."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol, cast

import aiokafka
from aiokafka.consumer import consumer as consuming
from aiokafka.consumer import fetcher
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.errors import LostPosition, PositionOutsideLog
from streams.lease import Lease


class _RawRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Gives records as they were decoded.

    aiokafka would copy each into a dataclass with its topic and partition, which a batch knows.
    """

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Any:
        return record


_IDLE_WAIT_MS: Final = 250
"""What else is asked of the broker meanwhile waits behind it, as after a rebalance: not longer."""
_ANY: Final = 1


class FairFetcher(fetcher.Fetcher):  # type: ignore[misc]  # aiokafka has no types
    """Asks first for what waited longest; and patiently, while there is nothing to do.

    A response has room for some of many partitions with a backlog, those that are asked for first.
    aiokafka shuffles them, and the unlucky waited for minutes.

    A fetch keeps the partitions that it does not name waiting, so fetches are short as a rule, and
    gather a while. One that names them all keeps nobody waiting: after an empty one it may last.
    Asking for 80 partitions a hundred times a second costs a fifth of a core in worker and broker.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._is_quiet = False
        self._fetches = 0
        self._brought: dict[tuple[str, int], int] = {}
        """The number of the last fetch that brought records of a partition."""

    def _get_actions_per_node(self, assignment: Any) -> Any:
        is_patient = self._is_quiet and self._names_all(assignment)
        actions = super()._get_actions_per_node(assignment)
        for _, request in actions[0]:
            request._topics = self._in_turn(request._topics)
            if is_patient:
                request._max_wait_ms, request._min_bytes = _IDLE_WAIT_MS, _ANY
        return actions

    def _names_all(self, assignment: Any) -> bool:
        if self._records or self._in_flight:
            return False
        states = map(assignment.state_value, assignment.tps)
        return all(state.has_valid_position and not state.paused for state in states)

    def _in_turn(self, topics: list[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
        """Topics, and the partitions of each, in the order in which they brought something last."""

        def turn(topic: str, partition: Any) -> int:
            return self._brought.get((topic, partition[0]), 0)

        ordered = [(topic, sorted(p, key=lambda one: turn(topic, one))) for topic, p in topics]
        return sorted(ordered, key=lambda one: turn(one[0], one[1][0]))

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        has_brought = bool(await super()._proc_fetch_request(assignment, node_id, request))
        self._is_quiet = not has_brought
        if has_brought:
            self._fetches += 1
            for topic, partitions in request.topics:
                for partition, *_ in partitions:
                    if TopicPartition(topic, partition) in self._records:
                        self._brought[topic, partition] = self._fetches
        return has_brought


def fit_aiokafka() -> None:
    """Let aiokafka's consumers in this process give raw records, and ask in turn.

    Its version is pinned for this.
    """
    fetcher.PartitionRecords = _RawRecords
    consuming.Fetcher = FairFetcher


@dataclass(frozen=True)
class FetchLimits:
    """How much is read ahead, and how connections are made."""

    max_batch_bytes: int = 1_048_576
    """Keys and values of one batch; a single larger record is a batch of its own."""
    fetch_max_bytes: int = 16 * 1_048_576
    partition_fetch_bytes: int = 1_048_576
    fetch_min_bytes: int = 65_536
    fetch_wait_ms: int = 10
    """A fetch in flight keeps the partitions it does not name waiting: short. The broker answers
    when it has `fetch_min_bytes`, and after this time with what there is."""
    connection: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the aiokafka client: security."""


class Owner(Protocol):
    """What the thread needs of the consumer it works for."""

    limits: FetchLimits
    lease: Lease | None
    ready_serial: int
    """The seek whose records may be delivered; -1 while positions are unknown."""


class Fetched(dict[TP, list[Any]]):
    """Records by partition, and the seek after which they were fetched."""

    serial: int = -1


class Start(NamedTuple):
    """Where reading begins, and the number of the seek that put it there."""

    positions: dict[TP, int]
    serial: int


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka in its thread, with bounded buffers and positions that are never guessed."""

    _serial = 0

    @property
    def owner(self) -> Owner:
        return cast(Owner, self.consumer)

    async def on_start(self) -> None:
        await super().on_start()
        self._watch_heartbeats()

    def _watch_heartbeats(self) -> None:
        """Let every answered heartbeat renew the lease."""
        lease, coordinator = self.owner.lease, self._ensure_consumer()._coordinator
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
        conf, limits = self.app.conf, self.owner.limits
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
            isolation_level="read_committed",  # an aborted transaction's records never happened
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=limits.partition_fetch_bytes,
            fetch_max_bytes=limits.fetch_max_bytes,
            fetch_min_bytes=limits.fetch_min_bytes,
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
    ) -> Fetched:
        serial = self._serial
        if serial != self.owner.ready_serial:
            await asyncio.sleep(0.01)
            return Fetched()
        try:
            fetched = Fetched(
                await super()._fetch_records(consumer, active_partitions, timeout, max_records)
            )
        except KafkaError:
            if serial == self._serial == self.owner.ready_serial:
                raise
            return Fetched()  # of a new assignment whose positions are not set yet
        if self._serial != serial:
            # A seek came while this call waited, and these records were read after it: put the
            # position back, they are fetched again when the new positions are known to all.
            for tp, records in fetched.items():
                consumer.seek(TopicPartition(*tp), records[0].offset)
            return Fetched()
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

    def fetched_ends(self) -> dict[TP, int | None]:
        """Per assigned partition where its log ended at the last fetch; None before the first."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None:
            return {}
        states = {TP(*tp): assignment.state_value(tp) for tp in assignment.tps}
        return {tp: s.lso if s is not None else None for tp, s in states.items()}

    async def seek_to_start(self) -> Start | None:
        """Seek all assigned partitions; None where the assignment changed meanwhile."""
        start: Start | None = await self.call_thread(self._seek_to_start)
        return start

    async def _seek_to_start(self) -> Start | None:
        consumer = self._ensure_consumer()
        coordinator = consumer._coordinator
        generation = coordinator.generation
        tps = sorted(consumer.assignment())
        if not tps:
            return Start({}, self._serial)
        try:
            committed = await coordinator.fetch_committed_offsets(tps)
            earliest = await consumer.beginning_offsets(tps)
            latest = await consumer.end_offsets(tps)
            if self.owner.lease is not None:
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
        return Start(positions, self._serial)

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
