"""The sibling tests of rules, run by the production engine.

    rule: medication_safety.fluoroquinolone_minor
    base: {event: prescription.signed, patient: {age: 30 a}, items: [{drug: levofloxacin}]}
    cases:
      - {name: seventeen fires, given: {patient: {age: 17 a}}, expect: {alert: {result: suspected}}}
      - {name: eighteen is silent, given: {patient: {age: 18 a}}, expect: silent}
      - {name: unknown age, given: {patient: {age: null}}, expect: {not_evaluable: patient.age}}

`expect` is silent, exempt, not_applicable, alert, or one of
{alert: {part: value}} (any part of the finding; messages as rendered), {alerts: [{…}, {…}]},
{not_evaluable: fact}, {undetermined: fact} (one fact or a list of them).
The event is written in the shorthand of rules.shorthand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.decision import Decision
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Node, Problem, read
from rules import words
from rules.evaluator import Evaluator
from rules.fields import Fields
from rules.model import Rule
from rules.pack import TEST_SUFFIX, Pack
from rules.shorthand import ShorthandError, event_of, merge

PLAIN: Final = ("silent", "exempt", "not_applicable", "alert")
DETAILED: Final = ("alert", "alerts", "not_evaluable", "undetermined")


@dataclass(frozen=True)
class Case:
    """One case of a test file, merged with its base."""

    rule: str
    name: str
    path: Path
    line: int
    event: dict[str, Any]
    expect: str
    """Which outcome."""
    detail: Any
    """What more is expected of it, or None."""


@dataclass(frozen=True)
class CaseResult:
    case: Case
    got: str
    """The outcome in words."""
    differences: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """The facts that the outcome names as missing."""

    @property
    def passed(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        case = self.case
        head = f"{case.path}:{case.line}: {case.rule}: {case.name}"
        if self.passed:
            return f"{head}: ok"
        return "\n".join([head, *(f"    {line}" for line in self.differences)])


@dataclass(frozen=True)
class TestReport:
    """What the tests said; `str()` shows each failure with expected and got."""

    __test__ = False

    results: tuple[CaseResult, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if not result.passed)

    @property
    def ok(self) -> bool:
        return not self.failures and not self.problems

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        lines += [str(failure) for failure in self.failures]
        rules = len({result.case.rule for result in self.results})
        passed = len(self.results) - len(self.failures)
        lines.append(f"{passed} of {len(self.results)} cases passed, {rules} rules")
        return "\n".join(lines)


def test_files(paths: Sequence[Path]) -> list[Path]:
    """The test files of files and folders; a rule's file stands for its sibling test."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(path.rglob(f"*{TEST_SUFFIX}"))))
        elif path.name.endswith(TEST_SUFFIX):
            found[path] = None
        else:
            sibling = path.with_name(f"{path.stem}{TEST_SUFFIX}")
            if sibling.exists():
                found[sibling] = None
    return list(found)


test_files.__test__ = False  # type: ignore[attr-defined]


def read_cases(path: Path, pack: Pack, problems: list[Problem]) -> list[Case]:
    """The cases of a test file; whatever is wrong is appended to `problems`."""
    node = read(path, problems)
    if node is None:
        return []
    f = Fields(node, "a test file", problems)
    if not f.expect(("rule", "base", "cases"), (), words.NOT_BUILT["tests"]):
        return []
    rule_id = f.text("rule")
    rule_node = f.get("rule") or node
    expected = f"{path.parent.name}.{path.name.removesuffix(TEST_SUFFIX)}"
    if rule_id and rule_id != expected:
        f.report(rule_node, f"the test is for {rule_id}", f"expected folder.file: {expected}")
        return []
    if pack.rule(rule_id) is None:
        f.report(rule_node, f"there is no rule {rule_id}", "the rule's own file says why")
        return []
    base, cases = f.get("base"), f.get("cases")
    if base is None or cases is None:
        return []
    if not base.is_mapping or not cases.is_list:
        f.report(node, "`base` is a mapping and `cases` is a list", "see the shorthand")
        return []
    return [
        case
        for child in cases
        if (case := _case(child, rule_id, base.plain(), problems)) is not None
    ]


def _case(node: Node, rule_id: str, base: dict[str, Any], problems: list[Problem]) -> Case | None:
    f = Fields(node, "a case", problems)
    if not f.expect(("name", "expect"), ("given",), words.NOT_BUILT["tests"]):
        return None
    name, expect = f.text("name"), f.get("expect")
    given = f.get("given")
    if expect is None:
        return None
    outcome, detail = _expectation(expect)
    if not outcome:
        known = f"{words.listing(PLAIN)}, or {{alert: {{…}}}}, {{not_evaluable: fact}}"
        f.report(expect, "`expect` is not understood", f"expected {known}")
        return None
    try:
        event = merge(base, given.plain() if given is not None else {})
    except ShorthandError as e:
        f.report(given or node, str(e))
        return None
    return Case(rule_id, name, node.path, node.line, event, outcome, detail)


def _expectation(node: Node) -> tuple[str, Any]:
    if isinstance(node.value, str):
        return (node.value, None) if node.value in PLAIN else ("", None)
    if node.is_mapping:
        entries = [(name, value.plain()) for name, _, value in node.items()]
        if len(entries) == 1 and entries[0][0] in DETAILED:
            return entries[0]
    return "", None


def run_tests(pack: Pack, knowledge: KnowledgeBase, paths: Sequence[Path]) -> TestReport:
    """Run every case of the test files. Mistakes in the files stand in `problems`."""
    problems: list[Problem] = []
    results: list[CaseResult] = []
    for path in test_files(paths):
        for case in read_cases(path, pack, problems):
            rule = pack.rule(case.rule)
            if rule is not None:
                results.append(run_case(case, rule, knowledge))
    return TestReport(tuple(results), tuple(problems))


def run_case(case: Case, rule: Rule, knowledge: KnowledgeBase) -> CaseResult:
    """One case, with the rule alone in its pack; a draft is tested as if it were in shadow."""
    try:
        event = event_of(case.event, knowledge)
    except ShorthandError as e:
        return CaseResult(case, "no event", (f"the event cannot be made: {e}",))
    if not rule.is_evaluated:
        rule = replace(rule, status="shadow")
    decision = Evaluator(Pack.of([rule]), knowledge).decide(event)
    got = outcome_of(decision)
    missing = (
        *_missing(decision, got),
        *(f for x in decision.findings for f in x.exemption_unverified),
    )
    return CaseResult(case, got, tuple(_differences(case, decision, got)), missing)


def outcome_of(decision: Decision) -> str:
    """The outcome of the one rule of a decision, over all of its elements."""
    counted = decision.coverage
    if decision.findings:
        return "alert"
    if counted.not_evaluable:
        return "not_evaluable"
    if counted.undetermined:
        return "undetermined"
    if counted.exempt:
        return "exempt"
    return "silent" if counted.silent else "not_applicable"


def _differences(case: Case, decision: Decision, got: str) -> list[str]:
    wanted = "alert" if case.expect == "alerts" else case.expect
    if got != wanted:
        return [f"expected {_said(case)}", f"got      {_shown(decision, got)}"]
    if wanted == "alert":
        return _alerts(case, decision)
    if case.detail is None:
        return []
    facts = [case.detail] if isinstance(case.detail, str) else list(case.detail)
    missing = _missing(decision, got)
    if set(facts) <= set(missing):
        return []
    return [f"expected {got}: {', '.join(facts)}", f"got      {got}: {', '.join(missing)}"]


def _alerts(case: Case, decision: Decision) -> list[str]:
    details = case.detail if case.expect == "alerts" else [case.detail]
    if len(decision.findings) != len(details):
        return [f"expected {len(details)} alerts", f"got      {len(decision.findings)} alerts"]
    lines: list[str] = []
    for detail, finding in zip(details, decision.findings, strict=True):
        _compare(detail or {}, msgspec.to_builtins(finding), "", lines)
    return lines


def _compare(wanted: Any, got: Any, path: str, lines: list[str]) -> None:
    """Append a pair of lines for each part that differs; mappings may be subsets."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name, value in wanted.items():
            _compare(value, got.get(name), f"{path}.{name}" if path else name, lines)
    elif wanted != (list(got) if isinstance(got, tuple) else got):
        lines += [f"{path}: expected {wanted!r}", f"{path}: got      {got!r}"]


def _missing(decision: Decision, got: str) -> list[str]:
    if got == "undetermined":
        return list(dict.fromkeys(group.fact for group in decision.undetermined))
    return list(
        dict.fromkeys(missing.fact for entry in decision.not_evaluable for missing in entry.missing)
    )


def _said(case: Case) -> str:
    return case.expect if case.detail is None else f"{case.expect}: {case.detail}"


def _shown(decision: Decision, got: str) -> str:
    if got == "alert":
        return f"alert: {decision.findings[0].message.en}"
    missing = ", ".join(_missing(decision, got)) if got in ("not_evaluable", "undetermined") else ""
    text = f"{got}: {missing}" if missing else got
    read = {**decision.facts, **{k: v for e in decision.elements.values() for k, v in e.items()}}
    return f"{text} (facts read: {read})" if read else text
