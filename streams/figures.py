"""What the worker counts while it works: plain numbers, cheap enough for every record."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from contracts.clock import Clock
from contracts.decision import Decision
from streams.answers import Answer, DeadLetter
from streams.lanes import Passage

EVALUATION_EDGES_S: Final = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0
)  # fmt: skip
LATENCY_EDGES_S: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0
)  # fmt: skip
MAX_UNKNOWN_PATHS: Final = 200
OTHER: Final = "(other)"


class Histogram:
    """Counts of observations up to each edge, and their sum."""

    __slots__ = ("counts", "edges", "sum")

    def __init__(self, edges: Iterable[float]) -> None:
        self.edges = tuple(edges)
        self.counts = [0] * (len(self.edges) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value


class Figures:
    """Everything counted since the process started. Written in the event loop only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.answers: Counter[tuple[str, str, str]] = Counter()
        """By type of event, phase and verdict."""
        self.further: Counter[tuple[str, ...]] = Counter()
        """By phase and verdict, of decisions that timers or later events led to."""
        self.alerts: Counter[tuple[str, ...]] = Counter()
        """By rule, phase and result."""
        self.silent = 0
        """Pairs of rule and element that found nothing: nearly all."""
        self._other_pairs: Counter[str] = Counter()
        self.dead_letters: Counter[str] = Counter()
        self.unknown_fields: Counter[str] = Counter()
        self.cut = 0
        self.rekeyed = 0
        self.repeated = 0
        """Events that came again."""
        self.activities = 0
        """Events that groups were told of."""
        self.forwarded = 0
        """Events that were sent to where their subject is remembered."""
        self.ties = 0
        """Messages about identities that were taken."""
        self.joined = 0
        """Events that were decided for a group."""
        self.fired_timers = 0
        self.failed_timers = 0
        """Timers that could not be evaluated: a bug."""
        self.withdrawn = 0
        self.brought = 0
        """Decisions of interrupted runs that were taken back."""
        self.evaluation = Histogram(EVALUATION_EDGES_S)
        self.latency = Histogram(LATENCY_EDGES_S)

    def answered(self, answer: Answer) -> None:
        """An event got its decision."""
        decision = answer.decision
        self.answers[decision.event.type, decision.phase, decision.verdict] += 1
        self._count(decision)
        if answer.unknown_fields:
            self._unknown(answer.unknown_fields)

    def issued(self, decision: Decision) -> None:
        """A decision was made about an event that had one, or had to wait for one."""
        self.further[decision.phase, decision.verdict] += 1
        self._count(decision)

    def _count(self, decision: Decision) -> None:
        coverage = decision.coverage
        self.silent += coverage.silent
        if coverage.silent != coverage.applicable or coverage.undetermined:
            pairs = self._other_pairs
            pairs["alert"] += coverage.alerts
            pairs["exempt"] += coverage.exempt
            pairs["not_evaluable"] += coverage.not_evaluable
            pairs["undetermined"] += coverage.undetermined
        if decision.findings:
            for finding in decision.findings:
                if finding.overridden_by:  # no alert of its own
                    continue
                self.alerts[finding.rule_id, decision.phase, finding.result] += 1
        if decision.cut:
            self.cut += 1

    @property
    def events(self) -> dict[str, int]:
        """Answered events by type."""
        counts: Counter[str] = Counter()
        for (event_type, _, _), count in dict(self.answers).items():
            counts[event_type] += count
        return counts

    @property
    def decisions(self) -> dict[tuple[str, ...], int]:
        """Decisions by phase and verdict."""
        counts = Counter(dict(self.further))
        for (_, phase, verdict), count in dict(self.answers).items():
            counts[phase, verdict] += count
        return counts

    @property
    def pairs(self) -> dict[str, int]:
        """Pairs of rule and element by how they ended."""
        return {"silent": self.silent, **self._other_pairs}

    def refused(self, letter: DeadLetter) -> None:
        """A record became a dead letter."""
        self.dead_letters[letter.reason.value] += 1

    def confirmed(self, passage: Passage) -> None:
        """All outputs of a batch are confirmed."""
        now_ms = self._clock.now_ms()
        observe = self.latency.observe
        for received_ms in passage.received_ms:
            # Two machines' clocks: an answer before its question took no time.
            observe(max(now_ms - received_ms, 0) / 1000)

    def _unknown(self, paths: tuple[str, ...]) -> None:
        # A source's typing errors must not grow the process: only the first paths have a name.
        counts = self.unknown_fields
        for path in paths:
            counts[path if path in counts or len(counts) < MAX_UNKNOWN_PATHS else OTHER] += 1
