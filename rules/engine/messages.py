"""The words of a finding: templates with {fact} and {threshold}, in Chinese and English.

A value is shown as people write it: `左氧氟沙星片`, `0.5 g`, `1 天 2 小时`, `2026-03-02 10:00`,
`2026-03-01 00:00 – 2026-03-08 00:00`; what is not known is shown as 未知, unknown.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from contracts.values import Amount, Quantity
from rules.facts.base import Interval, Value

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
THRESHOLD: Final = "threshold"
_YES: Final = {"zh": "是", "en": "yes"}
_NO: Final = {"zh": "否", "en": "no"}
_UNKNOWN: Final = {"zh": "未知", "en": "unknown"}
_COMMA: Final = {"zh": "、", "en": ", "}
_OPEN: Final = {"zh": "至今", "en": "open"}
_ALWAYS: Final = {"zh": "始终", "en": "always"}
_SPANS: Final = (
    (timedelta(days=1), {"zh": "天", "en": "d"}),
    (timedelta(hours=1), {"zh": "小时", "en": "h"}),
    (timedelta(minutes=1), {"zh": "分钟", "en": "min"}),
    (timedelta(seconds=1), {"zh": "秒", "en": "s"}),
)


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
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, Interval):
        return f"{_end(value.start)} – {_end(value.end)}"
    if isinstance(value, Amount | Quantity):
        return f"{value.value:.10g} {value.unit}"
    if isinstance(value, timedelta):
        return span(value, language)
    if isinstance(value, Interval):
        start = _ALWAYS[language] if value.start is None else show(value.start, language)
        end = _OPEN[language] if value.end is None else show(value.end, language)
        return f"{start} – {end}"
    if isinstance(value, tuple):
        return _COMMA[language].join(value) or _NO[language]
    if isinstance(value, dict):
        known = value.get("partial")
        return f"{_COMMA[language].join(known)} …" if known else _UNKNOWN[language]
    return str(value)


def span(value: timedelta, language: str) -> str:
    """A length of time in its largest units: `1 d 2 h`; parts of a second are left out."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    parts: list[str] = []
    for size, names in _SPANS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {names[language]}")
    return sign + " ".join(parts) if parts else f"0 {_SPANS[1][1][language]}"


def _span(value: timedelta) -> str:
    """A length of time in days, hours and minutes: `3 d 2 h 15 min`; seconds where it is short."""
    sign = "-" if value < timedelta(0) else ""
    seconds = abs(value).total_seconds()
    if seconds < 60:
        return f"{sign}{seconds:.10g} s"
    minutes = int(seconds // 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return sign + " ".join(f"{number} {unit}" for number, unit in parts if number)


def _end(at: Value) -> str:
    """An end of an interval; an open one is …, an unknown one ?."""
    if at is None:
        return "…"
    return "?" if isinstance(at, dict) else show(at, "en")
