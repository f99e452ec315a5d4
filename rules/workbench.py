"""The rule author's tools as functions: check, test, facts, explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.coverage import missing_cases
from rules.explain import Explanation, explain
from rules.facts import CATALOGUE
from rules.pack import TEST_SUFFIX, read_pack
from rules.testing import TestReport, run_tests, test_files


@dataclass(frozen=True)
class FactDoc:
    """A fact as authors look it up."""

    name: str
    type: str
    unit: str
    zh: str
    en: str
    each: str
    """The list whose elements have it; "" for a fact of the event."""
    families: tuple[str, ...]
    words: tuple[str, ...]
    coding: str
    """Which kind of code set it can be compared with."""


def check(paths: Sequence[Path], knowledge: KnowledgeBase) -> list[Problem]:
    """Every problem of rules and their tests, sorted by place; empty where all is well.

    A rule needs a sibling test file that passes and has the cases which `rules.coverage` asks for.
    """
    problems: list[Problem] = []
    pack = read_pack(paths, knowledge, problems)
    report = run_tests(pack, knowledge, paths)
    problems += report.problems
    places = dict(pack.paths)
    unreadable = {problem.path for problem in report.problems}
    for rule in pack.rules:
        path = places[rule.id]
        sibling = path.with_name(f"{path.stem}{TEST_SUFFIX}")
        if not sibling.exists():
            message = f"the rule {rule.id} has no test"
            problems.append(Problem(path, 1, 1, message, f"add {sibling.name} beside it"))
        elif sibling not in unreadable:
            results = [result for result in report.results if result.case.rule == rule.id]
            problems += missing_cases(rule, results, sibling)
    for failure in report.failures:
        detail = "; ".join(failure.differences)
        message = f"the case `{failure.case.name}` fails: {detail}"
        problems.append(Problem(failure.case.path, failure.case.line, 1, message))
    return sorted(problems)


def test(
    paths: Sequence[Path],
    knowledge: KnowledgeBase,
    rule_id: str | None = None,  # noqa: PT028 (no test)
) -> TestReport:
    """The report of the tests of these files and folders; of one rule where it is named."""
    problems: list[Problem] = []
    pack = read_pack(paths, knowledge, problems)
    files = test_files(paths)
    if rule_id:
        folder, _, stem = rule_id.rpartition(".")
        files = [f for f in files if (f.parent.name, f.name) == (folder, f"{stem}{TEST_SUFFIX}")]
    report = run_tests(pack, knowledge, files)
    return TestReport(report.results, (*problems, *report.problems))


test.__test__ = False  # type: ignore[attr-defined]


def facts() -> list[FactDoc]:
    """The catalogue of facts, in its own order."""
    return [
        FactDoc(
            name=fact.name,
            type=str(fact.type),
            unit=fact.unit,
            zh=fact.zh,
            en=fact.en,
            each=fact.of,
            families=fact.families,
            words=fact.words,
            coding=fact.coding,
        )
        for fact in CATALOGUE.values()
    ]


__all__ = ["Explanation", "FactDoc", "check", "explain", "facts", "test"]
