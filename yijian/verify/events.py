"""Events read back from Kafka by the place that a decision names."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, TypeAlias

from confluent_kafka import Consumer, TopicPartition

from sinks.verifications import Place

Part: TypeAlias = tuple[str, int]

_WAIT_S: Final = 10.0
_POLL_S: Final = 0.05
_AT_ONCE: Final = 1000
_READ_ON: Final = 500
"""Places closer than this are read through; others are sought."""


class Events:
    """Reads single records, outside any group. For one thread."""

    def __init__(self, bootstrap: str, options: Mapping[str, str], prefix: str) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": f"{prefix}-verify-events",  # never committed to; the client wants a name
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "log.connection.close": False,
            "fetch.wait.max.ms": 20,
            "queued.max.messages.kbytes": 16_384,
            **options,
        }
        self._consumer: Consumer | None = None

    def fetch(self, places: list[Place], stop: threading.Event) -> dict[Place, bytes]:
        """The values at these places; those that the log does not hold any more are left out.

        And those that cannot be read now: it waits once for a broker that is away, and not when
        `stop` is set.
        """
        offsets: dict[Part, list[int]] = {}
        for place in places:
            offsets.setdefault((place.topic, place.partition), []).append(place.offset)
        waiting = {part: _runs(sorted(set(listed))) for part, listed in offsets.items()}
        found: dict[Place, bytes] = {}
        answers = True
        while waiting and answers:
            # One run of every partition at a time: seeking costs the same for many as for one.
            now = {part: runs.pop(0) for part, runs in waiting.items()}
            waiting = {part: runs for part, runs in waiting.items() if runs}
            answers = self._read(now, set(places), found, stop)
        return found

    def _read(
        self,
        runs: dict[Part, tuple[int, int]],
        wanted: set[Place],
        found: dict[Place, bytes],
        stop: threading.Event,
    ) -> bool:
        """Whether all of it was read, in time."""
        if self._consumer is None:
            self._consumer = Consumer(self._settings)
        consumer, left = self._consumer, dict(runs)
        consumer.assign([TopicPartition(*part, first) for part, (first, _) in runs.items()])
        deadline = monotonic() + _WAIT_S
        while left and monotonic() < deadline and not stop.is_set():
            for message in consumer.consume(_AT_ONCE, _POLL_S):
                part = (str(message.topic()), int(message.partition() or 0))
                if message.error() is not None:  # deleted meanwhile, or the topic is gone
                    left.pop(part, None)
                    continue
                place = Place(*part, int(message.offset() or 0))
                value = message.value()
                if place in wanted and value is not None:
                    found[place] = _bytes(value)
                if part in left and place.offset >= left[part][1]:
                    del left[part]
        return not left

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def _runs(offsets: list[int]) -> list[tuple[int, int]]:
    """Ranges of offsets that are read in one go."""
    runs: list[tuple[int, int]] = []
    for offset in offsets:
        if runs and offset - runs[-1][1] <= _READ_ON:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
