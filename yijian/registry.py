"""The registry topic as those see it who publish into it, and what it said at some time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer

from contracts.intake import Rejected
from contracts.registry import Registered, encode_registered, parse_registered
from knowledge_base.registry import NOTHING, Registry, faults
from streams.broker import BrokerError
from streams.bundles.topic import Entry, TopicAddress
from streams.registry import RegistryLog
from yijian.settings import Settings

_READ_S: Final = 0.2
_STALLED_S: Final = 30.0
_CONFIRM_S: Final = 30.0


@dataclass(frozen=True)
class Fault:
    """A line that cannot be published, and why."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def address(settings: Settings) -> TopicAddress:
    """Where the installation's registry is."""
    return TopicAddress(settings.kafka_bootstrap, settings.topics.registry, settings.kafka_options)


def read_lines(lines: Iterable[bytes]) -> tuple[list[Registered], list[Fault]]:
    """The records of NDJSON lines, and every line that is none. Quotes nothing of a line."""
    records: list[Registered] = []
    problems: list[Fault] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = parse_registered(line.strip())
        wrong: Sequence[str] = (
            (f"{found.path}: {found.detail}",) if isinstance(found, Rejected) else faults(found)
        )
        problems += [Fault(number, what) for what in wrong]
        if not isinstance(found, Rejected):
            records.append(found)
    return records, problems


def publish(settings: Settings, records: Sequence[Registered]) -> None:
    """Put records into the topic, each in the place of the one under its key.

    Raises KafkaException where the broker does not confirm all of them.
    """
    _send(settings, [(record.key, encode_registered(record)) for record in records])


def remove(settings: Settings, keys: Sequence[bytes]) -> None:
    """Take out what is registered under these keys; what files say of it stands again.

    Raises KafkaException where the broker does not confirm it.
    """
    _send(settings, [(key, None) for key in keys])


def _send(settings: Settings, records: Sequence[tuple[bytes, bytes | None]]) -> None:
    producer = Producer(
        {
            **settings.kafka_options,
            "bootstrap.servers": settings.kafka_bootstrap,
            "enable.idempotence": True,
            "message.timeout.ms": int(_CONFIRM_S * 1000),
        }
    )
    failed: list[KafkaError] = []

    def confirmed(error: KafkaError | None, message: object) -> None:
        if error is not None:
            failed.append(error)

    for key, value in records:
        producer.produce(settings.topics.registry, value, key, on_delivery=confirmed)
        producer.poll(0)
    left = producer.flush(_CONFIRM_S + 1)
    if failed or left:
        raise KafkaException(failed[0] if failed else KafkaError(KafkaError._TIMED_OUT))


def entries(settings: Settings) -> Iterator[Entry]:
    """Every record of the topic up to its present end, in order.

    Raises BrokerError or KafkaException where it cannot be read, or does not go on.
    """
    reader = address(settings).open()
    try:
        reader.ask_end()
        came_at = monotonic()
        while not reader.caught_up:
            for entry in reader.read(_READ_S):
                yield entry
                came_at = monotonic()
            if monotonic() - came_at > _STALLED_S:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    finally:
        reader.close()


def read_log(settings: Settings) -> RegistryLog:
    """Everything that is registered now. Raises BrokerError or KafkaException."""
    found = RegistryLog()
    for entry in entries(settings):
        found.take(entry)
    return found


REGISTRY_NOT_FOUND: Final = "registry_not_found"
FindRegistry: TypeAlias = Callable[[str], Registry | None]
"""What was registered when the registry had a digest; None where that cannot be had."""


def nothing_registered(digest: str) -> Registry | None:
    """Of an installation without a registry topic."""
    return None if digest else NOTHING


def from_topic(settings: Settings) -> FindRegistry:
    """Finds registries in the installation's topic, each at most once.

    Compaction keeps the last record of a key: of older states only those are found again that
    it has not passed over yet.
    """
    known: dict[str, Registry | None] = {"": NOTHING}

    def find(digest: str) -> Registry | None:
        if digest not in known:
            known[digest] = _state(settings, digest)
        return known[digest]

    return find


def _state(settings: Settings, digest: str) -> Registry | None:
    found = RegistryLog()
    try:
        for entry in entries(settings):
            found.take(entry)
            if found.register.digest == digest:
                return found.register.registry()
    except (BrokerError, KafkaException):
        return None
    return None
