"""What a verifier counts, as Prometheus sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yijian.verify.model import Check


@dataclass(eq=False)
class Figures(Collector):
    """Counts of this process; the table `verifications` holds what does not start anew."""

    decisions: Counter[str] = field(default_factory=Counter)
    """By result."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Decisions that were not looked at, by reason."""
    unchecked: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    disagreed: Counter[str] = field(default_factory=Counter)
    """Pairs, by rule."""
    derived: int = 0
    passed: int = 0
    """Records that are not in the sample."""
    unreadable: int = 0
    assigned: Mapping[str, list[int]] = field(default_factory=dict)
    lag: int = 0

    def count(self, check: Check) -> None:
        self.decisions[check.result] += 1
        if check.reason:
            self.skipped[check.reason] += 1
        self.unchecked.update(check.unchecked)
        self.derived += check.derived
        for rule, tally in check.rules.items():
            self.agreed += tally.agreed
            if tally.disagreed:
                self.disagreed[rule] += tally.disagreed

    def registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def health(self) -> dict[str, Any]:
        return {
            "assigned": dict(self.assigned),
            "lag_records": self.lag,
            "decisions": dict(self.decisions),
            "disagreed_rules": len(self.disagreed),
        }

    def collect(self) -> Iterator[Metric]:
        yield _counts("decisions", "sampled decisions, by result", "result", self.decisions)
        yield _counts("skipped_decisions", "decisions not looked at", "reason", self.skipped)
        yield _counts("unchecked_parts", "parts not looked at", "reason", self.unchecked)
        yield _counter("agreed_pairs", "(rule, element) pairs confirmed", self.agreed)
        yield _counts("disagreed_pairs", "pairs refuted, by rule", "rule", self.disagreed)
        yield _counter("derived_facts", "derived facts recomputed", self.derived)
        yield _counter("passed_records", "decisions outside the sample", self.passed)
        yield _counter("unreadable_records", "records that are no decisions", self.unreadable)
        yield GaugeMetricFamily("yijian_verify_lag_records", "decisions not yet read", self.lag)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"yijian_verify_{name}", says, value=value)


def _counts(name: str, says: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"yijian_verify_{name}", says, labels=[label])
    for key, value in dict(values).items():
        family.add_metric([key], value)
    return family
