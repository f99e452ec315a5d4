"""Events a second: of our worker, of the stock agent, and of decoding alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.growth import Topic, rate
from benchmarks.machine import Neighbours
from benchmarks.processes import ThreadTime
from contracts.decision import KindHeaders
from rules.engine.asked import EVENT, PATIENT
from yijian.kafka_log import LogRecord, read
from yijian.settings import Settings

_TIMEOUT_S = 600.0
_DECODE_TIMEOUT_S = 120.0
_REST_S = 2.0


class RunFigures(NamedTuple):
    """One run of one process over a filled intake."""

    events_per_s: float
    cores: float
    """Processors that the process kept busy, all its threads together."""
    rss_mb: float
    cpu_us: float
    """Processor microseconds an event: it tells the cost also where the machine is shared."""
    foreign_cores: float
    """Processors that others kept busy meanwhile; a figure counts where this is near 0."""
    threads: list[ThreadTime]
    """Its threads at the end of the run, the busiest first."""


def worker_run(
    bench: Bench, s: Settings, events: int, command: Sequence[str] = ("yijian", "worker")
) -> RunFigures:
    """The product's own worker process, every guarantee on, in a fresh consumer group."""
    letters = Topic(s.kafka_bootstrap, s.topics.dead_letters, s.partitions)
    before = letters.end()
    figures = _run(bench, s, events, command)
    if letters.end() != before:
        raise BenchmarkError("the worker wrote dead letters; the simulated events are all valid")
    return figures


def stock_run(bench: Bench, s: Settings, events: int) -> RunFigures:
    """A stock Faust agent with the rules in one durable_rules ruleset."""
    return _run(bench, s, events, ("benchmarks.stock_worker", str(bench.folder)))


def decode_run(bench: Bench, s: Settings, events: int) -> float:
    """Events a second that a consumer decodes, doing nothing else."""
    with bench.start(("benchmarks.decode_only", str(events)), s) as process:
        answer = process.answer(_DECODE_TIMEOUT_S)
    if answer["accepted"] != events:
        raise BenchmarkError(f"decoded {answer['accepted']} of {events} events")
    return float(answer["events_per_s"])


def _run(bench: Bench, s: Settings, events: int, command: Sequence[str]) -> RunFigures:
    decisions = bench.decisions(s)
    start = decisions.end()
    with bench.worker(s, command) as process:
        neighbours = Neighbours()
        samples = decisions.watch(start, events, _TIMEOUT_S, process.cpu_s)
        foreign = neighbours.cores()
        threads, rss_mb = process.threads(), process.rss_mb()
        grown = _at_rest(decisions)
        process.stop()
    if grown - start != events:  # timers and groups decide, too
        grown = start + sum(1 for one in read(s, [s.topics.decisions]) if _is_of_event(one))
    if grown - start != events:
        raise BenchmarkError(f"{grown - start} decisions for {events} events")
    found = rate(samples, events)
    cpu_us = found.cores / found.per_s * 1e6
    return RunFigures(found.per_s, found.cores, rss_mb, cpu_us, foreign, threads)


class _Told(msgspec.Struct):
    """What a decision is about."""

    scope: str = PATIENT
    cause: str = EVENT


_told = msgspec.json.Decoder(_Told).decode


def _is_of_event(record: LogRecord) -> bool:
    """Whether it is what an event was answered with, and not a timer, or for a group."""
    if record.value is None or record.header(KindHeaders.KIND):
        return False
    told = _told(record.value)
    return (told.scope, told.cause) == (PATIENT, EVENT)


def _at_rest(topic: Topic) -> int:
    """The end of a topic that does not grow any more."""
    before, end = -1, topic.end()
    while end != before:
        time.sleep(_REST_S)
        before, end = end, topic.end()
    return end
