"""From the append of an event to the append of its alert, in the broker's own time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks import load
from benchmarks.bench import Bench
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.machine import Neighbours
from contracts.decision import OriginHeaders
from yijian.kafka_log import read
from yijian.settings import Settings

WARM_UP: Final = 2000
_TIMEOUT_S: Final = 120.0


class Spread(NamedTuple):
    """Milliseconds, of so many records; whole ones, as the broker counts."""

    records: int
    p50: float
    p99: float
    max: float


class LatencyFigures(NamedTuple):
    """Of alerts, and of all decisions; `sent_per_s` is what the load generator achieved."""

    alerts: Spread
    decisions: Spread
    sent_per_s: float
    cores: float
    foreign_cores: float


def measure(bench: Bench, loads: Sequence[Load], rate: float) -> LatencyFigures:
    """Send `loads` at `rate` to a running worker; the first WARM_UP of them do not count."""
    s = bench.installation("latency")
    path = bench.folder / "paced.msgpack"
    load.write(loads[WARM_UP:], path)
    count = len(loads) - WARM_UP
    decisions = bench.decisions(s)
    with bench.worker(s) as worker:
        bench.fill(s, loads[:WARM_UP])
        decisions.watch(0, WARM_UP, _TIMEOUT_S, worker.cpu_s)
        bench.empty_outputs(s)
        arguments = ("benchmarks.load_generator", str(path), str(rate))
        with bench.start(arguments, s) as generator:
            neighbours = Neighbours()
            samples = decisions.watch(WARM_UP, count, count / rate + _TIMEOUT_S, worker.cpu_s)
            foreign = neighbours.cores()
            sent = generator.answer(_TIMEOUT_S)
        worker.stop()
    span_s = samples[-1].at_s - samples[0].at_s
    return LatencyFigures(
        alerts=spread(waits_ms(s, s.topics.alerts)),
        decisions=spread(waits_ms(s, s.topics.decisions)),
        sent_per_s=sent["records"] / sent["seconds"],
        cores=(samples[-1].cpu_s - samples[0].cpu_s) / span_s,
        foreign_cores=foreign,
    )


def waits_ms(s: Settings, topic: str) -> list[int]:
    """For every record of an output topic: its append time less that of its event."""
    return [
        record.timestamp_ms - int(dict(record.headers)[OriginHeaders.RECEIVED_MS])
        for record in read(s, [topic])
    ]


def spread(waits: Sequence[int]) -> Spread:
    """Median, 99th percentile (nearest rank) and maximum. Raises BenchmarkError for nothing."""
    if not waits:
        raise BenchmarkError("nothing fired, so there is no latency; take more events")
    ordered = sorted(waits)
    return Spread(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.99), float(ordered[-1]))


def _rank(ordered: Sequence[int], share: float) -> float:
    return float(ordered[max(-(-int(len(ordered) * share * 1000) // 1000) - 1, 0)])
