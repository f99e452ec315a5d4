"""Does the sink keep up? Rows a second from a filled log, and event → row under paced load."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks import load
from benchmarks.bench import Bench
from benchmarks.errors import Stalled
from benchmarks.growth import FROM_SHARE, TO_SHARE
from benchmarks.load import Load
from benchmarks.processes import Measured
from sinks import queries
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from streams.broker import log_bounds
from streams.broker.ports import free_ports
from yijian import drain, kafka_log
from yijian.settings import Settings
from yijian.stack import prepare_tables

_TIMEOUT_S: Final = 600.0
_POLL_S: Final = 0.25
_ANSWER_S: Final = 20.0


class CatchUp(NamedTuple):
    """A sink over a filled log: events with their decisions, rows of both."""

    events_per_s: float
    rows_per_s: float
    cores: float


class Paced(NamedTuple):
    """Worker and sink under a steady load, on this one machine."""

    sent_per_s: float
    waiting: int
    """Records that the sink had still to do when the last event was sent."""
    drained_s: float
    """How long it took for them."""
    row_p50_ms: float | None
    row_p99_ms: float | None
    """From an event's append to its row."""
    alert_row_p99_ms: float | None


def catch_up(bench: Bench, filled: Settings, events: int, runs: int) -> CatchUp:
    """The median of `runs`: a sink with fresh tables over what a worker run left in the log."""
    found = [_catch_up(bench, filled, events) for _ in range(runs)]
    return CatchUp(*(statistics.median(column) for column in zip(*found, strict=True)))


def _catch_up(bench: Bench, filled: Settings, events: int) -> CatchUp:
    with EmbeddedClickHouse() as clickhouse:
        s = _with_tables(bench, filled, clickhouse.dsn)
        group = _Group(s)
        with _sink(bench, s) as sink:
            marks = _watch(group, sink.cpu_s)
            sink.stop()
        rows = _rows(s)
    records = group.records
    first = next(mark for mark in marks if mark.done >= FROM_SHARE * records)
    last = next(mark for mark in marks if mark.done >= TO_SHARE * records)
    share = (last.done - first.done) / records / (last.at_s - first.at_s)
    cores = (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)
    return CatchUp(events * share, rows * share, cores)


def paced(bench: Bench, loads: Sequence[Load], rate: float) -> Paced:
    """Worker and sink while `loads` come at `rate`."""
    installed = bench.installation("sink")
    path = bench.folder / "sink.msgpack"
    load.write(loads, path)
    with EmbeddedClickHouse() as clickhouse:
        s = _with_tables(bench, installed, clickhouse.dsn)
        with bench.worker(s) as worker, _sink(bench, s) as sink:
            generator = bench.start(("benchmarks.load_generator", str(path), str(rate)), s)
            with generator:
                sent = generator.answer(len(loads) / rate + _TIMEOUT_S)
            group = _Group(s)
            waiting = group.records - group.done()
            began = time.monotonic()
            _until_rows(s, len(loads), (worker.cpu_s, sink.cpu_s))
            drained_s = time.monotonic() - began
            worker.stop()
            sink.stop()
        client = connect(s.clickhouse_dsn)
        try:
            of_events = queries.event_row_latency(client)
            of_alerts = queries.alert_row_latency(client)
        finally:
            client.close()
    per_s = sent["records"] / sent["seconds"]
    return Paced(per_s, waiting, drained_s, of_events.p50_ms, of_events.p99_ms, of_alerts.p99_ms)


def _with_tables(bench: Bench, s: Settings, dsn: str) -> Settings:
    """Settings with ClickHouse and a sink group of their own, tables made."""
    number = free_ports().broker
    s = replace(
        s, clickhouse_dsn=dsn, sink_group=f"{s.topic_prefix}-sink-{number}",
        sink_http=f"127.0.0.1:{number}",
    )  # fmt: skip
    prepare_tables(s, bench.core.knowledge)
    return s


def _sink(bench: Bench, s: Settings) -> Measured:
    return bench.start(("yijian", "sink"), s)


class _Mark(NamedTuple):
    at_s: float
    done: int
    cpu_s: float


class _Group:
    """How much of the log the sink's group has committed; one client for all questions."""

    def __init__(self, s: Settings) -> None:
        self._admin = AdminClient({"bootstrap.servers": s.kafka_bootstrap, "log_level": 0})
        partitions = kafka_log.partitions_of(s, drain.sink_topics(s))
        self._bounds = log_bounds(s.kafka_bootstrap, partitions, s.kafka_options)
        self._wanted = ConsumerGroupTopicPartitions(
            s.sink_group, [TopicPartition(topic, p) for topic, p in partitions]
        )
        self.records = sum(bounds.latest - bounds.earliest for bounds in self._bounds.values())
        """What there is to do, as the log was when this was made."""

    def done(self) -> int:
        """Records that the group has committed."""
        answer = self._admin.list_consumer_group_offsets([self._wanted]).values()
        found = next(iter(answer)).result(timeout=_ANSWER_S).topic_partitions or []
        starts = {key: bounds.earliest for key, bounds in self._bounds.items()}
        return sum(max(tp.offset - starts[tp.topic, tp.partition], 0) for tp in found)


def _watch(group: _Group, cpu: Callable[[], float]) -> list[_Mark]:
    """How far the sink's committed positions are, until they are at the end."""
    marks: list[_Mark] = []
    deadline = time.monotonic() + _TIMEOUT_S
    while not marks or marks[-1].done < group.records:
        used = cpu()
        marks.append(_Mark(time.monotonic(), group.done(), used))
        if time.monotonic() > deadline:
            raise Stalled(f"the sink did {marks[-1].done} of {group.records} records")
        time.sleep(_POLL_S)
    return marks


def _until_rows(s: Settings, events: int, alive: Sequence[Callable[[], Any]]) -> None:
    """Wait until every event has its decision as a row."""
    deadline = time.monotonic() + _TIMEOUT_S
    client = connect(s.clickhouse_dsn)
    try:
        while queries.counts(client).decisions < events:
            for process in alive:
                process()
            if time.monotonic() > deadline:
                raise Stalled(f"not all of {events} decisions became rows")
            time.sleep(_POLL_S)
    finally:
        client.close()


def _rows(s: Settings) -> int:
    client = connect(s.clickhouse_dsn)
    try:
        counts = queries.counts(client)
        return counts.events + counts.decisions + counts.alerts
    finally:
        client.close()
