"""The words of a finding: templates with {fact} and {threshold}, in Chinese and English."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from contracts.values import Amount, Quantity
from rules.facts.base import Value

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
THRESHOLD: Final = "threshold"
_YES: Final = {"zh": "是", "en": "yes"}
_NO: Final = {"zh": "否", "en": "no"}
_UNKNOWN: Final = {"zh": "未知", "en": "unknown"}
_COMMA: Final = {"zh": "、", "en": ", "}


def show(value: Value, language: str) -> str:
    """A value as people read it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _YES[language] if value else _NO[language]
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Amount | Quantity):
        return f"{value.value:.10g} {value.unit}"
    if isinstance(value, tuple):
        return _COMMA[language].join(value) or _NO[language]
    if isinstance(value, dict):
        known = value.get("partial")
        return f"{_COMMA[language].join(known)} …" if known else _UNKNOWN[language]
    return str(value)
