"""`make bench`: pipeline, stock peer, decoding limit and latency, in one run on one machine.

Topics are filled beforehand, have 4 partitions, and the worker is the product's own process with
every guarantee on and the same settings for every figure. Throughput is the growth of the
decisions topic between 5 % and 95 %. The stock peer remembers nothing, so it is compared with a
worker without memory, and both must find the same. Latency is the broker's append time of an alert
less that of its event. The last line is JSON.
"""

from __future__ import annotations

import logging
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

import msgspec

from benchmarks import firings, latency, load, machine, sinking, throughput
from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.throughput import RunFigures
from benchmarks.wish import Wish, parse
from contracts.clock import SystemClock
from contracts.identity import EventKey
from contracts.intake import Accepted, decode
from yijian import settings
from yijian.composition import load_core
from yijian.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    wish = parse(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)  # a young broker is slow once
    signal.signal(signal.SIGTERM, _end)  # leave nothing running
    s = replace(settings.load(), profile="demo")
    core = load_core(s)
    say(f"{machine.describe()}, {machine.python()}; load average {machine.load_average():.1f}")
    say(f"simulating {wish.events:,} events")
    loads = load.simulated(core.knowledge, wish.events, SystemClock().now(), wish.seed)
    say(f"{sum(len(one.bytes) for one in loads) / len(loads):,.0f} bytes an event")
    try:
        with Bench(s, core) as bench:
            figures = Pipeline(bench, loads, wish).run()
    except BenchmarkError as error:
        say(f"no figures: {error}")
        return 1
    print(msgspec.json.encode(figures).decode())
    return 0


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class Pipeline:
    """All measurements on one broker, one after the other."""

    def __init__(self, bench: Bench, loads: list[Load], wish: Wish) -> None:
        self.bench = bench
        self.loads = loads
        self.wish = wish
        self.figures: dict[str, Any] = dict.fromkeys(
            ("pipeline_events_per_s", "stock_events_per_s", "decode_events_per_s",
             "ratio_to_stock", "latency_p50_ms", "latency_p99_ms")
        )  # fmt: skip

    def run(self) -> dict[str, Any]:
        """The figures of everything that was wished for; null where it was not."""
        wish, found = self.wish, self.figures
        ours = self.bench.installation("ours")
        say("filling the intake topics")
        self.bench.fill(ours, self.loads)
        if wish.profile:
            self.profile(ours)
        if "decode" in wish.parts:
            self.decode(ours)
        if "pipeline" in wish.parts:
            self.pipeline(ours)
        if "stock" in wish.parts:
            self.stock()
        if "latency" in wish.parts:
            self.latency()
        if wish.sink:
            self.sink(ours)
        found |= {
            "runs": wish.runs,
            "events": wish.events,
            "stock_events": wish.stock_events,
            "event_bytes": round(sum(len(one.bytes) for one in self.loads) / len(self.loads)),
            "machine": machine.describe(),
            "python": machine.python(),
            "load_average": round(machine.load_average(), 1),
        }
        return found

    def pipeline(self, s: Settings) -> None:
        def one() -> RunFigures:
            self.bench.empty_outputs(s)  # what the last run wrote; of the last of all it stays
            return throughput.worker_run(self.bench, s, len(self.loads))

        runs = self._repeat("pipeline", one)
        self.figures["pipeline_events_per_s"] = _median([run.events_per_s for run in runs])
        self.figures["pipeline_cpu_us"] = round(statistics.median(r.cpu_us for r in runs), 1)
        self.figures["pipeline_foreign_cores"] = _foreign(runs)
        self.figures["pipeline_cores"] = round(statistics.median(r.cores for r in runs), 2)
        self.figures["pipeline_rss_mb"] = round(max(run.rss_mb for run in runs))

    def stock(self) -> None:
        loads = self.loads[: self.wish.stock_events]
        s = self.bench.installation("stock")
        self.bench.fill(s, loads)
        count = len(loads)

        def one() -> RunFigures:
            self.bench.empty_outputs(s)
            return throughput.stock_run(self.bench, s, count)

        runs = self._repeat("stock", one)
        self.figures["stock_events_per_s"] = _median([run.events_per_s for run in runs])
        self.figures["stock_cpu_us"] = round(statistics.median(r.cpu_us for r in runs), 1)
        self.figures["stock_foreign_cores"] = _foreign(runs)
        self.figures["stock_cores"] = round(statistics.median(r.cores for r in runs), 2)
        alone = self._without_memory()
        events = {_key(one) for one in loads}
        equal = firings.check_equal(firings.ours(alone, events), firings.stock(s))
        say(f"equal firings: {equal} of both engines on {count:,} events")
        self.figures["firings"] = equal

    def _without_memory(self) -> Settings:
        """Our worker as the peer is, which remembers nothing; what it decided stays."""
        s = replace(self.bench.installation("alone"), state="off")
        self.bench.fill(s, self.loads)

        def one() -> RunFigures:
            self.bench.empty_outputs(s)
            return throughput.worker_run(self.bench, s, len(self.loads))

        runs = self._repeat("without memory", one)
        self.figures["stateless_events_per_s"] = _median([run.events_per_s for run in runs])
        self.figures["stateless_cpu_us"] = round(statistics.median(r.cpu_us for r in runs), 1)
        self.figures["stateless_foreign_cores"] = _foreign(runs)
        ours, peer = self.figures["stateless_events_per_s"], self.figures["stock_events_per_s"]
        self.figures["ratio_to_stock"] = round(ours / peer, 2)
        return s

    def decode(self, s: Settings) -> None:
        count = len(self.loads)
        rates = []
        for number in range(self.wish.runs):
            rates.append(throughput.decode_run(self.bench, s, count))
            say(f"decode run {number + 1}: {rates[-1]:,.0f} events/s")
        self.figures["decode_events_per_s"] = _median(rates)

    def latency(self) -> None:
        wish = self.wish
        count = int(wish.rate * wish.seconds) + latency.WARM_UP
        say(f"latency at {wish.rate:,.0f} events/s for {wish.seconds:.0f} s")
        knowledge = self.bench.core.knowledge
        loads = load.simulated(knowledge, count, SystemClock().now(), wish.seed + 1)
        found = latency.measure(self.bench, loads, wish.rate)
        say(f"event → alert {found.alerts}; event → decision {found.decisions}; "
            f"sent {found.sent_per_s:,.0f}/s, worker on {found.cores:.2f} cores, "
            f"others on {found.foreign_cores:.2f}")  # fmt: skip
        self.figures |= {
            "latency_p50_ms": found.alerts.p50,
            "latency_p99_ms": found.alerts.p99,
            "latency_alerts": found.alerts.records,
            "decision_latency_p50_ms": found.decisions.p50,
            "decision_latency_p99_ms": found.decisions.p99,
            "latency_events_per_s": round(found.sent_per_s),
            "latency_cores": round(found.cores, 2),
            "latency_foreign_cores": round(found.foreign_cores, 2),
        }

    def sink(self, ours: Settings) -> None:
        wish = self.wish
        if "pipeline" not in wish.parts:
            throughput.worker_run(self.bench, ours, len(self.loads))
        caught = sinking.catch_up(self.bench, ours, len(self.loads), wish.runs)
        say(f"sink over a filled log: {caught.events_per_s:,.0f} events/s with their decisions, "
            f"{caught.rows_per_s:,.0f} rows/s, on {caught.cores:.2f} cores")  # fmt: skip
        count = int(wish.sink_rate * wish.seconds)
        say(f"worker and sink at {wish.sink_rate:,.0f} events/s for {wish.seconds:.0f} s")
        knowledge = self.bench.core.knowledge
        loads = load.simulated(knowledge, count, SystemClock().now(), wish.seed + 2)
        found = sinking.paced(self.bench, loads, wish.sink_rate)
        say(f"{found}")
        self.figures |= {
            "sink_events_per_s": round(caught.events_per_s),
            "sink_rows_per_s": round(caught.rows_per_s),
            "sink_paced_events_per_s": round(found.sent_per_s),
            "sink_waiting": found.waiting,
            "sink_drained_s": round(found.drained_s, 1),
            "row_latency_p50_ms": found.row_p50_ms,
            "row_latency_p99_ms": found.row_p99_ms,
            "alert_row_latency_p99_ms": found.alert_row_p99_ms,
        }

    def profile(self, s: Settings) -> None:
        path = self.bench.folder / "profile.txt"
        command = ("benchmarks.profiled_worker", str(path))
        figures = throughput.worker_run(self.bench, s, len(self.loads), command)
        say(f"profiled: {figures.events_per_s:,.0f} events/s on {figures.cores:.2f} cores")
        busy = sum(thread.seconds for thread in figures.threads) or 1.0
        for thread in figures.threads[:8]:
            say(f"  thread {thread.thread}: {thread.seconds:.1f} s, {thread.seconds / busy:.0%}")
        say(path.read_text(encoding="utf-8"))

    def _repeat(self, name: str, one: Callable[[], RunFigures]) -> list[RunFigures]:
        runs = []
        for number in range(self.wish.runs):
            run = one()
            runs.append(run)
            say(
                f"{name} run {number + 1}: {run.events_per_s:,.0f} events/s on {run.cores:.2f} "
                f"cores, {run.cpu_us:.0f} µs each, {run.rss_mb:.0f} MB; "
                f"others on {run.foreign_cores:.2f} cores"
            )
        return runs


def _median(values: Sequence[float]) -> int:
    return round(statistics.median(values))


def _foreign(runs: Sequence[RunFigures]) -> float:
    return round(statistics.median(run.foreign_cores for run in runs), 2)


def _key(one: Load) -> EventKey:
    taken = decode(one.bytes)
    if not isinstance(taken, Accepted):
        raise BenchmarkError(f"a simulated event is refused: {taken.reason} at {taken.path}")
    return taken.event.key


if __name__ == "__main__":
    sys.exit(main())
