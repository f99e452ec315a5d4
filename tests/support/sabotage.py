"""`sabotage.py HOW COMMAND…`: the product's command line with one guarantee broken on purpose.

commit_early  the worker commits what it was handed, before any output is confirmed
skip_cut      the sink records the position of a cut of decisions whose rows it never wrote
drop_order    the worker takes the second half of every fetched batch before the first
"""

from __future__ import annotations

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


def skip_cut() -> None:
    from sinks.cutting import Cutter, Stored
    from sinks.rows import Record

    put = Cutter.put
    skipped: list[str] = []

    def skipping(self: Cutter, cut: Any) -> Stored:
        if ".decisions." in cut.lane.topic and not skipped:
            skipped.append(cut.lane.topic)
            records = [Record.of(message) for message in cut.messages]
            return Stored(cut, [r.appended_ms for r in records], 0)
        return put(self, cut)

    Cutter.put = skipping  # type: ignore[method-assign]


def drop_order() -> None:
    from streams import transport

    whole = transport.cut

    def halves(records: list[Any], max_bytes: int) -> Iterator[list[Any]]:
        for part in whole(records, max_bytes):
            middle = len(part) // 2
            if middle:
                yield part[middle:]
            yield part[: middle or None]

    transport.cut = halves


if __name__ == "__main__":
    how = {f.__name__: f for f in (commit_early, skip_cut, drop_order)}
    how[sys.argv.pop(1)]()
    sys.argv[0] = "yijian"
    from yijian.cli import main

    main()
