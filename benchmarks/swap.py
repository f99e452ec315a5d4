"""`python -m benchmarks.swap`: bundles refused and swapped under a steady load; last line is JSON.

The product's worker follows bundles while events come at 5,000 a second. A broken bundle is
published, then a good one. What listeners notice is the longest time without any decision, and the
longest wait of an event for its decision, in the broker's own time: from the publishing until a
second after the first decision by the new bundle, against the rest of the run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

import knowledge_base
from benchmarks import load, machine
from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.machine import Neighbours
from benchmarks.processes import wait_for
from contracts.clock import SystemClock
from contracts.decision import Decision, OriginHeaders, Reader
from streams.broker.ports import free_ports
from yijian import settings
from yijian.bundles import asking, packing, registry, signing
from yijian.composition import PACKS, load_core
from yijian.kafka_log import read
from yijian.settings import Settings

WARM_UP: Final = 5000
_SETTLE_MS: Final = 1000
_TIMEOUT_S: Final = 120.0
_LIMIT: Final = "knowledge/parameters/medication_safety.yaml"
_decode: Final = Reader(Decision)


class Answered(NamedTuple):
    """One decision: when it was appended, how long its event had waited, and whose it is."""

    at_ms: int
    waited_ms: int
    partition: int
    digest: str


@dataclass(frozen=True)
class Wish:
    rate: float
    seconds: float
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swap", description=__doc__)
    parser.add_argument("--rate", type=float, default=5000.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    s = replace(settings.load(), profile="demo")
    core = load_core(s)
    say(f"{machine.describe()}; load average {machine.load_average():.1f}")
    wish = Wish(given.rate, given.seconds, given.seed)
    count = WARM_UP + int(wish.rate * wish.seconds)
    loads = load.simulated(core.knowledge, count, SystemClock().now(), wish.seed)
    try:
        with Bench(s, core) as bench:
            figures = measure(bench, loads, wish)
    except BenchmarkError as error:
        say(f"no figures: {error}")
        return 1
    print(msgspec.json.encode(figures).decode())
    return 0


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class Site:
    """Whoever publishes: a key, and bundles that were made before the load begins."""

    def __init__(self, s: Settings, folder: Path) -> None:
        made = signing.generate(folder / "keys", "bench")
        self.settings = replace(s, bundle_keys=(made.public,), bundle_key=made.private)
        self._signer = signing.read_signer(made.private)
        self._trusted = signing.read_trusted([made.public])
        shipped = packing.gather([PACKS], knowledge_base.default_paths())
        changed = shipped[_LIMIT].replace("value: 18", "value: 40", 1)
        if changed == shipped[_LIMIT]:
            raise BenchmarkError(f"{_LIMIT} has no limit of 18 any more: change another one")
        self.first = self._bundle(shipped)
        self.second = self._bundle({**shipped, _LIMIT: changed})
        self.broken = self._bundle({**shipped, "rules/billing/broken.yaml": "id: billing.broken\n"})

    def _bundle(self, files: dict[str, str]) -> bytes:
        about = packing.About(author="bench", created_at=SystemClock().now())
        return packing.pack(files, about, self._signer)

    def publish(self, raw: bytes) -> str:
        wish = registry.Wish(self._signer, "bench", SystemClock().now())
        return registry.publish(self.settings, raw, wish, self._trusted).digest


def measure(bench: Bench, loads: Sequence[Load], wish: Wish) -> dict[str, Any]:
    site = Site(bench.installation("swap"), bench.folder)
    s = site.settings
    first = site.publish(site.first)
    address = f"127.0.0.1:{free_ports().broker}"
    path = bench.folder / "paced.msgpack"
    load.write(loads[WARM_UP:], path)
    count = len(loads) - WARM_UP
    decisions = bench.decisions(s)
    with bench.start(("yijian", "worker"), replace(s, worker_http=address)) as worker:
        bench.fill(s, loads[:WARM_UP])
        decisions.watch(0, WARM_UP, _TIMEOUT_S, worker.cpu_s)
        bench.empty_outputs(s)
        neighbours = Neighbours()
        with bench.start(("benchmarks.load_generator", str(path), str(wish.rate)), s) as generator:
            refused_at, swapped_at, second = _disturb(site, address, wish)
            decisions.watch(WARM_UP, count, count / wish.rate + _TIMEOUT_S, worker.cpu_s)
            sent = generator.answer(_TIMEOUT_S)
        foreign = neighbours.cores()
        rules = asking.workers([address])[0]
        worker.stop()
    if (rules.digest, rules.refused) != (second, ()):
        raise BenchmarkError(f"the worker did not swap: {rules}")
    answered = _answered(s)
    begin, end = min(answered).at_ms + _SETTLE_MS, max(answered).at_ms
    switch_ms = min(one.at_ms for one in answered if one.digest == second)
    swap = (swapped_at, switch_ms + _SETTLE_MS)
    refusal = (refused_at, refused_at + swap[1] - swap[0])
    return {
        "rate": wish.rate,
        "sent_per_s": round(sent["records"] / sent["seconds"], 1),
        "batch_ms": round(s.batch_records / wish.rate * 1000, 1),
        "usual": _span(answered, [(begin, refusal[0]), (refusal[1], swap[0]), (swap[1], end)]),
        "refusal": _span(answered, [refusal]),
        "swap": _span(answered, [swap]),
        "publish_to_first_decision_ms": switch_ms - swapped_at,
        "digest_changes": _changes(answered, first, second),
        "decisions": len(answered),
        "foreign_cores": round(foreign, 2),
    }


def _disturb(site: Site, address: str, wish: Wish) -> tuple[int, int, str]:
    """Publish a broken bundle after a third of the load, and a good one after two thirds."""
    clock = SystemClock()
    began = time.monotonic()
    time.sleep(wish.seconds / 3)
    refused_at = clock.now_ms()
    site.publish(site.broken)
    wait_for(lambda: asking.workers([address])[0].refused, _TIMEOUT_S, "the refusal")
    say("a broken bundle was refused")
    time.sleep(max(0.0, began + wish.seconds * 2 / 3 - time.monotonic()))
    swapped_at = clock.now_ms()
    second = site.publish(site.second)
    return refused_at, swapped_at, second


def _answered(s: Settings) -> list[Answered]:
    found = []
    for record in read(s, [s.topics.decisions]):
        received_ms = int(dict(record.headers)[OriginHeaders.RECEIVED_MS])
        digest = _decode(record.value or b"").basis.bundle
        at_ms = record.timestamp_ms
        found.append(Answered(at_ms, at_ms - received_ms, record.partition, digest))
    return found


def _changes(answered: Sequence[Answered], first: str, second: str) -> dict[str, int]:
    """Per partition, how often the digest of consecutive decisions changed."""
    last: dict[int, str] = {}
    changes: dict[str, int] = {}
    for one in answered:
        before = last.setdefault(one.partition, first)
        if before != one.digest:
            name = str(one.partition)
            changes[name] = changes.get(name, 0) + 1
        last[one.partition] = one.digest
    if set(last.values()) != {second}:
        raise BenchmarkError("not every partition ended with the new bundle: a longer load is due")
    return changes


def _span(answered: Sequence[Answered], windows: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Gaps and waits of what was answered within these windows of broker time."""
    gaps: list[int] = []
    waits: list[int] = []
    for start, end in windows:
        within = sorted(one for one in answered if start <= one.at_ms < end)
        waits += [one.waited_ms for one in within]
        gaps += [b.at_ms - a.at_ms for a, b in pairwise(within)]
    moments = sorted(gap for gap in gaps if gap)
    waits.sort()
    return {
        "decisions": len(waits),
        "longest_gap_ms": max(moments, default=0),
        "gap_p99_ms": _rank(moments, 0.99),
        "longest_wait_ms": max(waits, default=0),
        "wait_p99_ms": _rank(waits, 0.99),
        "wait_p50_ms": _rank(waits, 0.5),
    }


def _rank(ordered: Sequence[int], share: float) -> int:
    return ordered[int(len(ordered) * share)] if ordered else 0


if __name__ == "__main__":
    sys.exit(main())
