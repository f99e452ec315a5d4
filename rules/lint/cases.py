"""Which cases the tests of a rule must have, computed from the rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem, read
from rules.authoring.short_values import LOCAL
from rules.authoring.shorthand import ShorthandError, event_of
from rules.authoring.testing import CaseResult, outcome_of
from rules.authoring.virtual import in_calendar
from rules.facts import ELEMENT_VALUE, fact_of, list_of
from rules.lint.base import CaseCheck, Check, Subject
from rules.lint.meaning import Exemptions
from rules.model import (
    NEVER,
    Condition,
    Rule,
    facts_of,
    somes_of,
)

_EVENT: Final = "correct the event; reference/tests.md shows how events are written"
MUST_FIRE: Final = 3
MUST_NOT_FIRE: Final = 3
_NOT_FIRING: Final = frozenset({"silent", "exempt", "not_applicable", "does_not_apply"})
"""Outcomes of cases and, where the last event is another one, of timelines."""
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
        "included. Correct the rule or the expectation; `yijian rules explain` shows why. An event "
        "that cannot be made is told where it stands: once for all cases, if it is `base` itself."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        base = read(subject.test_path, []) if any(r.error for r in subject.results) else None
        base = base.get("base") if base is not None else None
        for result in subject.results:
            if result.passed:
                continue
            wrong = _wrong_base(base, result.error, subject) if base is not None else None
            if wrong is not None:
                yield wrong
            elif result.error:
                message = f"the case `{result.case.name}` fails: {result.error}"
                yield Problem(result.case.path, result.case.line, 1, message, _EVENT, check=self.id)
            else:
                detail = "; ".join(part.strip() for part in result.differences)
                message = f"the case `{result.case.name}` fails: {detail}"
                fix = "correct the rule or what the case expects; `yijian rules explain` says why"
                yield Problem(result.case.path, result.case.line, 1, message, fix, check=self.id)


def _wrong_base(base: Node, error: str, subject: Subject) -> Problem | None:
    """That `base` alone cannot be made, for the reason for which a case cannot; else None."""
    try:
        event_of(in_calendar(base.plain(), LOCAL), subject.knowledge)
    except ShorthandError as e:
        if error.endswith(f": {e}"):
            word = re.split(r"[ .]", str(e))[-1]
            place = next((key for name, key, _ in base.entries() if name == word), base)
            return TestsPass.at(place, f"the event of `base` cannot be made: {e}", _EVENT)
    return None


class Firing(CaseCheck):
    id = "YJ103"
    title = Names("至少三例报警", "Three cases that fire")
    doc = (
        "At least three cases must fire: one example proves little. Vary the drug, the setting, "
        "the event or the phase."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        count = sum(_firing(result) for result in subject.results)
        if count < MUST_FIRE:
            yield _counted(MUST_FIRE - count, "that fire", "that fires"), "expect: {alert: {…}}"


class Calm(CaseCheck):
    id = "YJ104"
    title = Names("至少三例不报警", "Three cases that do not fire")
    doc = (
        "At least three cases must stay silent, be exempt or be out of scope: a rule that fires on "
        "everything passes every firing case. Use near misses."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        count = sum(_calm(result) for result in subject.results)
        if count < MUST_NOT_FIRE:
            more = MUST_NOT_FIRE - count
            yield _counted(more, "that do not fire", "that does not fire"), "expect: silent"


def _firing(result: CaseResult) -> int:
    """How often a case fires: a timeline at each of its decisions that do."""
    if result.case.timeline is None:
        return int(result.got == "alert")
    return sum(bool(decision.findings) for decision in result.decisions)


def _calm(result: CaseResult) -> int:
    """How often a case does not; a timeline also as a whole, if nothing in it fires."""
    if result.case.timeline is None:
        return int(result.got in _NOT_FIRING)
    quiet = sum(outcome_of(decision) in _NOT_FIRING for decision in result.decisions)
    return quiet + (not _firing(result))


def _counted(count: int, many: str, one: str) -> str:
    return f"a case {one}" if count == 1 else f"{count} cases {many}"


class MissingFacts(CaseCheck):
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


class Exempted(CaseCheck):
    id = "YJ109"
    title = Names("豁免要有一例", "An exemption case")
    doc = "A rule with `unless` needs a case that it exempts: otherwise nobody knows that it can."

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        has_some = any(body.unless != NEVER for body in subject.rule.bodies)
        is_shown = any(map(_is_exempt, subject.results))
        if has_some and not is_shown and not any(Exemptions().rule(subject)):
            yield "an exemption case", "expect: exempt"


def _is_exempt(result: CaseResult) -> bool:
    """Whether a case is exempt; a timeline where any of its decisions is, whatever follows."""
    return result.got == "exempt" or any(d.coverage.exempt for d in result.decisions)


CASE_CHECKS: Final = (
    HasTests, TestsPass, Firing, Calm, MissingFacts, Exempted,
)  # fmt: skip
