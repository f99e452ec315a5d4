"""The limit: a consumer that fetches the intake topics and only decodes.

`python -m benchmarks.decode_only COUNT`; the last line is JSON. librdkafka fetches in threads of
its own, the interpreter is set up as in the worker, and nothing is evaluated, produced or
committed: no worker process of this design can be faster.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import Any, Final

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.growth import FROM_SHARE, TO_SHARE
from contracts.intake import Accepted, decode
from streams.config import Runtime
from yijian import settings
from yijian.kafka_log import partitions_of
from yijian.settings import Settings

_BATCH: Final = 1000
_SILENCE_S: Final = 20.0


def consumer_of(s: Settings) -> Consumer:
    """A consumer at the start of every intake partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": s.kafka_bootstrap,
            "group.id": f"{s.topic_prefix}-decode",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "check.crcs": True,
            **s.kafka_options,
        }
    )
    partitions = partitions_of(s, s.topics.all_intake)
    consumer.assign([TopicPartition(topic, p, 0) for topic, p in partitions])
    return consumer


def measure(s: Settings, count: int) -> dict[str, Any]:
    """Events a second between 5 % and 95 % of `count`, and how many were accepted."""
    consumer = consumer_of(s)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*Runtime().gc_threshold)
    accepted = seen = 0
    marks: list[tuple[float, int]] = []
    while seen < count:
        messages = consumer.consume(_BATCH, timeout=_SILENCE_S)
        if not messages:
            raise TimeoutError(f"no records for {_SILENCE_S:.0f} s after {seen} of {count}")
        for m in messages:
            if (error := m.error()) is not None:
                raise KafkaException(error)
            taken = decode(m.value(), key=m.key(), check_key=True, received_ms=m.timestamp()[1])
            accepted += type(taken) is Accepted
        seen += len(messages)
        marks.append((time.perf_counter(), seen))
    consumer.close()
    began = next(mark for mark in marks if mark[1] >= FROM_SHARE * count)
    ended = next(mark for mark in marks if mark[1] >= TO_SHARE * count)
    per_s = (ended[1] - began[1]) / (ended[0] - began[0])
    return {"events_per_s": per_s, "accepted": accepted}


if __name__ == "__main__":
    answer = measure(settings.load(), int(sys.argv[1]))
    print(msgspec.json.encode(answer).decode())
