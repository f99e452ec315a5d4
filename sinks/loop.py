"""The sink's loop over one Kafka consumer: what is assigned, fetched, paused and committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contracts.clock import Clock
from sinks import positions
from sinks.config import SinkConfig
from sinks.cuts import LaneId
from sinks.cutting import Cutter
from sinks.errors import PositionInvalid
from sinks.figures import Figures
from sinks.jobs import Jobs
from sinks.kafka_log import KafkaLog
from sinks.letters import Letters
from sinks.pipeline import Pipeline
from sinks.resuming import Resume, Resumer
from sinks.rows import Builder, EventRows, Record, decision_rows, letter_rows
from sinks.store import Store

log = logging.getLogger(__name__)

_IDLE_WAIT_S: Final = 0.2
_BUSY_WAIT_S: Final = 0.03
_LOOK_EVERY_S: Final = 5.0


class Loop:
    """One member of the sinks' consumer group. `run` works until it is told to stop."""

    def __init__(self, config: SinkConfig, store: Store, figures: Figures, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._figures = figures
        self._stop = threading.Event()  # ends the clerk's work; set when the loop ends
        self._kafka_log = KafkaLog(config.client_settings())
        letters = Letters(
            config.producer_settings(), config.topics.dead_letters, config.letter_timeout_s
        )
        cutter = Cutter(
            store, letters, builders(config), config.topics.dead_letters, config.max_months
        )
        self._pipeline = Pipeline(cutter, store, config.limits, figures, clock, config.threads)
        self._resumer = Resumer(store, self._kafka_log)
        self._clerk = Jobs(1, "sink-clerk")  # asks where to resume, and looks around
        self._consumer: Consumer | None = None
        self._owned: list[LaneId] = []
        self._resume: Future[Resume] | None = None
        self._epoch = 0
        self._to_commit: dict[LaneId, int] = {}
        self._committed_s = monotonic()
        self._looking: Future[_Look] | None = None
        self._looked_s = monotonic()
        self._paused = False
        self._draining = False

    def run(self, stop: threading.Event) -> None:
        """Returns when `stop` is set and what was fetched is stored, or `drain_s` is over.

        Raises PositionInvalid, KafkaException.
        """
        self._consumer = Consumer(self._config.consumer_settings(), logger=log)
        self._consumer.subscribe(
            self._config.subscription,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        while not stop.is_set():
            self._turn()
        self._draining = True
        deadline = monotonic() + self._config.drain_s
        while monotonic() < deadline and not self._pipeline.is_idle:
            self._turn()
        self._commit(monotonic(), last=True)

    def close(self) -> None:
        """Leaves the group and lets go of everything; batches not done are abandoned."""
        self._forget()
        self._stop.set()
        self._pipeline.close()
        self._clerk.close()
        if self._consumer is not None:
            self._consumer.close()

    def health(self) -> Mapping[str, Any]:
        """The state in words for /health. Called from another thread."""
        state = self._store.availability
        assigned: dict[str, list[int]] = {}
        for lane in sorted(self._owned):
            assigned.setdefault(lane.topic, []).append(lane.partition)
        return {
            "ok": not state.down,
            "clickhouse": "down" if state.down else "up",
            "clickhouse_down_s": round(state.down_s, 1),
            "assigned": assigned,
            "reading_partitions": self._figures.partitions,
            "lag_records": sum(self._figures.lag.values()),
            "lag": dict(self._figures.lag),
            "refused_rows": dict(state.refused),
            "rebuild_epoch": self._epoch,
        }

    def _turn(self) -> None:
        assert self._consumer is not None
        wait_s = _IDLE_WAIT_S if self._pipeline.is_idle else _BUSY_WAIT_S
        messages = self._consumer.consume(self._config.fetch_records, wait_s)
        now_s = monotonic()
        for message in messages:
            error = message.error()
            if error is None:
                self._pipeline.take(Record.of(message), now_s)
            else:
                _judge(error, message)
        self._settle_assignment()
        for cut in self._pipeline.collect():
            self._to_commit[cut.lane] = cut.last + 1
        self._pipeline.start_batches(now_s, all_of_it=self._draining)
        self._throttle()
        self._commit(now_s)
        self._look(now_s)

    # Assignment. The partitions that the group gives are not read before it is known from where.

    def _on_assign(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        self._figures.rebalances += 1
        self._forget()
        self._owned = [LaneId(p.topic, p.partition) for p in parts]
        consumer.assign([])
        self._ask_where()

    def _on_revoke(self, consumer: Consumer, _: Sequence[TopicPartition]) -> None:
        if not self._store.availability.down:
            self._pipeline.settle(self._config.revoke_wait_s)
        self._on_lost(consumer, _)

    def _on_lost(self, consumer: Consumer, _: Sequence[TopicPartition]) -> None:
        self._figures.rebalances += 1
        self._forget()
        self._owned = []
        consumer.unassign()

    def _forget(self) -> None:
        self._pipeline.drop()
        self._to_commit = {}
        self._resume = None
        self._paused = False

    def _ask_where(self) -> None:
        owned = tuple(self._owned)
        if owned:
            self._resume = self._clerk.submit(lambda: self._resumer.resume(owned, self._stop))

    def _settle_assignment(self) -> None:
        """Starts reading, once it is known from where."""
        if self._resume is None or not self._resume.done():
            return
        answer, self._resume = self._resume.result(), None
        self._epoch = answer.epoch
        self._pipeline.open(answer.cluster, answer.epoch, answer.topic_ids, answer.starts)
        assert self._consumer is not None
        parts = [TopicPartition(i.topic, i.partition, at) for i, at in answer.starts.items()]
        self._consumer.assign(parts)
        # A partition that was paused when it was taken away comes back paused, and nobody would
        # know: `_throttle` pauses again where it must.
        self._consumer.resume(parts)
        # What is stored may be ahead of what was committed, after a crash between the two.
        self._to_commit = dict(answer.starts)
        log.info("reading %d partitions, rebuild epoch %d", len(answer.starts), answer.epoch)

    def _throttle(self) -> None:
        """Stops fetching while ClickHouse is away or too much is held; polling goes on."""
        held, limit = self._pipeline.held_bytes, self._config.buffer_bytes
        lanes = self._pipeline.lanes
        self._figures.buffered_bytes, self._figures.partitions = held, len(lanes)
        must = self._store.availability.down or self._draining
        if lanes and not self._paused and (must or held > limit):
            self._set_paused(True)
        elif lanes and self._paused and not must and held < limit // 2:
            self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        assert self._consumer is not None
        parts = [TopicPartition(lane.topic, lane.partition) for lane in self._pipeline.lanes]
        (self._consumer.pause if paused else self._consumer.resume)(parts)
        self._paused = paused

    def _commit(self, now_s: float, *, last: bool = False) -> None:
        """Tells Kafka how far we are. Others read it as lag; the sink never resumes from it."""
        if not self._to_commit:
            return
        if not last and now_s - self._committed_s < self._config.commit_interval_s:
            return
        offsets = [TopicPartition(i.topic, i.partition, at) for i, at in self._to_commit.items()]
        self._to_commit, self._committed_s = {}, now_s
        assert self._consumer is not None
        try:
            if last:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets)
        except KafkaException as error:  # not a member any more: the next owner commits
            log.info("commit refused: %s", error.args[0].str())

    # Looking around: lag, the log's start, a rebuild.

    def _look(self, now_s: float) -> None:
        if self._looking is not None:
            if not self._looking.done():
                return
            looking, self._looking = self._looking, None
            if looking.exception() is None:  # else the next look will tell
                self._saw(looking.result())
        elif self._pipeline.lanes and now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            lanes = tuple(self._pipeline.lanes)
            self._looking = self._clerk.submit(lambda: self._look_around(lanes))

    def _look_around(self, lanes: Sequence[LaneId]) -> _Look:
        epoch = positions.current_epoch(self._store.client())
        return _Look(self._kafka_log.bounds(lanes), epoch)

    def _saw(self, look: _Look) -> None:
        lanes = self._pipeline.lanes
        if lanes and (look.epoch.emptying or look.epoch.number != self._epoch):
            log.warning("the tables are rebuilt: reading everything anew")
            self._forget()
            assert self._consumer is not None
            self._consumer.assign([])
            self._ask_where()
            return
        lag: dict[str, int] = {}
        distance: dict[str, int] = {}
        for at, (low, high) in look.bounds.items():
            lane = lanes.get(LaneId(*at))
            if lane is not None:
                topic = lane.id.topic
                lag[topic] = lag.get(topic, 0) + max(high - lane.stored, 0)
                distance[topic] = min(distance.get(topic, lane.stored - low), lane.stored - low)
        self._figures.lag, self._figures.to_log_start = lag, distance


@dataclass(frozen=True)
class _Look:
    """What a look around found."""

    bounds: Mapping[tuple[str, int], tuple[int, int]]
    epoch: positions.Epoch


def builders(config: SinkConfig) -> dict[str, Builder]:
    """How the records of each topic become rows."""
    events = EventRows(config.max_ahead_s)
    return {
        **dict.fromkeys(config.topics.all_intake, events),
        config.topics.decisions: decision_rows,
        config.topics.dead_letters: letter_rows,
    }


def _judge(error: KafkaError, message: Message) -> None:
    """Raises where the sink cannot go on; everything else passes by itself."""
    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise PositionInvalid(
            f"{message.topic()}, partition {message.partition()}: the records to read next are "
            "not in the log any more: Kafka deleted them before they were stored, or the log was "
            "cut off. Lengthen the topic's retention; `yijian rebuild` fills the tables from what "
            "is left."
        )
    if error.fatal():
        raise KafkaException(error)
    log.warning("Kafka: %s", error.str())
