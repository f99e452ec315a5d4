"""Our engines: whole decisions as a worker makes them, and the conditions by themselves."""

from __future__ import annotations

from benchmarks.engine import ours
from benchmarks.engine.engine import Bench, InProcess, Slow
from benchmarks.engine.neutral import Firing
from benchmarks.engine.workload import Workload
from contracts.decision import Decision
from contracts.event import Event
from rules.engine.compiler import ALERT, UNVERIFIED
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.engine.plan import Ready
from rules.engine.run import Run
from rules.facts.base import Context, Element


def decisions(workload: Workload, engine: str) -> Bench:
    """`Evaluator.decide`: findings with messages and limits, facts, coverage, the whole record."""
    pack, knowledge = ours.translate(workload)
    events = [ours.event_of(visit) for visit in workload.visits]
    evaluator = make_evaluator(engine, pack, knowledge)
    evaluator.decide(events[0])  # compiles what such events need
    kind = InProcess if engine == "compiled" else Slow
    return kind(events, evaluator.decide, _of_decision)


def _of_decision(decision: Decision) -> set[Firing]:
    return {Firing(finding.rule_id, finding.element) for finding in decision.findings}


def conditions(workload: Workload) -> Bench:
    """The same rules on the same events, but the answer is only what fired, as peers give it."""
    pack, knowledge = ours.translate(workload)
    events = [ours.event_of(visit) for visit in workload.visits]
    evaluator = make_evaluator("compiled", pack, knowledge)

    def fire(event: Event) -> list[tuple[str, str]]:
        run = _Conditions(evaluator, event)
        run.look()
        return run.fired

    fire(events[0])
    return InProcess(events, fire, lambda found: {Firing(*one) for one in found})


class _Conditions(Run):
    """A run that takes note of what fires and writes no findings."""

    __slots__ = ("fired",)

    def __init__(self, plans: Evaluator, event: Event) -> None:
        super().__init__(plans, event)
        self.fired: list[tuple[str, str]] = []

    def tell(self, outcome: int, ready: Ready, c: Context, x: Element | None) -> None:
        if outcome in (ALERT, UNVERIFIED):
            self.fired.append((ready.id, x.id if x is not None else ""))
