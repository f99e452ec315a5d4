"""An installation whose workers follow bundles: real rules, real processes, and its decisions."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import knowledge_base
from contracts.bundle import Refusal
from contracts.clock import SystemClock
from contracts.decision import Decision, Reader
from simulation.feed import feed
from simulation.simulator import SimulatedEvent, Simulator
from streams.answers import DeadLetter
from streams.broker import apply_topics
from streams.broker.ports import free_ports
from streams.supervise import Backoff, ProcessSupervisor
from streams.supervision import Supervisor
from yijian import drain, kafka_log
from yijian.bundles import packing, registry, signing
from yijian.bundles.loading import load
from yijian.composition import PACKS, Core, load_core, supervisor_of, topic_specs
from yijian.settings import Settings, child_environ

PARTITIONS = 3
_read = Reader(Decision)


def shipped() -> dict[str, str]:
    """The files that are shipped: rules, tests and knowledge."""
    return packing.gather([PACKS], knowledge_base.default_paths())


def changed(age: int) -> dict[str, str]:
    """The shipped files with another age limit: decides otherwise about some events."""
    path = "knowledge/parameters/medication_safety.yaml"
    files = shipped()
    before = "id: fluoroquinolone.minimum_age"
    head, _, tail = files[path].partition(before)
    assert "value: 18" in tail
    return {**files, path: head + before + tail.replace("value: 18", f"value: {age}", 1)}


@dataclass
class Hospital:
    """Topics, keys and workers of one test."""

    settings: Settings
    folder: Path
    core: Core
    signer: signing.Signer
    trusted: signing.Trusted
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def shipped(self) -> dict[str, str]:
        return shipped()

    def changed(self, age: int) -> dict[str, str]:
        return changed(age)

    def bundle(self, files: dict[str, str], signer: signing.Signer | None = None) -> bytes:
        about = packing.About(author="tester", created_at=SystemClock().now())
        return packing.pack(files, about, signer or self.signer)

    def publish(self, raw: bytes, signer: signing.Signer | None = None) -> str:
        """Broadcast without the checks that the command line makes before."""
        return registry.publish(self.settings, raw, self.wish(signer), None).digest

    def wish(self, signer: signing.Signer | None = None) -> registry.Wish:
        return registry.Wish(signer or self.signer, "tester", SystemClock().now())

    def supervisor(self, raw: bytes) -> Supervisor:
        """What a worker makes of a bundle."""
        loaded = load(raw, self.settings, self.trusted)
        assert not isinstance(loaded, Refusal)
        return supervisor_of(self.settings, loaded.core)

    def events(self, count: int, seed: int = 1) -> list[SimulatedEvent]:
        simulator = Simulator(self.core.knowledge, seed, count // 20, date(2026, 3, 2))
        return list(islice(simulator.events(count), count))

    def feed(self, events: Sequence[SimulatedEvent], rate: float | None = None) -> None:
        feed(events, self.settings.kafka_bootstrap, self.settings.topics, rate=rate)

    @contextmanager
    def feeding(self, count: int, rate: float, seed: int = 1) -> Iterator[None]:
        """Events come at a steady rate while the body runs, `count` at the most."""
        events, over = self.events(count, seed), threading.Event()
        s, failures = self.settings, list[BaseException]()

        def work() -> None:
            try:
                feed(events, s.kafka_bootstrap, s.topics, rate=rate, stop=over.is_set)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(60)
        assert not thread.is_alive()
        assert not failures

    def all_done(self) -> bool:
        """Whether the workers have committed everything that was fed."""
        s = self.settings
        return drain.waiting(s, s.worker_group, drain.worker_topics(s)) == 0

    @contextmanager
    def workers(self, *names: str) -> Iterator[ProcessSupervisor]:
        with ProcessSupervisor(
            log_folder=self.folder, backoff=Backoff(0.05, 0.2), grace_s=30
        ) as processes:
            for name in names:
                self.start(processes, name)
            yield processes

    def start(self, processes: ProcessSupervisor, name: str) -> None:
        address = f"127.0.0.1:{free_ports().broker}"
        self.addresses[name] = address
        env = child_environ(replace(self.settings, worker_http=address))
        processes.start(name, [sys.executable, "-m", "yijian", "worker"], env=env)

    def health(self, name: str = "worker") -> dict[str, Any]:
        """What the worker says, whether it is well or not; {} while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.addresses[name]}/health", timeout=2) as a:
                found: dict[str, Any] = json.load(a)
                return found
        except (OSError, ValueError):
            return {}

    def rules(self, name: str = "worker") -> dict[str, Any]:
        found: dict[str, Any] = self.health(name).get("rules", {})
        return found

    def metrics(self, name: str = "worker") -> str:
        with urllib.request.urlopen(f"http://{self.addresses[name]}/metrics", timeout=5) as a:
            return str(a.read().decode())

    def decided(self) -> int:
        return sum(kafka_log.ends(self.settings, [self.settings.topics.decisions]).values())

    def digests(self) -> dict[int, list[str]]:
        """Per partition, the bundles that decided, in order, without repetitions in a row."""
        found: dict[int, list[str]] = {p: [] for p in range(PARTITIONS)}
        for record in kafka_log.read(self.settings, [self.settings.topics.decisions]):
            digest = _read(record.value or b"").basis.bundle
            if found[record.partition][-1:] != [digest]:
                found[record.partition].append(digest)
        return found

    def check_every_decision(self, supervisors: dict[str, Supervisor]) -> dict[str, int]:
        """How many decisions each bundle made; each one is what that bundle decides offline."""
        s = self.settings
        intake = {record.place: record for record in kafka_log.read(s, s.topics.all_intake)}
        made = dict.fromkeys(supervisors, 0)
        answered = set()
        for record in kafka_log.read(s, [s.topics.decisions]):
            question = intake[record.origin]
            digest = _read(record.value or b"").basis.bundle
            answer = supervisors[digest].supervise(
                question.value, question.key, question.timestamp_ms
            )
            assert not isinstance(answer, DeadLetter)
            assert answer.decision_bytes == record.value
            made[digest] += 1
            answered.add(record.origin)
        assert answered == intake.keys()
        return made


def hospital(bootstrap: str, prefix: str, folder: Path) -> Hospital:
    """Its topics are there, its key is trusted, nothing is published and nothing runs."""
    made = signing.generate(folder / "keys", "hospital")
    trust = folder / "trusted"
    trust.mkdir()
    (trust / made.public.name).write_bytes(made.public.read_bytes())
    settings = Settings(
        kafka_bootstrap=bootstrap,
        topic_prefix=prefix,
        worker_group=f"{prefix}-worker",
        partitions=PARTITIONS,
        profile="demo",
        session_timeout_s=6.0,
        state="off",  # what a bundle decides of one event is compared: nothing is remembered
        bundle_keys=(trust,),
        bundle_key=made.private,
    )
    apply_topics(bootstrap, topic_specs(settings))
    signer = signing.read_signer(made.private)
    return Hospital(settings, folder, load_core(settings), signer, signing.read_trusted([trust]))
