"""From fetched records to recorded positions, without Kafka: lanes in, finished cuts out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import Final

from contracts.clock import Clock
from sinks import positions
from sinks.cuts import Batch, Cut, Lane, LaneId, Limits, cut_batch, is_due
from sinks.cutting import Cutter, Stored
from sinks.figures import Figures
from sinks.jobs import Jobs
from sinks.rows import Builder, Record
from sinks.store import Abandoned, Store

_BATCHES_A_KIND: Final = 2
"""While one waits for ClickHouse, the next is made ready."""


class Pipeline:
    """The lanes of one assignment and what is under way for them. Used by one thread; the work is
    done in others. `open` starts an assignment, `drop` ends it."""

    def __init__(
        self,
        cutter: Cutter,
        store: Store,
        limits: Limits,
        figures: Figures,
        clock: Clock,
        threads: int,
    ) -> None:
        self._cutter = cutter
        self._store = store
        self._limits = limits
        self._figures = figures
        self._clock = clock
        self._writers = Jobs(threads, "sink-writer")
        self._recorder = Jobs(1, "sink-positions")
        self._stop = threading.Event()
        self._cluster = ""
        self.lanes: dict[LaneId, Lane] = {}
        self._kinds: dict[Builder, list[Lane]] = {}
        self._abandoned = threading.Event()
        self._writing: dict[Future[Stored], Batch] = {}
        self._unrecorded: list[Stored] = []
        self._recording: tuple[Future[None], list[Stored]] | None = None

    def open(
        self, cluster: str, epoch: int, ids: Mapping[str, str], starts: Mapping[LaneId, int]
    ) -> None:
        """Lanes for these partitions, each from its offset on."""
        self._cluster = cluster
        self._abandoned = threading.Event()
        self.lanes = {lane: Lane(lane, ids[lane.topic], epoch, at) for lane, at in starts.items()}
        self._kinds = {}
        for lane in self.lanes.values():
            builder = self._cutter.builders[lane.id.topic]
            self._kinds.setdefault(builder, []).append(lane)

    def drop(self) -> None:
        """Gives all lanes up. A batch in flight ends where it still can; should it be stored after
        all, its positions are recorded, for they are true."""
        self._abandoned.set()
        self.lanes, self._kinds = {}, {}

    def close(self) -> None:
        self.drop()
        self._stop.set()
        self._writers.close()
        self._recorder.close()

    def take(self, record: Record, now_s: float) -> None:
        lane = self.lanes.get(LaneId(record.topic, record.partition))
        if lane is not None:  # else: delivered before the partition was settled; it comes again
            lane.take(record, now_s)

    def start_batches(self, now_s: float, *, all_of_it: bool = False) -> None:
        """Hands over what is due; `all_of_it` makes everything due."""
        for builder, lanes in self._kinds.items():
            while self._under_way(builder) < _BATCHES_A_KIND and (
                is_due(lanes, self._limits, now_s)
                or (all_of_it and any(len(lane) and not lane.in_flight for lane in lanes))
            ):
                batch = cut_batch(lanes, self._limits, now_s, self._abandoned)
                self._writing[self._writers.submit(partial(self._cutter.put, batch))] = batch

    def collect(self) -> list[Cut]:
        """Cuts whose positions are recorded since the last call; their lanes are free again.

        Raises what a thread died of.
        """
        for future in [f for f in self._writing if f.done()]:
            del self._writing[future]
            try:
                self._unrecorded.append(future.result())
            except Abandoned:
                continue
        finished = self._recorded()
        if self._unrecorded and self._recording is None:
            stored, self._unrecorded = self._unrecorded, []
            self._recording = (self._recorder.submit(lambda: self._record(stored)), stored)
        return finished

    @property
    def is_idle(self) -> bool:
        """Nothing is fetched that is not stored and recorded."""
        return not (
            self._writing
            or self._unrecorded
            or self._recording
            or any(len(lane) for lane in self.lanes.values())
        )

    @property
    def held_bytes(self) -> int:
        """Bytes fetched and not yet stored."""
        return sum(lane.size for lane in self.lanes.values()) + sum(
            batch.size for batch in self._writing.values()
        )

    def settle(self, bound_s: float) -> None:
        """Waits a moment for what is in flight, so that nobody has to write it again."""
        deadline, nap = monotonic() + bound_s, threading.Event()
        while (self._writing or self._unrecorded or self._recording) and monotonic() < deadline:
            self.collect()
            nap.wait(0.01)

    def _under_way(self, builder: Builder) -> int:
        return sum(
            self._cutter.builders[batch.cuts[0].lane.topic] is builder
            for batch in self._writing.values()
        )

    def _record(self, stored: Sequence[Stored]) -> None:
        cuts = [cut for one in stored for cut in one.batch.cuts]
        self._store.until_done(
            lambda: positions.write(self._store.client(), self._cluster, cuts), self._stop
        )

    def _recorded(self) -> list[Cut]:
        if self._recording is None or not self._recording[0].done():
            return []
        (future, stored), self._recording = self._recording, None
        future.result()
        finished: list[Cut] = []
        for one in stored:
            self._count(one)
            for cut in one.batch.cuts:
                lane = self.lanes.get(cut.lane)
                if lane is not None and lane.in_flight is cut:
                    lane.in_flight = None
                    finished.append(cut)
        return finished

    def _count(self, stored: Stored) -> None:
        figures = self._figures
        figures.cuts += len(stored.batch.cuts)
        figures.records += len(stored.batch.records)
        figures.letters += stored.letters
        figures.last_insert_s = monotonic()
        appended_ms = [record.appended_ms for record in stored.batch.records]
        figures.latency.observe(appended_ms, self._clock.now_ms())
