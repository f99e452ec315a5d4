"""Where the logs of topics begin and end, and the ids that tell one log from its successor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from confluent_kafka import TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    OffsetSpec,
)

T = TypeVar("T")

_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class LogPart:
    """One partition's log: which cluster and topic it belongs to, and the offsets it holds,
    [low, high)."""

    cluster: str
    topic: str
    topic_id: str
    partition: int
    low: int
    high: int


class KafkaLog:
    """Answers from the broker. Raises KafkaException or TimeoutError where there is no answer."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._admin = AdminClient(dict(config))

    def parts(self, wanted: Sequence[tuple[str, int]]) -> list[LogPart]:
        """The logs of these (topic, partition), in the same order."""
        if not wanted:
            return []
        cluster = _result(self._admin.describe_cluster(request_timeout=_TIMEOUT_S)).cluster_id
        topics = sorted({topic for topic, _ in wanted})
        described = self._admin.describe_topics(TopicCollection(topics), request_timeout=_TIMEOUT_S)
        ids = {topic: str(_result(described[topic]).topic_id) for topic in topics}
        bounds = self.bounds(wanted)
        return [
            LogPart(str(cluster), topic, ids[topic], partition, *bounds[topic, partition])
            for topic, partition in wanted
        ]

    def bounds(self, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        """The offsets [low, high) that each partition's log holds."""
        # Else an answer takes three seconds now and then: librdkafka misses that it knows leaders.
        self._admin.list_topics(timeout=_TIMEOUT_S)
        highs = self._offsets(wanted, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        lows = self._offsets(wanted, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        return {part: (lows[part], highs[part]) for part in wanted}

    def _offsets(
        self, wanted: Sequence[tuple[str, int]], spec: OffsetSpec
    ) -> dict[tuple[str, int], int]:
        asked = self._admin.list_offsets(
            {TopicPartition(topic, partition): spec for topic, partition in wanted},
            request_timeout=_TIMEOUT_S,
        )
        return {(tp.topic, tp.partition): int(_result(f).offset) for tp, f in asked.items()}


def _result(future: Future[T]) -> T:
    return future.result(timeout=_TIMEOUT_S + 1)
