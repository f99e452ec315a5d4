"""Instants as the memory keeps them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def us_of(at: datetime) -> int:
    """The instant in microseconds, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def instant_of(us: int) -> datetime:
    """The instant of its microseconds, in UTC."""
    return _EPOCH + timedelta(microseconds=us)
