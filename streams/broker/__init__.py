"""A local Kafka broker for demo, development and tests, and topics on any broker.

`LocalKafka` lives with its owner; `start_detached`, `stop_detached` and `status` keep one running
between commands; `apply_topics` and its neighbours work against any broker.
"""

from streams.broker.detached import (
    DetachedOptions,
    RunningBroker,
    start_detached,
    status,
    stop_detached,
)
from streams.broker.errors import (
    BrokerError,
    BrokerStartError,
    BrokerStopError,
    JarsError,
    MissingTopicsError,
    PartitionCountError,
    PartitionMismatch,
    TopicError,
    UnequalPartitionsError,
)
from streams.broker.local import LocalKafka
from streams.broker.offsets import LogBounds, cluster_id, log_bounds, topic_ids
from streams.broker.topics import TopicChange, TopicSpec, apply_topics, check_equal_partitions

__all__ = [
    "BrokerError",
    "BrokerStartError",
    "BrokerStopError",
    "DetachedOptions",
    "JarsError",
    "LocalKafka",
    "LogBounds",
    "MissingTopicsError",
    "PartitionCountError",
    "PartitionMismatch",
    "RunningBroker",
    "TopicChange",
    "TopicError",
    "TopicSpec",
    "UnequalPartitionsError",
    "apply_topics",
    "check_equal_partitions",
    "cluster_id",
    "log_bounds",
    "start_detached",
    "status",
    "stop_detached",
    "topic_ids",
]
