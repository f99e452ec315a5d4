"""Trees of conditions in three-valued logic as two-valued conjunctions: dual rail.

A tree has two rails: the conjunctions of which one holds where it is true, and those of which one
holds where it is false. Where neither holds it is unknown. A property that a fact lacks makes
every literal on it false, so what is unknown is left out of the fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Final

from rules.durable.rete import Conjunction, Literal

MAX_WEIGHT: Final = 10
"""Of one rail, so that the six of a rule stay below rete.MAX_PENDING together."""
MAX_ALTERNATIVES: Final = 64
"""The same for rete.MAX_RULES."""
MAX_LITERALS: Final = 100
"""Of one conjunction."""


@dataclass(frozen=True)
class Rail:
    """Alternatives of which one must hold. `weight` is how many may hold at once."""

    alternatives: tuple[Conjunction, ...]
    weight: int

    @property
    def fits(self) -> bool:
        return (
            self.weight <= MAX_WEIGHT
            and len(self.alternatives) <= MAX_ALTERNATIVES
            and all(len(literals) <= MAX_LITERALS for literals in self.alternatives)
        )


@dataclass(frozen=True)
class Rails:
    true: Rail
    false: Rail

    @property
    def fits(self) -> bool:
        return self.true.fits and self.false.fits

    def negated(self) -> Rails:
        return Rails(self.false, self.true)


HOLDS: Final = Rail(((),), 1)
FAILS: Final = Rail((), 0)
UNKNOWN: Final = Rails(FAILS, FAILS)


def single(*literals: Literal) -> Rail:
    """A rail of one conjunction."""
    return Rail((literals,), 1)


def exclusive(alternatives: Iterable[Conjunction]) -> Rail:
    """Alternatives that begin with different values of one property: one at most can hold."""
    listed = tuple(alternatives)
    return Rail(listed, min(1, len(listed)))


def union(rails: Iterable[Rail]) -> Rail:
    listed = list(rails)
    if HOLDS in listed:
        return HOLDS
    alternatives = tuple(chain.from_iterable(rail.alternatives for rail in listed))
    return Rail(alternatives, sum(rail.weight for rail in listed))


def intersection(rails: Sequence[Rail]) -> Rail:
    size = weight = 1
    for rail in rails:
        size *= len(rail.alternatives)
        weight *= rail.weight
    if size > MAX_ALTERNATIVES:
        # Not worth writing down: the caller looks at the weight and decides in stages.
        return Rail((), MAX_WEIGHT + 1)
    parts = product(*(rail.alternatives for rail in rails))
    found = tuple(tuple(chain.from_iterable(part)) for part in parts)
    return Rail(found, weight if found else 0)


def truth_of(name: str) -> Rails:
    """The rails of a property that is true, false or left out."""
    return Rails(single(Literal(name, "", True)), single(Literal(name, "", False)))
