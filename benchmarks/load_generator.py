"""Sends events that were made before, at a steady rate: a process of its own.

`python -m benchmarks.load_generator FILE RATE`; the last line is JSON. It sends what is due every
few milliseconds, so that on a small machine it leaves the processors to what is measured.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from benchmarks import load
from benchmarks.load import Load
from contracts.topics import INTAKE_FAMILIES
from simulation.feed import PRODUCER_SETTINGS
from yijian import settings
from yijian.settings import Settings

_TICK_S: Final = 0.004
_FLUSH_S: Final = 60.0


class Confirmed:
    """Counts what the broker has taken."""

    def __init__(self) -> None:
        self.records = 0
        self.errors: list[str] = []

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.records += 1
        else:
            self.errors.append(error.str())


def send(s: Settings, loads: Sequence[Load], rate: float) -> dict[str, Any]:
    """Records confirmed, and the seconds in which they were sent."""
    options = {**PRODUCER_SETTINGS, "linger.ms": 1, "bootstrap.servers": s.kafka_bootstrap}
    producer = Producer({**options, **s.kafka_options})
    names = {family: s.topics.intake(family, s.systems[0]) for family in INTAKE_FAMILIES}
    confirmed = Confirmed()
    began = time.monotonic()
    sent = 0
    while sent < len(loads):
        due = min(int((time.monotonic() - began) * rate) + 1, len(loads))
        for one in loads[sent:due]:
            producer.produce(names[one.topic_family], one.bytes, one.key, on_delivery=confirmed)
        sent = due
        producer.poll(0)
        time.sleep(_TICK_S)
    seconds = time.monotonic() - began
    producer.flush(_FLUSH_S)
    if confirmed.records != len(loads):
        raise SystemExit(f"{confirmed.records} of {len(loads)} events sent: {confirmed.errors[:1]}")
    return {"records": confirmed.records, "seconds": seconds}


def main() -> None:
    loads = load.read(Path(sys.argv[1]))
    gc.freeze()
    answer = send(settings.load(), loads, float(sys.argv[2]))
    print(msgspec.json.encode(answer).decode())


if __name__ == "__main__":
    main()
