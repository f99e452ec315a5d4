"""The content of a knowledge base as one text, whatever files and formatting it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from knowledge_base.model import History


def digest(content: Mapping[str, Any]) -> str:
    """The first 16 hex digits of the SHA-256 over the canonical text."""
    text = json.dumps(plain(content), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Plain JSON: sets sorted, keys joined, dates and decimals as text, 7.0 written as 7."""
    if isinstance(value, History):
        return [plain(entry) for entry in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(entry) for entry in value)
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _key(key: Any) -> str:
    return json.dumps(key, ensure_ascii=True) if isinstance(key, tuple) else str(key)
