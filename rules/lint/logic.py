"""What trees of conditions mean together: contradictions, and conditions that others include.

Trees are turned into alternatives of plain conditions. What is said here is about truth alone:
a tree that can never be true may still be unknown. Where a meaning is not understood (a list that
is another fact, units of unlike parameters) nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Final, TypeAlias

from knowledge_base import KnowledgeBase
from rules import words
from rules.facts import Fact, Type, fact_of
from rules.model import (
    ALWAYS,
    AllOf,
    AnyOf,
    CodeSetOperand,
    Condition,
    History,
    Literal,
    Not,
    Operand,
    ParameterOperand,
    Some,
    Test,
    Words,
)

MANY: Final = 256
"""More alternatives than are looked at."""
OPPOSITE: Final = {
    "is": "is_not", "is_not": "is", "in": "not_in", "not_in": "in", "any_in": "none_in",
    "none_in": "any_in", "below": "at_least", "at_least": "below", "above": "at_most",
    "at_most": "above",
}  # fmt: skip


@dataclass(frozen=True)
class Atom:
    """A condition that must be true, or (`holds` false) must be false."""

    test: Test | Some | History
    holds: bool = True


Case: TypeAlias = frozenset[Atom]
"""Conditions that hold together."""


def cases_of(tree: Condition, holds: bool = True) -> tuple[Case, ...] | None:
    """The alternatives under which a tree is true (or false); None for too many."""
    if isinstance(tree, Not):
        return cases_of(tree.condition, not holds)
    if isinstance(tree, Some | History):
        return (frozenset({Atom(tree, holds)}),)
    if isinstance(tree, Test):
        return _of_test(tree, holds)
    parts = [cases_of(child, holds) for child in tree.conditions]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    if isinstance(tree, AllOf) == holds:
        size = 1
        for part in known:
            size *= len(part)
        if size > MANY:
            return None
        return tuple(dict.fromkeys(frozenset().union(*chosen) for chosen in product(*known)))
    return tuple(dict.fromkeys(case for part in known for case in part))


def _of_test(test: Test, holds: bool) -> tuple[Case, ...]:
    if test.operator == "between":
        low = Test(test.fact, "at_least", test.operands[:1], test.fresh_within)
        high = Test(test.fact, "at_most", test.operands[1:], test.fresh_within)
        if holds:
            return (frozenset({Atom(low), Atom(high)}),)
        return (*_of_test(low, False), *_of_test(high, False))
    if holds:
        return (frozenset({Atom(_plain(test))}),)
    if test.operator == "exists" and isinstance(test.operands[0], Literal):
        flipped = (Literal(not test.operands[0].value),)
        return (frozenset({Atom(Test(test.fact, "exists", flipped))}),)
    if test.operator in OPPOSITE:
        other = Test(test.fact, OPPOSITE[test.operator], test.operands, test.fresh_within)
        return (frozenset({Atom(_plain(other))}),)
    return (frozenset({Atom(test, False)}),)


def _plain(test: Test) -> Test:
    """One way to write it: `in` of one word is `is`, words stand sorted."""
    operand = test.operands[0]
    if not isinstance(operand, Words):
        return test
    values = tuple(sorted(set(operand.values)))
    if len(values) == 1 and test.operator in ("in", "not_in"):
        operator = "is" if test.operator == "in" else "is_not"
        return Test(test.fact, operator, (Literal(values[0]),), test.fresh_within)
    return Test(test.fact, test.operator, (Words(values),), test.fresh_within)


def canonical(tree: Condition) -> tuple[str, ...] | None:
    """One spelling of a tree's meaning; None for too many alternatives."""
    found = cases_of(tree)
    if found is None:
        return None
    listed = [case for case in found if not any(other < case for other in found)]
    return tuple(sorted(" & ".join(sorted(map(repr, case))) for case in listed))


class Solver:
    """Judges alternatives, in rules with one `each` and one knowledge base."""

    def __init__(self, each: str, knowledge: KnowledgeBase) -> None:
        self._each = each
        self._knowledge = knowledge

    def contradiction(self, case: Case) -> tuple[str, ...] | None:
        """The facts on which conditions exclude each other; None where they can hold together."""
        by_fact: dict[str, list[Atom]] = {}
        for atom in sorted(case, key=repr):
            if Atom(atom.test, not atom.holds) in case:
                return (_name(atom.test),)
            if isinstance(atom.test, Test) and atom.holds:
                by_fact.setdefault(atom.test.fact, []).append(atom)
        for name, atoms in by_fact.items():
            tests = [atom.test for atom in atoms if isinstance(atom.test, Test)]
            if self._excluded(fact_of(name, self._each), tests):
                return (name,)
        return None

    def possible(self, cases: Iterable[Case]) -> list[Case]:
        """The alternatives without a contradiction."""
        return [case for case in cases if self.contradiction(case) is None]

    def includes(self, wide: Case, narrow: Case) -> bool:
        """Whether every condition of `wide` is true wherever those of `narrow` are."""
        return all(any(self._implies(held, atom) for held in narrow) for atom in wide)

    def _excluded(self, fact: Fact | None, tests: list[Test]) -> bool:
        if fact is None:
            return False
        if any(_says_absent(t) for t in tests) and any(_needs_value(t) for t in tests):
            return True
        if fact.type is Type.LIST:
            return any(self._lists_exclude(a, b) for a in tests for b in tests)
        if fact.type in (Type.TEXT, Type.BOOLEAN):
            return self._none_left(fact, tests)
        return any(self._bounds_exclude(a, b) for a, b in combinations(tests, 2))

    def _none_left(self, fact: Fact, tests: list[Test]) -> bool:
        """Whether no word of a text or truth value is left."""
        allowed: set[Any] | None = set(fact.words) or None
        if fact.type is Type.BOOLEAN:
            allowed = {True, False}
        denied: set[Any] = set()
        for test in tests:
            values = self._values(test, fact)
            if values is None:
                continue
            if test.operator in ("is", "in"):
                allowed = set(values) if allowed is None else allowed & values
            elif test.operator in ("is_not", "not_in"):
                denied |= values
        return allowed is not None and not allowed - denied

    def _values(self, test: Test, fact: Fact) -> frozenset[Any] | None:
        """What a text is compared with; of a code set all that it can ever hold, or always."""
        operand = test.operands[0]
        if isinstance(operand, Literal):
            return frozenset({operand.value})
        if isinstance(operand, Words):
            return frozenset(operand.values)
        if isinstance(operand, CodeSetOperand) and fact.coding != "icd10":
            codeset = self._knowledge.codeset(operand.codeset)
            if codeset is not None and test.operator in ("in", "any_in"):
                return codeset.ever()
            if codeset is not None and len(codeset.history) == 1:
                return codeset.ever()
        return None

    def _lists_exclude(self, a: Test, b: Test) -> bool:
        if a.operator not in ("any_in", "all_in") or b.operator != "none_in":
            return False
        return self._subset(a, b)

    def _subset(self, a: Test, b: Test) -> bool:
        """Whether what one compares with lies wholly within what the other does."""
        if a.operands == b.operands:
            return True
        one, other = a.operands[0], b.operands[0]
        if isinstance(one, Words) and isinstance(other, Words):
            return set(one.values) <= set(other.values)
        return False

    def _bounds_exclude(self, a: Test, b: Test) -> bool:
        for low, high in ((a, b), (b, a)):
            if low.operator not in ("above", "at_least", "is"):
                continue
            if high.operator not in ("below", "at_most", "is"):
                continue
            is_open = low.operator == "above" or high.operator == "below"
            if low.operands == high.operands:
                if is_open:
                    return True
                continue
            lows, highs = self._numbers(low.operands[0]), self._numbers(high.operands[0])
            if lows and highs and _comparable(low, high, self._knowledge):
                least, most = min(lows), max(highs)
                if least > most or (least == most and is_open):
                    return True
        return False

    def _numbers(self, operand: Operand) -> list[Any]:
        """Every value that a limit has on any day and in any row."""
        if isinstance(operand, Literal):
            return [operand.value]
        if isinstance(operand, ParameterOperand):
            parameter = self._knowledge.parameter(operand.parameter)
            if parameter is not None:
                return [e.value.value for row in parameter.rows.values() for e in row]
        return []

    def _implies(self, held: Atom, wanted: Atom) -> bool:
        if held == wanted:
            return True
        a, b = held.test, wanted.test
        if not (held.holds and wanted.holds and isinstance(a, Test) and isinstance(b, Test)):
            return False
        if a.fact != b.fact or a.fresh_within != b.fresh_within:
            return False
        if b.operator == "exists":
            return _says_present(b) and _needs_value(a)
        fact = fact_of(a.fact, self._each)
        if a.operator in ("is", "in") and b.operator in ("is", "in") and fact is not None:
            one, other = self._values(a, fact), self._values(b, fact)
            exact = not isinstance(b.operands[0], CodeSetOperand)
            return one is not None and other is not None and exact and one <= other
        if (a.operator, b.operator) in (("any_in", "any_in"), ("all_in", "all_in")):
            return self._subset(a, b)
        if (a.operator, b.operator) == ("none_in", "none_in"):
            return self._subset(b, a)
        return self._tighter(a, b)

    def _tighter(self, a: Test, b: Test) -> bool:
        lower, upper = ("above", "at_least"), ("below", "at_most")
        if not any(a.operator in side and b.operator in side for side in (lower, upper)):
            return False
        if a.operands == b.operands:
            return a.operator in ("above", "below")
        ours, theirs = self._numbers(a.operands[0]), self._numbers(b.operands[0])
        if not ours or not theirs or not _comparable(a, b, self._knowledge):
            return False
        strict = a.operator not in ("above", "below") and b.operator in ("above", "below")
        if a.operator in lower:
            return bool(min(ours) > max(theirs) if strict else min(ours) >= max(theirs))
        return bool(max(ours) < min(theirs) if strict else max(ours) <= min(theirs))


def _name(condition: Test | Some | History) -> str:
    """What a condition is about, for a message."""
    if isinstance(condition, History):
        return f"{words.HISTORY} of {condition.of}"
    return condition.fact if isinstance(condition, Test) else condition.each


def _comparable(a: Test, b: Test, knowledge: KnowledgeBase) -> bool:
    """Whether two limits are numbers (or days) of one unit."""
    units: set[str] = set()
    kinds: set[bool] = set()
    for operand in (a.operands[0], b.operands[0]):
        if isinstance(operand, ParameterOperand):
            parameter = knowledge.parameter(operand.parameter)
            units.add(parameter.unit if parameter is not None else "?")
            kinds.add(True)
        elif isinstance(operand, Literal):
            kinds.add(isinstance(operand.value, int))
            if operand.value != 0:
                units.add("")
    units.discard("")
    return len(units) <= 1 and len(kinds) == 1


def _says_absent(test: Test) -> bool:
    operand = test.operands[0]
    return test.operator == "exists" and isinstance(operand, Literal) and operand.value is False


def _says_present(test: Test) -> bool:
    operand = test.operands[0]
    return test.operator == "exists" and isinstance(operand, Literal) and operand.value is True


def _needs_value(test: Test) -> bool:
    """Whether the condition is true only of a fact that is there (of a list: not empty)."""
    return _says_present(test) or test.operator not in ("exists", "none_in")


def branches_of(tree: Condition) -> Iterator[AnyOf]:
    """Every `any` of a tree with its branches."""
    if isinstance(tree, Not):
        yield from branches_of(tree.condition)
    elif isinstance(tree, Some):
        yield from branches_of(tree.where)
    elif isinstance(tree, History):
        for inner in (tree.where, tree.last or ALWAYS):
            yield from branches_of(inner)
    elif isinstance(tree, AllOf | AnyOf):
        if isinstance(tree, AnyOf):
            yield tree
        for child in tree.conditions:
            yield from branches_of(child)


def seeds(on: Iterable[str], phases: Mapping[str, str]) -> AllOf:
    """What the events of a rule say of the facts about events."""
    names = sorted(on)
    families = sorted({name.partition(".")[0] for name in names})
    verbs = sorted({name.partition(".")[2] for name in names})
    told = {
        "event.type": names,
        "event.family": families,
        "event.verb": verbs,
        "event.phase": sorted({phases[name] for name in names}),
    }
    return AllOf(tuple(Test(fact, "in", (Words(tuple(values)),)) for fact, values in told.items()))
