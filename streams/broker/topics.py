"""Topics as they are asked for, and the changes that bring a broker there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from streams.broker.admin import REQUEST_TIMEOUT_S, admin_client, result_of
from streams.broker.errors import (
    MissingTopicsError,
    PartitionCountError,
    PartitionMismatch,
    TopicError,
    UnequalPartitionsError,
)

_MANAGED: Final = frozenset(
    {
        "cleanup.policy",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.timestamp.type",
        "min.cleanable.dirty.ratio",
        "retention.ms",
        "segment.bytes",
        "segment.ms",
    }
)
"""What a TopicSpec decides; set on a topic but not by its spec, it goes back to the default."""


_REWRITTEN: Final = {
    # What is not rolled is never compacted: Kafka's own figures are 1 GiB and a week.
    "segment.bytes": str(64 * 1_048_576),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.3",
    "max.compaction.lag.ms": "3600000",
}


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it should be.

    `retention_ms` None leaves the broker's default, -1 keeps for ever; a compacted topic with a
    retention is compacted and cut off. `log_append_time` stamps records when the broker appends
    them (latency is measured between such stamps), otherwise the producer's time stands.
    """

    name: str
    partitions: int
    replication_factor: int = 1
    retention_ms: int | None = None
    compacted: bool = False
    max_message_bytes: int = 1_048_576
    log_append_time: bool = True
    rewritten: bool = False
    """Of a compacted topic whose keys are written again and again, and which is read as a whole:
    old values are dropped early, so that reading it does not grow with its age."""

    def __post_init__(self) -> None:
        if self.partitions < 1 or self.replication_factor < 1 or self.max_message_bytes < 1:
            raise ValueError(
                f"topic {self.name}: partitions, replication_factor and max_message_bytes must be "
                f"at least 1, not {self.partitions}, {self.replication_factor}, "
                f"{self.max_message_bytes}"
            )

    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's words."""
        config = {
            "cleanup.policy": self._cleanup_policy(),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime" if self.log_append_time else "CreateTime",
        }
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        if self.rewritten:
            config |= _REWRITTEN
        return config

    def _cleanup_policy(self) -> str:
        if not self.compacted:
            return "delete"
        return "compact" if self.retention_ms is None else "compact,delete"


@dataclass(frozen=True)
class TopicChange:
    """What was done to one topic: created, or which settings went from what to what.

    `before` is None where the setting was not set on the topic, `after` None where it was taken
    off; the broker's default holds then.
    """

    topic: str
    created: bool
    settings: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.created:
            return f"{self.topic}: created 已创建"
        changes = [f"{n} {a or 'unset'} → {b or 'unset'}" for n, (a, b) in self.settings.items()]
        return f"{self.topic}: {', '.join(changes)}"


def apply_topics(
    bootstrap: str,
    specs: Sequence[TopicSpec],
    extra_config: Mapping[str, str] | None = None,
    client_config: Mapping[str, str] | None = None,
) -> list[TopicChange]:
    """The changes made so that every topic of `specs` exists as asked; empty when all was so.

    `extra_config` is set on every topic (min.insync.replicas, compression.type …). The replication
    factor of a topic that exists is left alone. Nothing is changed if one topic is refused.

    Raises:
        PartitionCountError: a topic exists with another number of partitions.
        TopicError: the broker refused, or did not answer.
        ValueError: `extra_config` sets what a TopicSpec decides, or a name comes twice.
    """
    extra = dict(extra_config or {})
    _check_request(specs, extra)
    client = admin_client(bootstrap, client_config)
    counts = _partition_counts(client)
    _refuse_other_counts(specs, counts)
    made = _create(client, [spec for spec in specs if spec.name not in counts], extra)
    created = [
        TopicChange(spec.name, True, _all_new({**extra, **spec.config()}))
        for spec in specs
        if spec.name in made
    ]
    existing = [spec for spec in specs if spec.name not in made]
    return [*created, *_update(client, existing, extra)]


def check_equal_partitions(
    bootstrap: str,
    topic_names: Iterable[str],
    client_config: Mapping[str, str] | None = None,
) -> int:
    """The number of partitions that all of `topic_names` have.

    Raises:
        MissingTopicsError: some do not exist; all of them are named.
        UnequalPartitionsError: they differ; every count is named.
        ValueError: no topic was given.
    """
    names = sorted(set(topic_names))
    if not names:
        raise ValueError("check_equal_partitions needs at least one topic")
    counts = _partition_counts(admin_client(bootstrap, client_config))
    if missing := [name for name in names if name not in counts]:
        raise MissingTopicsError(missing, bootstrap)
    found = {name: counts[name] for name in names}
    if len(set(found.values())) > 1:
        raise UnequalPartitionsError(found)
    return found[names[0]]


def settings_diff(
    wanted: Mapping[str, str], on_topic: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """What to change, as setting → (before, after), where `on_topic` is set on the topic itself.

    A managed setting that is on the topic and not wanted is taken off; foreign ones stay.
    """
    changed: dict[str, tuple[str | None, str | None]] = {
        key: (on_topic.get(key), value)
        for key, value in wanted.items()
        if on_topic.get(key) != value
    }
    stale = (_MANAGED & on_topic.keys()) - wanted.keys()
    return changed | {key: (on_topic[key], None) for key in sorted(stale)}


def _check_request(specs: Sequence[TopicSpec], extra: Mapping[str, str]) -> None:
    if clash := sorted(_MANAGED & extra.keys()):
        raise ValueError(f"extra_config sets {', '.join(clash)}: that is decided by the TopicSpec")
    names = [spec.name for spec in specs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"topics asked for more than once: {', '.join(twice)}")


def _partition_counts(client: AdminClient) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in _topics(client).items()}


def _topics(client: AdminClient) -> dict[str, TopicMetadata]:
    try:
        return client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    except KafkaException as error:
        raise TopicError(
            f"the broker did not tell its topics: {error.args[0].str()}; check that it runs and "
            "that the bootstrap address is right"
        ) from error


def _refuse_other_counts(specs: Sequence[TopicSpec], counts: Mapping[str, int]) -> None:
    mismatches = [
        PartitionMismatch(spec.name, have=counts[spec.name], want=spec.partitions)
        for spec in specs
        if counts.get(spec.name, spec.partitions) != spec.partitions
    ]
    if mismatches:
        raise PartitionCountError(mismatches)


def _create(client: AdminClient, specs: Sequence[TopicSpec], extra: Mapping[str, str]) -> set[str]:
    """The topics this call created; one that somebody else created meanwhile is not among them."""
    if not specs:
        return set()
    asked = client.create_topics(
        [
            NewTopic(
                spec.name,
                num_partitions=spec.partitions,
                replication_factor=spec.replication_factor,
                config={**extra, **spec.config()},
            )
            for spec in specs
        ]
    )
    made = {name for name, future in asked.items() if _is_created_by_us(name, future)}
    _await_leaders(client, specs)
    _refuse_other_counts(specs, _partition_counts(client))
    return made


def _is_created_by_us(name: str, future: Future[None]) -> bool:
    """False when somebody else was quicker; any other failure is raised."""
    error = future.exception(REQUEST_TIMEOUT_S)
    refusal = error.args[0].code() if isinstance(error, KafkaException) else None
    if refusal == KafkaError.TOPIC_ALREADY_EXISTS:
        return False
    result_of(future, f"creating topic {name}")
    return True


def _await_leaders(client: AdminClient, specs: Sequence[TopicSpec]) -> None:
    """Brokers learn of a new topic a moment after the controller has confirmed it."""
    deadline = time.monotonic() + REQUEST_TIMEOUT_S
    while waiting := _without_leader(_topics(client), specs):
        if time.monotonic() > deadline:
            raise TopicError(
                f"topics created, but without a leader on every partition: {', '.join(waiting)}"
            )
        time.sleep(0.02)


def _without_leader(topics: Mapping[str, TopicMetadata], specs: Sequence[TopicSpec]) -> list[str]:
    return [spec.name for spec in specs if not _is_led(topics.get(spec.name))]


def _is_led(topic: TopicMetadata | None) -> bool:
    if topic is None or not topic.partitions:
        return False
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _update(
    client: AdminClient, specs: Sequence[TopicSpec], extra: Mapping[str, str]
) -> list[TopicChange]:
    current = _settings_on_topics(client, [spec.name for spec in specs])
    diffs = {
        spec.name: settings_diff({**extra, **spec.config()}, current[spec.name]) for spec in specs
    }
    changes = [TopicChange(name, False, diff) for name, diff in diffs.items() if diff]
    if changes:
        asked = client.incremental_alter_configs([_alteration(change) for change in changes])
        for resource, future in asked.items():
            result_of(future, f"changing the settings of topic {resource.name}")
    return changes


def _settings_on_topics(client: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Per topic what is set on the topic itself, not what it inherits from the broker."""
    if not names:
        return {}
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
    return {
        resource.name: {
            entry.name: entry.value
            for entry in result_of(future, f"reading the settings of {resource.name}").values()
            if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        }
        for resource, future in asked.items()
    }


def _alteration(change: TopicChange) -> ConfigResource:
    entries = [
        ConfigEntry(
            key,
            after,
            incremental_operation=(
                AlterConfigOpType.DELETE if after is None else AlterConfigOpType.SET
            ),
        )
        for key, (_, after) in change.settings.items()
    ]
    return ConfigResource(ResourceType.TOPIC, change.topic, incremental_configs=entries)


def _all_new(config: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    return {key: (None, value) for key, value in config.items()}
