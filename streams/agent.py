"""What is done with a batch: evaluate each record, hand its outputs to the producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from time import monotonic
from typing import Any, Final

from contracts.backfill import Backfill
from contracts.decision import ActivityHeaders
from contracts.tie import GO
from streams.means import Means
from streams.outputs import Outputs
from streams.state.rereading import step_of
from streams.transport import Batch

__all__ = ["Agent", "Means"]

_GIVES: Final = (ActivityHeaders.MESSAGE, GO.encode())
_RETRY_S: Final = 0.01
_FIRED_AT_ONCE: Final = 200
"""Timers between two turns of the event loop."""
_BURST_BYTES: Final = 262_144
"""Outputs that are handed to the producer together: it sends fewer, larger batches."""
_TURN_S: Final = 0.1
"""The event loop turns at least this often, whatever rules cost: a rebalance waits for it."""
_FINISH_S: Final = 2.0
"""How long a batch may go on while the partitions are given up; well below the flush."""
_MAX_AHEAD_BYTES: Final = 16 * 1_048_576
"""Outputs of a single batch with the producer, before the batch itself has to wait."""


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
            if not (await self._is_remembered(batch) and await self._may_write(batch)):
                continue
            if not self._gives_away(batch) or await self._is_settled(batch):
                await self._process(batch)

    async def _is_remembered(self, batch: Batch) -> bool:
        """Wait until the batch's partition is read back; False where it is not ours any more."""
        state = self._means.state
        return state is None or await state.ready(
            batch.tp.partition,
            lambda: self._lanes.open and self._means.is_current(batch.epoch),
        )

    def _gives_away(self, batch: Batch) -> bool:
        """Whether a memory is to be sent to another subject: only what is written may be."""
        return batch.tp.topic == self._means.topics.activities and any(
            _GIVES in (record.headers or ()) for record in batch.records
        )

    async def _is_settled(self, batch: Batch) -> bool:
        """Wait until all batches before are remembered; False where it is not ours any more."""
        while self._lanes.open and self._means.is_current(batch.epoch):
            if self._lanes.is_idle(batch.tp.partition):
                return True
            await asyncio.sleep(_RETRY_S)
        return False

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
        means, tp = self._means, batch.tp
        passage = self._lanes.enter(tp, batch.last, batch.epoch)
        memories = None
        if means.state is not None:
            memories, withdrawals = means.state.begin(tp.partition, means.positions)
        outputs = Outputs(means, batch, passage, memories)
        if memories is not None:
            outputs.withdraw(withdrawals)
        if not await self._answer_all(batch, outputs):
            self._lanes.abandon(passage, outputs.handed_over)
            return
        outputs.done(batch.last + 1)
        means.look_at(tp, batch.last, batch.epoch)
        self._lanes.sent(passage, outputs.count, outputs.size)

    async def _answer_all(self, batch: Batch, outputs: Outputs) -> bool:
        """False where we may not write any more; then some answers may not have been sent."""
        if batch.tp.topic == self._means.topics.ticks:
            return await self._tick(batch, outputs)
        is_joining = batch.tp.topic == self._means.topics.activities
        answer = outputs.join if is_joining else outputs.answer
        burst_at, pause_at = _BURST_BYTES, _MAX_AHEAD_BYTES
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

    async def _tick(self, batch: Batch, outputs: Outputs) -> bool:
        """Let the clocks go on to the batch's last tick, and fire what is due, turn by turn."""
        for record in batch.records:
            step = step_of(record.value)
            if step is not None and not await self._backfill(step, record, batch, outputs):
                return False
        tick = batch.records[-1]
        outputs.advance(tick)
        while outputs.fire(tick, _FIRED_AT_ONCE):
            if not (await self._turn() and await self._send(outputs, batch)):
                return False
            await self._catch_up()
        return await self._send(outputs, batch)

    async def _backfill(self, step: Backfill, record: Any, batch: Batch, outputs: Outputs) -> bool:
        """Do a step of a backfill: here and now is its place in the order of record."""
        ranges = self._means.ranges
        if ranges is not None:
            found = await asyncio.to_thread(ranges.read, step, batch.tp.partition)
            outputs.backfill(step, record, found)
        return await self._turn() and await self._send(outputs, batch)

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
