"""Facts as JSON records them, back to the values that they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from contracts.values import Amount
from rules.facts import Fact, Type
from rules.facts.base import Value
from rules.facts.interval import Interval


def restore(fact: Fact, raw: Any) -> Value:
    """The value of a recorded fact. ValueError or TypeError where it is not one of its type."""
    if isinstance(raw, Mapping) and ("unknown" in raw or "partial" in raw):
        if "partial" in raw:
            return {**raw, "partial": tuple(raw["partial"])}
        return dict(raw)
    match fact.type:
        case Type.LIST:
            return tuple(raw)
        case Type.MONEY:
            return Decimal(raw)
        case Type.DATE:
            return date.fromisoformat(raw)
        case Type.TIME:
            return datetime.fromisoformat(raw)
        case Type.AMOUNT:
            return msgspec.convert(raw, Amount, strict=False)
        case Type.DURATION:
            return msgspec.convert(raw, timedelta)
        case Type.INTERVAL:
            return Interval(start=_end(raw["from"]), end=_end(raw["to"]))
        case _:
            return raw


def _end(raw: Any) -> Any:
    """The end of an interval: an instant, open, or unknown."""
    return datetime.fromisoformat(raw) if isinstance(raw, str) else raw
