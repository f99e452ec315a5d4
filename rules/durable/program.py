"""Rules as rulesets: the trees of a rule, cut so that each ruleset stays within its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from knowledge_base import KnowledgeBase
from rules.durable.inputs import Facts, Input
from rules.durable.leaves import Leaves
from rules.durable.rails import Rail, Rails, intersection, truth_of, union
from rules.durable.rete import (
    MAX_PENDING,
    MAX_PROPERTIES,
    MAX_RULES,
    Conjunction,
    Plain,
    Ruleset,
)
from rules.errors import EngineError
from rules.model import AllOf, AnyOf, Condition, Not, Rule

MAX_CONDITIONS: Final = 500
"""Of a rule, in scope, when and unless together."""
_CHUNK: Final = 8
"""So many conditions of a long list are decided together in a stage."""
PARTS: Final = ("scope", "when", "unless")


class Program:
    """One ruleset and the stages that it waits for; says which of its rails hold."""

    def __init__(self, rails: Mapping[str, Rail], leaves: Leaves, stages: Mapping[str, Program]):
        self.held = frozenset(name for name, rail in rails.items() if () in rail.alternatives)
        rules: dict[str, Conjunction] = {}
        for name, rail in rails.items():
            if name not in self.held:
                rules.update({f"{name}.{n}": each for n, each in enumerate(rail.alternatives)})
        names = {literal.name for each in rules.values() for literal in each}
        self.inputs: tuple[Input, ...] = tuple(leaves.inputs[n] for n in sorted(names - {*stages}))
        self.stages = {name: stages[name] for name in sorted(names & {*stages})}
        self._rules = rules
        self._ruleset: Ruleset | None = None
        _check(rails, rules, names)

    def rails(self, facts: Facts) -> set[str]:
        """The names of the rails that hold."""
        found = set(self.held)
        if not self._rules:
            return found
        if self._ruleset is None:
            self._ruleset = Ruleset(self._rules)
        fired = self._ruleset.fired(self._properties(facts))
        found.update(name.partition(".")[0] for name in fired)
        return found

    def _properties(self, facts: Facts) -> dict[str, Plain]:
        properties: dict[str, Plain] = {}
        for each in self.inputs:
            value = each.read(facts)
            if value is not None:
                properties[each.name] = value
        for name, stage in self.stages.items():
            rails = stage.rails(facts)
            if rails:
                properties[name] = "true" in rails
        return properties


def _check(rails: Mapping[str, Rail], rules: Mapping[str, Conjunction], names: set[str]) -> None:
    """The limits of one ruleset, which cutting keeps: a breach is a mistake of this module."""
    weight = sum(rail.weight for rail in rails.values())
    for what, size, limit in (
        ("conditions true at once", weight, MAX_PENDING),
        ("conditions", len(rules), MAX_RULES),
        ("facts", len(names), MAX_PROPERTIES),
    ):
        if size > limit:
            raise ValueError(f"{size} {what} in a ruleset; durable_rules takes {limit}")


class _Cutter:
    """Turns the trees of one rule into rails, and what is too wide into stages."""

    def __init__(self, leaves: Leaves) -> None:
        self.leaves = leaves
        self.stages: dict[str, Program] = {}

    def rails(self, tree: Condition) -> Rails:
        if isinstance(tree, Not):
            return self.rails(tree.condition).negated()
        if isinstance(tree, AllOf | AnyOf):
            children = [self.rails(child) for child in tree.conditions]
            if isinstance(tree, AllOf):
                return self.all_of(children)
            return self.all_of([child.negated() for child in children]).negated()
        found = self.leaves.rails(tree)
        return found if found.fits else self.stage(found)

    def all_of(self, children: Sequence[Rails]) -> Rails:
        """Kleene's conjunction, in stages where it is too wide."""
        found = _conjunction(children)
        if found.fits:
            return found
        children = [c if _is_narrow(c) else self.stage(c) for c in children]
        found = _conjunction(children)
        if found.fits:
            return found
        chunks = [children[n : n + _CHUNK] for n in range(0, len(children), _CHUNK)]
        return self.all_of([self.stage(_conjunction(chunk)) for chunk in chunks])

    def stage(self, rails: Rails) -> Rails:
        """A tree that is decided beforehand: a property of what it is part of."""
        name = f"s{len(self.stages)}"
        self.stages[name] = Program(
            {"true": rails.true, "false": rails.false}, self.leaves, self.stages
        )
        return truth_of(name)


def _conjunction(children: Sequence[Rails]) -> Rails:
    return Rails(intersection([c.true for c in children]), union(c.false for c in children))


def _is_narrow(rails: Rails) -> bool:
    return len(rails.true.alternatives) <= 1 and len(rails.false.alternatives) <= 1


@dataclass(frozen=True)
class Translated:
    """A rule of one event family in the epoch of a day."""

    program: Program
    """Its rails are `scope+`, `scope-`, `when+`, `when-`, `unless+` and `unless-`."""
    given: tuple[Condition, ...]
    """Conditions that durable_rules is told instead of deciding them."""


def translate(rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> Translated:
    """The rule for durable_rules. EngineError names the rule and what does not fit."""
    leaves = Leaves(rule, family, knowledge, day)
    cutter = _Cutter(leaves)
    try:
        rails: dict[str, Rail] = {}
        for part in PARTS:
            tree = getattr(rule, part)
            found = cutter.rails(tree)
            rails[f"{part}+"], rails[f"{part}-"] = found.true, found.false
        if len(leaves.inputs) > MAX_CONDITIONS:
            raise ValueError(f"{len(leaves.inputs)} conditions; the limit is {MAX_CONDITIONS}")
        program = Program(rails, leaves, cutter.stages)
    except ValueError as e:
        raise EngineError(
            f"{rule.id}: the durable engine cannot decide it: {e}; "
            "decide it with the compiled engine"
        ) from None
    return Translated(program, tuple(leaves.given))
