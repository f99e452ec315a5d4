"""Finds out where assigned partitions are to be resumed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException

from sinks import positions
from sinks.cuts import LaneId
from sinks.kafka_log import KafkaLog, LogPart
from sinks.store import Abandoned, Store

log = logging.getLogger(__name__)

_RETRY_S: Final = 0.5


@dataclass(frozen=True)
class Resume:
    """Where to go on, by partition, and under which cluster, topic ids and rebuild epoch."""

    cluster: str
    epoch: int
    topic_ids: Mapping[str, str]
    starts: Mapping[LaneId, int]


@dataclass(frozen=True)
class Resumer:
    """Asks ClickHouse and Kafka, as long as it takes."""

    store: Store
    kafka_log: KafkaLog

    def resume(self, lanes: Sequence[LaneId], stop: threading.Event) -> Resume:
        """Raises PositionInvalid where a position does not belong to its log."""
        # Positions first: the log only grows at its end meanwhile, so a position that was true
        # cannot seem to lie beyond it.
        epoch, book = self._read(stop)
        logs = self._logs(lanes, stop)
        starts = {LaneId(part.topic, part.partition): positions.resume_at(part, book)
                  for part in logs}  # fmt: skip
        for part in logs:
            if part.low > 0 and not book.get((part.topic, part.partition)):
                log.warning(
                    "%s, partition %d: nothing is recorded and the log starts at %d; what Kafka "
                    "deleted before is not in the tables",
                    part.topic, part.partition, part.low,
                )  # fmt: skip
        ids = {part.topic: part.topic_id for part in logs}
        return Resume(logs[0].cluster, epoch, ids, starts)

    def _read(self, stop: threading.Event) -> tuple[int, positions.Book]:
        found: list[tuple[positions.Epoch, positions.Book]] = []

        def read() -> None:
            client = self.store.client()
            epoch = positions.current_epoch(client)
            found.append((epoch, positions.read(client, epoch.number)))

        while True:
            self.store.until_done(read, stop)
            epoch, book = found.pop()
            if not epoch.emptying:
                return epoch.number, book
            log.warning("the tables are being emptied for a rebuild; waiting for its end")
            stop.wait(_RETRY_S)

    def _logs(self, lanes: Sequence[LaneId], stop: threading.Event) -> list[LogPart]:
        while not stop.is_set():
            try:
                return self.kafka_log.parts(lanes)
            except (KafkaException, FutureTimeout) as error:
                log.warning("Kafka does not tell where its logs begin (%s); asking again",
                            _text(error))  # fmt: skip
                stop.wait(_RETRY_S)
        raise Abandoned


def _text(error: BaseException) -> str:
    if isinstance(error, KafkaException):
        return str(error.args[0].str())
    return type(error).__name__
