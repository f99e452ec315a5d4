"""`python -m benchmarks.recovery`: a million memories are read back; the last line is JSON.

The memories are those of simulated patients after a day, put into the state topic again and again
under other names, as a worker writes them. What is measured is what a worker does before its first
batch: one process, all partitions, from the open of the consumer to memories that can be asked.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
from confluent_kafka import Producer

from benchmarks import load, machine
from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Neighbours
from contracts.clock import SystemClock
from contracts.identity import partition_of
from rules.memory.model import NEVER_US
from streams.answers import DeadLetter
from streams.state.framing import framed
from streams.state.memories import PARTITION_KEY, Change, Memories
from streams.state.recovery import KafkaRecovery, Reading, StateSource
from streams.state.stores import IN_MEMORY, KINDS, opening
from yijian import settings
from yijian.composition import Core, load_core, supervisor_of
from yijian.settings import Settings

_EVENTS: Final = 40_000
_PATIENT: Final = "urn:yijian:simulation:patient|recovered-{}"
_FLUSH_S: Final = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.recovery", description=__doc__)
    parser.add_argument("--memories", type=int, default=1_000_000)
    parser.add_argument("--store", choices=KINDS, default=IN_MEMORY)
    parser.add_argument("--seed", type=int, default=7)
    wish = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    s = replace(settings.load(), profile="demo", state="on")
    core = load_core(s)
    say(f"{machine.describe()}, {machine.python()}; load average {machine.load_average():.1f}")
    changes, own = remembered(s, core, wish.seed)
    mean = sum(len(one.body or b"") for one in changes) / len(changes)
    say(f"{len(changes):,} memories of {mean:,.0f} bytes on average, for {wish.memories:,} names")
    try:
        with Bench(s, core) as bench, tempfile.TemporaryDirectory() as folder:
            installed = bench.installation("recovery")
            write(installed, islice(cycle(changes), wish.memories), own)
            figures = measure(installed, wish.memories, wish.store, Path(folder))
    except BenchmarkError as error:
        say(f"no figures: {error}")
        return 1
    print(msgspec.json.encode(figures).decode())
    return 0


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def remembered(s: Settings, core: Core, seed: int) -> tuple[list[Change], Change]:
    """What is remembered of each patient after a simulated day, and of the partition itself."""
    supervisor, memories = supervisor_of(s, core), Memories()
    for one in load.simulated(core.knowledge, _EVENTS, SystemClock().now(), seed):
        answer = supervisor.supervise(one.bytes, one.key, None, memories)
        if isinstance(answer, DeadLetter):
            raise BenchmarkError(f"a simulated event is refused: {answer.reason}")
    memories.reached("simulated", _EVENTS)
    *changes, own = memories.seal().changes
    return changes, own


def write(s: Settings, changes: Iterator[Change], own: Change) -> None:
    """Fill the state topic, each memory under a name of its own."""
    producer = Producer(
        {
            **s.kafka_options,
            "bootstrap.servers": s.kafka_bootstrap,
            "linger.ms": 50,
            "queue.buffering.max.messages": 200_000,
        }
    )
    for number, change in enumerate(changes):
        key = _PATIENT.format(number).encode()
        value = framed(change.due_us, 0, change.body or b"")
        _produce(producer, s.topics.state, value, key, partition_of(key, s.partitions))
    for partition in range(s.partitions):
        value = framed(NEVER_US, 0, own.body or b"")
        _produce(producer, s.topics.state, value, PARTITION_KEY, partition)
    if producer.flush(_FLUSH_S):
        raise BenchmarkError("the broker did not take all memories in time")


def _produce(producer: Producer, topic: str, value: bytes, key: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition)
            return
        except BufferError:
            producer.poll(0.1)


def measure(s: Settings, count: int, kind: str, folder: Path) -> dict[str, Any]:
    """Read everything back, as a worker does that is given every partition."""
    source = StateSource(
        s.kafka_bootstrap, s.topics.state, s.topics.decisions, s.kafka_options,
        store=opening(kind, folder),
    )  # fmt: skip
    say("reading back")
    reading, process, neighbours = (
        Reading(tuple(range(s.partitions))),
        psutil.Process(),
        Neighbours(),
    )
    before, cpu = process.memory_info().rss, time.process_time()
    found = KafkaRecovery(source).read(reading, threading.Event())
    cpu_s = time.process_time() - cpu
    foreign, grown = neighbours.cores(), process.memory_info().rss - before
    held = sum(len(one.memories) for one in found.values())
    size = sum(one.memories.stored_bytes for one in found.values())
    for one in found.values():
        one.memories.close()
    if held != count:
        raise BenchmarkError(f"{held} of {count} memories came back")
    say(f"{held:,} memories, {size / 1e6:,.0f} MB, in {reading.took_s:.1f} s ({cpu_s:.1f} s of "
        f"processor time), {grown / 1e6:,.0f} MB more; others on {foreign:.2f} cores")  # fmt: skip
    return {
        "memories": held,
        "store": kind,
        "bytes": size,
        "recovery_s": round(reading.took_s, 1),
        "recovery_cpu_s": round(cpu_s, 1),
        "rss_grown_mb": round(grown / 1e6),
        "foreign_cores": round(foreign, 2),
        "machine": machine.describe(),
        "python": machine.python(),
        "load_average": round(machine.load_average(), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
