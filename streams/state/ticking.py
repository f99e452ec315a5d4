"""The broker's time, told to each partition: a record a quarter of a second.

Ticks are no outputs of a batch. One that is lost is made good by the next, but it is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from confluent_kafka import KafkaError

from streams.lease import Lease
from streams.producer import OutputProducer

TICK_S: Final = 0.25


class Ticker:
    """Produces ticks for the partitions that are held, while we may write."""

    def __init__(self, topic: str, producer: OutputProducer, lease: Lease) -> None:
        self._topic = topic
        self._producer = producer
        self._lease = lease
        self.failed = 0
        """Ticks that the broker did not confirm."""

    async def run(
        self, partitions: Callable[[], Iterable[int]], look: Callable[[], None] = lambda: None
    ) -> None:
        """Tick until cancelled; `look` is called each time."""
        while True:
            look()
            self.tick(partitions())
            await asyncio.sleep(TICK_S)

    def tick(self, partitions: Iterable[int]) -> None:
        """One tick for each partition."""
        if not self._lease.valid:
            return
        for partition in partitions:
            self._producer.produce(self._topic, b"", None, partition, self._report, None, 0, [])

    def _report(self, error: KafkaError | None, message: Any) -> None:
        """Runs in the producer's thread, the only one that counts failures."""
        if error is not None:
            self.failed += 1
