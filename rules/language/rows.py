"""The rule and the event of a row, made by the real loader and the real decoder."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from contracts.decision import Decision
from contracts.event import Event
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.authoring.shorthand import event_of
from rules.engine.evaluator import Evaluator
from rules.language.tables import Bare, Row
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory
from rules.model import Rule
from rules.reading.loader import read_rule_text

RULE: Final[dict[str, Any]] = {
    "id": "spec.rule",
    "version": 1,
    "title": {"zh": "规则", "en": "rule"},
    "status": "shadow",
    "effective": {"from": "2000-01-01"},
    "on": ["prescription.signed"],
    "when": {"event.item_count": {"above": 0}},
    "finding": {
        "result": "violation",
        "severity": "warning",
        "action": "block",
        "audience": ["prescriber"],
        "message": {"zh": "有", "en": "found"},
    },
    "evidence": [{"source": "law", "locator": "article 1"}],
}
"""What a row does not say of its rule. `on` is the row's own event."""


def rule_text(row: Row) -> str:
    """The rule file of a row."""
    parts = {**RULE, "on": [row.event["event"]], **row.rule}
    if "finding" in row.rule:
        parts["finding"] = {**RULE["finding"], **row.rule["finding"]}
    return _flow({name: value for name, value in parts.items() if value is not None})


def rule_of_row(
    row: Row, knowledge: KnowledgeBase, problems: list[Problem] | None = None
) -> Rule | None:
    """The rule of a row; None where the loader refuses it, with `problems` saying why."""
    found: list[Problem] = [] if problems is None else problems
    return read_rule_text(rule_text(row), Path("spec/rule.yaml"), knowledge, found)


def decide_row(row: Row, evaluator: Evaluator) -> Decision:
    """What the rules of an evaluator say of the row's event, after those before it."""
    rules, knowledge = evaluator.pack.rules, evaluator.knowledge
    event = event_of_row(row, knowledge)
    looks_back = bool(row.earlier or row.known_since)
    if not looks_back and not any(rule.needs_memory for rule in rules):
        return evaluator.decide(event)
    attendant, memory = Attendant(evaluator), Memory()
    coverage = Coverage(is_total=not row.known_since)
    if row.known_since:
        since_us = us_of(datetime.fromisoformat(row.known_since))
        coverage.keep(attendant.horizon)
        for family in attendant.horizon.families:
            coverage.backfilled(event.source, family, since_us)
    for short in row.earlier:
        attendant.take(event_of(short, knowledge), str(short), memory, coverage)
    return attendant.take(event, "", memory, coverage).decisions[0]


def event_of_row(row: Row, knowledge: KnowledgeBase) -> Event:
    """The event of a row."""
    return event_of(row.event, knowledge)


def _flow(value: Any) -> str:
    """A value as YAML on one line. Text stands in quotes unless it stood without in the table."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value) if isinstance(value, Bare) else json.dumps(value, ensure_ascii=False)
