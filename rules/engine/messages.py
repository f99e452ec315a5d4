"""The words of a finding: templates with {fact} and {threshold}, in Chinese and English.

A value is shown as people write it: `左氧氟沙星片`, `门诊` (outpatient), `0.5 g`, `1 天 2 小时`,
`2026-03-02 10:00`, `2026-03-01 00:00 – 2026-03-08 00:00`; what is not known is shown as 未知,
unknown. Times are those of the institution: sources write them in any zone.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from contracts.values import Amount, Quantity
from knowledge_base.model import Names
from rules.facts.base import Value
from rules.facts.interval import Interval

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
THRESHOLD: Final = "threshold"
NAMED_THRESHOLD: Final = "threshold:"
"""`{threshold:ID}` shows the parameter of that id, among several."""
HISTORY: Final = "history"
"""`{history}` shows what the first `history` of `when` came to: a count or a sum."""
_YES: Final = {"zh": "是", "en": "yes"}
_NO: Final = {"zh": "否", "en": "no"}
_NONE: Final = {"zh": "无", "en": "none"}
_UNKNOWN: Final = {"zh": "未知", "en": "unknown"}
_COMMA: Final = {"zh": "、", "en": ", "}
_OPEN: Final = {"zh": "至今", "en": "open"}
_ALWAYS: Final = {"zh": "始终", "en": "always"}
_SPANS: Final = (
    (timedelta(days=1), {"zh": "天", "en": "d"}),
    (timedelta(hours=1), {"zh": "小时", "en": "h"}),
    (timedelta(minutes=1), {"zh": "分钟", "en": "min"}),
)
_SECONDS: Final = {"zh": "秒", "en": "s"}


def show(value: Value, language: str, zone: tzinfo | None = None) -> str:
    """A value as people read it; a time in this zone, else in that of its source."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _YES[language] if value else _NO[language]
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return _local(value, zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return span(value, language)
    if isinstance(value, Interval):
        start = _ALWAYS[language] if value.start is None else show(value.start, language, zone)
        end = _OPEN[language] if value.end is None else show(value.end, language, zone)
        return f"{start} – {end}"
    if isinstance(value, Amount | Quantity):
        return f"{value.value:.10g} {value.unit}"
    if isinstance(value, tuple):
        return _COMMA[language].join(value) or _NONE[language]
    if isinstance(value, Names):
        return value.zh if language == "zh" else value.en
    if isinstance(value, dict):
        known = value.get("partial")
        return f"{_COMMA[language].join(known)} …" if known else _UNKNOWN[language]
    return str(value)


def _local(at: datetime, zone: tzinfo | None) -> datetime:
    try:
        return at if zone is None else at.astimezone(zone)
    except OverflowError:  # at the very ends of the calendar
        return at


def span(value: timedelta, language: str) -> str:
    """A length of time in days, hours and minutes: `1 d 2 h`; in seconds where it is short."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    if rest < _SPANS[-1][0]:
        return f"{sign}{rest.total_seconds():.10g} {_SECONDS[language]}"
    parts: list[str] = []
    for size, names in _SPANS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {names[language]}")
    return sign + " ".join(parts)
