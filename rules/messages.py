"""The words of a finding: templates with {fact} and {threshold}, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from contracts.values import Amount, Quantity
from rules.facts import fact_of
from rules.facts.base import Context, Element, Value
from rules.finding import PLACEHOLDER, THRESHOLD

Render = Callable[[Context, Element | None, Any], str]
"""Takes the context, the element and the threshold's value."""

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


def template(text: str, each: str, family: str, language: str) -> Render:
    """The function that renders a message of a rule."""
    parts: list[str | Render] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(text[at : match.start()])
        parts.append(_placeholder(match.group(1), each, family, language))
        at = match.end()
    parts.append(text[at:])
    if len(parts) == 1:
        return lambda c, x, threshold: text
    wanted = tuple(part for part in parts if part)

    def render(c: Context, x: Element | None, threshold: Any) -> str:
        return "".join(
            [part if part.__class__ is str else part(c, x, threshold) for part in wanted]  # type: ignore[operator]
        )

    return render


def _placeholder(name: str, each: str, family: str, language: str) -> Render:
    if name == THRESHOLD:
        return lambda c, x, threshold: show(threshold, language)
    fact = fact_of(name, each)
    if fact is None:
        raise ValueError(f"no fact {name}")
    translated = fact.english if language == "en" else None
    extract = translated or fact.extractors[family]
    if translated is not None:
        return lambda c, x, threshold: show(translated(c, x), language)
    if fact.of:
        return lambda c, x, threshold: show(_of_element(name, extract, c, x), language)

    def of_event(c: Context, x: Element | None, threshold: Any) -> str:
        value = c.facts.get(name)
        if value is None:
            value = c.facts[name] = extract(c)
        return show(value, language)

    return of_event


def _of_element(name: str, extract: Any, c: Context, x: Element | None) -> Value:
    if x is None:
        return extract(c, x)
    value = x.facts.get(name)
    if value is None:
        value = x.facts[name] = extract(c, x)
    return value
