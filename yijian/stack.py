"""A whole installation on this machine: Kafka, ClickHouse, supervised workers and sinks.

Demo, chaos and benchmarks start one, use it, and leave nothing behind.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from knowledge_base import KnowledgeBase
from sinks import schema
from sinks.client import connect
from sinks.embedded import EmbeddedClickHouse
from sinks.feedback import sync_reasons
from sinks.indicators import sync_institutions
from streams.broker import LocalKafka, apply_topics
from streams.broker.ports import free_ports
from streams.supervise import ProcessSupervisor
from yijian.composition import topic_specs
from yijian.settings import Settings, child_environ


@dataclass(frozen=True)
class Size:
    """How many processes of each kind."""

    workers: int = 1
    sinks: int = 1
    verifiers: int = 0


_READY_S = 60.0


class NotReady(RuntimeError):
    """A process did not come up; the message holds what the processes said last."""


class Stack:
    """Context manager: running servers with topics, tables and processes; `.settings` name them.

    Servers named in the given settings are used as they are; others are started and end with
    this process. Topics get a prefix of their own, so that nothing of an installation is touched.
    """

    def __init__(
        self,
        settings: Settings,
        knowledge: KnowledgeBase,
        size: Size,
        prefix: Sequence[str] | None = None,
    ) -> None:
        """`prefix` replaces `python -m yijian` in the processes' command lines."""
        self.settings = settings
        self._prefix = list(prefix or (sys.executable, "-m", "yijian"))
        self._knowledge = knowledge
        self._size = size
        self._exit = ExitStack()
        self.kafka: LocalKafka | None = None
        self.clickhouse: EmbeddedClickHouse | None = None
        self.addresses: dict[str, str] = {}
        """Of each process: where it tells its health, host:port."""
        self.processes: ProcessSupervisor
        self.logs: Path

    def __enter__(self) -> Self:
        try:
            self._start()
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

    def _start(self) -> None:
        self.logs = Path(
            self._exit.enter_context(tempfile.TemporaryDirectory(prefix="yijian-logs-"))
        )
        s = replace(
            self.settings, topic_prefix=f"{self.settings.topic_prefix}-{uuid.uuid4().hex[:6]}"
        )
        s = replace(
            s,
            worker_group=f"{s.topic_prefix}-worker",
            sink_group=f"{s.topic_prefix}-sink",
            verify_group=f"{s.topic_prefix}-verify",
        )
        if not s.kafka_bootstrap:
            self.kafka = self._exit.enter_context(LocalKafka(s.cache_dir, java_home=s.java_home))
            s = replace(s, kafka_bootstrap=self.kafka.bootstrap)
        if not s.clickhouse_dsn:
            self.clickhouse = self._exit.enter_context(EmbeddedClickHouse())
            s = replace(s, clickhouse_dsn=self.clickhouse.dsn)
        self.settings = s
        apply_topics(s.kafka_bootstrap, topic_specs(s), client_config=s.kafka_options)
        prepare_tables(s, self._knowledge)
        self.processes = self._exit.enter_context(ProcessSupervisor(log_folder=self.logs))
        for n in range(self._size.workers):
            self.add("worker", n)
        for n in range(self._size.sinks):
            self.add("sink", n)
        for n in range(self._size.verifiers):
            self.add("verify", n)
        for name in self.processes.names:
            self._until_ready(name)

    def add(self, kind: str, number: int) -> str:
        """Start one more supervised `worker`, `sink` or `verify`; its name."""
        name = f"{kind}-{number}"
        address = f"127.0.0.1:{free_ports().broker}"
        self.addresses[name] = address
        s = self.settings
        s = replace(s, **{f"{kind}_http": address})  # type: ignore[arg-type]
        self.processes.start(name, [*self._prefix, kind], env=child_environ(s))
        return name

    def _until_ready(self, name: str) -> None:
        """Return when the process says that it is well and has partitions."""
        deadline = time.monotonic() + _READY_S
        while not _is_ready(self.addresses[name]):
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{name} was not ready within {_READY_S:.0f} s:\n{self.complaints()}"
                )
            time.sleep(0.05)

    def complaints(self, lines: int = 5) -> str:
        """The last log lines of every process, to say why something did not go on."""
        parts = []
        for path in sorted(self.logs.glob("*.log")):
            tail = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            parts.append("\n  ".join([f"{path.stem}:", *tail]))
        return "\n".join(parts)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=2) as answer:
            state = json.load(answer)
    except (OSError, ValueError):
        return False
    return bool(state.get("ok") and state.get("assigned"))


def prepare_tables(settings: Settings, knowledge: KnowledgeBase) -> None:
    """Bring ClickHouse's tables up to date, and tell it time zones and override reasons."""
    client = connect(settings.clickhouse_dsn)
    try:
        schema.migrate(client)
        zones = {i.id: i.time_zone for i in knowledge.institutions()}
        sync_institutions(client, sorted(zones.items()))
        reasons = knowledge.override_reasons.values()
        sync_reasons(client, [(r.system, r.code, r.group, r.name.zh, r.name.en) for r in reasons])
    finally:
        client.close()
