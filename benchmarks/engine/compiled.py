"""Our engines in three measures: whole decisions as a worker makes them, the conditions by
themselves from the event on, and the matching of facts that lie ready, which is what peers do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, TypeAlias

from benchmarks.engine import ours
from benchmarks.engine.engine import Bench, InProcess, Slow
from benchmarks.engine.neutral import Firing
from benchmarks.engine.workload import Workload
from contracts.decision import Decision
from contracts.event import Event
from rules.engine import compiler
from rules.engine.bunches import Piece
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.engine.outcomes import ALERT, UNVERIFIED
from rules.engine.plan import Compiled, Group, Ready
from rules.engine.run import Run
from rules.engine.together import compile_pieces
from rules.facts.base import Context, Element

_Ready: TypeAlias = tuple[Group, Context, Element | None]
"""An element whose facts are in memory, with the rules about its kind."""
FIRED: Final = (ALERT, UNVERIFIED)


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
        if outcome in FIRED:
            self.fired.append((ready.id, x.id if x is not None else ""))


def matching(workload: Workload) -> Bench:
    """The same rules over facts in memory, as every peer gets them.

    Each element's facts lie in its store beforehand: all that any rule asks for. Measured are the
    look into the index and the conditions, with the code that decides events; the answer is what
    fired.
    """
    pack, knowledge = ours.translate(workload)
    evaluator = Evaluator(pack, knowledge, deciders=_InMemory(knowledge))
    asked = _facts_of()
    prepared = [_in_memory(evaluator, asked, ours.event_of(visit)) for visit in workload.visits]
    return InProcess(prepared, _match, lambda found: {Firing(*one) for one in found})


def _in_memory(
    evaluator: Evaluator, asked: Callable[[Group], list[str]], event: Event
) -> list[_Ready]:
    """What is looked at of an event, with all facts of its rules read."""
    run = _Gathering(evaluator, event)
    run.look()
    for group, c, x in run.gathered:
        for name in asked(group):
            group.everything[0].reasons.value(name, c, x)
    return run.gathered


def _facts_of() -> Callable[[Group], list[str]]:
    """The facts that the rules of a group ask for, gathered once: a pack has many rules."""
    known: dict[Group, list[str]] = {}

    def asked(group: Group) -> list[str]:
        if group not in known:
            known[group] = sorted({f for ready in group.everything for f in ready.rule.facts()})
        return known[group]

    return asked


class _InMemory(Compiled):
    """The compiled engine, told that facts may have been read before."""

    def group(self, members: Sequence[Ready], each: str, family: str, day: date) -> compiler.Run:
        return compile_pieces([Piece(members, False)], each, family, self._knowledge, day)


class _Gathering(Run):
    """A run that takes note of what it would look at."""

    __slots__ = ("gathered",)

    def __init__(self, plans: Evaluator, event: Event) -> None:
        super().__init__(plans, event)
        self.gathered: list[_Ready] = []

    def element(self, group: Group, c: Context, x: Element | None) -> None:
        self.gathered.append((group, c, x))


def _match(gathered: list[_Ready]) -> list[tuple[str, str]]:
    """What `Run.element` does with each element, but for taking notes."""
    fired: list[tuple[str, str]] = []
    told: list[tuple[int, Ready]] = []
    for group, c, x in gathered:
        F = c.facts
        E = F if x is None else x.facts
        bunch = group.rest if group.look is None else group.look(c, F, x, E)
        if bunch.size:
            bunch.run(c, F, x, E, told)
        if told:
            name = "" if x is None else x.id
            fired += [(ready.id, name) for outcome, ready in told if outcome in FIRED]
            told.clear()
    return fired
