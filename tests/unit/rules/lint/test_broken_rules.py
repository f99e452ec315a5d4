"""Rules and knowledge, each broken in its own way: each fault is told once, with a fix."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import knowledge_base
from knowledge_base.strict_yaml import Problem, read_text
from rules import PACKS
from rules.lint import CHECKS, lint
from rules.reading.loader import read_rule_text
from support.shared_data import shared_data

BROKEN = Path(__file__).parents[3] / "data" / "broken_rules"
BROKEN_KNOWLEDGE = BROKEN.with_name("broken_knowledge")
KNOWLEDGE = knowledge_base.load([*knowledge_base.default_paths(), BROKEN_KNOWLEDGE])
TODAY = date(2026, 11, 22)
ENTRY = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?P<check>YJ\d+) .+")
Place = tuple[str, int, str]


def expected() -> list[Place]:
    """File, line and check of each fault, as written down beside the rules."""
    found = []
    for line in (BROKEN / "expected.txt").read_text(encoding="utf-8").splitlines():
        match = ENTRY.fullmatch(line)
        assert match is not None, line
        found.append((match["file"], int(match["line"]), match["check"]))
    return found


def told() -> list[Problem]:
    return lint([BROKEN], KNOWLEDGE, today=TODAY, knowledge_paths=[BROKEN_KNOWLEDGE])


def place(problem: Problem) -> Place:
    file = Path(os.path.relpath(problem.path, BROKEN)).as_posix()
    return file, problem.line, problem.check


def test_every_fault_is_told_exactly_once_with_its_file_line_and_check() -> None:
    assert sorted(map(place, told())) == sorted(expected())


def test_every_fault_comes_with_what_to_do_next() -> None:
    for problem in told():
        assert len(problem.message) > 5, problem
        assert len(problem.fix) > 5, problem
        assert "Traceback" not in str(problem)


def test_there_are_forty_broken_rules_and_more() -> None:
    faults = expected()
    assert len(faults) >= 40
    assert len({file for file, _, _ in faults}) == len(faults)


def test_no_file_is_broken_without_anybody_knowing() -> None:
    named = {file.removesuffix(".test.yaml").removesuffix(".yaml") for file, _, _ in expected()}
    there = {
        path.relative_to(BROKEN).as_posix().removesuffix(".yaml").removesuffix(".test")
        for path in BROKEN.rglob("*.yaml")
    }
    assert there - named == {"meaning/twin_a"}  # the other twin is told


def test_each_check_is_broken_somewhere() -> None:
    """The rest needs more than one broken rule shows; their own tests show it."""
    elsewhere = {"YJ107", "YJ108", "YJ109", "YJ111", "YJ205", "YJ303", "YJ407"}
    assert {check.id for check in CHECKS} - {check for _, _, check in expected()} == elsewhere


RULES = [
    path.read_text(encoding="utf-8")
    for path in sorted(PACKS.rglob("*.yaml"))
    if not path.name.endswith(".test.yaml")
]
JUNK = st.sampled_from(["\t", ":", "{", "}", "[", "- ", "&a ", "*a", "!!x ", "<<: ", "|", "'", '"',
                        "#", "\x00", "\u2028", "999999999999999999999", "1e9", "~", "null", "？",
                        "\n", "  ", "not: ", "any: []", "some: 1", "versions: {}"])  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(st.sampled_from(RULES), st.data())
def test_no_damage_to_a_rule_crashes_the_reader(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        to = min(len(text), at + data.draw(st.integers(0, 40)))
        text = text[:at] + data.draw(JUNK) + text[to:]
    problems: list[Problem] = []
    rule = read_rule_text(text, Path("pack/rule.yaml"), KNOWLEDGE, problems)
    assert (rule is None) == bool(problems)


LENIENT = {"9C9N", "9JBA", "CVW2", "G5U8", "QB6E", "S98Z", "SU5Z", "X4QW", "YJV2"}
"""Bad cases that libyaml reads, in the one way that they could be meant: a comment without a space
before it, a flow list or a quoted text that goes on at the margin, a dash in brackets."""


def test_the_bad_cases_of_the_yaml_test_suite_are_told_and_none_crashes(tmp_path: Path) -> None:
    folder = shared_data("bad-input/yaml-test-suite")
    bad = [path.parent for path in sorted(folder.rglob("error"))]
    assert bad
    unnoticed = set()
    for case in bad:
        problems: list[Problem] = []
        text = (case / "in.yaml").read_bytes().decode("utf-8")
        read_text(text, case / "in.yaml", problems)
        assert all(problem.line >= 1 and problem.message for problem in problems)
        if not problems:
            unnoticed.add(case.relative_to(folder).parts[0])
        (tmp_path / f"{'_'.join(case.relative_to(folder).parts)}.yaml").write_text(text)
    assert unnoticed <= LENIENT
    told_of = {problem.path for problem in lint([tmp_path], KNOWLEDGE)}
    assert told_of == set(tmp_path.glob("*.yaml"))


def test_no_case_of_the_yaml_test_suite_crashes_the_reader_of_rules() -> None:
    for path in sorted(shared_data("bad-input/yaml-test-suite").rglob("in.yaml")):
        problems: list[Problem] = []
        text = path.read_bytes().decode("utf-8")
        assert read_rule_text(text, Path("pack/rule.yaml"), KNOWLEDGE, problems) is None
        assert problems, path


@pytest.mark.parametrize("text", ["", "---\n", "...\n", "- a\n", "text\n", "? a\n", "{}\n", "[]\n",
                                  "a: [\n", "a: 'b\n", "\ufeffa: 1\n", "%YAML 9.9\n---\na: 1\n",
                                  "a:\n - b\n  - c\n", "a: b: c\n", "a: !!binary x\n",
                                  "{a: {" * 200])  # fmt: skip
def test_what_is_hardly_yaml_is_told(text: str) -> None:
    problems: list[Problem] = []
    assert read_rule_text(text, Path("pack/rule.yaml"), KNOWLEDGE, problems) is None
    assert problems
