"""Waiting until worker and sink have done everything that is in the log."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.broker import BrokerError
from yijian import kafka_log
from yijian.settings import Settings

_POLL_S = 0.2


class NotDrained(TimeoutError):
    """The time ran out while records were still waiting; the message says how many and where."""


def committed(settings: Settings, group: str, topics: list[str]) -> dict[tuple[str, int], int]:
    """The group's committed offset of each partition; 0 where it has none."""
    wanted = kafka_log.partitions_of(settings, topics)
    # A consumer that never joins: librdkafka's administrative client ends the process where a
    # broker that has just come back does not know yet who coordinates the group.
    asking = Consumer(
        {
            **settings.kafka_options,
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
        }
    )
    try:
        answer = asking.committed([TopicPartition(t, p) for t, p in wanted], timeout=20)
    finally:
        asking.close()
    offsets = {(tp.topic, tp.partition): tp.offset for tp in answer}
    return {tp: max(offsets.get(tp, 0), 0) for tp in wanted}


def waiting(settings: Settings, group: str, topics: list[str]) -> int:
    """How many records of the topics the group has not committed yet."""
    # In this order: what was done by then had led to everything that stands in the topics now.
    done = committed(settings, group, topics)
    ends = kafka_log.ends(settings, topics)
    return sum(max(end - done[tp], 0) for tp, end in ends.items())


def worker_topics(settings: Settings) -> list[str]:
    """What the workers consume."""
    return [*settings.topics.all_intake, settings.topics.rekeyed, settings.topics.activities]


def sink_topics(settings: Settings) -> list[str]:
    """What the sinks consume."""
    topics = settings.topics
    return [*topics.all_intake, topics.decisions, topics.dead_letters]


def until_drained(settings: Settings, timeout_s: float) -> None:
    """Returns when workers, then sinks, have committed all there is. Raises NotDrained."""
    deadline = time.monotonic() + timeout_s
    left = "the broker did not say how many"
    while True:
        try:
            worker = waiting(settings, settings.worker_group, worker_topics(settings))
            sink = waiting(settings, settings.sink_group, sink_topics(settings))
        except (KafkaException, BrokerError):  # a broker that has just come back
            pass
        else:
            if worker == sink == 0:
                return
            left = f"the worker still has {worker} and the sink {sink}"
        if time.monotonic() > deadline:
            raise NotDrained(f"after {timeout_s:.0f} s {left} records to do")
        time.sleep(_POLL_S)
