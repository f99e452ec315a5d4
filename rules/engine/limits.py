"""Rules that measure one fact: where it is within the widest of their limits, all are silent.

Of the rules that stand under one value of an index many ask the same thing with other limits: is
the dose above 150 mg, above 200 mg? One look answers for all that nothing is wrong, which is what
most events say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol, TypeVar

from knowledge_base import KnowledgeBase
from rules.engine.constants import Members, members_of, resolver, unit_of
from rules.engine.index import Anchor
from rules.engine.rule_code import without
from rules.engine.source import Constant
from rules.facts import Type, fact_of
from rules.model import AllOf, Rule, Test

_SIGNS: Final = {"below": -1, "at_most": -1, "above": 1, "at_least": 1}
_SETS: Final = {"in": Type.TEXT, "any_in": Type.LIST}


@dataclass(frozen=True)
class Limit:
    """The first condition of a rule whose scope is known to hold: false, it makes it silent."""

    key: Hashable
    """Equal for conditions that measure one fact in one way."""
    test: Test
    rank: float = 0.0
    """How strict it is: a value that is within a limit is within all of a higher rank."""
    members: Members | None = None
    """Instead of a rank: the codes of which one must be there."""


class Limited(Protocol):
    @property
    def limit(self) -> Limit | None: ...


R = TypeVar("R", bound=Limited)


def limit_of(
    rule: Rule, anchor: Anchor | None, knowledge: KnowledgeBase, day: date
) -> Limit | None:
    """What a rule measures first once its anchor is proven; None where it is nothing like that."""
    proven = anchor.proves if anchor is not None else None
    left = without(rule.scope, (proven,) if proven is not None else ())
    first: Any = rule.when
    if isinstance(first, AllOf) and first.conditions:
        first = first.conditions[0]
    if left != AllOf(()) or type(first) is not Test or first.fresh_within is not None:
        return None
    fact = fact_of(first.fact, rule.each)
    operand = first.operands[0]
    if fact is None:
        return None
    sign = _SIGNS.get(first.operator)
    if sign is not None and fact.type in (Type.NUMBER, Type.AMOUNT):
        value = resolver(knowledge, day)(Constant("value", operand, fact))
        if type(value) not in (int, float):
            return None
        key = (fact.name, first.operator, unit_of(operand, knowledge))
        return Limit(key, first, sign * value)
    if _SETS.get(first.operator) is fact.type and fact.in_knowledge is None:
        members = members_of(operand, knowledge, day)
        if (
            members is not None
            and members.codes
            and not (fact.type is Type.TEXT and members.lengths)
        ):
            return Limit((fact.name, first.operator, members.lengths), first, 0.0, members)
    return None


def in_order(rules: Sequence[R]) -> list[list[R]]:
    """The rules in the order in which they are asked: side by side if they measure one thing.

    The widest limits come first.
    """
    found: dict[Hashable, list[R]] = {}
    for place, rule in enumerate(rules):
        limit = rule.limit
        found.setdefault(place if limit is None else limit.key, []).append(rule)
    return [sorted(group, key=_rank) for group in found.values()]


def _rank(rule: Limited) -> float:
    return rule.limit.rank if rule.limit is not None else 0.0
