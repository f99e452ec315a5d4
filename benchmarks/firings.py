"""Do two engines find the same? What fired, read from the decisions each put on Kafka."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, NamedTuple

import msgspec

from benchmarks.errors import FiringsDiffer
from contracts.identity import EventKey
from yijian.kafka_log import read
from yijian.settings import Settings

_SHOWN: Final = 5


class Fired(NamedTuple):
    """A rule that fired for an element of an event."""

    source: str
    event: str
    rule: str
    element: str


class _Ref(msgspec.Struct):
    source: str
    id: str


class _Finding(msgspec.Struct):
    rule_id: str
    element: str


class _Ours(msgspec.Struct):
    event: _Ref
    findings: list[_Finding]


class _Stock(msgspec.Struct):
    source: str
    id: str
    firings: list[tuple[str, str]]


class Fires(NamedTuple):
    """Events that were answered, and everything that fired for them."""

    events: Set[EventKey]
    fired: Set[Fired]


def ours(s: Settings, events: Set[EventKey]) -> Fires:
    """What our worker's decisions say of these events."""
    decoder = msgspec.json.Decoder(_Ours)
    answered: set[EventKey] = set()
    fired: set[Fired] = set()
    for record in read(s, [s.topics.decisions]):
        decision = decoder.decode(record.value or b"")
        key = EventKey(decision.event.source, decision.event.id)
        if key in events:
            answered.add(key)
            fired.update(Fired(*key, f.rule_id, f.element) for f in decision.findings)
    return Fires(answered, fired)


def stock(s: Settings) -> Fires:
    """What the stock agent's decisions say."""
    decoder = msgspec.json.Decoder(_Stock)
    answered: set[EventKey] = set()
    fired: set[Fired] = set()
    for record in read(s, [s.topics.decisions]):
        decision = decoder.decode(record.value or b"")
        answered.add(EventKey(decision.source, decision.id))
        fired.update(
            Fired(decision.source, decision.id, rule, element) for rule, element in decision.firings
        )
    return Fires(answered, fired)


def check_equal(left: Fires, right: Fires) -> int:
    """How many firings both have. Raises FiringsDiffer."""
    if left.events != right.events:
        raise FiringsDiffer(
            f"ours answered {len(left.events)} of the peer's {len(right.events)} events"
        )
    if left.fired != right.fired:
        missing, extra = left.fired - right.fired, right.fired - left.fired
        shown = "; ".join(f"{f.rule} on {f.element!r}" for f in sorted(missing | extra)[:_SHOWN])
        raise FiringsDiffer(
            f"only ours: {len(missing)} firings, only the peer's: {len(extra)}: {shown}"
        )
    return len(left.fired)
