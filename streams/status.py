"""How a worker stands: for /health, for /metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from contracts.clock import Clock
from rules.memory.coverage import Coverage
from streams.bundles import Rules
from streams.figures import Figures
from streams.lanes import Lanes
from streams.lease import Lease
from streams.metrics import Vitals
from streams.state import MemoryFigures
from streams.status_server import Health
from streams.transport import Consumer
from streams.waiting_rules import RuleWaits, report, waiting_rules
from streams.watchdog import Lags


@dataclass(frozen=True)
class Status:
    """Reads the parts of a running worker, from any thread."""

    consumer: Callable[[], Consumer]
    generation: Callable[[], int]
    lanes: Lanes
    lease: Lease
    lags: Callable[[], Lags]
    figures: Figures
    clock: Clock
    rules: Rules
    memory: Callable[[], MemoryFigures | None] = lambda: None
    """None where nothing is remembered."""
    coverages: Callable[[], list[tuple[int, Coverage]]] = list

    def vitals(self) -> Vitals:
        """The figures of this moment."""
        consumer, lags = self.consumer(), self.lags()
        now_ms = self.clock.now_ms()
        positions = consumer.tracker.positions()
        ages: dict[Any, float] = {}
        for tp in positions:
            oldest_ms = consumer.tracker.oldest_ms(tp)
            waited_s = lags.waited_s.get(tp, 0.0)  # lags behind without anything fetched
            ages[tp] = waited_s if oldest_ms is None else max(now_ms - oldest_ms, 0) / 1000
        return Vitals(
            generation=self.generation(),
            positions=positions,
            lag={tp: lags.records.get(tp, 0) for tp in positions},
            oldest_age_s=ages,
            commit_age_s=monotonic() - consumer.last_commit_at,
            in_flight_bytes=self.lanes.bytes,
            in_flight_batches=self.lanes.unconfirmed,
            may_write=self.lease.valid,
            memory=self.memory(),
            waiting=self.waiting(),
        )

    def waiting(self) -> list[RuleWaits]:
        """The rules that look back further than is known."""
        return waiting_rules(self.rules.in_use, self.coverages())

    def health(self) -> Health:
        """Healthy is a member of the group that may write; also one that waits for partitions."""
        vitals = self.vitals()
        basis = self.rules.basis
        partitions: dict[str, list[int]] = {}
        for topic, partition in sorted(vitals.positions):
            partitions.setdefault(topic, []).append(partition)
        return Health(
            ok=vitals.generation > 0 and vitals.may_write,
            details={
                "generation": vitals.generation,
                "assigned": partitions,
                "pack": basis.pack if basis else "",
                "knowledge": basis.knowledge if basis else "",
                "profile": basis.profile if basis else "",
                "rules": self.rules.standing.report(),
                "last_commit_age_s": round(vitals.commit_age_s, 3),
                "lag_records": sum(vitals.lag.values()),
                "oldest_unprocessed_s": max(vitals.oldest_age_s.values(), default=0.0),
                "rekeyed": self.figures.rekeyed,
                "repeated": self.figures.repeated,
                "activities": self.figures.activities,
                "joined": self.figures.joined,
                "forwarded": self.figures.forwarded,
                "failed_timers": self.figures.failed_timers,
                "memory": vitals.memory._asdict() if vitals.memory else None,
                "waiting_rules": report(vitals.waiting),
                "dead_letters": dict(self.figures.dead_letters),
                "unknown_fields": dict(self.figures.unknown_fields),
            },
        )
