"""Which truth values the tests of a rule have seen of each of its conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rules.authoring.explain import PARTS, said
from rules.authoring.testing import CaseResult
from rules.facts import fact_of
from rules.logic import Truth
from rules.model import Condition, History, Rule, Test, histories_of, leaves_of, somes_of
from rules.pack import Pack

WORDS: dict[Truth, str] = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True)
class SeenCondition:
    """One condition, and how often the cases of the rule brought it to each truth value."""

    rule: str
    part: str
    """scope, when or unless."""
    condition: str
    can_be_unknown: bool
    counts: Counter[Truth] = field(default_factory=Counter)

    @property
    def never(self) -> tuple[str, ...]:
        """The truth values that no case has seen, of those that it can have."""
        possible: tuple[Truth, ...] = (True, False, None) if self.can_be_unknown else (True, False)
        return tuple(WORDS[truth] for truth in possible if not self.counts[truth])

    def as_dict(self) -> dict[str, object]:
        return {
            "rule": self.rule,
            "part": self.part,
            "condition": self.condition,
            **{word: self.counts[truth] for truth, word in WORDS.items()},
            "never": self.never,
        }


def seen_conditions(pack: Pack, results: Sequence[CaseResult]) -> list[SeenCondition]:
    """Every condition of the rules that have results, in the order of the rule."""
    found: list[SeenCondition] = []
    for rule_id in dict.fromkeys(result.case.rule for result in results):
        rule = pack.rule(rule_id)
        if rule is None:
            continue
        conditions = {(c.part, c.condition): c for c in _conditions(rule)}
        for result in results:
            if result.case.rule != rule_id:
                continue
            for part, condition, truth in result.truths:
                seen = conditions.get((part, condition))
                if seen is not None:
                    seen.counts[truth] += 1
        found += conditions.values()
    return found


def _conditions(rule: Rule) -> Iterable[SeenCondition]:
    for body in rule.bodies:
        trees = (body.scope, body.when, body.unless)
        for part, tree in zip(PARTS, trees, strict=True):
            for test, each in _tests(tree, body.each):
                yield SeenCondition(rule.id, part, said(test), _can_be_unknown(test, each))


def _tests(tree: Condition, each: str) -> Iterable[tuple[Test | History, str]]:
    """The single conditions of a tree; a `history` is one, whatever stands in it."""
    for test in leaves_of(tree):
        yield test, each
    for some in somes_of(tree):
        yield from _tests(some.where, some.each)
    for history in histories_of(tree):
        yield history, each


def _can_be_unknown(test: Test | History, each: str) -> bool:
    """Whether its fact can be unknown at all: what every event says cannot."""
    if isinstance(test, History):
        return False  # the past of a timeline is wholly known
    fact = fact_of(test.fact, each)
    return fact is None or not fact.always_known
