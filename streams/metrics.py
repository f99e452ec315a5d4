"""The worker's figures as Prometheus metrics, rendered only when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from faust.types import TP
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from streams.figures import Figures, Histogram
from streams.state import MemoryFigures
from streams.waiting_rules import RuleWaits


class Vitals(NamedTuple):
    """How the worker stands at this moment."""

    generation: int
    positions: Mapping[TP, int]
    """Committed offset by assigned partition."""
    lag: Mapping[TP, int]
    oldest_age_s: Mapping[TP, float]
    commit_age_s: float
    in_flight_bytes: int
    in_flight_batches: int
    may_write: bool
    memory: MemoryFigures | None = None
    """None where nothing is remembered."""
    waiting: Sequence[RuleWaits] = ()
    """Rules that look back further than is known."""


class WorkerCollector(Collector):
    """Turns figures and vitals into metric families. Never a patient's or practitioner's label."""

    def __init__(self, figures: Figures, vitals: Callable[[], Vitals]) -> None:
        self._figures = figures
        self._vitals = vitals

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask a worker that has not started yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._standing(self._vitals())
        yield from self._counted(self._figures)

    def _standing(self, vitals: Vitals) -> Iterator[Metric]:
        yield _by_partition(
            "yijian_worker_lag_records", "Intake records not yet worked through.", vitals.lag
        )
        yield _by_partition(
            "yijian_worker_oldest_unprocessed_seconds",
            "Age of the oldest intake record not yet worked through.",
            vitals.oldest_age_s,
        )
        for name, text, value in (
            ("commit_age_seconds", "Time since the last commit.", vitals.commit_age_s),
            ("in_flight_bytes", "Outputs that are not confirmed.", vitals.in_flight_bytes),
            ("in_flight_batches", "Batches whose outputs are not confirmed.",
             vitals.in_flight_batches),
            ("assigned_partitions", "Partitions this worker has.", len(vitals.positions)),
            ("generation", "Generation of the consumer group.", vitals.generation),
            ("may_write", "1 while the group's session is proven.", int(vitals.may_write)),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"yijian_worker_{name}", text, value=value)
        if vitals.memory is not None:
            yield from _remembered(vitals.memory)
            yield from _uncovered(vitals.waiting)

    def _counted(self, figures: Figures) -> Iterator[Metric]:
        yield _counter("events", "Events that got a decision.", ["type"], _one(figures.events))
        yield _counter("decisions", "Decisions.", ["phase", "verdict"], figures.decisions)
        yield _counter("alerts", "Findings.", ["rule", "phase", "result"], figures.alerts)
        yield _counter(
            "rule_pairs",
            "Pairs of rule and element by how they ended.",
            ["outcome"],
            _one(figures.pairs),
        )
        yield _counter(
            "dead_letters",
            "Records that were not evaluated.",
            ["reason"],
            _one(figures.dead_letters),
        )
        yield _counter(
            "unknown_fields",
            "Fields the contract does not know.",
            ["path"],
            _one(figures.unknown_fields),
        )
        yield _counter(
            "rekeyed", "Records put into their key's partition.", [], {(): figures.rekeyed}
        )
        yield _counter("cut_decisions", "Decisions too large for a record.", [], {(): figures.cut})
        yield _counter(
            "activities", "Events that groups were told of.", [], {(): figures.activities}
        )
        yield _counter(
            "forwarded", "Events answered under another identity.", [], {(): figures.forwarded}
        )
        yield _counter("ties", "Messages about identities.", [], {(): figures.ties})
        yield _counter("joined", "Events decided for a group.", [], {(): figures.joined})
        yield _counter("repeats", "Events that came again.", [], {(): figures.repeated})
        yield _counter("timers_fired", "Timers that fired.", [], {(): figures.fired_timers})
        yield _counter(
            "timers_failed", "Timers that could not be evaluated.", [], {(): figures.failed_timers}
        )
        yield _counter(
            "decisions_withdrawn",
            "Decisions of timers of interrupted runs that were taken back.",
            [],
            {(): figures.withdrawn},
        )
        yield _counter(
            "events_brought", "Past events that a backfill brought in.", [], {(): figures.brought}
        )
        yield _histogram("evaluation", "From bytes to decision, one event.", figures.evaluation)
        yield _histogram(
            "latency", "From intake append to confirmed decision and alerts.", figures.latency
        )


def _remembered(memory: MemoryFigures) -> Iterator[Metric]:
    for name, text, value in (
        ("subjects", "Subjects that something is remembered of.", memory.subjects),
        ("bytes", "Size of what is remembered, as it is stored.", memory.bytes),
        ("timers", "Subjects that wait for a time.", memory.timers),
        ("recovering_partitions", "Partitions that are being read back.", len(memory.recovering)),
        ("recovered_records", "Records read back.", memory.recovered_records),
        ("expected_records", "Records to be read back, at most.", memory.expected_records),
        ("recovery_seconds", "How long reading back took.", memory.recovery_s),
    ):
        yield GaugeMetricFamily(f"yijian_memory_{name}", text, value=value)
    yield _counter("ticks_failed", "Ticks not confirmed.", [], {(): memory.ticks_failed})


def _uncovered(waiting: Sequence[RuleWaits]) -> Iterator[Metric]:
    untils = [one.until_us for one in waiting if one.until_us is not None]
    for name, text, value in (
        ("rules_waiting", "Rules that look back further than is known.", len(waiting)),
        ("rules_waiting_unknown", "Those of them that nobody knows an end for.",
         len(waiting) - len(untils)),
        ("rules_covered_seconds", "When the last of the others is covered; 0 for none.",
         max(untils, default=0) / 1e6),
    ):  # fmt: skip
        yield GaugeMetricFamily(f"yijian_memory_{name}", text, value=value)


def _one(counts: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): count for name, count in dict(counts).items()}


def _counter(
    name: str, text: str, labels: list[str], counts: Mapping[tuple[str, ...], int]
) -> Metric:
    family = CounterMetricFamily(f"yijian_{name}", text, labels=labels)
    for values, count in dict(counts).items():  # a copy: the event loop goes on counting
        family.add_metric(values, count)
    return family


def _by_partition(name: str, text: str, values: Mapping[TP, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["topic", "partition"])
    for tp, value in values.items():
        family.add_metric([tp.topic, str(tp.partition)], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(f"yijian_{name}_seconds", text)
    edges = [*(str(edge) for edge in histogram.edges), "+Inf"]
    total = accumulate(list(histogram.counts))
    family.add_metric([], buckets=list(zip(edges, total, strict=True)), sum_value=histogram.sum)
    return family
