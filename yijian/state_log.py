"""What the state topic says is remembered: read back as a worker reads it, for people who look.

Nothing here says who anybody is: a subject is asked for by whoever knows it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from contracts.identity import partition_of
from rules.memory.instants import instant_of
from rules.memory.model import NEVER_US, Memory, encode
from rules.memory.ties import home_of
from streams.state import Memories
from streams.supervision import Supervisor
from streams.waiting_rules import RuleWaits, waiting_rules
from yijian import kafka_log
from yijian.settings import Settings


class KnownSince(NamedTuple):
    """Since when acts of a family that a source delivers are known on every partition."""

    source: str
    family: str
    since: str
    partitions: int


def read(settings: Settings) -> dict[int, Memories]:
    """What is remembered, by partition number. Raises StateUnreadable and what Kafka raises."""
    found = {number: Memories() for number in range(settings.partitions)}
    for record in kafka_log.read(settings, [settings.topics.state]):
        if record.key is not None:
            found[record.partition].restore(record.key, record.value)
    return found


def partition_row(number: int, memories: Memories) -> dict[str, Any]:
    """How much a partition number remembers."""
    return {
        "partition": number,
        "subjects": len(memories),
        "bytes": memories.stored_bytes,
        "waiting": len(memories.timers),
        "next_due": _said(memories.timers.next_us),
        "decisions_covered": memories.covered + 1,
        "last_backfill": memories.coverage.refilled_by,
    }


def known_since(found: dict[int, Memories]) -> list[KnownSince]:
    """By source and family the latest time of all partitions that heard of it."""
    times: dict[tuple[str, str], list[int]] = {}
    for memories in found.values():
        coverage = memories.coverage
        for source, families in coverage.since.items():
            for family, since_us in families.items():
                held = coverage.held.get(family)
                kept_us = since_us if held is None else max(since_us, held.since_us)
                times.setdefault((source, family), []).append(kept_us)
    return [KnownSince(*key, _said(max(of)), len(of)) for key, of in sorted(times.items())]


def waits(found: dict[int, Memories], supervisor: Supervisor) -> list[RuleWaits]:
    """The rules that look back further than is known."""
    return waiting_rules(supervisor, [(number, m.coverage) for number, m in found.items()])


def subject_row(
    settings: Settings, found: dict[int, Memories], subject: str, number: int
) -> dict[str, Any]:
    """What is remembered of a subject, which is named by its number only."""
    key = subject.encode("utf-8", "surrogatepass")
    partition = partition_of(key, settings.partitions)
    memory = found[partition].recall(key)
    acts = Counter(act.family for act in memory.acts.values())
    return {
        "number": number,
        "partition": partition,
        "bytes": 0 if memory.is_empty else len(encode(memory)),
        "events": len(memory.seen),
        "acts": dict(sorted(acts.items())),
        "tied": 0 if home_of(memory) else len(memory.links),
        "home": _place_of_home(settings, memory),
        "timers": _timers(memory),
    }


def _place_of_home(settings: Settings, memory: Memory) -> int | None:
    """The partition number where the person is remembered; None where that is here."""
    home = home_of(memory)
    key = home.encode("utf-8", "surrogatepass")
    return partition_of(key, settings.partitions) if home else None


def _timers(memory: Memory) -> list[dict[str, str]]:
    timers = sorted(memory.timers.values(), key=lambda timer: (timer.fire_us, timer.rule))
    return [{"kind": t.kind, "rule": t.rule, "due": _said(t.fire_us)} for t in timers]


def _said(us: int) -> str:
    """A time for people; "" for never."""
    return "" if us == NEVER_US else instant_of(us).isoformat(timespec="seconds")
