"""Which rules look back further than is known, of all partitions of a worker: for its health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from rules.memory.coverage import Coverage
from rules.memory.instants import instant_of
from streams.supervision import Supervisor

_MOST_SHOWN: Final = 50


class RuleWaits(NamedTuple):
    """A rule whose answers may be "not evaluable" for want of a past."""

    rule: str
    families: tuple[str, ...]
    until_us: int | None
    """When its window is covered on every partition; None where nobody knows."""
    partitions: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        until = self.until_us
        return {
            "rule": self.rule,
            "families": list(self.families),
            "until": instant_of(until).isoformat() if until is not None else None,
            "partitions": list(self.partitions),
        }


def waiting_rules(
    supervisor: Supervisor, coverages: Iterable[tuple[int, Coverage]]
) -> list[RuleWaits]:
    """The rules that wait for their window on some partition, those that wait longest first."""
    families: dict[str, set[str]] = {}
    partitions: dict[str, set[int]] = {}
    untils: dict[str, list[int | None]] = {}
    for partition, coverage in coverages:
        for one in supervisor.uncovered(coverage):
            families.setdefault(one.rule, set()).add(one.family)
            partitions.setdefault(one.rule, set()).add(partition)
            untils.setdefault(one.rule, []).append(one.until_us)
    found = [
        RuleWaits(rule, tuple(sorted(of)), _latest(untils[rule]), tuple(sorted(partitions[rule])))
        for rule, of in families.items()
    ]
    return sorted(found, key=lambda w: (w.until_us is not None, -(w.until_us or 0), w.rule))


def report(found: Sequence[RuleWaits]) -> dict[str, Any]:
    """The same for /health: how many, and those that wait longest."""
    return {"count": len(found), "rules": [one.as_dict() for one in found[:_MOST_SHOWN]]}


def _latest(untils: Iterable[int | None]) -> int | None:
    known = list(untils)
    return None if None in known else max((u for u in known if u is not None), default=None)
