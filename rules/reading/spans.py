"""Lengths of time that stand outside of conditions: limits, reminders, how long not to repeat."""

from __future__ import annotations

from knowledge_base.strict_yaml import Node
from rules.model import Span
from rules.reading.fields import Fields
from rules.reading.operands import Operands
from rules.reading.parameters import span_fits
from rules.reading.scope import Scope


def read_span(node: Node, word: str, scope: Scope, fields: Fields) -> Span | None:
    """A duration, so many calendar days, months or years, or a parameter; else reported."""

    def report(message: str, fix: str) -> None:
        fields.report(node, message, fix)

    found = Operands(scope, fields.problems).span(node, word)
    return found if found is not None and span_fits(found, scope, report, word) else None
