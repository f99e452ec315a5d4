"""Which offsets may be committed: the contiguous acknowledged prefix of what was delivered."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # with Faust comes aiohttp: 0.3 s for commands that start no worker
    from faust.types import TP


class Progress(NamedTuple):
    """How far one partition is: nothing before `done` is needed any more."""

    done: int
    committed: int


class Work(NamedTuple):
    """How much of one partition of an intake topic was looked at."""

    done: int
    end: int | None
    """Where its log ended when it was fetched last; None where it was not fetched yet."""


@dataclass(slots=True)
class _Delivery:
    last: int
    """Offset of the batch's last record."""
    oldest_ms: int
    """Append time of the batch's first record."""
    acknowledged: bool = False


@dataclass(slots=True)
class _Partition:
    deliveries: deque[_Delivery] = field(default_factory=deque)
    by_last: dict[int, _Delivery] = field(default_factory=dict)
    delivered: int = -1
    """Offset behind the last record that was handed to the agent."""
    looked_at: int = -1
    """Offset behind the last record that the agent has answered, confirmed or not."""
    committable: int = -1
    committed: int = -1


class OffsetTracker:
    """Tracks batches in the order in which they were delivered.

    Gaps in the offsets (compaction, transactions) need no thought: order of delivery decides,
    not arithmetic. Every change of position starts a new epoch, and an acknowledgement of an
    earlier epoch is ignored: its batch will be delivered again. Not thread-safe.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._partitions: dict[TP, _Partition] = {}

    def start(self, positions: Mapping[TP, int]) -> None:
        """Begin a new epoch in which reading goes on at `positions`."""
        self.epoch += 1
        self._partitions = {
            tp: _Partition(delivered=offset, looked_at=offset, committable=offset, committed=offset)
            for tp, offset in positions.items()
        }

    def drop(self) -> None:
        """Forget everything: the partitions are given up."""
        self.start({})

    def delivered(self, tp: TP, last: int, oldest_ms: int = 0) -> None:
        """A batch that ends at offset `last` was handed to the agent."""
        partition = self._partitions.get(tp)
        if partition is None:
            return
        partition.delivered = last + 1
        delivery = _Delivery(last, oldest_ms)
        partition.deliveries.append(delivery)
        partition.by_last[last] = delivery

    def look_at(self, tp: TP, last: int, epoch: int) -> None:
        """The batch that ends at `last` was answered; its answers need not be confirmed yet."""
        partition = self._partitions.get(tp)
        if partition is not None and epoch == self.epoch:
            partition.looked_at = last + 1

    def looked_at(self, partition: int) -> dict[str, tuple[int, bool]]:
        """By topic the offset behind the last answered record of a partition number, and whether
        nothing that was delivered is left."""
        return {
            tp.topic: (p.looked_at, p.looked_at == p.delivered)
            for tp, p in self._partitions.items()
            if tp.partition == partition
        }

    def acknowledge(self, tp: TP, last: int, epoch: int) -> bool:
        """Mark the batch that ends at `last` as done; False where that is stale or unknown."""
        if epoch != self.epoch:
            return False
        partition = self._partitions.get(tp)
        delivery = partition.by_last.pop(last, None) if partition is not None else None
        if partition is None or delivery is None:
            return False
        delivery.acknowledged = True
        waiting = partition.deliveries
        while waiting and waiting[0].acknowledged:
            partition.committable = waiting.popleft().last + 1
        return True

    def committable(self) -> dict[TP, int]:
        """Per partition the offset to commit, where it is ahead of the committed one."""
        return {
            tp: p.committable for tp, p in self._partitions.items() if p.committable > p.committed
        }

    def committed(self, offsets: Mapping[TP, int], epoch: int) -> None:
        """The broker has stored `offsets`, which were asked for in `epoch`."""
        if epoch != self.epoch:
            return
        for tp, offset in offsets.items():
            partition = self._partitions.get(tp)
            if partition is not None and offset > partition.committed:
                partition.committed = offset

    def positions(self) -> dict[TP, int]:
        """Per partition the committed offset, or where reading began."""
        return {tp: p.committed for tp, p in self._partitions.items()}

    def processed(self) -> dict[TP, int]:
        """Per partition the offset behind the last record of the acknowledged prefix."""
        return {tp: p.committable for tp, p in self._partitions.items()}

    def unacknowledged(self, tps: Iterable[TP] | None = None) -> int:
        """How many delivered batches are not acknowledged."""
        chosen = self._partitions if tps is None else tps
        return sum(len(self._partitions[tp].by_last) for tp in chosen if tp in self._partitions)

    def oldest_ms(self, tp: TP) -> int | None:
        """Append time of the oldest record delivered and not acknowledged; None without one."""
        partition = self._partitions.get(tp)
        if partition is None or not partition.deliveries:
            return None
        return partition.deliveries[0].oldest_ms
