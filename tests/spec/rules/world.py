"""The invented world of rules/language/world.yaml, and small rules to try in it."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.language import world
from rules.language.rows import RULE
from rules.model import Rule
from rules.reading.loader import read_rule_text

CHANGE: Final = date(2027, 1, 1)
"""The day on which some parameters and code sets change."""
LATER: Final = date(2030, 1, 1)
"""The first day of what is not yet in force before."""

DRUGS: Final = "urn:yijian:demo:drug"
ITEMS: Final = "urn:yijian:demo:item"


@cache
def knowledge() -> KnowledgeBase:
    """The whole of it."""
    return world()


PARAMETERS: Final = tuple(knowledge().parameters.values())
CODESETS: Final = tuple(knowledge().codesets.values())
DRUG_LIST: Final = knowledge().drugs()
PROFILES: Final = tuple(knowledge().profiles.values())
PROMISING: Final = "urn:yijian:test:promising"
"""A source that promises to send some facts."""


def rule_text(**parts: Any) -> str:
    """A rule file: a small valid rule, with these parts changed (None leaves one out)."""
    rule = {**RULE, **parts}
    return _unquoted_dates(
        msgspec.json.encode({k: v for k, v in rule.items() if v is not None}).decode()
    )


def _unquoted_dates(text: str) -> str:
    """JSON is YAML, but a date in quotes is text there: dates are marked and unwrapped."""
    return text.replace('"<', "").replace('>"', "")


def try_rule(base: KnowledgeBase, **parts: Any) -> tuple[Rule | None, list[Problem]]:
    """The rule of these parts, and what is wrong with it."""
    problems: list[Problem] = []
    name = str(parts.get("id", "spec.rule"))
    folder, _, stem = (name if name.count(".") == 1 else "spec.rule").partition(".")
    rule = read_rule_text(rule_text(**parts), Path(folder) / f"{stem}.yaml", base, problems)
    return rule, problems


def make_rule(base: KnowledgeBase, **parts: Any) -> Rule:
    """The same where nothing may be wrong."""
    rule, problems = try_rule(base, **parts)
    assert rule is not None, "\n".join(map(str, problems))
    return rule
