"""Which bundle a worker has, and what it refused, as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from contracts.bundle import Why
from streams.bundles.standing import Standing


class BundleCollector(Collector):
    """Nothing where rules come from files but for the mode."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask."""
        return []

    def collect(self) -> Iterator[Metric]:
        standing = self._standing()
        yield InfoMetricFamily(
            "yijian_bundle",
            "Where the rules come from: files, or the bundle of this digest.",
            {"mode": standing.mode, "channel": standing.channel, "digest": standing.digest},
        )
        if standing.mode == "files":
            return
        yield GaugeMetricFamily(
            "yijian_bundle_sequence",
            "Number of the activation in force; 0 while the rules come from files.",
            value=standing.sequence,
        )
        yield GaugeMetricFamily(
            "yijian_bundle_waiting_refused",
            "Activations later than the one in force that were refused; 0 when all is well.",
            value=len(standing.refused),
        )
        yield CounterMetricFamily(
            "yijian_bundle_swaps", "Bundles swapped in between two batches.", value=standing.swaps
        )
        refused = CounterMetricFamily(
            "yijian_bundle_refused", "Bundles and activations that were refused.", labels=["why"]
        )
        for why in Why:
            refused.add_metric([why.value], standing.refusals.get(why, 0))
        yield refused
