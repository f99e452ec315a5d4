"""The suggestions of a finding, with the values that they name as of the day."""

from __future__ import annotations

from typing import Any, Final

from rules import words
from rules.engine.messages import show
from rules.engine.reasons import Reasons
from rules.facts.base import Context, Element
from rules.finding_model import Suggestion
from rules.model import (
    CodeSetOperand,
    FactOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
)

_LANGUAGE: Final = "en"
"""Codes and quantities look the same in both languages."""


class Suggestions:
    """What one rule proposes; proposals without a value of the day are made once."""

    def __init__(self, suggested: tuple[Suggestion, ...], reasons: Reasons) -> None:
        self._suggested = suggested
        self._reasons = reasons
        is_fixed = all(suggestion.value is None for suggestion in suggested)
        self._fixed = tuple(map(_plain, suggested)) if is_fixed else None

    def told(self, c: Context, x: Element | None) -> tuple[dict[str, str], ...]:
        """The proposals of a finding; a value that is not known is left out."""
        if self._fixed is not None:
            return self._fixed
        return tuple(self._one(suggestion, c, x) for suggestion in self._suggested)

    def _one(self, suggestion: Suggestion, c: Context, x: Element | None) -> dict[str, str]:
        said = _plain(suggestion)
        value = self._value(suggestion.value, c, x) if suggestion.value is not None else ""
        if value:
            said[words.SUGGESTED_VALUES[suggestion.verb]] = value
        return said

    def _value(self, operand: Operand, c: Context, x: Element | None) -> str:
        if isinstance(operand, ParameterOperand):
            row = self._reasons.row(operand, c, x)
            return f"{show(row.value, _LANGUAGE)} {row.unit}" if row is not None else ""
        if isinstance(operand, FactOperand):
            value: Any = self._reasons.value(operand.fact, c, x)
            return "" if type(value) is dict else show(value, _LANGUAGE)
        if isinstance(operand, CodeSetOperand):
            return f"codeset:{operand.codeset}"
        if isinstance(operand, QuantityOperand):
            return f"{operand.value:.10g} {operand.unit}"
        return show(operand.value, _LANGUAGE) if isinstance(operand, Literal) else ""


def _plain(suggestion: Suggestion) -> dict[str, str]:
    said = {suggestion.verb: suggestion.target}
    if suggestion.label is not None:
        said |= {"zh": suggestion.label.zh, "en": suggestion.label.en}
    return said
