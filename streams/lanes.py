"""Ordered lanes, one a partition number: what may be acknowledged, and when, and what may follow.

Outputs of a batch may be under way while the next batch is evaluated. Batches that follow each
other within a moment share a cut: what they changed is sealed and written once. State records of
a cut are written only when the outputs of every batch up to its end are confirmed, and batches are
acknowledged in the order of their lane, after the state of their cut.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import KafkaError

from streams.errors import FlushTimedOut

if TYPE_CHECKING:  # with Faust comes aiohttp: 0.3 s for commands that start no worker
    from faust.types import TP


class Deliveries:
    """Counts delivery reports of the outputs of a batch, or of the state of a cut.

    `report` runs in the producer's thread, `expect` in the event loop. Whoever of the two sees
    the count complete says so; both may, and saying it twice does no harm.
    """

    __slots__ = ("_confirmed", "_expected", "_on_complete", "_on_error")

    def __init__(
        self, on_complete: Callable[[], None], on_error: Callable[[KafkaError], None]
    ) -> None:
        self._confirmed = 0
        self._expected = -1
        self._on_complete = on_complete
        self._on_error = on_error

    def report(self, error: KafkaError | None, message: Any) -> None:
        """confluent_kafka's delivery callback."""
        if error is not None:
            self._on_error(error)
            return
        self._confirmed += 1
        if self._confirmed == self._expected:
            self._on_complete()

    def expect(self, count: int) -> None:
        """`count` records were handed to the producer, and no more will be."""
        self._expected = count

    @property
    def complete(self) -> bool:
        return self._confirmed == self._expected


class Cut:
    """Batches of a lane that follow each other, whose state is written together."""

    __slots__ = (
        "began_at", "changes", "decided", "is_abandoned", "last", "memories", "partition", "state"
    )  # fmt: skip

    def __init__(self, lane: Lane, partition: int, began_at: float = 0.0) -> None:
        self.partition = partition
        self.began_at = began_at
        self.is_abandoned = False
        """Whether one of its batches was given up: none of them is acknowledged."""
        self.last: Passage | None = None
        """The batch that it ends with; None while others may follow."""
        self.memories: Any = None
        """What its batches change; None where they change nothing that is remembered."""
        self.changes: Any = None
        """What the state writer is to write: memories as of the end of the last batch."""
        self.decided = -1
        """The offset of the last decision that is confirmed."""
        self.state = Deliveries(lane.wake, lane.fail)


class Passage:
    """One batch on its way through its lane."""

    __slots__ = (
        "bytes", "cut", "epoch", "is_confirmed", "lane", "last", "outputs", "received_ms", "tp"
    )  # fmt: skip

    def __init__(self, tp: TP, last: int, epoch: int, lane: Lane, cut: Cut | None = None) -> None:
        self.tp = tp
        self.last = last
        self.epoch = epoch
        self.lane = lane
        self.cut = Cut(lane, tp.partition) if cut is None else cut
        self.bytes = 0
        self.is_confirmed = False
        """Whether its outputs, and all before them, are."""
        self.received_ms: list[int] = []
        """When the broker took the records that this batch answers."""
        self.outputs = Deliveries(lane.wake, lane.fail)

    def report_decision(self, error: KafkaError | None, message: Any) -> None:
        """The delivery callback of decisions: also notes where the last one stands."""
        if error is None:
            self.cut.decided = message.offset()
        self.outputs.report(error, message)


class Lane:
    """The batches of one partition number, of all intake topics, in the order they were taken."""

    __slots__ = ("awaiting_outputs", "awaiting_state", "fail", "held", "wake")

    def __init__(self, wake: Callable[[Lane], None], fail: Callable[[KafkaError], None]) -> None:
        self.awaiting_outputs: deque[Passage] = deque()
        self.awaiting_state: deque[Passage] = deque()
        self.held: Passage | None = None
        """The last batch, done, of a cut that others may join; None while one is under way."""
        self.wake = lambda: wake(self)
        self.fail = fail


class StateWriter(Protocol):
    """Writes what a cut changed, once its outputs and all before them are confirmed."""

    @property
    def may_write(self) -> bool:
        """Whether we still hold the partitions, as far as can be proven."""

    def seal(self, cut: Cut) -> int:
        """Note what the cut changed, as of now: its last batch is done; the size of it."""

    def write(self, cut: Cut) -> int:
        """Produce the cut's state records, reported to `cut.state.report`; how many."""


class LaneObserver(Protocol):
    """Told once when the outputs of a batch, and all before them, are confirmed."""

    def confirmed(self, passage: Passage) -> None: ...


@dataclass(frozen=True)
class InFlightLimits:
    """How much may be under way, and not confirmed, before no more is taken."""

    max_bytes: int = 32 * 1_048_576
    max_batches: int = 64


class Lanes:
    """All lanes of this process. Everything but delivery reports happens in one event loop."""

    def __init__(
        self,
        acknowledge: Callable[[TP, int, int], object],
        fail: Callable[[KafkaError], None],
        *,
        limits: InFlightLimits = InFlightLimits(),
        observer: LaneObserver | None = None,
        state: StateWriter | None = None,
        hold_s: float = 0.0,
    ) -> None:
        """`hold_s` is for how long batches may join a cut; 0 gives each one of its own."""
        self._acknowledge = acknowledge
        self._fail = fail
        self._limits = limits
        self._observer = observer
        self._state = state
        self._hold_s = hold_s
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[int, Lane] = {}
        self._changed = asyncio.Event()
        self._closed_at = 0.0
        self._forgoing = False
        self.open = True
        self.bytes = 0
        self.batches = 0
        self.unconfirmed = 0
        """Batches whose outputs are not all confirmed; those that wait for their cut are."""

    @property
    def closed_s(self) -> float:
        """For how many seconds no batch may be begun; 0 while one may."""
        return 0.0 if self.open else self._loop.time() - self._closed_at

    def enter(self, tp: TP, last: int, epoch: int) -> Passage:
        """Take the next place in the lane of `tp`'s partition for the batch that ends at `last`."""
        lane = self._lanes.get(tp.partition)
        began_at = self._loop.time()
        if lane is None:
            lane = self._lanes[tp.partition] = Lane(self._wake, self._fail)
            began_at = -inf  # written at once: what an interrupted run decided can be told from it
        held, lane.held = lane.held, None
        cut = held.cut if held is not None else Cut(lane, tp.partition, began_at)
        passage = Passage(tp, last, epoch, lane, cut)
        lane.awaiting_outputs.append(passage)
        self.batches += 1
        self.unconfirmed += 1
        return passage

    def is_idle(self, partition: int) -> bool:
        """Whether everything is remembered and acknowledged that was taken of a partition."""
        lane = self._lanes.get(partition)
        return lane is None or not (lane.awaiting_outputs or lane.awaiting_state)

    def sent(self, passage: Passage, count: int, size: int) -> None:
        """All outputs of the batch, `count` records of `size` bytes, are with the producer."""
        passage.bytes = size
        self.bytes += size
        passage.outputs.expect(count)
        if self.open and self._loop.time() - passage.cut.began_at < self._hold_s:
            passage.lane.held = passage
        else:
            self._end(passage)
        if passage.outputs.complete:
            self._advance(passage.lane)

    def abandon(self, passage: Passage, count: int) -> None:
        """Give up a batch of whose outputs only `count` are with the producer.

        It is never acknowledged, nor is what shares its cut: what is remembered knows of half of
        it. But it leaves only when these are confirmed: until then its partition must not be
        another worker's, whose decisions they would follow.
        """
        passage.cut.is_abandoned = True
        passage.outputs.expect(count)
        self._advance(passage.lane)

    async def room(self) -> bool:
        """Wait until another batch may be begun; False where none may be any more."""
        while self.open and (
            self.unconfirmed >= self._limits.max_batches or self.bytes >= self._limits.max_bytes
        ):
            self._changed.clear()
            await self._changed.wait()
        return self.open

    def close(self) -> None:
        """Begin no more batches: the partitions are about to be given up."""
        if self.open:
            self._closed_at = self._loop.time()
        self.open = False
        self._end_all()
        self._changed.set()

    def look(self) -> None:
        """Go on with batches that were held: because others might join them, or nothing might be
        written."""
        self._end_all(before=self._loop.time() - self._hold_s)
        for lane in list(self._lanes.values()):
            self._advance(lane)

    def forgo(self) -> None:
        """Let batches whose state may not be written any more leave without being acknowledged.

        Their partitions went to another worker, which evaluates them again.
        """
        self._forgoing = True
        self.look()

    async def flush(self, timeout_s: float) -> None:
        """Wait until every batch under way has left its lane.

        Raises:
            FlushTimedOut: some had not after `timeout_s`.
        """
        deadline = self._loop.time() + timeout_s
        while self.batches:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - self._loop.time())
            except TimeoutError:
                raise FlushTimedOut(
                    f"{self.batches} batches were not confirmed within {timeout_s} s; the process "
                    "ends before the partitions go to another worker"
                ) from None

    def reopen(self) -> None:
        """Partitions were assigned: batches may be begun, in lanes that are empty."""
        self._lanes.clear()
        self.bytes = self.batches = self.unconfirmed = 0
        self._forgoing = False
        self.open = True

    def _wake(self, lane: Lane) -> None:
        """Runs in the producer's thread."""
        try:
            self._loop.call_soon_threadsafe(self._advance, lane)
        except RuntimeError:  # the loop is closed: the process is ending
            return

    def _end_all(self, before: float = inf) -> None:
        """End the cuts that began before a time, and that no batch is just joining."""
        for lane in list(self._lanes.values()):
            held = lane.held
            if held is not None and held.cut.began_at <= before:
                self._end(held)
                self._advance(lane)

    def _end(self, passage: Passage) -> None:
        """The batch, which is done, is the last one of its cut."""
        passage.lane.held = None
        passage.cut.last = passage
        if self._state is not None:
            size = self._state.seal(passage.cut)
            passage.bytes += size
            self.bytes += size

    def _advance(self, lane: Lane) -> None:
        outputs, states, writer = lane.awaiting_outputs, lane.awaiting_state, self._state
        while outputs and outputs[0].outputs.complete:
            passage = outputs[0]
            cut = passage.cut
            self._confirmed(passage)
            # Where one was let go none that follows is written: its state would cover the gap.
            if self._forgoing or cut.is_abandoned:
                cut.is_abandoned = True
                self._gone(outputs.popleft())
                continue
            if passage is lane.held or (writer is not None and not writer.may_write):
                break
            states.append(outputs.popleft())
            if passage is cut.last:
                cut.state.expect(writer.write(cut) if writer is not None else 0)
        while states and (states[0].cut.state.complete or states[0].cut.is_abandoned):
            passage = states.popleft()
            if not passage.cut.is_abandoned:
                self._acknowledge(passage.tp, passage.last, passage.epoch)
            self._gone(passage)

    def _confirmed(self, passage: Passage) -> None:
        """Its outputs take no room any more, however long its cut is held."""
        if passage.is_confirmed:
            return
        passage.is_confirmed = True
        if self._is_current(passage):
            self.unconfirmed -= 1
            self.bytes -= passage.bytes
            passage.bytes = 0
        if self._observer is not None and not passage.cut.is_abandoned:
            self._observer.confirmed(passage)
        self._changed.set()

    def _gone(self, passage: Passage) -> None:
        if self._is_current(passage):
            self.bytes -= passage.bytes
            self.batches -= 1
        self._changed.set()

    def _is_current(self, passage: Passage) -> bool:
        return self._lanes.get(passage.tp.partition) is passage.lane
