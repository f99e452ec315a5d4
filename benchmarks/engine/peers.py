"""Every engine that can be measured, by its name, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from benchmarks.engine.engine import Bench, InProcess
from benchmarks.engine.hand import HandIndexed
from benchmarks.engine.neutral import Firing
from benchmarks.engine.workload import Workload

Make: TypeAlias = Callable[[Workload], Bench]


class Peer(NamedTuple):
    """An engine, and how many rules it can bear in a time that somebody would wait for."""

    make: Make
    title: str
    most_rules: int = 10_000


def _hand(workload: Workload) -> Bench:
    hand = HandIndexed(workload.rules)
    return InProcess(workload.visits, hand.fire, lambda found: {Firing(*one) for one in found})


def _compiled(workload: Workload) -> Bench:
    from benchmarks.engine.compiled import decisions

    return decisions(workload, "compiled")


def _conditions(workload: Workload) -> Bench:
    from benchmarks.engine.compiled import conditions

    return conditions(workload)


def _matching(workload: Workload) -> Bench:
    from benchmarks.engine.compiled import matching

    return matching(workload)


def _durable(workload: Workload) -> Bench:
    from benchmarks.engine.compiled import decisions

    return decisions(workload, "durable")


def _zen(workload: Workload) -> Bench:
    from benchmarks.engine.zen_peer import make

    return make(workload)


def _drools_jpy(workload: Workload) -> Bench:
    from benchmarks.engine.drools_peer import make

    return make(workload)


PEERS: Final[dict[str, Peer]] = {
    "compiled": Peer(_compiled, "Yijian compiled: whole decisions"),
    "conditions": Peer(_conditions, "Yijian compiled: event to firings"),
    "matching": Peer(_matching, "Yijian compiled: facts in memory"),
    "durable": Peer(_durable, "Yijian durable_rules: whole decisions", 400),
    "drools_jpy": Peer(_drools_jpy, "Drools through drools_jpy"),
    "zen": Peer(_zen, "zen-engine"),
    "hand": Peer(_hand, "Python loop, indexed by hand"),
}
