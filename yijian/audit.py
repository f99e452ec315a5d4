"""Is anything lost, twice or different? Counted from Kafka's log against ClickHouse's tables.

lost         intake records without a dead letter whose event key has no decision, or no row in the
             events table
duplicates   keys with more than one current row through the views the product reads, plus keys
             whose repeated decisions differ in content
disorder     decisions that stand before a decision about an earlier record of their partition
differences  symmetric difference between the alerts in ClickHouse and those that the offline
             evaluation of the same records gives, compared by content
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from contracts.decision import OriginHeaders, encode_record
from contracts.identity import EventKey
from sinks import queries
from sinks.client import connect
from streams.supervision import DeadLetter, Supervisor
from yijian import kafka_log
from yijian.settings import Settings

_MOST_EXAMPLES = 5

Origin = tuple[str, int, int]
"""Topic, partition and offset of an intake record."""


class Audit(msgspec.Struct, frozen=True):
    """The figures, and a few examples (positions and ids, never content) for each that is not 0."""

    intake_records: int
    lost: int
    duplicates: int
    differences: int
    disorder: int
    examples: dict[str, list[str]]

    @property
    def passed(self) -> bool:
        return self.lost == self.duplicates == self.differences == self.disorder == 0


@dataclass
class _Seen:
    """What the intake log says must be in the tables."""

    records: int = 0
    accepted: dict[Origin, EventKey] = field(default_factory=dict)
    refused: dict[Origin, str] = field(default_factory=dict)
    alerts: dict[str, bytes] = field(default_factory=dict)
    by_event: dict[EventKey, frozenset[str]] = field(default_factory=dict)


def audit(settings: Settings, supervisor: Supervisor) -> Audit:
    """The figures for everything that is in the log now. Let worker and sink finish before."""
    seen = _read_intake(settings, supervisor)
    client = connect(settings.clickhouse_dsn)
    try:
        decided = {EventKey(s, i) for s, i in queries.decision_keys(client)}
        stored_events = {EventKey(s, i) for s, i in queries.event_keys(client)}
        dead = set(queries.dead_letter_origins(client))
        twice = queries.duplicates(client)
        stored = dict(queries.alert_contents(client))
    finally:
        client.close()
    accounted = decided & stored_events
    lost = [
        origin
        for origin, key in seen.accepted.items()
        if key not in accounted and origin not in dead
    ]
    lost += [origin for origin in seen.refused if origin not in dead]
    differing = _differences(seen.alerts, stored)
    disordered = list(_disorder(settings))
    return Audit(
        intake_records=seen.records,
        lost=len(lost),
        duplicates=twice.total,
        differences=len(differing),
        disorder=len(disordered),
        examples={
            name: some
            for name, some in (
                ("lost", _some(_where(*origin) for origin in lost)),
                ("duplicates", [str(twice)] if twice.total else []),
                ("differences", _some(differing)),
                ("disorder", _some(disordered)),
            )
            if some
        },
    )


def _read_intake(settings: Settings, supervisor: Supervisor) -> _Seen:
    seen = _Seen()
    for record in kafka_log.read(settings, settings.topics.all_intake):
        seen.records += 1
        where = (record.topic, record.partition, record.offset)
        answer = supervisor.supervise(record.value, record.key, record.timestamp_ms)
        if isinstance(answer, DeadLetter):
            seen.refused[where] = answer.reason
            continue
        key = answer.event.key
        seen.accepted[where] = key
        for stale in seen.by_event.get(key, ()):
            seen.alerts.pop(stale, None)
        findings = answer.decision.findings
        seen.by_event[key] = frozenset(f.alert_id for f in findings)
        for finding in findings:
            seen.alerts[finding.alert_id] = encode_record(finding)
    return seen


def _differences(offline: dict[str, bytes], stored: dict[str, bytes]) -> list[str]:
    """Ids of alerts that only one side has, or whose content differs."""
    only_one = offline.keys() ^ stored.keys()
    other = [
        name
        for name in offline.keys() & stored.keys()
        if msgspec.json.decode(offline[name]) != msgspec.json.decode(stored[name])
    ]
    return sorted(only_one) + sorted(other)


def _disorder(settings: Settings) -> Iterator[str]:
    """Positions of intake records whose first decision came after that of a later record.

    A crash repeats decisions but never lets a later record overtake: the first decisions of one
    intake partition stand in the order of its records. Re-keyed records have another order.
    """
    highest: dict[tuple[str, int], int] = {}
    seen: set[tuple[str, int, int]] = set()
    for record in kafka_log.read(settings, [settings.topics.decisions]):
        headers = dict(record.headers)
        topic = headers[OriginHeaders.TOPIC].decode()
        partition = int(headers[OriginHeaders.PARTITION])
        origin = (topic, partition, int(headers[OriginHeaders.OFFSET]))
        if origin in seen or partition != record.partition:
            continue
        seen.add(origin)
        if origin[2] < highest.get((topic, partition), -1):
            yield _where(*origin)
        else:
            highest[topic, partition] = origin[2]


def _where(topic: str, partition: int, offset: int) -> str:
    return f"{topic}[{partition}]@{offset}"


def _some(names: Iterable[str]) -> list[str]:
    return sorted(names)[:_MOST_EXAMPLES]
