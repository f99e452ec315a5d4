"""Knowledge for tests of pairs and money: the invented world of the language, and pair tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import knowledge_base
from contracts.decision import Decision
from knowledge_base import KnowledgeBase
from rules import Evaluator, language
from rules.authoring.shorthand import event_of
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import make_rule

TABLES = Path(__file__).with_name("pair_tables.yaml")

INTERACTIONS = "item.interactions"
MESSAGE = {
    "zh": "{item.drug.name}与{pair.partner}:{pair.mechanism}",
    "en": "{item.drug.name} with {pair.partner}: {pair.mechanism}",
}
FINDING: dict[str, Any] = {
    "result": "suspected",
    "severity": {
        "from": "pair.severity",
        "map": {"contraindicated": "critical", "major": "warning", "moderate": "info",
                "minor": "info"},
    },
    "action": "require_reason",
    "audience": ["prescriber"],
    "key": ["patient.id", "pair.id"],
    "message": MESSAGE,
}  # fmt: skip


@cache
def knowledge() -> KnowledgeBase:
    """The world with the tables."""
    return knowledge_base.load([Path(language.__file__).parent / "world.yaml", TABLES])


def pair_rule(name: str = "pairs", **parts: Any) -> Rule:
    """A rule about pairs; `when` is always true."""
    usual: dict[str, Any] = {
        "id": f"spec.{name}",
        "on": ["prescription.signed"],
        "each": INTERACTIONS,
        "when": {"pair.id": {"exists": True}},
        "finding": FINDING,
    }
    return make_rule(knowledge(), **{**usual, **parts})


def decide(*rules: Rule, **short: Any) -> Decision:
    """The decision of these rules about an event in the authors' shorthand."""
    event = event_of({"event": "prescription.signed", **short}, knowledge())
    return Evaluator(Pack.of(rules), knowledge()).decide(event)
