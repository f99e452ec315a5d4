"""`python -m benchmarks.deadlines`: how precisely deadlines fire, under load and kills; JSON last.

Admissions come for a minute, so that their deadlines fall due within a minute, and other events
load the worker meanwhile. Lateness is the broker's time of the alert less due time and grace.
Another source whose clock is a day ahead must fire nobody's. With `--kills` the worker is killed
while they fire: every deadline must still stand exactly once in the end.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from confluent_kafka import Producer

from benchmarks import machine
from benchmarks.kills import kill_at_work, until_at_work
from contracts.decision import Decision, KindHeaders, Reader
from contracts.topics import INTAKE_FAMILIES
from simulation.feed import PRODUCER_SETTINGS
from yijian import settings
from yijian.composition import Core, load_core
from yijian.kafka_log import read
from yijian.settings import Settings
from yijian.stack import Size, Stack

SITE: Final = Path(__file__).parent / "deadline_site"
LIMIT_S: Final = 10.0
GRACE_S: Final = 1.0
_AHEAD: Final = timedelta(days=1)
_SETTLE_S: Final = 20.0
"""After the last one is due: for those that fire late, or twice."""
_USUAL: Final = "urn:yijian:test:his"
_FAST: Final = "urn:yijian:test:fast"
"""A source whose clock is a day ahead."""
_decode: Final = Reader(Decision)


@dataclass(frozen=True)
class Wish:
    deadlines: int
    rate: float
    """Other events a second."""
    seconds: float
    kills: int
    seed: int
    settle_s: float = _SETTLE_S


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deadlines", description=__doc__)
    parser.add_argument("--deadlines", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=1000.0, help="other events a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="in which they fall due")
    parser.add_argument("--kills", type=int, default=0, help="of the worker while they fire")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    wish = Wish(given.deadlines, given.rate, given.seconds, given.kills, given.seed)
    figures = measure(site(settings.load()), wish)
    print(msgspec.json.encode(figures).decode())
    return 0 if figures["early"] == figures["lost"] == figures["twice"] == 0 else 1


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def site(s: Settings) -> Settings:
    """An installation with one rule that waits, which takes events of clocks that run ahead."""
    return replace(
        s,
        packs=(SITE / "waiting",),
        knowledge=(SITE / "knowledge",),
        profile="demo",
        max_ahead_s=2 * _AHEAD.total_seconds(),
        session_timeout_s=6.0,
    )


def measure(
    s: Settings,
    wish: Wish,
    prefix: Sequence[str] | None = None,
    also: Callable[[Settings, Core], dict[str, Any]] = lambda s, core: {},
) -> dict[str, Any]:
    """Figures of one run. `lost`, `twice` and `early` count deadlines, and must be 0.

    `prefix` replaces `python -m yijian` of the worker; `also` adds figures while Kafka is there.
    """
    say(f"{machine.describe()}; load average {machine.load_average():.1f}")
    core = load_core(s)
    with Stack(s, core.knowledge, Size(sinks=0), prefix=prefix) as stack:
        began = time.monotonic()
        with ThreadPoolExecutor(1) as beside:
            sending = beside.submit(_send, stack.settings, wish)
            _kill(stack, wish, began)
            sent = sending.result()
        time.sleep(LIMIT_S + GRACE_S + wish.settle_s)
        return {**_counted(stack.settings, sent, wish), **also(stack.settings, core)}


def _kill(stack: Stack, wish: Wish, began: float) -> None:
    """Kill the worker again and again, from when deadlines fall due on, each time at work."""
    chance = random.Random(wish.seed)
    time.sleep(max(0.0, began + LIMIT_S + GRACE_S - time.monotonic()) if wish.kills else 0.0)
    for _ in range(wish.kills):
        kill_at_work(stack, chance, most_s=2.0)
        say(f"killed the worker at {time.monotonic() - began:.1f} s")
    if wish.kills:
        until_at_work(stack.settings)


def _send(s: Settings, wish: Wish) -> dict[str, int]:
    """Send everything; due time of each deadline in ms, by the id of the event that brings it."""
    options = {**PRODUCER_SETTINGS, "linger.ms": 1, "bootstrap.servers": s.kafka_bootstrap}
    producer = Producer({**options, **s.kafka_options})
    names = {family: s.topics.intake(family, s.systems[0]) for family in INTAKE_FAMILIES}
    due: dict[str, int] = {}
    total = wish.deadlines + int(wish.rate * wish.seconds)
    began = time.monotonic()
    events = _events(wish, total, due)
    sent = 0
    while sent < total:
        wanted = min(int((time.monotonic() - began) / wish.seconds * total) + 1, total)
        for _ in range(wanted - sent):
            family, subject, value = next(events)
            producer.produce(names[family], value, subject.encode())
        sent = wanted
        producer.poll(0)
        time.sleep(0.004)
    producer.flush(30)
    say(f"sent {total} events, {len(due)} of them with a deadline")
    return due


def _events(wish: Wish, total: int, due: dict[str, int]) -> Iterator[tuple[str, str, bytes]]:
    chance = random.Random(wish.seed)
    left = wish.deadlines
    for number in range(total):
        now = datetime.now(UTC)
        if chance.random() * (total - number) < left:
            left -= 1
            event_id = f"a{number}"
            due[event_id] = int((now.timestamp() + LIMIT_S) * 1000)
            subject = f"t|p{number}"
            yield "encounter", subject, _admission(subject, event_id, now, _USUAL)
        elif number % 50 == 0:
            subject = f"t|q{number}"
            yield "encounter", subject, _admission(subject, f"q{number}", now + _AHEAD, _FAST)
        else:
            subject = f"t|r{number % 5000}"
            yield "observation", subject, _observation(subject, f"o{number}", now)


def _envelope(
    kind: str, subject: str, event_id: str, at: datetime, source: str, data: dict[str, Any]
) -> bytes:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": f"{kind}.v1",
        "time": at.isoformat(),
        "subject": subject,
        "data": {"institution": "h1", "revision": 1, **data},
    }
    return msgspec.json.encode(event)


def _admission(subject: str, event_id: str, at: datetime, source: str) -> bytes:
    data = {"act_id": f"v-{event_id}", "kind": "inpatient"}
    return _envelope("encounter.admitted", subject, event_id, at, source, data)


def _observation(subject: str, event_id: str, at: datetime) -> bytes:
    return _envelope("observation.recorded", subject, event_id, at, _USUAL, {"act_id": event_id})


def _counted(s: Settings, due: dict[str, int], wish: Wish) -> dict[str, Any]:
    fired: dict[str, list[int]] = {}
    stands: dict[str, tuple[str, bool]] = {}
    interrupted = ahead = 0
    for record in read(s, [s.topics.decisions]):
        headers = dict(record.headers)
        if KindHeaders.TIMER not in headers:
            continue
        decision = _decode(record.value or b"")
        event_id = decision.event.id
        is_there = decision.verdict in ("findings", "incomplete")
        stands[decision.decision_id] = (event_id, is_there)
        if headers.get(KindHeaders.KIND) == KindHeaders.INTERRUPTED:
            interrupted += 1
        elif event_id in due:
            fired.setdefault(event_id, []).append(record.timestamp_ms)
        else:
            ahead += 1
    standing = [event_id for event_id, is_there in stands.values() if is_there]
    grace_ms = int(GRACE_S * 1000)
    late = sorted(at[-1] - due[name] - grace_ms for name, at in fired.items())
    return {
        "deadlines": len(due),
        "fired": len(fired),
        "lost": len(due.keys() - set(standing)),
        "twice": len(standing) - len(set(standing)),
        "early": sum(1 for name, at in fired.items() if min(at) < due[name] + grace_ms),
        "of_a_clock_ahead": ahead,
        "interrupted": interrupted,
        "late_p50_ms": late[len(late) // 2] if late else 0,
        "late_p99_ms": late[int(len(late) * 0.99)] if late else 0,
        "late_max_ms": late[-1] if late else 0,
        "kills": wish.kills,
        "load_average": round(machine.load_average(), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
