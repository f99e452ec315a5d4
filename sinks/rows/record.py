"""A Kafka record as the row builders see it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from confluent_kafka import Message

from sinks.instants import clamp_ms
from sinks.tables import Row, Table

_OVERHEAD: Final = 200

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


class Record(NamedTuple):
    """One record with its place. `appended_ms` is the broker's timestamp, in DateTime64's range."""

    topic: str
    partition: int
    offset: int
    appended_ms: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def of(cls, message: Message) -> Record:
        """The record in a message that carries no error."""
        _, timestamp_ms = message.timestamp()
        return cls(
            message.topic() or "",
            message.partition() or 0,
            message.offset() or 0,
            clamp_ms(timestamp_ms),
            timestamp_ms,
            _bytes(message.key()),
            _bytes(message.value()),
            _headers(message),
        )

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, about."""
        return len(self.value or b"") + _OVERHEAD

    def header(self, name: str) -> bytes | None:
        """The last header of this name."""
        return next((value for key, value in reversed(self.headers) if key == name), None)

    def header_int(self, name: str) -> int | None:
        """The last header of this name as a whole number; None where it is none."""
        value = self.header(name)
        try:
            return int(value) if value is not None else None
        except ValueError:
            return None

    def header_text(self, name: str) -> str:
        """The last header of this name as text; bytes that are no UTF-8 are marked."""
        return (self.header(name) or b"").decode("utf-8", "backslashreplace")


class Placed(NamedTuple):
    """A row with the table it goes to and the table partition (month) it falls in."""

    table: Table
    row: Row
    month: int


class Unwritable(Exception):
    """The record can be no row. The message quotes nothing of its content."""


Builder: TypeAlias = Callable[[Record], Sequence[Placed]]
"""Rows of a record, those first that others are shown by; () where it is nothing to store.
Raises Unwritable."""


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _headers(message: Message) -> Headers:
    found = message.headers()
    if not found:
        return ()
    pairs = found.items() if isinstance(found, dict) else found
    return [(name, _bytes(value)) for name, value in pairs]
