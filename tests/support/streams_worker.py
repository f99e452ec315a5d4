"""Worker processes with the fake rules, and what tests read and write around them.

`python -m support.streams_worker CONFIG-JSON` is one worker; `fault` in it breaks something on
purpose.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from contracts.decision import OriginHeaders
from contracts.topics import Topics
from streams.broker import TopicError, TopicSpec, apply_topics, log_bounds
from streams.config import Remembering, Timeouts, WorkerConfig
from streams.supervise import Backoff, ProcessSupervisor

PARTITIONS = 4
TESTS = Path(__file__).parents[1]
OUTPUT_BYTES = 4 * 1_048_576
HELD_MS = 10_000


def until(condition: Callable[[], Any], deadline_s: float = 40, what: str = "condition") -> Any:
    """The first true value of `condition`; fails after `deadline_s`."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {deadline_s} s"
        time.sleep(0.05)
    return value


class Place(NamedTuple):
    topic: str
    partition: int
    offset: int


class Output(NamedTuple):
    """One record of an output topic, with the place of the intake record it answers."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    appended_ms: int = 0

    @property
    def origin(self) -> Place:
        h = self.headers
        return Place(
            h[OriginHeaders.TOPIC].decode(),
            int(h[OriginHeaders.PARTITION]),
            int(h[OriginHeaders.OFFSET]),
        )


@dataclass
class Installation:
    """Topics of a test on a broker, and the workers it starts."""

    bootstrap: str
    prefix: str
    log_folder: Path
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.topics = Topics(prefix=self.prefix)
        self.group = f"{self.prefix}-worker"
        intake = (
            *self.topics.all_intake,
            self.topics.rekeyed,
            self.topics.activities,
            self.topics.ticks,
        )
        outputs = (self.topics.decisions, self.topics.alerts, self.topics.dead_letters)
        specs = [TopicSpec(name, PARTITIONS) for name in intake]
        specs += [TopicSpec(name, PARTITIONS, max_message_bytes=OUTPUT_BYTES) for name in outputs]
        specs.append(TopicSpec(self.topics.state, PARTITIONS, compacted=True, rewritten=True))
        apply_topics(self.bootstrap, specs)

    @property
    def prescriptions(self) -> str:
        return self.topics.intake("prescription", "his")

    @contextmanager
    def workers(self, *names: str, **options: Any) -> Iterator[ProcessSupervisor]:
        """Supervised workers; their logs are in the log folder."""
        with ProcessSupervisor(
            log_folder=self.log_folder, backoff=Backoff(0.05, 0.2), grace_s=30
        ) as processes:
            for name in names:
                self.start(processes, name, **options)
            yield processes

    def start(self, processes: ProcessSupervisor, name: str, **options: Any) -> None:
        config = {
            "bootstrap": self.bootstrap,
            "prefix": self.prefix,
            "group": self.group,
            **self.options,
            **options,
        }
        command = [sys.executable, "-m", "support.streams_worker", json.dumps(config)]
        environ = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
        processes.start(name, command, environ)

    def feed(self, records: Iterable[tuple[bytes | None, bytes | None]], topic: str = "") -> int:
        """Produce (key, value) pairs into an intake topic as hospitals do; how many."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "queue.buffering.max.messages": 2_000_000,
                "message.max.bytes": OUTPUT_BYTES,
            }
        )
        count = 0
        for key, value in records:
            producer.produce(topic or self.prescriptions, value, key)
            count += 1
            producer.poll(0)
        assert producer.flush(60) == 0
        return count

    def read(self, topic: str) -> list[Output]:
        """Every record of a topic, partition by partition, in order."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": False,
            }
        )
        found: list[Output] = []
        try:
            for partition in range(PARTITIONS):
                bounds = self.bounds(topic)[topic, partition]
                at = bounds.earliest
                consumer.assign([TopicPartition(topic, partition, at)])
                while at < bounds.latest:
                    for message in consumer.consume(1000, 0.2):
                        assert message.error() is None
                        at = message.offset() + 1
                        found.append(
                            Output(
                                partition,
                                message.offset(),
                                message.key(),
                                message.value(),
                                dict(message.headers() or ()),
                                message.timestamp()[1],
                            )
                        )
                    at = max(at, consumer.position([TopicPartition(topic, partition)])[0].offset)
        finally:
            consumer.close()
        return found

    def bounds(self, topic: str) -> dict[tuple[str, int], Any]:
        def ask() -> dict[tuple[str, int], Any]:
            try:
                return dict(log_bounds(self.bootstrap, [(topic, p) for p in range(PARTITIONS)]))
            except TopicError:  # a broker that has just started, or is being restarted
                return {}

        found: dict[tuple[str, int], Any] = until(ask, what=f"bounds of {topic}")
        return found

    def count(self, topic: str) -> int:
        """How many records a topic holds (without transactions in it)."""
        return sum(b.latest - b.earliest for b in self.bounds(topic).values())

    def healthy(self, name: str) -> dict[str, Any]:
        """What the newest worker of a name says of itself."""
        lines = self.log_of(name).splitlines()
        address = [x for x in lines if "http://" in x][-1].rpartition(" ")[2]
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def committed(self, topic: str) -> dict[int, int]:
        """Per partition the position the worker group has committed; -1001 where none."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        try:
            asked = [TopicPartition(topic, p) for p in range(PARTITIONS)]
            return {at.partition: at.offset for at in consumer.committed(asked, timeout=10)}
        finally:
            consumer.close()

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """Set a position of the worker group, as an operator would."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        try:
            consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
        finally:
            consumer.close()

    def all_committed(self, topic: str = "") -> bool:
        """Whether everything in an intake topic is worked through and committed."""
        name = topic or self.prescriptions
        committed = self.committed(name)
        return all(
            committed[partition] == bounds.latest or bounds.latest == bounds.earliest
            for (_, partition), bounds in self.bounds(name).items()
        )

    def log_of(self, name: str) -> str:
        return (self.log_folder / f"{name}.log").read_text()


def resets(outputs: Iterable[Output]) -> int:
    """How often, in the order of the decisions topic, an intake partition was gone back in."""
    last: dict[tuple[int, str, int], int] = {}
    count = 0
    for output in outputs:
        origin = output.origin
        place = (output.partition, origin.topic, origin.partition)
        if origin.offset < last.get(place, -1):
            count += 1
        last[place] = origin.offset
    return count


def times_answered(outputs: Iterable[Output]) -> Counter[Place]:
    """How many decisions each intake record got."""
    return Counter(output.origin for output in outputs)


def _never_acknowledge() -> None:
    from streams.offsets import OffsetTracker

    OffsetTracker.acknowledge = lambda self, tp, last, epoch: False  # type: ignore[method-assign]


def _raise_in_agent() -> None:
    from streams.supervision import Supervisor

    def supervise(self: Any, *args: Any) -> Any:
        raise RuntimeError("a bug in the agent")

    Supervisor.supervise = supervise  # type: ignore[method-assign]


def _die_after_outputs() -> None:
    """SIGKILL when the outputs of a batch are confirmed, before it is acknowledged."""
    from streams.lanes import Cut, Lanes

    made = Lanes.__init__

    class Killer:
        may_write = True

        def seal(self, cut: Cut) -> int:
            return 0

        def write(self, cut: Cut) -> int:
            os.kill(os.getpid(), signal.SIGKILL)
            return 0

    def with_killer(self: Lanes, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **{**kwargs, "state": Killer()})

    Lanes.__init__ = with_killer  # type: ignore[method-assign]


def _die_at_state() -> None:
    """SIGKILL when the first state records are to be written, with the timers' decisions out."""
    from streams.lanes import Cut
    from streams.state.log import StateLog

    wrote = StateLog.write

    def write(self: StateLog, cut: Cut) -> int:
        is_tick = cut.last is not None and cut.last.tp.topic.endswith(".ticks.v1")
        if is_tick and cut.decided >= 0 and not len(cut.memories.timers):
            os.kill(os.getpid(), signal.SIGKILL)
        return wrote(self, cut)

    StateLog.write = write  # type: ignore[method-assign]


def _hold_outputs() -> None:
    """Keep every output in the producer for a while, as when the broker does not take any."""
    from streams.producer import ProducerConfig

    told = ProducerConfig.librdkafka
    held = {"linger.ms": HELD_MS, "batch.num.messages": 1_000_000, "batch.size": 2_147_483_647}
    ProducerConfig.librdkafka = lambda self: {**told(self), **held}  # type: ignore[method-assign]


FAULTS = {
    "hold_outputs": _hold_outputs,
    "never_acknowledge": _never_acknowledge,
    "raise_in_agent": _raise_in_agent,
    "die_after_outputs": _die_after_outputs,
    "die_at_state": _die_at_state,
}


def main(config: dict[str, Any]) -> int:
    """One worker with the fake rules."""
    from streams.bundles import FixedRules
    from streams.supervision import Supervisor
    from streams.worker import run
    from support import group_rules
    from support.fake_attendant import FakeAttendant
    from support.streams_fakes import FakeEvaluator

    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if fault := config.pop("fault", None):
        FAULTS[fault]()
    groups = config.pop("groups", False)
    remembers = config.pop("remembers", False) or groups
    timeouts = {"session_s": 6, "heartbeat_s": 0.5, "message_s": 4, "flush_s": 5, "rebalance_s": 8}
    settings = WorkerConfig(
        bootstrap=config.pop("bootstrap"),
        topics=Topics(prefix=config.pop("prefix")),
        group_id=config.pop("group"),
        timeouts=Timeouts(**{**timeouts, **config.pop("timeouts", {})}),
        remembering=Remembering() if remembers else None,
        **config,
    )
    slow_s = float(os.environ.get("YIJIAN_TEST_SLOW_S", "0"))
    evaluator = FakeEvaluator()
    if slow_s:
        decide = evaluator.decide

        def slowly(event: Any, digest: str = "") -> Any:
            time.sleep(slow_s)
            return decide(event, digest)

        evaluator.decide = slowly  # type: ignore[method-assign]
    limit = settings.max_output_bytes - 16_384
    if groups:
        real = group_rules.evaluator()
        of_groups = Supervisor(real, group_rules.attendants(real), max_output_bytes=limit)
        return run(settings, FixedRules(of_groups))
    attendant = FakeAttendant(evaluator) if remembers else None
    return run(settings, FixedRules(Supervisor(evaluator, attendant, max_output_bytes=limit)))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
