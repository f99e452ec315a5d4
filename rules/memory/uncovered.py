"""Which rules look back further than is known, and until when: for people who run workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Final, NamedTuple, TypeAlias

from knowledge_base import KnowledgeBase
from rules.memory.coverage import Coverage
from rules.memory.horizon import span_us
from rules.memory.instants import instant_of
from rules.memory.statements import stated
from rules.model import Rule, histories_of

ZoneAt: TypeAlias = Callable[[datetime], tzinfo]
_WITHIN_ACT: Final = "prescription"
"""A window within one act is always known."""


class Look(NamedTuple):
    """How far a rule looks back into the acts of a family, at most."""

    rule: str
    family: str
    span_us: int


class Uncovered(NamedTuple):
    """A rule that waits for its window: until then what is not certain is not evaluable."""

    rule: str
    family: str
    since_us: int | None
    """From when acts of the family are known; None where no source of them was heard."""
    until_us: int | None
    """When its longest window is covered; None where nobody knows."""


def looks_of(rules: Iterable[Rule], knowledge: KnowledgeBase, group: str = "") -> tuple[Look, ...]:
    """By rule and family the longest look back. A rule that waits looks no further than its act."""
    found: dict[tuple[str, str], int] = {}
    for rule in rules:
        if not rule.is_evaluated or "+".join(rule.group_by) != group:
            continue
        for body in rule.bodies:
            for tree in (body.scope, body.when, body.unless):
                for history in histories_of(tree):
                    if history.same != _WITHIN_ACT:
                        key = rule.id, history.of.partition(".")[0]
                        found[key] = max(found.get(key, 0), span_us(history, knowledge))
            if body.expect is not None:
                found.setdefault((rule.id, body.expect.event.partition(".")[0]), 0)
    return tuple(Look(*key, span) for key, span in sorted(found.items()))


def uncovered(
    looks: Iterable[Look], coverage: Coverage, knowledge: KnowledgeBase, zone_at: ZoneAt
) -> list[Uncovered]:
    """The looks that reach before what is known, as of the latest time that was heard."""
    if coverage.is_total:
        return []
    at = instant_of(coverage.latest_us) if coverage.since else None
    found: list[Uncovered] = []
    for look in looks:
        since = None
        if at is not None:
            zone = zone_at(at)
            said = stated(knowledge, look.family, at.astimezone(zone).date(), zone)
            since = coverage.known_since(look.family, said)
        if since is None:
            found.append(Uncovered(look.rule, look.family, None, None))
        elif since + look.span_us > coverage.latest_us:
            found.append(Uncovered(look.rule, look.family, since, since + look.span_us))
    return found
