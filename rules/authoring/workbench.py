"""The rule author's tools as functions: check, test, explain, facts, and a new rule's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules import lint
from rules.authoring.explain import Explanation, explain
from rules.authoring.scaffold import Scaffold, scaffold
from rules.authoring.seen import SeenCondition, seen_conditions
from rules.authoring.testing import CaseResult, TestReport, run_tests, test_files
from rules.facts import CATALOGUE
from rules.lint.run import marked, marked_of_tests
from rules.pack import TEST_SUFFIX, Pack, read_pack

__all__ = [
    "Explanation",
    "FactDoc",
    "Scaffold",
    "Tested",
    "check",
    "explain",
    "facts",
    "scaffold",
    "test",
]


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
    time: str = ""
    """The fact that says when it was observed: `fresh_within` can be asked of it."""


@dataclass(frozen=True)
class Tested:
    """A report of tests with the truth values that they have seen of each condition."""

    report: TestReport
    conditions: tuple[SeenCondition, ...]

    @property
    def ok(self) -> bool:
        return self.report.ok

    @property
    def results(self) -> tuple[CaseResult, ...]:
        return self.report.results


def check(
    paths: Sequence[Path],
    knowledge: KnowledgeBase,
    *,
    today: date | None = None,
    knowledge_paths: Sequence[Path] = (),
) -> list[Problem]:
    """Every problem of rules, their tests and their lock, sorted by place; see rules.lint."""
    return lint.lint(paths, knowledge, today=today, knowledge_paths=knowledge_paths)


def test(
    paths: Sequence[Path],
    knowledge: KnowledgeBase,
    rule_id: str | None = None,  # noqa: PT028 (no test)
    engine: str = "compiled",  # noqa: PT028
) -> Tested:
    """The report of the tests of these files and folders; of one rule where it is named.

    Of one rule what is wrong with others is not told.
    """
    problems: list[Problem] = []
    pack: Pack = read_pack(paths, knowledge, problems)
    files = test_files(paths)
    if rule_id:
        folder, _, stem = rule_id.rpartition(".")
        files = [f for f in files if (f.parent.name, f.name) == (folder, f"{stem}{TEST_SUFFIX}")]
        file = (folder, f"{stem}.yaml")
        problems = [p for p in problems if (p.path.parent.name, p.path.name) == file]
    report = run_tests(pack, knowledge, files, engine)
    told = {*marked(problems), *marked_of_tests(report.problems)}
    report = TestReport(report.results, tuple(sorted(told)))
    return Tested(report, tuple(seen_conditions(pack, report.results)))


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
            time=fact.time,
        )
        for fact in CATALOGUE.values()
    ]
