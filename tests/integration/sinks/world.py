"""Topics, records and sink processes for the sink's integration tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from contracts.decision import (
    Basis,
    Coverage,
    DeadLetterHeaders,
    Decision,
    EventRef,
    Finding,
    OriginHeaders,
    Words,
    encode_record,
)
from contracts.identity import EventKey, alert_id, decision_id
from contracts.topics import Topics
from sinks.client import connect
from sinks.schema import migrate
from streams.broker import TopicSpec, apply_topics

PARTITIONS = 4
SCRIPT = Path(__file__).with_name("sink_process.py")


def event(
    n: int | str,
    *,
    kind: str = "billing.charged.v1",
    time_: str = "2026-03-02T10:00:00+08:00",
    source: str = "urn:test:his",
    subject: str | None = None,
    **data: Any,
) -> dict[str, Any]:
    """An event that the contract accepts; `data` overrides its act."""
    act: dict[str, Any] = {"act_id": f"act-{n}", "revision": 1, "institution": "hospital-1"}
    data = {name.removesuffix("_"): value for name, value in data.items()}  # kind_ is the act's
    return {
        "specversion": "1.0",
        "id": f"event-{n}",
        "source": source,
        "type": kind,
        "time": time_,
        "subject": subject or f"urn:test:patients|{n}",
        "data": act | data,
    }


def decision_of(sent: dict[str, Any], rules: Sequence[str] = (), pack: str = "pack-1") -> Decision:
    """A decision on an event with one finding a rule."""
    key = EventKey(sent["source"], sent["id"])
    findings = tuple(
        Finding(
            alert_id=alert_id(key, "event", rule, 1, ""),
            rule_id=rule,
            rule_version=1,
            rule_status="shadow",
            element="",
            result="violation",
            severity="warning",
            action="remind",
            audience=("prescriber",),
            key=rule,
            title=Words(zh="标题", en="title"),
            message=Words(zh="内容", en="message"),
            facts={"event.type": sent["type"]},
        )
        for rule in rules
    )
    return Decision(
        decision_id=decision_id(key),
        event=EventRef(
            source=key.source, id=key.id, type=sent["type"], time=sent["time"], digest="d"
        ),
        scope="patient",
        cause="event",
        subject=sent["subject"],
        phase="during",
        as_of=sent["time"][:10],
        verdict="findings" if rules else "clean",
        coverage=Coverage(applicable=len(rules) + 1, alerts=len(rules), silent=1),
        findings=findings,
        basis=Basis(pack=pack, knowledge="k", engine="compiled", profile="demo"),
    )


@dataclass
class World:
    """One set of topics and one database."""

    bootstrap: str
    dsn: str
    topics: Topics
    sinks: list[Sink] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [*self.topics.all_intake, self.topics.decisions, self.topics.dead_letters]
        apply_topics(
            self.bootstrap, [TopicSpec(n, PARTITIONS, max_message_bytes=9_000_000) for n in names]
        )
        self.producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.max.bytes": 9_000_000,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self.client = connect(self.dsn)

    def intake(self, sent: dict[str, Any]) -> str:
        return self.topics.intake(sent["type"].split(".")[0], self.topics.systems[0])

    def send(self, events: Iterable[dict[str, Any]]) -> int:
        """Publishes events as their source would; returns how many."""
        count = 0
        for sent in events:
            self.put(self.intake(sent), sent["subject"], json.dumps(sent, ensure_ascii=False))
            count += 1
        self.producer.flush(30)
        return count

    def decide(
        self, events: Iterable[dict[str, Any]], rules: Sequence[str] = ("r",), pack: str = "pack-1"
    ) -> None:
        """Publishes a decision on each event, as the worker would."""
        for sent in events:
            self.put(
                self.topics.decisions,
                sent["subject"],
                encode_record(decision_of(sent, rules, pack)),
                headers=[
                    (OriginHeaders.TOPIC, self.intake(sent)),
                    (OriginHeaders.PARTITION, "0"),
                    (OriginHeaders.OFFSET, "0"),
                    (OriginHeaders.RECEIVED_MS, str(int(time.time() * 1000))),
                ],
            )
        self.producer.flush(30)

    def refuse(
        self, value: bytes | None, key: bytes | None, offset: int, reason: str = "not_json"
    ) -> None:
        """Publishes a dead letter, as the worker would."""
        self.put(
            self.topics.dead_letters,
            key,
            value,
            headers=[
                (DeadLetterHeaders.TOPIC, self.topics.all_intake[0]),
                (DeadLetterHeaders.PARTITION, "0"),
                (DeadLetterHeaders.OFFSET, str(offset)),
                (DeadLetterHeaders.REASON, reason),
                (DeadLetterHeaders.PATH, "$"),
                (DeadLetterHeaders.RECEIVED_MS, "1770000000000"),
            ],
        )
        self.producer.flush(30)

    def put(
        self, topic: str, key: Any, value: Any, headers: Any = None, partition: int = -1
    ) -> None:
        while True:
            try:
                self.producer.produce(topic, value, key, partition=partition, headers=headers)
                return
            except BufferError:
                self.producer.poll(0.1)

    def sink(self, **settings: Any) -> Sink:
        """A running sink process."""
        config = {
            "bootstrap": self.bootstrap,
            "dsn": self.dsn,
            "prefix": self.topics.prefix,
            "systems": self.topics.systems,
            "group": f"{self.topics.prefix}-sink",
            "http": None,
            "session_timeout_s": 6.0,
            **settings,
        }
        made = Sink(config)
        self.sinks.append(made)
        return made

    def client_with_schema(self) -> Client:
        """The client, with the tables there before any sink has run."""
        migrate(self.client)
        return self.client

    def scalar(self, sql: str) -> Any:
        return self.client.query(sql).result_rows[0][0]

    def close(self) -> None:
        for one in self.sinks:
            one.kill()
            one.close()
        self.client.close()


class Sink:
    """A sink process; its log is kept for failed assertions."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps(config)],
            stdout=self._log,
            stderr=self._log,
            env={"PYTHONPATH": str(SCRIPT.parents[3])},
        )

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._log.close()

    @property
    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()


def wait_for(
    holds: Callable[[], bool], what: str, within_s: float = 60.0, sinks: Sequence[Sink] = ()
) -> None:
    """Returns when the condition holds; fails with `what` after the deadline."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.05)
    logs = "\n".join(s.log[-3000:] for s in sinks)
    raise AssertionError(f"not within {within_s} s: {what}\n{logs}")
