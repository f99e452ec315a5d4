"""How supervision did against the labels: what was found, what was missed, what was invented."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from contracts.decision import Decision
from contracts.identity import EventKey
from simulation.chart import SOURCE_PREFIX
from simulation.labels import LabelLine


class FalseAlert(NamedTuple):
    """An alert about a simulated event that no label asks for."""

    source: str
    id: str
    rule: str
    element: str


@dataclass(frozen=True, slots=True)
class Score:
    """Labels by what they expect, how many were met, and the alerts that nobody ordered."""

    expected: Mapping[str, int]
    found: Mapping[str, int]
    missed: tuple[LabelLine, ...]
    false_alerts: tuple[FalseAlert, ...]
    beside: tuple[FalseAlert, ...] = ()
    """Alerts that nobody ordered of rules that look back or wait: ordinary visits are written
    without regard to them, so these are neither right nor wrong."""

    @property
    def labels_expected(self) -> int:
        """Labels that ask for something: an alert, or that the rule cannot be decided."""
        return sum(number for word, number in self.expected.items() if word != "silent")

    @property
    def labels_found(self) -> int:
        return sum(number for word, number in self.found.items() if word != "silent")


class _Answer(NamedTuple):
    alert: frozenset[tuple[str, str]]
    not_evaluable: frozenset[tuple[str, str]]
    undetermined: frozenset[tuple[str, str]]

    def meets(self, label: LabelLine) -> bool:
        asked = (label.rule, label.element)
        if label.expected == "silent":
            return not any(asked in outcomes for outcomes in self)
        return asked in getattr(self, label.expected)


def score(
    labels: Iterable[LabelLine], decisions: Iterable[Decision], remembering: Container[str] = ()
) -> Score:
    """The score of these decisions; `remembering` are the rules that look back or wait.

    An event is answered by its own decision and by those of its timers together; of several of one
    cause the last one counts. A label whose event has no decision is missed, also where it expects
    silence. Alerts about events of other sources than simulated ones are left alone.
    """
    answers = _answers(decisions)
    expected: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missed: list[LabelLine] = []
    ordered: set[FalseAlert] = set()
    for label in labels:
        expected[label.expected] += 1
        if label.expected == "alert":
            ordered.add(FalseAlert(*label.key, label.rule, label.element))
        answer = answers.get(label.key)
        if answer is not None and answer.meets(label):
            found[label.expected] += 1
        else:
            missed.append(label)
    given = (
        FalseAlert(*key, rule, element)
        for key, answer in answers.items()
        if key.source.startswith(SOURCE_PREFIX)
        for rule, element in sorted(answer.alert)
    )
    invented = [alert for alert in given if alert not in ordered]
    return Score(
        dict(expected),
        dict(found),
        tuple(missed),
        tuple(alert for alert in invented if alert.rule not in remembering),
        tuple(alert for alert in invented if alert.rule in remembering),
    )


def _answers(decisions: Iterable[Decision]) -> dict[EventKey, _Answer]:
    by_cause: dict[EventKey, dict[tuple[str, str], _Answer]] = defaultdict(dict)
    for decision in decisions:
        key = EventKey(decision.event.source, decision.event.id)
        by_cause[key][decision.scope, decision.cause] = _answer(decision)
    return {key: _together(causes.values()) for key, causes in by_cause.items()}


def _together(answers: Iterable[_Answer]) -> _Answer:
    columns = zip(*answers, strict=True)
    return _Answer(*(frozenset().union(*column) for column in columns))


def _answer(decision: Decision) -> _Answer:
    return _Answer(
        alert=frozenset((f.rule_id, f.element) for f in decision.findings),
        not_evaluable=frozenset((n.rule_id, n.element) for n in decision.not_evaluable),
        undetermined=frozenset(
            (rule, u.element) for u in decision.undetermined for rule in u.rules
        ),
    )
