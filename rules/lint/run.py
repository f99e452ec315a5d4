"""Reading, testing and checking rules in one go: every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Node, Problem, read
from rules.authoring import lock
from rules.authoring.testing import CaseResult, read_cases, run_case, test_files
from rules.lint.base import Check, Material, Subject
from rules.lint.cases import CASE_CHECKS
from rules.lint.drugs import DrugWords
from rules.lint.knowledge import KNOWLEDGE_CHECKS
from rules.lint.limits import LIMIT_CHECKS
from rules.lint.meaning import MEANING_CHECKS, CanFire
from rules.lint.past import PAST_CHECKS
from rules.lint.past_cases import PAST_CASE_CHECKS
from rules.lint.reading import READING_CHECKS, TestFiles, Words, Yaml
from rules.lint.upkeep import UPKEEP_CHECKS
from rules.pack import TEST_SUFFIX, Pack, read_pack
from rules.reading import check_ids

CHECKS: Final[tuple[type[Check], ...]] = tuple(
    sorted(
        (
            *READING_CHECKS,
            *CASE_CHECKS,
            *MEANING_CHECKS,
            *PAST_CHECKS,
            *PAST_CASE_CHECKS,
            *UPKEEP_CHECKS,
            *KNOWLEDGE_CHECKS,
            *LIMIT_CHECKS,
            DrugWords,
        ),
        key=lambda check: check.id,
    )
)
"""Every check, by id."""
_CHECKED: Final = ("codesets", "source_profiles")
"""Sections of knowledge files whose entries are looked at where they stand."""


def lint(
    paths: Sequence[Path],
    knowledge: KnowledgeBase,
    *,
    today: date | None = None,
    knowledge_paths: Sequence[Path] = (),
) -> list[Problem]:
    """Every problem of the rules in these files and folders, and of their tests, sorted by place.

    `today` is the day for review dates; without it they are not asked. With `knowledge_paths`,
    parameters in these files that no rule uses are warned of, and their code sets and source
    profiles are checked. Lock files are found beside the
    packs. Problems whose `level` is `warning` make nothing fail.
    """
    problems: list[Problem] = []
    pack = read_pack(paths, knowledge, problems)
    problems = list(marked(problems))
    unreadable = {problem.path for problem in problems}
    subjects = tuple(_subjects(pack, knowledge, problems))
    problems += _without_rules(paths, pack, unreadable)
    material = Material(
        subjects=subjects,
        pack=pack,
        knowledge=knowledge,
        today=today,
        locks=tuple(_locks(paths, problems)),
        folders=frozenset(path.resolve() for path in paths),
        unreadable=frozenset(f"{path.parent.name}.{path.stem}" for path in unreadable),
        parameters=_parameters(knowledge_paths),
        entries={name: tuple(_entries(knowledge_paths, name)) for name in _CHECKED},
    )
    stuck = {subject.rule.id for subject in subjects if any(CanFire().rule(subject))}
    for check in (kind() for kind in CHECKS):
        for subject in subjects:
            if not (check.asks_for_cases and subject.rule.id in stuck):
                problems += check.rule(subject)
        problems += check.together(material)
    return sorted(set(problems))


def marked(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The reader's problems, each with the check that it belongs to, and each fault once.

    What is no YAML is read as something else: what that would mean is not told as well.
    """
    broken: dict[Path, set[Problem]] = {}
    for problem in problems:
        if problem.path not in broken:
            found: list[Problem] = []
            if problem.path.is_file():
                read(problem.path, found)
            broken[problem.path] = set(found)
        if problem in broken[problem.path]:
            yield replace(problem, check=Yaml.id)
        elif problem.line not in {other.line for other in broken[problem.path]}:
            yield replace(problem, check=problem.check or Words.id)


def _subjects(pack: Pack, knowledge: KnowledgeBase, problems: list[Problem]) -> Iterator[Subject]:
    for rule in pack.rules:
        path = pack.path(rule.id)
        node = read(path, []) if path is not None else None
        if path is None or node is None:
            continue
        sibling = path.with_name(f"{path.stem}{TEST_SUFFIX}")
        found: list[Problem] = []
        cases = read_cases(sibling, pack, found) if sibling.exists() else []
        problems += marked_of_tests(found)
        results = tuple(run_case(case, rule, knowledge) for case in cases)
        yield Subject(
            rule=rule,
            path=path,
            node=node,
            knowledge=knowledge,
            test_path=sibling,
            has_tests=sibling.exists() and not found and not _all_fail(results),
            cases=tuple(cases),
            results=results,
        )


def _all_fail(results: Sequence[CaseResult]) -> bool:
    """Whether no event can be made: then the tests do not say what they lack."""
    return bool(results) and all(result.error for result in results)


def marked_of_tests(found: Iterable[Problem]) -> Iterator[Problem]:
    """The same of problems of test files."""
    for problem in marked(found):
        is_yaml = problem.check == Yaml.id
        yield problem if is_yaml else replace(problem, check=TestFiles.id)


def _without_rules(paths: Sequence[Path], pack: Pack, unreadable: set[Path]) -> Iterator[Problem]:
    """Test files whose rule is not there. Of a rule that is broken only the YAML is looked at."""
    known = {path.with_name(f"{path.stem}{TEST_SUFFIX}") for _, path in pack.paths}
    for path in test_files([path for path in paths if path.exists()]):
        if path in known:
            continue
        found: list[Problem] = []
        rule = path.with_name(f"{path.name.removesuffix(TEST_SUFFIX)}.yaml")
        if rule in unreadable:
            read(path, found)
        else:
            read_cases(path, pack, found)
        yield from marked_of_tests(found)


def _locks(paths: Sequence[Path], problems: list[Problem]) -> Iterator[tuple[Path, lock.Lock]]:
    seen: set[Path] = set()
    for path in paths:
        place = lock.path_for([path])
        if place is not None and place not in seen:
            seen.add(place)
            found: list[Problem] = []
            content = lock.read_lock(place, found)
            problems += (replace(problem, check=check_ids.LOCK) for problem in found)
            yield place, content


def _parameters(paths: Sequence[Path]) -> dict[str, Node]:
    """The entries of `parameters:` in knowledge files, by id."""
    found: dict[str, Node] = {}
    for entry in _entries(paths, "parameters"):
        name = entry.get("id")
        if name is not None and isinstance(name.value, str):
            found[name.value] = entry
    return found


def _entries(paths: Sequence[Path], section: str) -> Iterator[Node]:
    """The entries of one section of knowledge files."""
    for path in paths:
        for file in sorted(path.rglob("*.yaml")) if path.is_dir() else [path]:
            node = read(file, [])
            listed = node.get(section) if node is not None and node.is_mapping else None
            for entry in listed if listed is not None and listed.is_list else ():
                if entry.is_mapping:
                    yield entry
