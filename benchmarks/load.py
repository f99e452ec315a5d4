"""The events of a measurement: simulated once, kept as bytes, sent by whoever has to send them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from knowledge_base import KnowledgeBase
from simulation import Simulator

ZONE = ZoneInfo("Asia/Shanghai")
_EVENTS_A_PATIENT = 20


class Load(NamedTuple):
    """One event as it is sent."""

    topic_family: str
    key: builtins.bytes
    bytes: builtins.bytes


_decoder = msgspec.msgpack.Decoder(list[Load])
_encode = msgspec.msgpack.Encoder().encode


def simulated(knowledge: KnowledgeBase, count: int, until: datetime, seed: int) -> list[Load]:
    """`count` events of a simulated day that is over at `until`."""
    local = until.astimezone(ZONE)
    patients = max(count // _EVENTS_A_PATIENT, 1)
    simulator = Simulator(knowledge, seed, patients, local.date(), until=local)
    return [Load(e.topic_family, e.key, e.bytes) for e in islice(simulator.events(count), count)]


def write(loads: Iterable[Load], path: Path) -> None:
    """Keep events for another process."""
    path.write_bytes(_encode(list(loads)))


def read(path: Path) -> list[Load]:
    """The events that `write` kept."""
    return _decoder.decode(path.read_bytes())
