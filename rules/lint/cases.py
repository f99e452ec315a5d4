"""Which cases the tests of a rule must have, computed from the rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from contracts.values import Amount, Quantity
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Problem
from rules import words
from rules.authoring.explain import said
from rules.facts import ELEMENT_VALUE, Type, fact_of, list_of
from rules.facts.base import OTHER_UNIT
from rules.lint.base import Check, Subject
from rules.lint.meaning import Exemptions
from rules.lint.observed import Observed
from rules.model import (
    NEVER,
    Condition,
    FactOperand,
    Literal,
    Operand,
    Rule,
    Test,
    facts_of,
    leaves_of,
    somes_of,
)

MUST_FIRE: Final = 3
MUST_NOT_FIRE: Final = 3
_NOT_FIRING: Final = frozenset({"silent", "exempt", "not_applicable"})
_LOOKED_UP: Final = ("item.drug.", "institution.", "practitioner.", "pair.")
"""Facts that are read of one entry of a catalogue or registry: they are known together."""


class HasTests(Check):
    id = "YJ101"
    title = Names("规则要有测试", "A rule has tests")
    doc = (
        "Every rule has a sibling file `<rule>.test.yaml`. Without it nobody can tell whether the "
        "rule says what its author meant. Add the file; copy one of a rule that is like yours."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        if not subject.test_path.exists():
            message = f"the rule {subject.rule.id} has no test"
            yield self.in_file(subject.path, message, f"add {subject.test_path.name} beside it")


class TestsPass(Check):
    id = "YJ102"
    title = Names("测试要通过", "Tests pass")
    doc = (
        "Each case is run through the production engine and must end as it expects, message "
        "included. Correct the rule or the expectation; `yijian rules explain` shows why."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        for result in subject.results:
            if not result.passed:
                detail = "; ".join(part.strip() for part in result.differences)
                message = f"the case `{result.case.name}` fails: {detail}"
                fix = "correct the rule or what the case expects; `yijian rules explain` says why"
                yield Problem(result.case.path, result.case.line, 1, message, fix, check=self.id)


class _Cases(Check):
    """A kind of case that the tests must have."""

    asks_for_cases = True

    def rule(self, subject: Subject) -> Iterable[Problem]:
        if subject.has_tests:
            for what, fix in self.lacking(subject):
                message = f"the tests of {subject.rule.id} lack {what}"
                yield self.in_file(subject.test_path, message, fix)

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        """What is lacking, and what to write."""
        yield from ()


class Firing(_Cases):
    id = "YJ103"
    title = Names("至少三例报警", "Three cases that fire")
    doc = (
        "At least three cases must fire: one example proves little. Vary the drug, the setting, "
        "the event or the phase."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        count = sum(result.got == "alert" for result in subject.results)
        if count < MUST_FIRE:
            yield _counted(MUST_FIRE - count, "that fire", "that fires"), "expect: {alert: {…}}"


class Calm(_Cases):
    id = "YJ104"
    title = Names("至少三例不报警", "Three cases that do not fire")
    doc = (
        "At least three cases must stay silent, be exempt or be out of scope: a rule that fires on "
        "everything passes every firing case. Use near misses."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        count = sum(result.got in _NOT_FIRING for result in subject.results)
        if count < MUST_NOT_FIRE:
            more = MUST_NOT_FIRE - count
            yield _counted(more, "that do not fire", "that does not fire"), "expect: silent"


def _counted(count: int, many: str, one: str) -> str:
    return f"a case {one}" if count == 1 else f"{count} cases {many}"


class Limits(_Cases):
    id = "YJ105"
    title = Names("界限两侧与界限本身", "Each side of every limit, and the limit itself")
    doc = (
        "Each limit that a condition compares with needs a case below it, one above it and one "
        "exactly at it: most mistakes are `below` for `at_most`. Nothing lies below zero; of a "
        "limit that is another fact the side that fires is enough, beside the limit itself."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for body in subject.rule.bodies:
            seen = [o for o in subject.observed if o.body == body]
            for test, operand in dict.fromkeys(_limits(body)):
                is_in_scope = test not in leaves_of(body.scope)
                here = [o for o in seen if not is_in_scope or o.truth(body.scope)]
                for side, probes in _sides(test, operand).items():
                    if not any(all(o.truth(p) is is_so for p, is_so in probes) for o in here):
                        where = "at the limit" if side == "at" else f"{side} the limit"
                        yield (
                            f"a case {where} of `{said(test)}`",
                            f"give `{test.fact}` such a value",
                        )


def _limits(rule: Rule) -> Iterator[tuple[Test, Operand]]:
    for tree in (rule.scope, rule.when, rule.unless):
        for test in leaves_of(tree):
            if test.operator in words.ORDER or test.operator == "between":
                for operand in test.operands:
                    yield test, operand


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


class MissingFacts(_Cases):
    id = "YJ106"
    title = Names("每个事实都有缺失的一例", "A case without each fact")
    doc = (
        "For every fact of scope, when and unless one case leaves it out. It shows that the rule "
        "says `undetermined`, `not_evaluable` or `exemption_unverified` there and is not silent."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        unknown = {fact for result in subject.results for fact in result.missing}
        for name, shown in _missing_facts(subject.rule):
            if name not in unknown:
                yield f"a case without `{name}`", f"expect: {shown}"


def _missing_facts(rule: Rule) -> Iterable[tuple[str, str]]:
    """Each fact that can be unknown, with what the case expects then."""
    found: dict[str, str] = {}
    for body in rule.bodies:
        shown = (
            (body.scope, "{{undetermined: {}}}"),
            (body.when, "{{not_evaluable: {}}}"),
            (body.unless, "{{alert: {{exemption_unverified: [{}]}}}}"),
        )
        known: set[str] = set()
        for tree, form in shown:
            names = [*_can_be_missing(body.each, tree, known), *_of_lists(tree)]
            for name in names:
                found.setdefault(name, form.format(name))
    return found.items()


def _of_lists(tree: Condition) -> Iterator[str]:
    """The lists that `some` goes through, and the facts of their elements."""
    for some in somes_of(tree):
        records = list_of(some.each)
        if records is not None and some.each != "items":
            yield records.fact
        yield from _can_be_missing(some.each, some.where, set())
        yield from _of_lists(some.where)


def _can_be_missing(each: str, tree: Condition, known: set[str]) -> Iterator[str]:
    """The facts of a tree that can be unknown while what stands before it is known.

    Facts of one catalogue entry are known together: where one was asked for, the others cannot be
    missing alone. Nor can `item.quantity` where `item.quantity.unit` was asked for. `known`
    collects what was asked for so far.
    """
    for name in facts_of(tree):
        fact = fact_of(name, each)
        entry = name.rpartition(".")[0] if name.startswith(_LOOKED_UP) else name
        if fact is None or fact.always_known or name == ELEMENT_VALUE or entry in known:
            continue
        if not any(asked.startswith(f"{name}.") for asked in known):
            yield name
        known.add(entry)
        known.add(name)


class OtherUnits(_Cases):
    id = "YJ107"
    title = Names("每个量都有别的单位的一例", "A case in another unit for each quantity")
    doc = (
        "Every amount that is compared with a limit needs a case in a unit other than the "
        "limit's: converted (0.5 g against 400 mg), or one that cannot be converted, which must "
        "be not evaluable and never a comparison of bare numbers. Of a measured value (weight, "
        "potassium) it is one in a unit that cannot be converted."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for body in subject.rule.bodies:
            for test in dict.fromkeys(t for t, _ in _limits(body)):
                fact = fact_of(test.fact, body.each)
                if fact is None or not (fact.type is Type.AMOUNT or fact.time):
                    continue
                if all(operand == Literal(0) for operand in test.operands):
                    continue
                if not any(_is_other_unit(o, test) for o in subject.observed if o.body == body):
                    fix = f"give `{test.fact}` in another unit"
                    yield f"a case in another unit for `{said(test)}`", fix


def _is_other_unit(observed: Observed, test: Test) -> bool:
    value, unit = observed.value(test.fact), observed.unit_of_limit(test)
    if value == OTHER_UNIT:
        return True
    return isinstance(value, Amount | Quantity) and bool(unit) and value.unit != unit


class Windows(_Cases):
    id = "YJ108"
    title = Names("时效窗口的两侧", "The edge of every window")
    doc = (
        "Every `fresh_within` needs a case that is fresh and one whose value is exactly so old "
        "that it is not fresh any more: the window is (t - w, t], and a value exactly w old is "
        "stale."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for body in subject.rule.bodies:
            trees = (body.scope, body.when, body.unless)
            for test in dict.fromkeys(t for tree in trees for t in leaves_of(tree)):
                if test.fresh_within is None:
                    continue
                seen = {o.freshness(test) for o in subject.observed if o.body == body}
                if "fresh" not in seen:
                    yield f"a case with a fresh `{test.fact}`", "give it a time within the window"
                if "edge" not in seen:
                    fix = "give it a time exactly the window before"
                    yield f"a case at the end of the window of `{test.fact}`", fix


class Exempted(_Cases):
    id = "YJ109"
    title = Names("豁免要有一例", "An exemption case")
    doc = "A rule with `unless` needs a case that it exempts: otherwise nobody knows that it can."

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        has_some = any(body.unless != NEVER for body in subject.rule.bodies)
        is_shown = any(result.got == "exempt" for result in subject.results)
        if has_some and not is_shown and not any(Exemptions().rule(subject)):
            yield "an exemption case", "expect: exempt"


CASE_CHECKS: Final = (
    HasTests, TestsPass, Firing, Calm, Limits, MissingFacts, OtherUnits, Windows, Exempted,
)  # fmt: skip
