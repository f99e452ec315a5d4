"""What is done with a batch: evaluate each record, hand its outputs to the producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, Final

from contracts.decision import OriginHeaders
from contracts.intake import Reason
from contracts.topics import Topics
from streams.figures import Figures
from streams.lanes import Lanes, Passage
from streams.lease import Lease
from streams.origin import Origin, origin_headers, origin_of
from streams.placement import Placement
from streams.producer import OutputProducer
from streams.supervision import Answer, DeadLetter, Supervisor
from streams.transport import Batch

_RETRY_S: Final = 0.01
_BURST_BYTES: Final = 262_144
"""Outputs that are handed to the producer together: it sends fewer, larger batches."""
_TURN_S: Final = 0.1
"""The event loop turns at least this often, whatever rules cost: a rebalance waits for it."""
_FINISH_S: Final = 2.0
"""How long a batch may go on while the partitions are given up; well below the flush."""
_MAX_AHEAD_BYTES: Final = 16 * 1_048_576
"""Outputs of a single batch with the producer, before the batch itself has to wait."""
_TIMED: Final = 15
"""One evaluation of sixteen is timed: those whose offset has none of these bits."""
_MAX_KEY_BYTES: Final = 4096
"""Longer than any subject; the key of a dead letter is cut there."""
_NOW: Final = 0
"""As a record's timestamp: the time of producing."""


@dataclass(frozen=True)
class Means:
    """What an agent works with."""

    supervisor: Callable[[], Supervisor]
    """Asked once a batch: all records of a batch are answered by one supervisor."""
    producer: OutputProducer
    lanes: Lanes
    lease: Lease
    topics: Topics
    placement: Placement
    figures: Figures
    is_current: Callable[[int], bool]
    """Whether batches of an epoch are still ours."""
    max_record_bytes: int = 4 * 1_048_576 - 16_384


class Agent:
    """Works through batches, one at a time, in the order in which they come."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._lanes = means.lanes
        self._lease = means.lease
        self._turn_at = 0.0

    async def run(self, batches: AsyncIterable[Batch]) -> None:
        """Work through `batches` for ever. An exception that leaves this is a bug."""
        async for batch in batches:
            await self._lanes.room()
            if await self._may_write(batch):
                await self._process(batch)

    async def _may_write(self, batch: Batch) -> bool:
        """Wait for the right to write; False where the batch is not ours any more.

        A worker that was frozen stops here before it hears that it was expelled.
        """
        while self._lanes.open and self._means.is_current(batch.epoch):
            if self._lease.valid:
                return True
            await asyncio.sleep(_RETRY_S)
        return False

    async def _process(self, batch: Batch) -> None:
        """Produce the outputs of every record; the lane acknowledges when they are confirmed."""
        passage = self._lanes.enter(batch.tp, batch.last, batch.epoch)
        outputs = Outputs(self._means, batch, passage)
        if await self._answer_all(batch, outputs):
            self._lanes.sent(passage, outputs.count, outputs.size)
        else:
            self._lanes.abandon(passage)

    async def _answer_all(self, batch: Batch, outputs: Outputs) -> bool:
        """False where we may not write any more; then some answers may not have been sent."""
        answer, burst_at, pause_at = outputs.answer, _BURST_BYTES, _MAX_AHEAD_BYTES
        for record in batch.records:
            answer(record)
            if outputs.size < burst_at and monotonic() < self._turn_at:
                continue
            if not (await self._turn() and await self._send(outputs, batch)):
                return False
            burst_at = outputs.size + _BURST_BYTES
            if outputs.size > pause_at:
                await self._catch_up()
                pause_at = outputs.size + _MAX_AHEAD_BYTES
        return await self._send(outputs, batch)

    async def _turn(self) -> bool:
        """Let the event loop turn, if it is time; False where a rebalance has waited too long."""
        if monotonic() >= self._turn_at:
            await asyncio.sleep(0)
            self._turn_at = monotonic() + _TURN_S
        return self._lanes.closed_s < _FINISH_S

    async def _send(self, outputs: Outputs, batch: Batch) -> bool:
        """Hand over what waits; False, with nothing handed over, where we may not write any more.

        The lease is read right before, so that a worker frozen while it evaluated stops here.
        """
        if not self._lease.valid and not await self._may_write(batch):
            return False
        outputs.send()
        return True

    async def _catch_up(self) -> None:
        """Wait until the producer has nothing left, so that memory stays bounded."""
        while self._lanes.open and len(self._means.producer):  # noqa: ASYNC110 (librdkafka's)
            await asyncio.sleep(_RETRY_S)


class Outputs:
    """The outputs of one batch's records, for the batch's own partition number.

    They wait here until `send`, in their order.
    """

    def __init__(self, means: Means, batch: Batch, passage: Passage) -> None:
        topic, partition = batch.tp
        topics = means.topics
        self.count = 0
        self.size = 0
        self._decisions = topics.decisions
        self._alerts = topics.alerts
        self._dead_letters = topics.dead_letters
        self._rekeyed = topics.rekeyed
        self._max_record_bytes = means.max_record_bytes
        self._topic = topic
        self._partition = partition
        self._is_rekeyed = topic == topics.rekeyed
        self._placement = means.placement
        self._figures = means.figures
        self._supervise = means.supervisor().supervise
        self._producer = means.producer
        self._waiting: list[tuple[Any, ...]] = []
        self._wait = self._waiting.append
        self._report = passage.outputs.report
        self._received = passage.received_ms.append
        self._topic_header = (OriginHeaders.TOPIC, topic.encode())
        self._partition_header = (OriginHeaders.PARTITION, b"%d" % partition)

    def send(self) -> None:
        """Hand everything that waits to the producer."""
        produce = self._producer.produce
        for output in self._waiting:
            produce(*output)
        self._waiting.clear()

    def answer(self, record: Any) -> None:
        """Find the answer to one record: a decision and its alerts, or where else it goes."""
        key: bytes | None = record.key
        if key and len(key) > _MAX_KEY_BYTES:
            self._bury(record, _no_subject(record.value))
            return
        if key and self._placement[key] != self._partition:
            self._rekey(record, key)
            return
        offset, received_ms = record.offset, record.timestamp
        headers = [
            self._topic_header,
            self._partition_header,
            (OriginHeaders.OFFSET, b"%d" % offset),
            (OriginHeaders.RECEIVED_MS, b"%d" % received_ms),
        ]
        if self._is_rekeyed:
            origin = self._origin(record)
            received_ms, headers = origin.received_ms, origin_headers(origin)
        if offset & _TIMED:
            result = self._supervise(record.value, key, received_ms)
        else:
            started = perf_counter()
            result = self._supervise(record.value, key, received_ms)
            self._figures.evaluation.observe(perf_counter() - started)
        if type(result) is DeadLetter:
            self._bury(record, result)
            return
        self._received(received_ms)
        self._send_answer(result, key, headers)  # type: ignore[arg-type]  # narrowed above

    def _send_answer(self, answer: Answer, key: bytes | None, headers: list[Any]) -> None:
        wait, report, partition = self._wait, self._report, self._partition
        value = answer.decision_bytes
        wait((self._decisions, value, key, partition, report, None, _NOW, headers))
        self.size += len(value)
        alerts = answer.alerts
        for alert in alerts:
            wait((self._alerts, alert, key, partition, report, None, _NOW, headers))
            self.size += len(alert)
        self.count += 1 + len(alerts)
        self._figures.answered(answer)

    def _rekey(self, record: Any, key: bytes) -> None:
        """Put a record that stands in another partition than its key's where it belongs."""
        value: bytes | None = record.value
        if value is not None and len(value) > self._max_record_bytes:
            self._bury(record, _too_large(value))
            return
        home = self._placement[key]
        headers: list[Any] = [*origin_headers(self._origin(record))]
        self._wait((self._rekeyed, value, key, home, self._report, None, _NOW, headers))
        self._sent_one(value)
        self._figures.rekeyed += 1

    def _bury(self, record: Any, letter: DeadLetter) -> None:
        value = letter.value
        if value is not None and len(value) > self._max_record_bytes:
            letter = _too_large(value)
            value = None
        headers: list[Any] = [*letter.headers(*self._origin(record))]
        key: bytes | None = record.key
        if key is not None:
            key = key[:_MAX_KEY_BYTES]  # the broker must not refuse the letter for its key
        wait, report = self._wait, self._report
        wait((self._dead_letters, value, key, self._partition, report, None, _NOW, headers))
        self._sent_one(value)
        self._figures.refused(letter)

    def _sent_one(self, value: bytes | None) -> None:
        self.count += 1
        self.size += len(value or b"")

    def _origin(self, record: Any) -> Origin:
        here = Origin(self._topic, self._partition, record.offset, record.timestamp)
        return origin_of(record.headers, here) if self._is_rekeyed else here


def _too_large(value: bytes) -> DeadLetter:
    return DeadLetter(
        value, Reason.TOO_LARGE, "$", "larger than an output may be; its bytes stay in the intake"
    )


def _no_subject(value: bytes | None) -> DeadLetter:
    return DeadLetter(
        value, Reason.KEY_MISMATCH, "$.subject", "the record's key is longer than any subject"
    )
