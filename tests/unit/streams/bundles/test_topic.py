"""The reader of the bundles topic, with a consumer that a test scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.bundles.topic import TopicAddress, TopicReader

DENIED = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
AWAY = KafkaError(KafkaError._TRANSPORT)
END = KafkaError(KafkaError._PARTITION_EOF)


@dataclass
class Said:
    """A message, or an error in its place."""

    at: int
    fault: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.fault

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return b"k%d" % self.at

    def value(self) -> bytes:
        return b"v"


@dataclass
class Script:
    """A consumer that says what it is told to."""

    batches: list[list[Said]] = field(default_factory=list)

    def assign(self, parts: Any) -> None: ...

    def consume(self, most: int, timeout_s: float) -> list[Said]:
        return self.batches.pop(0)


class Address(TopicAddress):
    script = Script()

    def consumer(self) -> Any:
        return self.script


def reader(*batches: list[Said]) -> TopicReader:
    address = Address("localhost:1", "bundles")
    address.script.batches[:] = batches
    return TopicReader(address)


def test_records_that_came_with_an_error_are_read_before_it_is_raised() -> None:
    offsets: list[int] = []
    read = reader([Said(0), Said(0, DENIED), Said(1), Said(2)])
    with pytest.raises(KafkaException):
        offsets.extend(entry.offset for entry in read.read(0.1))
    assert offsets == [0, 1, 2]


def test_what_passes_is_no_error_and_the_end_is_noticed_behind_a_gap() -> None:
    read = reader([Said(0), Said(-1, AWAY), Said(3)], [Said(9, END)])
    assert [entry.offset for entry in read.read(0.1)] == [0, 3]
    assert list(read.read(0.1)) == []
    assert read.caught_up
