"""Which cases the tests of a rule must have, computed from the rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from knowledge_base.strict_yaml import Problem
from rules.facts import ELEMENT_VALUE, fact_of
from rules.model import NEVER, Condition, Rule, facts_of
from rules.testing import CaseResult

MUST_FIRE: Final = 3
MUST_NOT_FIRE: Final = 3
_LOOKED_UP: Final = ("item.drug.", "institution.")
_NOT_FIRING: Final = frozenset({"silent", "exempt", "not_applicable"})


def missing_cases(rule: Rule, results: Sequence[CaseResult], path: Path) -> list[Problem]:
    """A problem for each kind of case that the rule's tests lack.

    At least three that fire and three that do not, one missing-fact case a fact of `when` and of
    `unless`, one exemption case where there is an `unless`.
    """
    found: list[Problem] = []

    def lacks(what: str, fix: str) -> None:
        found.append(Problem(path, 1, 1, f"the tests of {rule.id} lack {what}", fix))

    firing = sum(result.got == "alert" for result in results)
    calm = sum(result.got in _NOT_FIRING for result in results)
    if firing < MUST_FIRE:
        lacks(f"{MUST_FIRE - firing} firing cases", "expect: {alert: {…}}")
    if calm < MUST_NOT_FIRE:
        lacks(f"{MUST_NOT_FIRE - calm} cases that do not fire", "expect: silent")
    if rule.unless != NEVER and not any(result.got == "exempt" for result in results):
        lacks("an exemption case", "expect: exempt")
    unknown = {fact for result in results for fact in result.missing}
    for name in _can_be_missing(rule, rule.when):
        if name not in unknown:
            lacks(f"a case without `{name}`", f"expect: {{not_evaluable: {name}}}")
    for name in _can_be_missing(rule, rule.unless):
        if name not in unknown:
            fix = f"expect: {{alert: {{exemption_unverified: [{name}]}}}}"
            lacks(f"a case without `{name}`", fix)
    return found


def _can_be_missing(rule: Rule, tree: Condition) -> Iterable[str]:
    """The facts of a tree that can be unknown while the rule is known to apply.

    Facts of one registry entry (`item.drug.form`, `item.drug.control`) are known together: where
    the scope already asks for one, the others cannot be missing alone. Nor can `item.quantity`
    where the scope asks for `item.quantity.unit`.
    """
    of_scope = {name.rpartition(".")[0] for name in facts_of(rule.scope) if _is_looked_up(name)}
    for name in facts_of(tree):
        fact = fact_of(name, rule.each)
        if fact is None or fact.always_known or name == ELEMENT_VALUE:
            continue
        if _is_looked_up(name) and name.rpartition(".")[0] in of_scope:
            continue
        if not any(asked.startswith(f"{name}.") for asked in facts_of(rule.scope)):
            yield name


def _is_looked_up(name: str) -> bool:
    return name.startswith(_LOOKED_UP)
