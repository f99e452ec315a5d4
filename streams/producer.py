"""The one producer of the worker: idempotent, confirmed record by record, never retried by us."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError, Producer

from streams.errors import DeliveryFailed

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1


@dataclass(frozen=True)
class ProducerConfig:
    """How outputs are sent."""

    bootstrap: str
    client_id: str
    message_timeout_s: float
    linger_ms: float = 2.0
    compression: str = "none"
    max_record_bytes: int = 4 * 1_048_576
    options: Mapping[str, str] = field(default_factory=dict)

    def librdkafka(self) -> dict[str, Any]:
        """The same in librdkafka's words."""
        return {
            **self.options,
            "bootstrap.servers": self.bootstrap,
            "client.id": self.client_id,
            "enable.idempotence": True,
            "acks": "all",
            # The Java default; librdkafka's own would send a patient to another partition.
            "partitioner": "murmur2_random",
            "linger.ms": self.linger_ms,
            "compression.type": self.compression,
            "message.timeout.ms": int(self.message_timeout_s * 1000),
            "message.max.bytes": self.max_record_bytes,
            # What is under way is bounded by the lanes: `produce` must never refuse half a batch.
            "queue.buffering.max.kbytes": 2_097_151,
            "queue.buffering.max.messages": 0,
            "log.connection.close": False,
        }


class OutputProducer:
    """Sends outputs and reports each delivery, from a thread of its own.

    `on_failure` is called, from any thread, when an output is not known to be stored: nothing is
    produced a second time in a process, so it must end the process.
    """

    def __init__(
        self, config: ProducerConfig, on_failure: Callable[[DeliveryFailed], None]
    ) -> None:
        self._on_failure = on_failure
        self._client = Producer({**config.librdkafka(), "error_cb": self._on_error})
        self.produce: Final = self._client.produce
        """confluent_kafka's produce: (topic, value, key, partition, report, None, 0, headers)."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="yijian-deliveries", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._client)

    def fail(self, error: KafkaError) -> None:
        """A delivery report said that an output was not stored."""
        self._on_failure(
            DeliveryFailed(
                f"an output was not confirmed by the broker: {error.str()}; the process ends, "
                "and its successor evaluates the events again"
            )
        )

    def close(self, timeout_s: float) -> int:
        """Wait for what is under way and stop; how many outputs are still not confirmed."""
        left = self._client.flush(timeout_s)
        self._stopping.set()
        self._thread.join(timeout=2 * _POLL_S + 1)
        return left

    def _poll(self) -> None:
        poll = self._client.poll
        while not self._stopping.is_set():
            poll(_POLL_S)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._on_failure(DeliveryFailed(f"the producer cannot go on: {error.str()}"))
        else:
            log.warning("Kafka producer: %s", error.str())
