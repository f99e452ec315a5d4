"""The transport without a broker: what is delivered, what is put back, where reading begins."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from aiokafka.structs import TopicPartition
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams import transport
from streams.errors import PositionOutsideLog, ReadFailed
from streams.kafka_thread import ConsumerThread, FairFetcher, Fetched, FetchLimits
from streams.offsets import OffsetTracker
from streams.transport import Batch, Consumer, Transport

A0, A1, B0 = TP("a", 0), TP("a", 1), TP("b", 0)


def record(tp: TP, offset: int, size: int = 10) -> Any:
    return SimpleNamespace(
        offset=offset, timestamp=1_000, timestamp_type=1, key=b"k", value=b"v" * size, headers=()
    )


def fetched(serial: int, **records: list[Any]) -> Fetched:
    made = Fetched({TP(name[0], int(name[1])): found for name, found in records.items()})
    made.serial = serial
    return made


class BareConsumer(Consumer):
    """A consumer whose fetches a test gives."""

    should_stop = False

    def __init__(self, *fetches: Fetched | Exception) -> None:
        self.fetches = list(fetches)
        self.app = SimpleNamespace(consumer_generation_id=3, conf=SimpleNamespace(id="group"))
        self.tracker = OffsetTracker()
        self.limits = FetchLimits()
        self.lease = None
        self.flow_active = True
        self.ready_serial = 7
        self.handed_on = {}
        self._read_offset = {}
        self._thread = cast(Any, SimpleNamespace(fetch_positions=lambda: dict(self.fetched_to)))
        self.fetched_to: dict[TP, int] = {}

    async def _wait_next_records(self, timeout: float) -> Any:
        found = self.fetches.pop(0)
        if isinstance(found, Exception):
            raise found
        return found, None

    async def batches(self) -> list[Batch]:
        return [batch for group in await self.groups() for batch in group]

    async def groups(self) -> list[list[Batch]]:
        return [cast("list[Batch]", message.value) async for _, message in self.getmany(1.0)]


async def test_a_fetch_gives_one_batch_a_partition_of_every_topic() -> None:
    consumer = BareConsumer(
        fetched(7, a0=[record(A0, 4), record(A0, 9)], a1=[record(A1, 1)], b0=[record(B0, 2)])
    )
    batches = await consumer.batches()
    assert [(b.tp, b.last, len(b.records)) for b in batches] == [(A0, 9, 2), (A1, 1, 1), (B0, 2, 1)]


async def test_a_fetch_passes_as_one_message_up_to_the_bytes_and_a_little_more() -> None:
    records = {name: [record(TP(name[0], int(name[1])), 4, 600)] for name in ("a0", "a1", "b0")}
    (group,) = await BareConsumer(fetched(7, **records)).groups()
    assert [batch.tp for batch in group] == [A0, A1, B0]
    consumer = BareConsumer(fetched(7, **records))
    consumer.limits = FetchLimits(max_batch_bytes=1000)
    assert [[b.tp for b in group] for group in await consumer.groups()] == [[A0, A1], [B0]]


async def test_the_offset_of_a_message_is_that_of_its_first_batchs_last_record() -> None:
    consumer = BareConsumer(fetched(7, a0=[record(A0, 4), record(A0, 900)]))
    messages = [message async for _, message in consumer.getmany(1.0)]
    assert [m.offset for m in messages] == [900]
    assert messages[0].generation_id == 3


async def test_a_fetch_over_the_bytes_is_cut() -> None:
    consumer = BareConsumer(fetched(7, a0=[record(A0, n, 600) for n in range(4)]))
    consumer.limits = FetchLimits(max_batch_bytes=1300)
    assert [b.last for b in await consumer.batches()] == [1, 3]


async def test_records_fetched_before_a_seek_are_not_delivered() -> None:
    consumer = BareConsumer(fetched(6, a0=[record(A0, 4)]))
    assert await consumer.batches() == []


async def test_nothing_more_is_delivered_when_the_flow_stops() -> None:
    consumer = BareConsumer(fetched(7, a0=[record(A0, 4)], a1=[record(A1, 1)]))
    consumer.limits = FetchLimits(max_batch_bytes=1)
    delivered = []
    async for tp, _ in consumer.getmany(1.0):
        delivered.append(tp)
        consumer.flow_active = False
    assert delivered == [A0]


async def test_what_was_fetched_is_not_done_before_it_was_delivered() -> None:
    consumer = BareConsumer(fetched(7, a0=[record(A0, 4)], a1=[record(A1, 1)]), fetched(7))
    consumer.limits = FetchLimits(max_batch_bytes=1)
    consumer.tracker.start({A0: 4, A1: 1})
    consumer.fetched_to = {A0: 4, A1: 1}
    async for tp, _ in consumer.getmany(1.0):
        consumer.fetched_to = {A0: 5, A1: 2}  # by the fetch, before anything of it is delivered
        assert [consumer.progress()[other].done for other in (A0, A1)] == [4, 1]
        last = 4 if tp == A0 else 1
        consumer.tracker.delivered(tp, last)
    assert [consumer.progress()[tp].done for tp in (A0, A1)] == [4, 1]


async def test_what_was_skipped_is_done_when_all_that_was_fetched_is_delivered() -> None:
    consumer = BareConsumer(fetched(7))
    consumer.tracker.start({A0: 4})
    consumer.fetched_to = {A0: 6}  # markers of transactions, and no record
    await consumer.batches()
    assert consumer.progress()[A0].done == 6


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UnsupportedCodecError("lz4"), "install cramjam"),
        (OffsetOutOfRangeError({A0: 5}), "not in the log any more"),
    ],
)
async def test_records_that_cannot_be_read_are_told_in_words(error: Exception, told: str) -> None:
    with pytest.raises(ReadFailed, match=told):
        await BareConsumer(error).batches()


class FakeKafka:
    """An aiokafka consumer, as far as positions go."""

    def __init__(self, committed: Mapping[TP, int], logs: Mapping[TP, tuple[int, int]]) -> None:
        self._coordinator = self
        self.generation = 3
        self.committed = committed
        self.logs = {TopicPartition(*tp): log for tp, log in logs.items()}
        self.sought: dict[TP, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self.logs)

    async def fetch_committed_offsets(self, tps: list[TopicPartition]) -> dict[Any, Any]:
        return {tp: SimpleNamespace(offset=self.committed.get(TP(*tp), -1)) for tp in tps}

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[Any, int]:
        return {tp: self.logs[tp][0] for tp in tps}

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[Any, int]:
        return {tp: self.logs[tp][1] for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.sought[TP(*tp)] = offset


class BareThread(ConsumerThread):
    def __init__(self, kafka: FakeKafka, consumer: BareConsumer) -> None:
        self.kafka = kafka
        self.consumer = consumer
        self.app = consumer.app
        self._serial = 7

    def _ensure_consumer(self) -> Any:
        return self.kafka

    async def call_thread(self, fun: Any, *args: Any, **kwargs: Any) -> Any:
        return await fun(*args, **kwargs)


def started(
    committed: Mapping[TP, int], logs: Mapping[TP, tuple[int, int]]
) -> tuple[BareConsumer, FakeKafka]:
    consumer = BareConsumer()
    kafka = FakeKafka(committed, logs)
    consumer._thread = BareThread(kafka, consumer)
    return consumer, kafka


async def test_reading_begins_at_the_committed_position_or_at_the_start_of_the_log() -> None:
    consumer, kafka = started({A0: 5}, {A0: (0, 9), A1: (3, 9)})
    await consumer.perform_seek()
    assert kafka.sought == {A0: 5, A1: 3}
    assert consumer.tracker.positions() == {A0: 5, A1: 3}
    assert consumer.ready_serial == 8


async def test_a_seek_makes_acknowledgements_from_before_it_stale() -> None:
    consumer, _ = started({A0: 5}, {A0: (0, 9)})
    await consumer.perform_seek()
    before = consumer.tracker.epoch
    consumer.tracker.delivered(A0, 8)
    await consumer.perform_seek()
    assert not consumer.tracker.acknowledge(A0, 8, before)


@pytest.mark.parametrize(("committed", "told"), [(2, "1 records are gone"), (10, "ends before")])
async def test_a_position_outside_its_log_is_an_error_and_nothing_is_sought(
    committed: int, told: str
) -> None:
    consumer, kafka = started({A0: committed}, {A0: (3, 9)})
    with pytest.raises(PositionOutsideLog, match=told):
        await consumer.perform_seek()
    assert kafka.sought == {}
    assert consumer.ready_serial == -1


@pytest.mark.parametrize("committed", [3, 9])
async def test_the_edges_of_the_log_are_in_it(committed: int) -> None:
    consumer, kafka = started({A0: committed}, {A0: (3, 9)})
    await consumer.perform_seek()
    assert kafka.sought == {A0: committed}


async def test_a_rebalance_during_a_seek_leaves_the_seek_to_its_successor() -> None:
    consumer, kafka = started({A0: 5}, {A0: (0, 9)})

    async def rebalanced(tps: list[TopicPartition]) -> dict[Any, int]:
        kafka.generation = 4
        return dict.fromkeys(tps, 9)

    kafka.end_offsets = rebalanced  # type: ignore[method-assign]
    await consumer.perform_seek()
    assert kafka.sought == {}
    assert consumer.ready_serial == -1


def fetching(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> tuple[BareThread, FakeKafka]:
    consumer, kafka = started({}, {A0: (0, 9)})
    thread = cast(BareThread, consumer._thread)

    async def fetch(self: Any, *args: Any) -> Any:
        return outcome(thread)

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", fetch)
    return thread, kafka


async def test_a_fetch_is_marked_with_the_seek_it_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    thread, kafka = fetching(monkeypatch, lambda t: {A0: [record(A0, 4)]})
    found = await thread._fetch_records(cast(Any, kafka), {A0})
    assert (list(found), found.serial) == ([A0], 7)


async def test_nothing_is_fetched_while_positions_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread, kafka = fetching(monkeypatch, lambda t: pytest.fail("fetched"))
    thread.consumer.ready_serial = -1
    assert await thread._fetch_records(cast(Any, kafka), {A0}) == {}


async def test_records_read_after_a_seek_by_a_fetch_from_before_it_are_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outcome(thread: BareThread) -> dict[TP, list[Any]]:
        thread._serial += 1  # a seek came while the fetch waited
        return {A0: [record(A0, 4), record(A0, 5)]}

    thread, kafka = fetching(monkeypatch, outcome)
    assert await thread._fetch_records(cast(Any, kafka), {A0}) == {}
    assert kafka.sought == {A0: 4}


async def test_an_assignment_without_positions_yet_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outcome(thread: BareThread) -> dict[TP, list[Any]]:
        thread.consumer.ready_serial = -1  # revoked, and assigned anew, while the fetch waited
        raise NoOffsetForPartitionError(A0)

    thread, kafka = fetching(monkeypatch, outcome)
    assert await thread._fetch_records(cast(Any, kafka), {A0}) == {}


async def test_an_error_at_known_positions_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome(thread: BareThread) -> dict[TP, list[Any]]:
        raise OffsetOutOfRangeError({A0: 5})

    thread, kafka = fetching(monkeypatch, outcome)
    with pytest.raises(OffsetOutOfRangeError):
        await thread._fetch_records(cast(Any, kafka), {A0})


def test_faust_finds_the_transport_under_its_scheme() -> None:
    transport.register()
    assert TRANSPORTS.by_url("yijian://localhost:9092") is Transport


def test_the_distribution_registers_the_transport() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    entry = project["project"]["entry-points"]["faust.transports"]
    assert entry == {"yijian": "streams.transport:Transport"}


class _State:
    """Of one partition, as aiokafka keeps it."""

    def __init__(self, *, paused: bool = False, has_valid_position: bool = True) -> None:
        self.paused, self.has_valid_position = paused, has_valid_position
        self.position = 5
        self.resume_fut = None


class _Answered:
    """aiokafka's fetcher without a broker: the next fetch brings records of these partitions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *brings: TopicPartition) -> None:
        self.brings: tuple[TopicPartition, ...] = brings

        async def answered(made: Any, assignment: Any, node_id: int, request: Any) -> bool:
            made._records.update(dict.fromkeys(self.brings))
            return bool(self.brings)

        monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", answered)
        self.fetcher: Any = object.__new__(FairFetcher)
        self.fetcher.__dict__.update(
            _fetch_max_wait_ms=10, _fetch_min_bytes=65_536, _fetch_max_bytes=1, _isolation_level=1,
            _max_partition_fetch_bytes=1, _client_rack=None, _fetcher_timeout=1.0, _records={},
            _in_flight=set(), _select_read_replica=lambda tp: 0, _is_quiet=False, _fetches=0,
            _brought={},
        )  # fmt: skip

    def request(self, *tps: TopicPartition, state: _State | None = None) -> Any:
        """What the next fetch asks for."""
        states = dict.fromkeys(tps, _State()) | ({tps[-1]: state} if state else {})
        assignment = SimpleNamespace(tps=tps, state_value=states.__getitem__)
        ((_, request),) = self.fetcher._get_actions_per_node(assignment)[0]
        return request

    async def fetch(self, request: Any) -> bool:
        """Ask; whether something came, which is taken at once."""
        came: bool = await self.fetcher._proc_fetch_request(None, 0, request)
        self.fetcher._records.clear()
        return came


def waits(request: Any) -> tuple[int, int]:
    """How long, and for how many bytes."""
    return request._max_wait_ms, request._min_bytes


P0, P1, Q0 = TopicPartition("p", 0), TopicPartition("p", 1), TopicPartition("q", 0)
GATHERING, PATIENT = (10, 65_536), (250, 1)


def test_aiokafka_takes_our_fetcher() -> None:
    assert AIOKafkaConsumer.start.__globals__["Fetcher"] is FairFetcher


async def test_after_an_empty_fetch_the_next_one_waits_for_any_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = _Answered(monkeypatch)
    first = made.request(P0, Q0)
    assert waits(first) == GATHERING
    assert not await made.fetch(first)
    assert waits(made.request(P0, Q0)) == PATIENT
    made.brings = (Q0,)
    assert await made.fetch(first)
    assert waits(made.request(P0, Q0)) == GATHERING


async def test_a_fetch_is_short_where_it_keeps_a_partition_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = _Answered(monkeypatch)
    await made.fetch(made.request(P0, P1))
    assert waits(made.request(P0, P1, state=_State(paused=True))) == GATHERING
    made.fetcher._records = {P1: SimpleNamespace(calculate_backoff=lambda: 0)}
    assert waits(made.request(P0, P1)) == GATHERING


async def test_what_waited_longest_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _Answered(monkeypatch, P0, P1)
    await made.fetch(made.request(P0, P1, Q0))
    made.brings = (Q0, P0)
    await made.fetch(made.request(P0, P1, Q0))
    for _ in range(20):  # aiokafka shuffles
        topics = made.request(P0, P1, Q0).topics
        assert [(t, [p for p, *_ in ps]) for t, ps in topics] == [("p", [1, 0]), ("q", [0])]
    made.brings = (P1,)
    await made.fetch(made.request(P0, P1, Q0))
    made.brings = (P0,)
    await made.fetch(made.request(P0, P1, Q0))
    assert [topic for topic, _ in made.request(P0, P1, Q0).topics] == ["q", "p"]
