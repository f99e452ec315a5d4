"""`python -m benchmarks.replay_law`: one load, three runs, one outcome; last line is JSON.

The same events of every family go through Kafka with one calm worker, with one that is killed
again and again, and with two of which one comes and leaves. Each run must be equal to the offline
evaluation of its own order of record, and what waited (deadlines, rules about what is over) must
stand alike in the end. Before the day an event of each source and family makes it known that they
deliver; a last one of each source, days later, lets every deadline pass.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from threading import Thread
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import machine
from benchmarks.kills import kill_at_work
from contracts.clock import SystemClock
from contracts.decision import Decision, KindHeaders, Reader
from contracts.event import EVENT_TYPES, Event, encode_event
from contracts.identity import partition_of
from simulation.feed import feed
from simulation.simulator import Simulator
from yijian import drain, settings
from yijian.audit import audit
from yijian.composition import Core, load_core
from yijian.kafka_log import read
from yijian.settings import Settings
from yijian.stack import Size, Stack

AGO: Final = timedelta(days=12)
_BEFORE: Final = timedelta(minutes=1)
_PASSED: Final = timedelta(days=9)
"""How long after the day the last events are: no shipped deadline is longer."""
LATENESS_S: Final = 600.0
_DRAIN_S: Final = 900.0
_QUIET_S: Final = 3.0
_decode: Final = Reader(Decision)

Standing = tuple[str, str, str, str]
"""Event id, cause, rule and element of an alert that waited and stands."""


class Sent(NamedTuple):
    topic_family: str
    key: bytes
    bytes: bytes


class Load(NamedTuple):
    opening: list[Sent]
    """To be worked through before the day: from then on silence means that nothing happened."""
    of_day: list[Sent]
    passing: list[Sent]
    """To be sent once the day is worked through: a clock that leaps lets deadlines pass at once."""


class Run(NamedTuple):
    """How one run of the load is disturbed."""

    name: str
    is_killed: bool = False
    joins: bool = False
    """A second worker comes, and the first leaves and comes back."""


CALM: Final = Run("calm")


@dataclass(frozen=True)
class Wish:
    events: int
    kills: int
    seed: int = 1
    rate: float | None = None
    runs: tuple[Run, ...] = (CALM, Run("killed", is_killed=True), Run("two", joins=True))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay_law", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger("simulation.feed").setLevel(logging.ERROR)
    say(f"{machine.describe()}; load average {machine.load_average():.1f}")
    s = site(settings.load())
    figures = trial(s, load_core(s), Wish(given.events, given.kills, given.seed), say)
    print(msgspec.json.encode(figures).decode())
    return 0 if figures["holds"] else 1


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def site(s: Settings, session_timeout_s: float = 6.0) -> Settings:
    """An installation whose post-event rules wait for late data."""
    return replace(s, profile="demo", lateness_s=LATENESS_S, session_timeout_s=session_timeout_s)


def trial(s: Settings, core: Core, wish: Wish, say: Callable[[str], None]) -> dict[str, Any]:
    """What each of the runs led to; `holds` where all of the law does."""
    day = (SystemClock().now() - AGO).date()
    sent = _load(s, core, wish, day)
    say(f"{len(sent.of_day)} events of {day}")
    runs: dict[str, dict[str, Any]] = {}
    stands: list[set[Standing]] = []
    for run in wish.runs:
        figures, standing = _run(s, core, sent, wish, run)
        runs[run.name] = figures
        stands.append(standing)
        say(f"{run.name}: {figures}")
    alike = all(one == stands[0] for one in stands)
    unlike = set[Standing]().union(*(one ^ stands[0] for one in stands))
    passed = all(run["passed"] for run in runs.values())
    return {
        "events": len(sent.of_day),
        "runs": runs,
        "waited_and_stand": len(stands[0]),
        "unlike": len(unlike),
        "holds": alike and passed,
        "load_average": round(machine.load_average(), 1),
    }


def _load(s: Settings, core: Core, wish: Wish, day: date) -> Load:
    """A simulated day, and of each source and partition events before and some days later."""
    patients = max(wish.events // 20, 50)
    known: dict[tuple[str, str], Event] = {}
    of_day: list[Sent] = []
    for one in Simulator(core.knowledge, wish.seed, patients, day).events(wish.events):
        of_day.append(Sent(one.topic_family, one.key, one.bytes))
        if EVENT_TYPES[one.event.type].verb != "draft":  # who only asks tells nothing of the past
            known.setdefault((one.event.source, one.topic_family), one.event)
    first = min(event.time for event in known.values())
    last = max(event.time for event in known.values())
    opening, passing = [], []
    for (_, family), event in sorted(known.items()):
        for subject in _strangers(s.partitions):
            opening.append(_aside("opening", event, family, subject, first - _BEFORE))
            if family == "observation":
                passing.append(_aside("passing", event, family, subject, last + _PASSED))
    return Load(opening, of_day, passing)


def _strangers(partitions: int) -> list[bytes]:
    """A subject of no patient for each partition."""
    found: dict[int, bytes] = {}
    number = 0
    while len(found) < partitions:
        subject = f"stranger|{number}".encode()
        found.setdefault(partition_of(subject, partitions), subject)
        number += 1
    return list(found.values())


def _aside(word: str, event: Event, family: str, subject: bytes, at: datetime) -> Sent:
    """The same event at another time, of another act and subject."""
    name = f"{word}-{family}-{subject.decode()}"
    data = msgspec.structs.replace(event.data, act_id=f"{name}-{event.source}", revision=1)
    other = msgspec.structs.replace(event, id=name, subject=subject.decode(), time=at, data=data)
    return Sent(family, subject, encode_event(other))


def _run(
    s: Settings, core: Core, sent: Load, wish: Wish, run: Run
) -> tuple[dict[str, Any], set[Standing]]:
    kills = wish.kills if run.is_killed else 0
    with Stack(s, core.knowledge, Size()) as stack:
        thread = Thread(target=_disturb, args=(stack, kills, run.joins, wish.seed), daemon=True)
        began = time.monotonic()
        at = stack.settings
        feed(sent.opening, at.kafka_bootstrap, at.topics)
        drain.until_drained(at, _DRAIN_S)
        thread.start()
        feed(sent.of_day, at.kafka_bootstrap, at.topics, rate=wish.rate)
        thread.join()
        drain.until_drained(at, _DRAIN_S)
        feed(sent.passing, at.kafka_bootstrap, at.topics)
        drain.until_drained(stack.settings, _DRAIN_S)
        _until_quiet(stack.settings)
        took = time.monotonic() - began
        drain.until_drained(stack.settings, _DRAIN_S)
        found = audit(stack.settings, core)
        figures = {**found.figures(), "passed": found.passed, "seconds": round(took, 1),
                   "kills": kills, "restarts": sum(stack.processes.restarts.values())}  # fmt: skip
        return figures, standing(stack.settings)


def _disturb(stack: Stack, kills: int, joins: bool, seed: int) -> None:
    chance = Random(seed)
    if joins:
        stack.add("worker", 1)
        time.sleep(stack.settings.session_timeout_s)
        stack.processes.stop("worker-0")
        time.sleep(stack.settings.session_timeout_s)
        stack.add("worker", 0)
    for _ in range(kills):
        kill_at_work(stack, chance, most_s=4.0)


def _until_quiet(s: Settings) -> None:
    """Return when no timer has fired for a while."""
    count = -1
    while (now := sum(1 for _ in read(s, [s.topics.decisions]))) != count:
        count = now
        time.sleep(_QUIET_S)


def standing(s: Settings) -> set[Standing]:
    """The alerts of deadlines and of rules that waited, as the last decision of each has them."""
    latest: dict[str, Decision] = {}
    for record in read(s, [s.topics.decisions]):
        if dict(record.headers).get(KindHeaders.KIND) in KindHeaders.NO_DECISION:
            continue
        decision = _decode(record.value or b"")
        if decision.cause != "event":
            latest[decision.decision_id] = decision
    return {
        (decision.event.id, decision.cause, finding.rule_id, finding.element)
        for decision in latest.values()
        for finding in decision.findings
    }


if __name__ == "__main__":
    sys.exit(main())
