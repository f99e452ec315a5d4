"""How fast a topic grows: the only view from outside of how fast a worker works."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    OffsetSpec,
)

from benchmarks.errors import Stalled

_POLL_S: Final = 0.05
_TIMEOUT_S: Final = 20.0
FROM_SHARE: Final = 0.05
TO_SHARE: Final = 0.95


class Sample(NamedTuple):
    """How many records there were at an instant, and how much processor time had been used."""

    at_s: float
    records: int
    cpu_s: float


class Rate(NamedTuple):
    """Records a second between 5 % and 95 %, and the processors used meanwhile (1.0 is one)."""

    per_s: float
    cores: float


class Topic:
    """The ends of a topic's partitions."""

    def __init__(self, bootstrap: str, name: str, partitions: int) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._name = name
        self._partitions = partitions

    def end(self) -> int:
        """The sum of the partitions' ends: all records that were ever written."""
        request = {
            TopicPartition(self._name, p): OffsetSpec.latest()  # type: ignore[no-untyped-call]
            for p in range(self._partitions)
        }
        answers = self._admin.list_offsets(request, request_timeout=_TIMEOUT_S).values()
        return sum(int(answer.result(timeout=_TIMEOUT_S).offset) for answer in answers)

    def watch(
        self,
        start: int,
        count: int,
        timeout_s: float,
        cpu: Callable[[], float] = lambda: 0.0,
    ) -> list[Sample]:
        """Samples until `count` records came after `start`. Raises Stalled.

        `cpu` tells the processor seconds used so far; it raises where the measured process ended.
        """
        samples: list[Sample] = []
        deadline = time.monotonic() + timeout_s
        while True:
            used = cpu()
            grown = self.end() - start
            samples.append(Sample(time.monotonic(), grown, used))
            if grown >= count:
                return samples
            if time.monotonic() > deadline:
                raise Stalled(
                    f"{self._name} has {grown} of {count} records after {timeout_s:.0f} s"
                )
            time.sleep(_POLL_S)


def rate(samples: list[Sample], count: int) -> Rate:
    """The rate between 5 % and 95 % of `count`, so that neither start nor end counts."""
    first = _crossing(samples, FROM_SHARE * count)
    last = _crossing(samples, TO_SHARE * count)
    span_s = last.at_s - first.at_s
    if span_s <= 0:
        raise Stalled(f"{count} records came within one look at the topic; take more events")
    return Rate((last.records - first.records) / span_s, (last.cpu_s - first.cpu_s) / span_s)


def _crossing(samples: list[Sample], records: float) -> Sample:
    """The first sample with at least so many records."""
    return next(sample for sample in samples if sample.records >= records)
