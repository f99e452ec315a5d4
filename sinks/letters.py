"""Dead letters of the sink: records whose content ClickHouse refuses, sent with their origin."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contracts.decision import DeadLetterHeaders
from contracts.intake import Reason
from sinks.errors import DeliveryFailed
from sinks.rows import Record

log = logging.getLogger(__name__)

_POLL_S: Final = 0.05


class Letters:
    """Sends dead letters and waits until the broker has confirmed them.

    A letter is identified by its origin, so one that is sent twice is one letter in the tables.
    May be used by several threads at once.
    """

    def __init__(self, config: Mapping[str, Any], topic: str, timeout_s: float) -> None:
        self._config = dict(config)
        self._topic = topic
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def send(self, refused: Sequence[tuple[Record, str]]) -> None:
        """Returns when all are confirmed. Raises DeliveryFailed; then none counts as sent."""
        failed: list[KafkaError] = []
        left = len(refused)
        done = threading.Condition()

        def delivered(error: KafkaError | None, _: Message) -> None:
            nonlocal left
            with done:
                left -= 1
                if error is not None:
                    failed.append(error)

        producer = self._open()
        try:
            for record, detail in refused:
                self._produce(producer, record, detail, delivered)
        except (KafkaException, BufferError) as error:
            raise DeliveryFailed(f"a dead letter was not taken: {type(error).__name__}") from error
        deadline = monotonic() + 2 * self._timeout_s
        while left and monotonic() < deadline:
            producer.poll(_POLL_S)
        if any(error.fatal() for error in failed):
            self._close()  # an idempotent producer does not recover from that; a new one may
        if failed or left:
            name = failed[0].name() if failed else "no answer"
            raise DeliveryFailed(f"a dead letter was not confirmed: {name}")

    def _open(self) -> Producer:
        with self._lock:
            if self._producer is None:
                self._producer = Producer(self._config)
            return self._producer

    def _close(self) -> None:
        with self._lock:
            self._producer = None

    def _produce(self, producer: Producer, record: Record, detail: str, callback: Any) -> None:
        headers: list[tuple[str, str | bytes | None]] = [
            (DeadLetterHeaders.TOPIC, record.topic),
            (DeadLetterHeaders.PARTITION, str(record.partition)),
            (DeadLetterHeaders.OFFSET, str(record.offset)),
            (DeadLetterHeaders.REASON, Reason.SINK_REFUSED.value),
            (DeadLetterHeaders.PATH, "$"),
            (DeadLetterHeaders.DETAIL, detail),
            (DeadLetterHeaders.RECEIVED_MS, str(record.timestamp_ms)),
        ]
        while True:
            try:
                producer.produce(
                    self._topic, value=record.value, key=record.key, headers=headers,
                    on_delivery=callback,
                )  # fmt: skip
                return
            except BufferError:
                producer.poll(_POLL_S)
