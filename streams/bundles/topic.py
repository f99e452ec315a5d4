"""A broadcast topic read from its start and followed: one partition, outside any group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contracts.bundle import MAX_BUNDLE_BYTES
from streams.broker import check_equal_partitions
from streams.errors import ConfigurationError

_PARTITION: Final = 0
_HEADROOM_BYTES: Final = 1_048_576
_ASK_S: Final = 5.0
_PASSES_S: Final = 10.0
_READ_AGAIN_S: Final = 0.1


@dataclass(frozen=True)
class TopicAddress:
    """Where bundles, or what is registered, are."""

    bootstrap: str
    topic: str
    options: Mapping[str, str] = field(default_factory=dict)
    """librdkafka's, for security."""

    def open(self) -> TopicReader:
        """The topic from its start.

        Raises BrokerError where there is no such topic, ConfigurationError where it has more than
        one partition, so that its records have no one order.
        """
        partitions = check_equal_partitions(self.bootstrap, [self.topic], self.options)
        if partitions != 1:
            raise ConfigurationError(f"{self.topic} has {partitions} partitions; it needs one")
        return TopicReader(self)

    def consumer(self) -> Consumer:
        return Consumer(
            {
                **self.options,
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.topic}-reader",  # never joined: partitions are assigned
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": MAX_BUNDLE_BYTES + _HEADROOM_BYTES,
                "queued.max.messages.kbytes": 2 * MAX_BUNDLE_BYTES // 1024,
                "log_level": 0,
            }
        )


class Entry(NamedTuple):
    """One record."""

    offset: int
    key: bytes | None
    value: bytes | None


class TopicReader:
    """Reads on where it stopped; `caught_up` says that everything there was has been read."""

    def __init__(self, address: TopicAddress) -> None:
        self._address = address
        self._consumer = address.consumer()
        self._at = TopicPartition(address.topic, _PARTITION, 0)
        self._consumer.assign([self._at])
        self._next = 0
        self._end = -1
        """Of the log, when it was last seen; -1 for never."""

    @property
    def caught_up(self) -> bool:
        return self._next >= self._end >= 0

    def ask_end(self) -> None:
        """Look where the log ends now: from here on, `caught_up` means that.

        Raises KafkaException where the broker does not say.
        """
        deadline = monotonic() + _PASSES_S
        while True:
            try:
                _, end = self._consumer.get_watermark_offsets(self._at, _ASK_S, cached=False)
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or monotonic() > deadline:
                    raise
                sleep(_READ_AGAIN_S)
            else:
                self._end = max(self._end, int(end))
                return

    def read(self, timeout_s: float) -> Iterator[Entry]:
        """What comes within a time, in order. Raises KafkaException for what does not pass.

        It is raised behind the records that came with it: those will not come again.
        """
        lasting: KafkaError | None = None
        for message in self._consumer.consume(100, timeout_s):
            error = message.error()
            offset = int(message.offset() or 0)
            if error is None:
                self._next = offset + 1
                self._end = max(self._end, self._next)
                yield Entry(offset, _bytes(message.key()), _bytes(message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._next = max(self._next, offset)
                self._end = max(self._end, offset)
            elif not error.retriable() and error.code() not in _PASSING:
                lasting = error
        if lasting is not None:
            raise KafkaException(lasting)

    def fetch(self, offset: int) -> Entry | None:
        """The record at an offset; None where it is not there any more.

        Raises KafkaException where the broker does not answer.
        """
        consumer = self._address.consumer()
        try:
            consumer.assign([TopicPartition(self._address.topic, _PARTITION, offset)])
            for message in consumer.consume(1, _ASK_S * 4):
                error = message.error()
                if error is None and message.offset() == offset:
                    return Entry(offset, _bytes(message.key()), _bytes(message.value()))
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    return None
                raise KafkaException(error)
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        finally:
            consumer.close()

    def close(self) -> None:
        self._consumer.close()


_PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
    }
)
"""What a broker says that is away for a moment, and a topic that was just created."""


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
