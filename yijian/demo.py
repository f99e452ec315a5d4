"""The demonstration: everything started, simulated traffic and a FHIR population supervised,
and a summary read back from ClickHouse.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from contracts.clock import Clock
from contracts.decision import Decision, Reader
from simulation.faults import cases_about, courses_about
from simulation.feed import feed
from simulation.labels import LabelLine, label_lines
from simulation.scoring import Score, score
from simulation.simulator import SimulatedEvent, Simulator
from sinks import indicators, queries
from sinks.client import connect
from yijian import drain
from yijian.audit import Audit, Figures, audit
from yijian.composition import Core
from yijian.population import fhir_population
from yijian.settings import Settings
from yijian.stack import Stack

ZONE = ZoneInfo("Asia/Shanghai")
_CENT = Decimal("0.01")
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How long the demonstration goes on; the first limit that is reached ends it."""

    events: int | None = 20_000
    seconds: float | None = None
    rate: float = 1500.0
    seed: int = 1
    patients: int = 2000
    fault_rate: float = 0.25
    """More than in real life, so that a short demonstration shows every rule."""
    drain_timeout_s: float = 180.0


class Summary(Figures, frozen=True, kw_only=True):
    """What `yijian demo --json` prints last."""

    events: int
    decisions: int
    alerts: int
    dead_letters: int
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    row_latency_p50_ms: float | None
    row_latency_p99_ms: float | None
    labels_expected: int
    labels_found: int
    false_alerts: int
    not_evaluable_share: float
    undetermined_share: float
    verdicts: dict[str, int]
    alerts_by_rule: list[dict[str, Any]]
    indicators: list[dict[str, Any]]
    missed_labels: dict[str, int]
    unlabelled_alerts: dict[str, int]
    memory_alerts: dict[str, int]
    """By rules that look back or wait, on visits that are written without regard to them."""
    restarts: int
    fhir_events: int
    profile: str


@dataclass(frozen=True)
class _Marks:
    """What the decisions are scored by."""

    labels: list[LabelLine]
    remembering: frozenset[str]
    """The rules that look back or wait."""


class Feeding:
    """Simulated events on their way into Kafka, with the labels that were sent along."""

    def __init__(self, simulator: Simulator, wish: Wish, stop: Callable[[], bool]) -> None:
        self._simulator = simulator
        self._wish = wish
        self._stop = stop
        self.labels: list[LabelLine] = []
        self.sent = 0

    def _events(self) -> Iterator[SimulatedEvent]:
        for event in self._simulator.events(self._wish.events):
            self.labels.extend(label_lines(event))
            self.sent += 1
            yield event

    def run(self, settings: Settings, progress: Callable[[int], None]) -> None:
        """Publish until a limit of the wish is reached or `stop` says so."""
        began = time.monotonic()
        limit_s = self._wish.seconds

        def over() -> bool:
            return self._stop() or (limit_s is not None and time.monotonic() - began >= limit_s)

        feed(
            self._events(),
            settings.kafka_bootstrap,
            settings.topics,
            system=settings.systems[0],
            rate=self._wish.rate,
            progress=progress,
            stop=over,
        )


def run(
    settings: Settings,
    core: Core,
    clock: Clock,
    stack: Stack,
    wish: Wish,
    say: Say,
    progress: Callable[[int], None],
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """The summary of a demonstration on a running stack."""
    s = stack.settings
    now = clock.now().astimezone(ZONE)
    say("feeding a FHIR population … 导入 FHIR 人群")
    population = fhir_population(core.knowledge, now)
    feed(population, s.kafka_bootstrap, s.topics, system=s.systems[0])
    say("feeding simulated traffic … 输入模拟业务")
    rules = {rule.id for rule in core.pack.rules}
    courses = courses_about(rules, is_whole_past_known=False, is_in_order=False)
    simulator = Simulator(
        core.knowledge,
        wish.seed,
        wish.patients,
        now.date(),
        until=now,
        fault_rate=wish.fault_rate,
        cases=(*cases_about(rules), *courses),
    )
    feeding = Feeding(simulator, wish, stop)
    feeding.run(s, progress)
    say("waiting until everything is written … 等待写入完成")
    drain.until_drained(s, wish.drain_timeout_s)
    say("auditing … 核对")
    figures = audit(s, core)
    remembering = frozenset(rule.id for rule in core.pack.rules if rule.needs_memory)
    marks = _Marks(feeding.labels, remembering)
    return summarise(s, marks, figures, stack, len(population), now)


def summarise(
    settings: Settings,
    marks: _Marks,
    figures: Audit,
    stack: Stack,
    fhir_events: int,
    now: datetime,
) -> Summary:
    """Everything a person wants to know, read from ClickHouse."""
    client = connect(settings.clickhouse_dsn)
    try:
        counts = queries.counts(client)
        latency = queries.alert_latency(client)
        row_latency = queries.alert_row_latency(client)
        coverage = queries.coverage(client)
        found = score(marks.labels, _decisions(client), marks.remembering)
        return Summary(
            events=counts.events,
            decisions=counts.decisions,
            alerts=counts.alerts,
            dead_letters=counts.dead_letters,
            **figures.figures(),
            latency_p50_ms=latency.p50_ms,
            latency_p99_ms=latency.p99_ms,
            row_latency_p50_ms=row_latency.p50_ms,
            row_latency_p99_ms=row_latency.p99_ms,
            **_score_fields(found),
            not_evaluable_share=coverage.not_evaluable_share,
            undetermined_share=coverage.undetermined_share,
            verdicts=queries.verdicts(client),
            alerts_by_rule=[row._asdict() for row in queries.alert_counts(client)],
            indicators=_indicators(client, now),
            restarts=sum(stack.processes.restarts.values()),
            fhir_events=fhir_events,
            profile=settings.profile,
        )
    finally:
        client.close()


def _score_fields(marks: Score) -> dict[str, Any]:
    return {
        "labels_expected": marks.labels_expected,
        "labels_found": marks.labels_found,
        "false_alerts": len(marks.false_alerts),
        "missed_labels": dict(Counter(f"{m.rule} {m.expected}" for m in marks.missed)),
        "unlabelled_alerts": dict(Counter(alert.rule for alert in marks.false_alerts)),
        "memory_alerts": dict(Counter(alert.rule for alert in marks.beside)),
    }


def _indicators(client: Any, now: datetime) -> list[dict[str, Any]]:
    found = indicators.today(client, now, by=("institution",))
    return [figure_row(f) for f in found]


def figure_row(figure: indicators.Figure) -> dict[str, Any]:
    """A figure with the dimensions that were asked for; money to the cent."""
    row = {k: v for k, v in asdict(figure).items() if v is not None}
    value = figure.value
    return row | {"value": value if isinstance(value, int) else value.quantize(_CENT)}


def _decisions(client: Any) -> Iterator[Decision]:
    reader = Reader(Decision)
    return (reader(raw) for _, raw in queries.decision_contents(client))


def demo_settings(settings: Settings) -> Settings:
    """The demo profile: shadow rules count as active, and every summary says so."""
    return replace(settings, profile="demo", session_timeout_s=6.0)
