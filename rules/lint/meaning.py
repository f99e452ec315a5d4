"""Checks of what a rule's conditions can mean at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from contracts.acts import VERBS, phase_of
from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Problem
from rules.authoring.explain import said
from rules.lint.base import Check, Material, Subject
from rules.lint.logic import Case, Solver, branches_of, canonical, cases_of, seeds
from rules.model import (
    NEVER,
    AllOf,
    CodeSetOperand,
    Condition,
    Rule,
    operands_of,
    tests_of,
)

_PHASES: Final = {
    f"{family}.{verb}": phase_of(verb, family) for family, verbs in VERBS.items() for verb in verbs
}


class SameMeaning(Check):
    id = "YJ201"
    title = Names("两条规则同义", "Two rules with the same meaning")
    doc = (
        "Two rules that are about the same events, the same elements and the same conditions, on "
        "days that overlap, and that tell the same, double every alert. The order of conditions, "
        "`in` with one word and `not` with the opposite operator make no difference. Keep one."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        groups: dict[Any, list[tuple[Subject, Rule]]] = {}
        for subject in material.subjects:
            for body in subject.rule.bodies if subject.rule.status != "retired" else ():
                meaning = _meaning(body)
                if meaning is not None:
                    groups.setdefault(meaning, []).append((subject, body))
        for group in groups.values():
            for number, (subject, body) in enumerate(group):
                for first, other in group[:number]:
                    if first is not subject and _meet(body, other):
                        message = f"{body.id} means the same as {other.id}"
                        fix = "keep one of them, or say how they differ"
                        yield self.at(subject.place("when"), message, fix)
                        break


def _meaning(rule: Rule) -> Any:
    met = canonical(AllOf((rule.scope, rule.when)))
    spared = canonical(rule.unless)
    if met is None or spared is None:
        return None
    told = rule.finding
    return (rule.each, rule.group_by, repr(rule.expect), met, spared, told.result, told.severity,
            told.action, told.audience, repr(sorted(told.by_phase)))  # fmt: skip


def _meet(one: Rule, other: Rule) -> bool:
    """Whether an event of some day concerns both."""
    a, b = one.effective, other.effective
    return (
        not set(one.on).isdisjoint(other.on)
        and (a.end is None or b.start < a.end)
        and (b.end is None or a.start < b.end)
    )


class _Reachable(Check):
    """A check of one body of a rule."""

    def rule(self, subject: Subject) -> Iterable[Problem]:
        for body in subject.rule.bodies:
            for key, message, fix in self.body(body, subject.knowledge):
                where = "" if body is subject.rule else f"version {body.version}: "
                yield self.at(subject.place(key), f"{where}{message}", fix)

    def body(self, rule: Rule, knowledge: KnowledgeBase) -> Iterator[tuple[str, str, str]]:
        """(key of the rule's file, message, fix)."""
        yield from ()


class CanFire(_Reachable):
    id = "YJ202"
    title = Names("规则可能为真", "A rule can fire")
    doc = (
        "The conditions of scope and when must be able to hold together, on the events that `on` "
        "names: a fact cannot be two words, be above and below one limit, be absent and have a "
        "value. A rule that can never fire looks like a rule that finds nothing."
    )

    def body(self, rule: Rule, knowledge: KnowledgeBase) -> Iterator[tuple[str, str, str]]:
        solver = Solver(rule.each, knowledge)
        events = seeds(rule.on, _PHASES)
        fix = "correct one of the conditions, or `on`"
        for key, tree in (("scope", rule.scope), ("when", rule.when)):
            facts = _never(solver, AllOf((events, tree)))
            if facts:
                yield (
                    key,
                    f"`{key}` can never be true: conditions on {facts} exclude each other",
                    fix,
                )
                return
        facts = _never(solver, AllOf((events, rule.scope, rule.when)))
        if facts:
            yield "when", f"`scope` excludes `when`: both ask for {facts}", fix


def _never(solver: Solver, tree: Condition) -> str:
    """The facts on which a tree that can never be true fails; "" for one that can."""
    cases = cases_of(tree)
    if cases is None or not cases or solver.possible(cases):
        return ""
    facts = dict.fromkeys(f for case in cases for f in solver.contradiction(case) or ())
    return ", ".join(f"`{name}`" for name in facts)


class Branches(_Reachable):
    id = "YJ203"
    title = Names("每个分支都有意义", "Every branch of `any` matters")
    doc = (
        "A branch of `any` that can never be true in its rule, or that another branch includes, "
        "changes nothing and misleads readers. Remove it, or correct what was meant."
    )

    def body(self, rule: Rule, knowledge: KnowledgeBase) -> Iterator[tuple[str, str, str]]:
        events = seeds(rule.on, _PHASES)
        for key, tree, around in (
            ("scope", rule.scope, AllOf((events,))),
            ("when", rule.when, AllOf((events, rule.scope))),
            ("unless", rule.unless, AllOf((events, rule.scope))),
        ):
            for branching in branches_of(tree):
                yield from _branches(key, branching.conditions, around, rule, knowledge)


def _branches(
    key: str, branches: tuple[Condition, ...], around: Condition, rule: Rule,
    knowledge: KnowledgeBase,
) -> Iterator[tuple[str, str, str]]:  # fmt: skip
    solver = Solver(rule.each, knowledge)
    kept: list[tuple[int, tuple[Case, ...]]] = []
    for number, branch in enumerate(branches, 1):
        cases = cases_of(branch)
        if cases is None:
            continue
        if len(branches) > 1 and _never(solver, AllOf((around, branch))):
            message = f"branch {number} of an `any` in `{key}` can never be true here"
            yield key, message, "remove it or correct it"
            continue
        kept.append((number, cases))
    dropped: set[int] = set()
    for (a, ours), (b, theirs) in ((x, y) for x in kept for y in kept if x[0] != y[0]):
        if a in dropped or b in dropped:
            continue
        if all(any(solver.includes(wide, narrow) for wide in theirs) for narrow in ours):
            first, second = (b, a) if a > b or not _mutual(solver, ours, theirs) else (a, b)
            dropped.add(second)
            message = f"branch {second} of an `any` in `{key}` is included in branch {first}"
            yield key, message, f"remove branch {second}: it changes nothing"


def _mutual(solver: Solver, ours: tuple[Case, ...], theirs: tuple[Case, ...]) -> bool:
    return all(any(solver.includes(wide, narrow) for wide in ours) for narrow in theirs)


class Exemptions(_Reachable):
    id = "YJ204"
    title = Names("豁免有意义", "An exemption can hold, and not always")
    doc = (
        "`unless` must be able to be true of what scope and when have found, and must not be true "
        "of all of it: an exemption that never holds protects nobody, one that always holds makes "
        "the rule silent."
    )

    def body(self, rule: Rule, knowledge: KnowledgeBase) -> Iterator[tuple[str, str, str]]:
        if rule.unless == NEVER:
            return
        solver = Solver(rule.each, knowledge)
        found = AllOf((seeds(rule.on, _PHASES), rule.scope, rule.when))
        if _never(solver, found):
            return  # the rule's own conditions say enough
        facts = _never(solver, AllOf((found, rule.unless)))
        if facts:
            yield "unless", f"`unless` can never be true here: see {facts}", "correct or remove it"
            return
        ours, spared = cases_of(found), cases_of(rule.unless)
        if ours and spared:
            possible = solver.possible(ours)
            if possible and all(
                any(solver.includes(wide, narrow) for wide in spared) for narrow in possible
            ):
                fix = "the rule would never fire: correct it"
                yield "unless", "`unless` is true of all that the rule finds", fix


class CodeSets(_Reachable):
    id = "YJ205"
    title = Names("代码集在规则的期间内不为空", "Code sets have members on the rule's days")
    doc = (
        "A code set that a rule names must have members on some day that the rule governs. Before "
        "its first interval it is unknown, and the rule can never be decided."
    )

    def body(self, rule: Rule, knowledge: KnowledgeBase) -> Iterator[tuple[str, str, str]]:
        for key, tree in (("scope", rule.scope), ("when", rule.when), ("unless", rule.unless)):
            for test in tests_of(tree):
                for operand in operands_of(test):
                    if isinstance(operand, CodeSetOperand) and _is_empty(operand, rule, knowledge):
                        message = f"the code set `{operand.codeset}` has no members while the "
                        fix = "give it members, or correct `effective`"
                        yield key, f"{message}rule is effective (`{said(test)}`)", fix


def _is_empty(operand: CodeSetOperand, rule: Rule, knowledge: KnowledgeBase) -> bool:
    codeset = knowledge.codeset(operand.codeset)
    if codeset is None:
        return False
    days = rule.effective
    return not any(
        entry.value.codes
        and (days.end is None or entry.valid_from < days.end)
        and (entry.valid_to is None or days.start < entry.valid_to)
        for entry in codeset.history
    )


MEANING_CHECKS: Final = (SameMeaning, CanFire, Branches, Exemptions, CodeSets)
