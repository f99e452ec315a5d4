"""The sibling tests of rules, run by the engine that the workers run; see rules.authoring.cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from contracts.decision import Decision, Finding
from contracts.event import Event
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules import words
from rules.authoring.cases import Case, Expected, read_cases, test_files
from rules.authoring.comparing import Difference, alerts_differ, plain
from rules.authoring.explain import Explainer, Explanation, Truths
from rules.authoring.running import run_timeline
from rules.authoring.shorthand import ShorthandError, event_of
from rules.authoring.subjects import without_past
from rules.authoring.timelines import Timeline
from rules.engine.asked import NOW, Asked
from rules.engine.engines import make_evaluator
from rules.engine.evaluator import Evaluator
from rules.model import Rule
from rules.pack import Pack

__all__ = [
    "Case",
    "CaseResult",
    "Difference",
    "Expected",
    "TestReport",
    "explain_case",
    "outcome_of",
    "read_cases",
    "run_case",
    "run_tests",
    "test_files",
    "word_of",
]


@dataclass(frozen=True)
class CaseResult:
    case: Case
    got: str
    """The outcome in words."""
    diffs: tuple[Difference, ...] = ()
    missing: tuple[str, ...] = ()
    """The facts that the outcome names as missing."""
    truths: Truths = ()
    """What each condition came to."""
    error: str = ""
    """Why there is no event to decide."""
    decisions: tuple[Decision, ...] = ()
    """Of a timeline: all of them, in order."""

    @property
    def passed(self) -> bool:
        return not self.diffs and not self.error

    @property
    def differences(self) -> tuple[str, ...]:
        """The differences as lines for people."""
        if self.error:
            return (self.error,)
        return tuple(line for difference in self.diffs for line in difference.lines())

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


def run_tests(
    pack: Pack, knowledge: KnowledgeBase, paths: Sequence[Path], engine: str = "compiled"
) -> TestReport:
    """Run every case of the test files. Mistakes in the files stand in `problems`."""
    problems: list[Problem] = []
    results: list[CaseResult] = []
    for path in test_files(paths):
        explainer: Explainer | None = None
        for case in read_cases(path, pack, problems):
            rule = pack.rule(case.rule)
            if rule is not None:
                explainer = explainer or _explainer(rule, knowledge, engine)
                results.append(_run(case, explainer))
    return TestReport(tuple(results), tuple(problems))


def run_case(
    case: Case, rule: Rule, knowledge: KnowledgeBase, engine: str = "compiled"
) -> CaseResult:
    """One case, with the rule alone in its pack."""
    return _run(case, _explainer(rule, knowledge, engine))


def _explainer(rule: Rule, knowledge: KnowledgeBase, engine: str) -> Explainer:
    """Of the rule alone."""
    return Explainer(make_evaluator(engine, Pack.of([_tested(rule)]), knowledge))


def _tested(rule: Rule) -> Rule:
    """A draft is tested as if it were in shadow."""
    return rule if rule.is_evaluated else rule.in_shadow()


def _run(case: Case, explainer: Explainer) -> CaseResult:
    if case.timeline is not None:
        return _timeline(case, case.timeline, explainer)
    try:
        _, explained = explain_case(case, explainer)
    except ShorthandError as e:
        return CaseResult(case, "no event", error=f"the event cannot be made: {e}")
    decision = explained.decision
    got = outcome_of(decision)
    missing = (
        *_missing(decision, got),
        *(fact for finding in decision.findings for fact in finding.exemption_unverified),
    )
    diffs = _differences(case.expect, decision, got, explained)
    return CaseResult(case, got, tuple(diffs), missing, explained.truths())


def explain_case(case: Case, explainer: Explainer) -> tuple[Event, Explanation]:
    """The event of a plain case, and what its rule says of it. ShorthandError for no event."""
    event = event_of(case.event, explainer.knowledge)
    found = explainer.explain(case.rule, event, _asked(event, explainer.evaluator))
    if case.beside:
        findings = _among(case, event, explainer)
        decision = msgspec.structs.replace(found.decision, findings=findings)
        found = replace(found, decision=decision)
    return event, found


def _asked(event: Event, evaluator: Evaluator) -> Asked:
    needs_memory = any(rule.needs_memory for rule in evaluator.pack.rules)
    return without_past(event, evaluator) if needs_memory else NOW


def _among(case: Case, event: Event, explainer: Explainer) -> tuple[Finding, ...]:
    """The findings of the rule beside those of other rules, as if all were active.

    Each names the rule that it gives way to, and not its alert, whose id nobody can foresee.
    """
    rules = (*explainer.evaluator.pack.rules, *map(_tested, case.beside))
    engine = explainer.evaluator.basis.engine.partition("/")[0]
    evaluator = make_evaluator(engine, Pack.of(rules), explainer.knowledge, "demo")
    findings = evaluator.decide(event, "", _asked(event, evaluator)).findings
    names = {found.alert_id: found.rule_id for found in findings}
    return tuple(
        msgspec.structs.replace(found, overridden_by=names.get(found.overridden_by, ""))
        for found in findings
        if found.rule_id == case.rule
    )


def _timeline(case: Case, timeline: Timeline, explainer: Explainer) -> CaseResult:
    ran = run_timeline(timeline, case.rule, explainer)
    got, diffs, missing = ran.got, ran.diffs, ran.missing
    return CaseResult(case, got, diffs, missing, ran.truths, ran.error, ran.decisions)


def outcome_of(decision: Decision) -> str:
    """The outcome of the one rule of a decision, over all of its elements.

    That a line may also make a pair with another act is said only where nothing else is.
    """
    counted = decision.coverage
    if decision.findings:
        return "alert"
    if counted.not_evaluable:
        return "not_evaluable"
    if any(group.fact != words.INTERACTIONS for group in decision.undetermined):
        return "undetermined"
    if counted.exempt:
        return "exempt"
    if counted.silent:
        return "silent"
    if counted.undetermined:
        return "undetermined"
    return "waiting" if counted.waiting else "not_applicable"


def _differences(
    expected: Expected, decision: Decision, got: str, explained: Explanation
) -> list[Difference]:
    if expected.elements:
        return _by_element(expected, decision, explained)
    if word_of(got) != expected.outcome:
        return [Difference("", str(expected), _shown(decision, got))]
    if got == "alert":
        return alerts_differ(expected.alerts, decision.findings)
    return _facts(expected, _missing(decision, got))


def _by_element(expected: Expected, decision: Decision, explained: Explanation) -> list[Difference]:
    found: list[Difference] = []
    outcomes = {element.element: element for element in explained.elements}
    for name, wanted in expected.elements.items():
        part = f"element {name}"
        element = outcomes.get(name)
        if element is None:
            known = ", ".join(outcomes) or "none"
            found.append(Difference(part, str(wanted), f"no such element; there are: {known}"))
        elif word_of(element.outcome) != wanted.outcome:
            found.append(Difference(part, str(wanted), element.outcome))
        elif wanted.outcome == "alert":
            here = [f for f in decision.findings if f.element == name]
            found += alerts_differ(wanted.alerts, here, f"{part}: ")
        else:
            inner = _facts(wanted, list(element.missing))
            found += [Difference(part, d.expected, d.got) for d in inner]
    return found


def _facts(expected: Expected, missing: Sequence[str]) -> list[Difference]:
    if set(expected.facts) <= set(missing):
        return []
    return [Difference("", str(expected), f"{expected.outcome}: {', '.join(missing)}")]


def _missing(decision: Decision, got: str) -> list[str]:
    if got == "undetermined":
        return list(dict.fromkeys(group.fact for group in decision.undetermined))
    return list(
        dict.fromkeys(missing.fact for entry in decision.not_evaluable for missing in entry.missing)
    )


def word_of(outcome: str) -> str:
    """An outcome as test files write it."""
    return "does_not_apply" if outcome == "not_applicable" else outcome


def _shown(decision: Decision, got: str) -> str:
    if got == "alert":
        return f"alert: {decision.findings[0].message.en}"
    missing = ", ".join(_missing(decision, got)) if got in ("not_evaluable", "undetermined") else ""
    text = f"{got}: {missing}" if missing else word_of(got)
    read = {**decision.facts, **{k: v for e in decision.elements.values() for k, v in e.items()}}
    told = ", ".join(f"{name} = {plain(value)}" for name, value in read.items())
    return f"{text} (facts read: {told})" if read else text
