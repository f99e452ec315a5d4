"""Where a record entered: written on every output, read again from re-keyed records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from contracts.decision import OriginHeaders


class Origin(NamedTuple):
    """A place in an intake topic, and when the broker took the record there."""

    topic: str
    partition: int
    offset: int
    received_ms: int


def origin_headers(origin: Origin) -> list[tuple[str, bytes]]:
    """The origin as record headers."""
    return [
        (OriginHeaders.TOPIC, origin.topic.encode()),
        (OriginHeaders.PARTITION, b"%d" % origin.partition),
        (OriginHeaders.OFFSET, b"%d" % origin.offset),
        (OriginHeaders.RECEIVED_MS, b"%d" % origin.received_ms),
    ]


def origin_of(headers: Iterable[tuple[str, Any]] | None, otherwise: Origin) -> Origin:
    """The origin that the headers tell, or `otherwise` where they are incomplete or broken."""
    told = dict(headers or ())
    try:
        return Origin(
            told[OriginHeaders.TOPIC].decode(),
            int(told[OriginHeaders.PARTITION]),
            int(told[OriginHeaders.OFFSET]),
            int(told[OriginHeaders.RECEIVED_MS]),
        )
    except (KeyError, ValueError, AttributeError, TypeError):
        return otherwise
