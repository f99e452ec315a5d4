"""Kafka records as lines that keep their place; see simulation.ndjson."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from simulation.ndjson import Position, placed_line
from yijian.kafka_log import LogRecord

_decode = msgspec.json.Decoder().decode


@dataclass
class Exported:
    """What was written so far."""

    records: int = 0
    not_json: int = 0
    """Written as `null`: what is no JSON cannot stand in a line of JSON."""


def export_lines(records: Iterable[LogRecord], counted: Exported) -> Iterator[bytes]:
    """A line for every record, in order."""
    for record in records:
        value = _one_line(record.value)
        counted.records += 1
        counted.not_json += value is None
        position = Position(record.topic, record.partition, record.offset, record.timestamp_ms)
        yield placed_line(value or b"null", position)


def _one_line(value: bytes | None) -> bytes | None:
    """The same JSON on one line; None for what is no JSON.

    In JSON a line end stands only between tokens, where a space means the same.
    """
    if not value:
        return None
    try:
        value.decode("utf-8")
        _decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    return value.replace(b"\r", b" ").replace(b"\n", b" ")
