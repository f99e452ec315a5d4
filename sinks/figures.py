"""What a sink counts, and how Prometheus sees it."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sinks.store import Availability

EDGES_S: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Latency:
    """A histogram that takes a cut's records at once: a call a record would cost too much."""

    def __init__(self) -> None:
        self._counts = [0] * (len(EDGES_S) + 1)
        self._sum_s = 0.0
        self._lock = threading.Lock()

    def observe(self, appended_ms: Sequence[int], stored_ms: int) -> None:
        """Records appended at these times became rows at `stored_ms`."""
        ages = sorted(max(stored_ms - at, 0) for at in appended_ms)
        below = 0
        with self._lock:
            for n, edge_s in enumerate(EDGES_S):
                upto = bisect_right(ages, edge_s * 1000)
                self._counts[n] += upto - below
                below = upto
            self._counts[-1] += len(ages) - below
            self._sum_s += sum(ages) / 1000

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative (edge, count) pairs and the sum, as Prometheus wants them."""
        with self._lock:
            total, out = 0, []
            for edge, count in zip((*map(str, EDGES_S), "+Inf"), self._counts, strict=True):
                total += count
                out.append((edge, float(total)))
            return out, self._sum_s


@dataclass(eq=False)
class Figures(Collector):
    """The state of one sink in numbers. Only the sink's own loop writes to it."""

    availability: Availability
    latency: Latency = field(default_factory=Latency)
    lag: Mapping[str, int] = field(default_factory=dict)
    """Records not yet stored, by topic."""
    to_log_start: Mapping[str, int] = field(default_factory=dict)
    """How many stored records the log still holds before the position, least of a topic: at 0
    Kafka is about to delete what is not stored."""
    cuts: int = 0
    records: int = 0
    letters: int = 0
    rebalances: int = 0
    partitions: int = 0
    buffered_bytes: int = 0
    last_insert_s: float | None = None
    """On the monotonic clock."""

    def registry(self) -> CollectorRegistry:
        """A registry of the sink's own, so that two sinks in one process do not meet."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def collect(self) -> Iterator[Metric]:
        state = self.availability
        yield _gauge("clickhouse_up", "1 while ClickHouse answers", 0.0 if state.down else 1.0)
        yield _gauge("clickhouse_down_seconds", "since when it does not answer", state.down_s)
        age_s = 0.0 if self.last_insert_s is None else monotonic() - self.last_insert_s
        yield _gauge("last_insert_age_seconds", "since the last cut was stored", age_s)
        yield _gauge("buffered_bytes", "fetched and not yet stored", self.buffered_bytes)
        yield _gauge("assigned_partitions", "partitions this sink reads", self.partitions)
        yield _by("lag_records", "records not yet stored", "topic", self.lag)
        yield _by("log_start_distance_records", "stored records still in the log, least of the "
                  "topic's partitions", "topic", self.to_log_start)  # fmt: skip
        yield _counter("cuts", "cuts stored", self.cuts)
        yield _counter("records", "records in stored cuts", self.records)
        yield _counter("rebalances", "assignments and revocations", self.rebalances)
        yield _counter("retries", "attempts that ClickHouse did not answer", state.retries)
        yield _counter("letters", "dead letters sent for refused rows", self.letters)
        yield _counts("rows", "rows confirmed", "table", dict(state.rows))
        yield _counts("refused_rows", "rows refused for their content", "table",
                      dict(state.refused))  # fmt: skip
        buckets, total_s = self.latency.buckets()
        yield HistogramMetricFamily(
            "yijian_sink_row_latency_seconds",
            "from a record's append to its confirmed rows",
            buckets=buckets,
            sum_value=total_s,
        )


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"yijian_sink_{name}", says, value=value)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"yijian_sink_{name}", says, value=value)


def _by(name: str, says: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"yijian_sink_{name}", says, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counts(name: str, says: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"yijian_sink_{name}", says, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
