"""Which cases the limits and windows of a rule must have, computed from the rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.values import Amount, Quantity
from knowledge_base.model import Names
from rules import words
from rules.authoring.explain import said
from rules.facts import Fact, Type, fact_of
from rules.facts.base import OTHER_UNIT
from rules.lint.base import CaseCheck, Subject
from rules.lint.observed import Observed
from rules.model import (
    AllOf,
    Condition,
    FactOperand,
    Literal,
    Operand,
    Test,
    facts_of,
    leaves_of,
    somes_of,
)


@dataclass(frozen=True, eq=False)
class _Place:
    """A tree of conditions, and the elements that the cases put before it."""

    tree: Condition
    seen: Sequence[Observed]
    each: str
    is_inside: bool = False
    """Whether it is the tree of a `some`."""

    def before(self, test: Test) -> Iterator[Observed]:
        """The elements that it is for: those of which the other conditions of a `some` hold."""
        others = self.tree.conditions if self.is_inside and isinstance(self.tree, AllOf) else ()
        others = tuple(o for o in others if test.fact not in facts_of(o))
        for one in self.seen:
            if all(one.truth(other) is True for other in others):
                yield one


def _places(subject: Subject, *, in_scope: bool = False) -> Iterator[_Place]:
    """The trees of a rule, each body's, those inside `some` after the tree that they stand in.

    With `in_scope` only elements in the rule's scope are before `when` and `unless`.
    """
    for body in subject.rule.bodies:
        seen = [o for o in subject.observed if o.body == body]
        yield from _of_tree(body.scope, seen, body.each)
        if in_scope:
            seen = [o for o in seen if o.truth(body.scope)]
        for tree in (body.when, body.unless):
            yield from _of_tree(tree, seen, body.each)


def _of_tree(
    tree: Condition, seen: Sequence[Observed], each: str, *, is_inside: bool = False
) -> Iterator[_Place]:
    yield _Place(tree, seen, each, is_inside)
    for some in somes_of(tree):
        inner = [record for one in seen for record in one.inside(some)]
        yield from _of_tree(some.where, inner, some.each, is_inside=True)


def _compared(tree: Condition) -> Iterator[Test]:
    """The conditions of a tree that compare with limits."""
    for test in leaves_of(tree):
        if test.operator in words.ORDER or test.operator == "between":
            yield test


class Limits(CaseCheck):
    id = "YJ105"
    title = Names("界限两侧与界限本身", "Each side of every limit, and the limit itself")
    doc = (
        "Each limit that a condition compares with needs a case below it, one above it and one "
        "exactly at it: most mistakes are `below` for `at_most`. Nothing lies below zero; of a "
        "limit that is another fact the side that fires is enough, beside the limit itself."
    )
    inside = False

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for place in _places(subject, in_scope=True):
            if place.is_inside is self.inside:
                for test in dict.fromkeys(_compared(place.tree)):
                    yield from self._sides(place, test)

    def _sides(self, place: _Place, test: Test) -> Iterator[tuple[str, str]]:
        here = list(place.before(test))
        of = f"an element of {place.each} " if self.inside else ""
        for operand in test.operands:
            for side, probes in _sides(test, operand).items():
                if not any(all(o.truth(p) is is_so for p, is_so in probes) for o in here):
                    where = "at the limit" if side == "at" else f"{side} the limit"
                    what = f"a case with {of}{where}" if of else f"a case {where}"
                    yield f"{what} of `{said(test)}`", f"give `{test.fact}` such a value"


def _sides(test: Test, operand: Operand) -> dict[str, tuple[tuple[Test, bool], ...]]:
    """What tells on which side of a limit a value lies."""
    below, above = (Test(test.fact, word, (operand,)) for word in ("below", "above"))
    sides = {"below": ((below, True),), "above": ((above, True),)}
    if operand == Literal(0):
        del sides["below"]
    if isinstance(operand, FactOperand):
        # Beyond another fact may be nothing (no refund exceeds its charge).
        del sides["above" if test.operator in ("below", "at_most") else "below"]
    return {**sides, "at": ((below, False), (above, False))}


class LimitsInside(Limits):
    id = "YJ110"
    title = Names("`some` 之内的界限", "Each side of a limit inside `some`")
    doc = (
        "A limit inside `some` needs elements below it, above it and exactly at it too. Only "
        "elements of which the other conditions of that `some` hold count: a creatinine value is "
        "no case for a limit of potassium."
    )
    inside = True


class OtherUnits(CaseCheck):
    id = "YJ107"
    title = Names("每个量都有别的单位的一例", "A case in another unit for each quantity")
    doc = (
        "Every amount that is compared with a limit, inside `some` too, needs a case in a unit "
        "other than the limit's: converted (0.5 g against 400 mg), or one that cannot be "
        "converted, which must be not evaluable and never a comparison of bare numbers. Of a "
        "measured value (weight, potassium) it is one in a unit that cannot be converted; a score "
        "has none."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for place in _places(subject):
            for test in dict.fromkeys(_compared(place.tree)):
                fact = fact_of(test.fact, place.each)
                if fact is None or not _has_units(fact):
                    continue
                if all(operand == Literal(0) for operand in test.operands):
                    continue
                if not any(_is_other_unit(o, test) for o in place.seen):
                    fix = f"give `{test.fact}` in another unit"
                    yield f"a case in another unit for `{said(test)}`", fix


def _has_units(fact: Fact) -> bool:
    """Whether a source can send it in several units: an amount, or a measured value."""
    return fact.type is Type.AMOUNT or bool(fact.time and fact.unit != "1")


def _is_other_unit(observed: Observed, test: Test) -> bool:
    value, unit = observed.value(test.fact), observed.unit_of_limit(test)
    if value == OTHER_UNIT:
        return True
    return isinstance(value, Amount | Quantity) and bool(unit) and value.unit != unit


class Windows(CaseCheck):
    id = "YJ108"
    title = Names("时效窗口的两侧", "The edge of every window")
    doc = (
        "Every `fresh_within`, inside `some` too, needs a case that is fresh and one whose value "
        "is exactly so old that it is not fresh any more: the window is (t - w, t], and a value "
        "exactly w old is stale. (One that was observed after t is future, and not fresh either.)"
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for place in _places(subject):
            for test in dict.fromkeys(leaves_of(place.tree)):
                if test.fresh_within is None:
                    continue
                seen = {o.freshness(test) for o in place.seen}
                if "fresh" not in seen:
                    yield f"a case with a fresh `{test.fact}`", "give it a time within the window"
                if "edge" not in seen:
                    fix = "give it a time exactly the window before"
                    yield f"a case at the end of the window of `{test.fact}`", fix


LIMIT_CHECKS: Final = (Limits, OtherUnits, Windows, LimitsInside)
