"""What can go wrong around the broker.

BrokerError
├── JarsError               Kafka's jars could not be fetched, or are not what was pinned
├── BrokerStartError        the broker ended while starting, or was not ready in time
├── BrokerStopError         the broker did not end, even after SIGKILL
└── TopicError              the broker refused an administrative request, or did not answer
    ├── MissingTopicsError      topics that must exist do not
    ├── PartitionCountError     a topic has another number of partitions than asked for
    └── UnequalPartitionsError  topics that must be co-partitioned are not
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class BrokerError(Exception):
    """Anything this package raises on purpose."""


class JarsError(BrokerError):
    """Kafka's jars could not be fetched, or are not what was pinned."""


class BrokerStartError(BrokerError):
    """The broker ended while starting, or was not ready in time."""


class BrokerStopError(BrokerError):
    """The broker did not end, even after SIGKILL."""


class TopicError(BrokerError):
    """The broker refused an administrative request, or did not answer."""


class MissingTopicsError(TopicError):
    """Topics that must exist do not."""

    def __init__(self, topics: Sequence[str], bootstrap: str) -> None:
        self.topics = tuple(topics)
        super().__init__(
            f"{len(self.topics)} topic(s) do not exist on {bootstrap}: {', '.join(self.topics)}; "
            "create them with `yijian topics apply`"
        )


@dataclass(frozen=True)
class PartitionMismatch:
    """One topic whose number of partitions differs from the one asked for."""

    topic: str
    have: int
    want: int


class PartitionCountError(TopicError):
    """A topic has another number of partitions than asked for."""

    def __init__(self, mismatches: Sequence[PartitionMismatch]) -> None:
        self.mismatches = tuple(mismatches)
        listed = "; ".join(f"{m.topic} has {m.have}, want {m.want}" for m in self.mismatches)
        super().__init__(
            f"refused to change the number of partitions: {listed}. A patient's records would move "
            "to another partition and lose their order. Set the number back to what the topics "
            "have, or drain them and create new topics under another prefix"
        )


class UnequalPartitionsError(TopicError):
    """Topics that must be co-partitioned are not."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        listed = ", ".join(f"{topic}={count}" for topic, count in sorted(self.counts.items()))
        super().__init__(
            f"topics have unequal numbers of partitions: {listed}. One patient's events would be "
            "spread over several lanes. Create them all with the same number "
            "(`yijian topics apply` on a fresh prefix)"
        )
