"""Events as lines of JSON: as they were made, or with the place where Kafka keeps them.

A bare line is the event itself. A line that was read back from Kafka is
`{"topic": …, "partition": …, "offset": …, "arrival": "2026-11-22T08:00:00.123Z", "event": {…}}`,
where arrival is the broker's append time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Position(NamedTuple):
    """Where a record stands in Kafka, and when the broker took it (ms since the epoch)."""

    topic: str
    partition: int
    offset: int
    arrival_ms: int


class Line(NamedTuple):
    """One event of a file: its bytes exactly as written, and its place where it is known."""

    number: int
    value: bytes
    position: Position | None


class _Wrapped(msgspec.Struct, frozen=True, gc=False):
    event: Raw | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    partition: int = -1
    offset: int = -1
    arrival: datetime | int | None = None


_decode = msgspec.json.Decoder(_Wrapped).decode
_encode = msgspec.json.Encoder().encode


def write(values: Iterable[bytes], out: BinaryIO) -> int:
    """The number of events written to `out`, one bare line each."""
    count = 0
    for value in values:
        out.write(value)
        out.write(b"\n")
        count += 1
    return count


def placed_line(value: bytes, position: Position) -> bytes:
    """The line (with its end) of an event that was read back from Kafka.

    `value` must be JSON on one line, as our encoder writes it.
    """
    place = {
        "topic": position.topic,
        "partition": position.partition,
        "offset": position.offset,
        "arrival": _EPOCH + timedelta(milliseconds=position.arrival_ms),
        "event": Raw(value),
    }
    return _encode(place) + b"\n"


def read(lines: Iterable[bytes]) -> Iterator[Line]:
    """The events of a file, in order; empty lines are skipped.

    A line that is not JSON is handed on as it is: whether an event is acceptable is for
    `contracts.intake.decode` to say.
    """
    for number, raw in enumerate(lines, 1):
        line = raw.strip(b"\r\n \t")
        if line:
            yield _line(number, line)


def _line(number: int, line: bytes) -> Line:
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Line(number, line, None)
    if isinstance(found.event, UnsetType):
        return Line(number, line, None)
    if isinstance(found.topic, UnsetType) or found.partition < 0 or found.offset < 0:
        return Line(number, bytes(found.event), None)
    position = Position(found.topic, found.partition, found.offset, _milliseconds(found.arrival))
    return Line(number, bytes(found.event), position)


def _milliseconds(arrival: datetime | int | None) -> int:
    """The arrival as Kafka counts it; -1 (Kafka's own word for none) where it is not given."""
    if arrival is None:
        return -1
    if isinstance(arrival, int):
        return arrival
    at = arrival if arrival.tzinfo is not None else arrival.replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(milliseconds=1)
