"""Events into Kafka, as a careful hospital system would publish them."""

from __future__ import annotations

import builtins
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, Message, Producer

from contracts.topics import INTAKE_FAMILIES, Topics
from simulation.errors import FeedError

PRODUCER_SETTINGS: Final[Mapping[str, str | int | float | bool]] = {
    "log_level": 2,  # a broker that is away is retried; what is lost for good is an error here
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",  # the Java client's partitions; librdkafka's default differs
    "compression.type": "lz4",
    "linger.ms": 5,
    "batch.num.messages": 10_000,
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 131_072,
}
_QUIET = logging.getLogger(__name__)  # librdkafka would write to standard error
_POLL_EVERY: Final = 256
_PROGRESS_EVERY_S: Final = 0.5


class Sendable(Protocol):
    """What can be fed: an event's bytes with its family and its subject."""

    @property
    def topic_family(self) -> str: ...
    @property
    def key(self) -> builtins.bytes: ...
    @property
    def bytes(self) -> builtins.bytes: ...


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What the broker confirmed: records, bytes of their values, records by topic, seconds."""

    records: int
    bytes: int
    by_topic: Mapping[str, int]
    seconds: float


@dataclass(slots=True)
class _Delivery:
    """Counts delivery reports; the first failure is kept, the rest only counted."""

    confirmed: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    reason: str = ""

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.confirmed[message.topic() or ""] += 1
            return
        self.failed += 1
        self.reason = self.reason or error.str()


def feed(
    events: Iterable[Sendable],
    bootstrap: str,
    topics: Topics,
    *,
    system: str = "his",
    rate: float | None = None,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    timeout_s: float = 120.0,
) -> FeedReport:
    """Publish the events and wait until the broker confirmed every one of them.

    Each goes to the intake topic of its family and `system`, keyed by its subject. `rate` paces
    the records per second; `progress` hears the number sent, twice a second; where `stop` says
    so no further record is sent. Raises FeedError where a record was not confirmed within
    `timeout_s` of being sent.
    """
    producer = Producer(
        {
            **PRODUCER_SETTINGS,
            "bootstrap.servers": bootstrap,
            "message.timeout.ms": int(timeout_s * 1000),
            "logger": _QUIET,
        }
    )
    delivery = _Delivery()
    names = {family: topics.intake(family, system) for family in INTAKE_FAMILIES}
    began = time.monotonic()
    told = began
    sent = size = 0
    for event in events:
        if sent % _POLL_EVERY == 0:
            producer.poll(0)
            if delivery.failed or (stop is not None and stop()):
                break
            now = time.monotonic()
            if progress is not None and now - told >= _PROGRESS_EVERY_S:
                told = now
                progress(sent)
        if rate:
            _wait_until(producer, began + sent / rate)
        value = event.bytes
        _produce(producer, names[event.topic_family], event.key, value, delivery)
        sent += 1
        size += len(value)
    _flush(producer, delivery, sent, timeout_s)
    if progress is not None:
        progress(sent)
    return FeedReport(sent, size, dict(delivery.confirmed), time.monotonic() - began)


def _wait_until(producer: Producer, due: float) -> None:
    """Serve delivery reports until it is time for the next record."""
    while (ahead := due - time.monotonic()) > 0:
        producer.poll(ahead)


def _produce(producer: Producer, topic: str, key: bytes, value: bytes, delivery: Any) -> None:
    while True:
        try:
            producer.produce(topic, value, key, on_delivery=delivery)
            return
        except BufferError:  # the local queue is full: let it drain
            producer.poll(0.1)


def _flush(producer: Producer, delivery: _Delivery, sent: int, timeout_s: float) -> None:
    left = producer.flush(timeout_s + 5)  # librdkafka reports its own timeouts before that
    confirmed = sum(delivery.confirmed.values())
    if left or delivery.failed or confirmed != sent:
        reason = delivery.reason or "no answer within the message timeout"
        raise FeedError(
            f"the broker confirmed {confirmed} of {sent} records ({reason}); check that it is "
            "reachable and that `yijian topics apply` has created the intake topics"
        )
