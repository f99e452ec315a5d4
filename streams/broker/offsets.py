"""What a broker knows about its logs: which cluster, which topic, from where to where."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    OffsetSpec,
)

from streams.broker.admin import REQUEST_TIMEOUT_S, admin_client, result_of
from streams.broker.errors import TopicError

_LEADERS_S: Final = 15.0
_RETRY_S: Final = 0.1
# What a broker says of a partition that is new, or whose leader has just changed.
_PASSING: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
    }
)


class LogBounds(NamedTuple):
    """What a partition holds: `earliest` is its first record, `latest` the next one to come."""

    earliest: int
    latest: int


def cluster_id(bootstrap: str, client_config: Mapping[str, str] | None = None) -> str:
    """The id of the cluster behind `bootstrap`; another one means other logs."""
    client = admin_client(bootstrap, client_config)
    answer = result_of(
        client.describe_cluster(request_timeout=REQUEST_TIMEOUT_S), "asking for the cluster id"
    )
    return str(answer.cluster_id)


def topic_ids(
    bootstrap: str, names: Iterable[str], client_config: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The id of each topic; a topic that was deleted and created again has another.

    Raises:
        TopicError: a topic does not exist, or the broker did not answer.
    """
    client = admin_client(bootstrap, client_config)
    asked = client.describe_topics(
        TopicCollection(sorted(set(names))), request_timeout=REQUEST_TIMEOUT_S
    )
    return {
        name: str(result_of(future, f"describing topic {name}").topic_id)
        for name, future in asked.items()
    }


def log_bounds(
    bootstrap: str,
    partitions: Iterable[tuple[str, int]],
    client_config: Mapping[str, str] | None = None,
) -> dict[tuple[str, int], LogBounds]:
    """The bounds of each (topic, partition), each partition asked on its own.

    Raises:
        TopicError: a partition does not exist, or the broker did not answer.
    """
    client = admin_client(bootstrap, client_config)
    wanted = sorted(set(partitions))
    _know_leaders(client)
    # The end first: a log that is being cut off meanwhile cannot seem to end before it starts.
    latest = _offsets(client, wanted, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    earliest = _offsets(client, wanted, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    return {key: LogBounds(min(earliest[key], latest[key]), latest[key]) for key in wanted}


def _know_leaders(client: AdminClient) -> None:
    """Else an answer takes three seconds now and then: librdkafka misses that it knows them."""
    try:
        client.list_topics(timeout=REQUEST_TIMEOUT_S)
    except KafkaException as error:
        raise TopicError(f"asking for the topics failed: {error.args[0].str()}") from error


def _offsets(
    client: AdminClient, wanted: Iterable[tuple[str, int]], spec: OffsetSpec
) -> dict[tuple[str, int], int]:
    """The offset of each partition; those whose leader is just being found are asked again."""
    left, found = list(wanted), dict[tuple[str, int], int]()
    deadline = time.monotonic() + _LEADERS_S
    while left:
        asked = client.list_offsets(
            {TopicPartition(topic, partition): spec for topic, partition in left},
            request_timeout=REQUEST_TIMEOUT_S,
        )
        left = []
        for at, future in asked.items():
            try:
                answer = result_of(future, f"asking for the bounds of {at.topic}[{at.partition}]")
            except TopicError as error:
                if not _is_passing(error) or time.monotonic() > deadline:
                    raise
                left.append((at.topic, at.partition))
            else:
                found[at.topic, at.partition] = int(answer.offset)
        if left:
            time.sleep(_RETRY_S)
    return found


def _is_passing(error: TopicError) -> bool:
    cause = error.__cause__
    return isinstance(cause, KafkaException) and bool(cause.args[0].code() in _PASSING)
