"""`sabotage.py HOW COMMAND…`: the product's command line with one guarantee broken on purpose.

commit_early  the worker commits what it was handed, before any output is confirmed, and dies of it
skip_cut      the sink records the position of a cut of decisions whose rows it never wrote
skip_event_cut  the same with a cut of events
drop_order    the worker takes the records of every batch from last to first
forget_timers  the worker never looks at every third timer again
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any


def commit_early() -> None:
    from streams.offsets import OffsetTracker

    delivered = OffsetTracker.delivered

    def early(self: OffsetTracker, tp: Any, last: int, oldest_ms: int = 0) -> None:
        # A fetch is far ahead of what is evaluated: everything fetched counts as done.
        delivered(self, tp, last, oldest_ms)
        self.acknowledge(tp, last, self.epoch)

    OffsetTracker.delivered = early  # type: ignore[method-assign]
    committed = OffsetTracker.committed

    def dying(self: OffsetTracker, offsets: Any, epoch: int) -> None:
        committed(self, offsets, epoch)
        if any(".in." in tp.topic for tp in offsets):
            os.kill(os.getpid(), signal.SIGKILL)

    OffsetTracker.committed = dying  # type: ignore[method-assign]

    # Outputs stay with the producer for a second, so that death finds some that are not out.
    from streams.producer import ProducerConfig

    options = ProducerConfig.librdkafka
    ProducerConfig.librdkafka = lambda self: {**options(self), "linger.ms": 1000}  # type: ignore[method-assign]


def skip_cut(word: str = ".decisions.") -> None:
    from sinks.cutting import Cutter, Stored

    put = Cutter.put
    skipped: list[str] = []

    def skipping(self: Cutter, batch: Any) -> Stored:
        if word in batch.records[0].topic and not skipped:
            skipped.append(batch.records[0].topic)
            return Stored(batch, 0)
        return put(self, batch)

    Cutter.put = skipping  # type: ignore[method-assign]


def skip_event_cut() -> None:
    skip_cut(".in.")


class Backwards(list[Any]):
    """A batch that is worked through from its end; its last record is still its last."""

    def __iter__(self) -> Iterator[Any]:
        return reversed(self)


def drop_order() -> None:
    from streams import transport

    whole = transport.cut

    def backwards(records: list[Any], max_bytes: int) -> Iterator[tuple[list[Any], int]]:
        for part, size in whole(records, max_bytes):
            yield Backwards(part), size

    transport.cut = backwards


def forget_timers() -> None:
    from zlib import crc32

    from streams.state.timers import Timers

    note = Timers.set

    def forgetting(self: Timers, subject: bytes, timers: Any) -> None:
        note(self, subject, [one for one in timers if crc32(one.id.encode()) % 3])

    Timers.set = forgetting  # type: ignore[method-assign]


if __name__ == "__main__":
    ways = (commit_early, skip_cut, skip_event_cut, drop_order, forget_timers)
    how = {f.__name__: f for f in ways}
    how[sys.argv.pop(1)]()
    sys.argv[0] = "yijian"
    from yijian.cli import main

    main()
