"""The broker, the topics and the events that all measurements of one run share."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.errors import BenchmarkError
from benchmarks.growth import Topic
from benchmarks.load import Load
from benchmarks.processes import Measured
from simulation.feed import feed
from streams.broker import LocalKafka, apply_topics
from streams.broker.ports import free_ports
from yijian.composition import Core, topic_specs
from yijian.settings import Settings, child_environ

PARTITIONS: Final = 4
_HEAP_MB: Final = 1024
_GONE_S: Final = 30.0


class Bench:
    """Context manager: one broker with the JVM's full compilation tiers, and a scratch folder."""

    def __init__(self, settings: Settings, core: Core) -> None:
        self.core = core
        self.settings = replace(settings, partitions=PARTITIONS, log_level="WARNING")
        self._exit = ExitStack()
        self._logs = 0

    def __enter__(self) -> Self:
        try:
            temporary = tempfile.TemporaryDirectory(prefix="yijian-bench-")
            self.folder = Path(self._exit.enter_context(temporary))
            s = self.settings
            if not s.kafka_bootstrap:
                kafka = LocalKafka(
                    s.cache_dir,
                    java_home=s.java_home,
                    heap_mb=_HEAP_MB,
                    tiered_compilation_only=False,
                )
                self._exit.enter_context(kafka)
                self.settings = replace(s, kafka_bootstrap=kafka.bootstrap)
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()

    def installation(self, name: str) -> Settings:
        """The settings of a fresh set of topics."""
        prefix = f"bench-{name}-{uuid.uuid4().hex[:6]}"
        s = replace(self.settings, topic_prefix=prefix)
        apply_topics(s.kafka_bootstrap, topic_specs(s), client_config=s.kafka_options)
        return s

    def fill(self, s: Settings, loads: Iterable[Load]) -> None:
        """Put events into the intake topics, as fast as the broker takes them."""
        feed(loads, s.kafka_bootstrap, s.topics, system=s.systems[0])

    def decisions(self, s: Settings) -> Topic:
        return Topic(s.kafka_bootstrap, s.topics.decisions, s.partitions)

    def empty_outputs(self, s: Settings) -> None:
        """Delete what a run wrote, so that runs do not fill the disk; ends go on growing."""
        topics = (s.topics.decisions, s.topics.alerts, s.topics.dead_letters)
        everything = [TopicPartition(t, p, -1) for t in topics for p in range(s.partitions)]
        admin = AdminClient({"bootstrap.servers": s.kafka_bootstrap, "log_level": 0})
        for answer in admin.delete_records(everything).values():
            answer.result(timeout=20)
        self._forget(admin, s)

    def _forget(self, admin: AdminClient, s: Settings) -> None:
        """Make the state topic anew: whoever remembers a run finds only repeats in the next."""
        for answer in admin.delete_topics([s.topics.state]).values():
            answer.result(timeout=20)
        deadline = time.monotonic() + _GONE_S
        while s.topics.state in admin.list_topics(timeout=20).topics:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{s.topics.state} is not gone after {_GONE_S:.0f} s")
            time.sleep(0.1)
        apply_topics(s.kafka_bootstrap, topic_specs(s), client_config=s.kafka_options)

    def log(self) -> Path:
        self._logs += 1
        return self.folder / f"process-{self._logs}.log"

    def start(self, arguments: Sequence[str], s: Settings) -> Measured:
        """Start `python -m …` with these settings."""
        return Measured(arguments, child_environ(s), self.log())

    def worker(self, s: Settings, command: Sequence[str] = ("yijian", "worker")) -> Measured:
        """Start the product's worker in a consumer group of its own."""
        group = f"{s.topic_prefix}-{uuid.uuid4().hex[:6]}"
        address = f"127.0.0.1:{free_ports().broker}"
        return self.start(command, replace(s, worker_group=group, worker_http=address))
