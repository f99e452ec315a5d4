"""Simulated labels against what the engine answered: a regression check, not clinical evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from contracts.decision import Decision
from contracts.identity import EventKey
from simulation.labels import ANY_RULE, LabelLine

Answer = tuple[str, str, str]
"""(rule, element, outcome)"""


class Score(msgspec.Struct, frozen=True):
    """How many labels were expected and met, and how many alerts nobody had injected."""

    expected: int
    found: int
    false_alerts: int
    missed: dict[str, int]
    """Rule to labels not met."""
    false: dict[str, int]
    """Rule to alerts without a label."""


def answers_of(decision: Decision) -> frozenset[Answer]:
    """Every alert, not-evaluable and undetermined pair of a decision."""
    alerts = {(f.rule_id, f.element, "alert") for f in decision.findings}
    blocked = {(n.rule_id, n.element, "not_evaluable") for n in decision.not_evaluable}
    unknown = {(rule, u.element, "undetermined") for u in decision.undetermined for rule in u.rules}
    return frozenset(alerts | blocked | unknown)


def score(
    labels: Iterable[LabelLine],
    answers: Mapping[EventKey, frozenset[Answer]],
    simulated: Iterable[str],
) -> Score:
    """The score over the sources in `simulated`; a near miss is met by the absence of an alert.

    `answers` needs no entry for an event with nothing to tell.
    """
    expected = found = 0
    missed: dict[str, int] = {}
    injected: set[tuple[EventKey, str, str]] = set()
    for label in labels:
        given = answers.get(label.key, frozenset())
        if label.expected == "silent":
            if (label.rule, label.element, "alert") in given:
                missed[label.rule] = missed.get(label.rule, 0) + 1
            continue
        expected += 1
        if label.expected == "alert":
            injected.add((label.key, label.rule, label.element))
        if _met(label, given):
            found += 1
        else:
            missed[label.rule] = missed.get(label.rule, 0) + 1
    sources = set(simulated)
    false: dict[str, int] = {}
    for key, given in answers.items():
        if key.source not in sources:
            continue
        for rule, element, outcome in given:
            if outcome == "alert" and (key, rule, element) not in injected:
                false[rule] = false.get(rule, 0) + 1
    return Score(expected, found, sum(false.values()), missed, false)


def _met(label: LabelLine, given: frozenset[Answer]) -> bool:
    if label.rule == ANY_RULE:
        return any(e == label.element and o != "alert" for _, e, o in given)
    return (label.rule, label.element, label.expected) in given
