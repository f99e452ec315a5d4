"""Is anything lost, twice or different? Counted from Kafka's log against ClickHouse's tables.

lost            intake records without a dead letter whose event key has no decision, or no row in
                the events table; timers whose time had passed, of which no decision tells; and
                events of which a group was never told; messages about a patient's identities
                that nobody took
duplicates      keys with more than one current row through the views the product reads, plus keys
                whose repeated decisions differ in content, where nothing is remembered
disorder        decisions that stand before a decision about an earlier record of their partition
differences     symmetric difference between the alerts in ClickHouse and those that the offline
                evaluation of the same records gives, in the order of record, with what is
                remembered, by the bundle or files that each decision names, compared by content;
                and decisions in the log whose content that evaluation does not give
not_recomputed  events whose decision names a bundle or files that cannot be had here, or whose
                past cannot be: nothing is said of their alerts, so the audit has not passed
timers          deadlines and waiting rules that fired again and whose decisions were compared

Steps of an interrupted run, which another run took again, are no decisions that count: what was
known then may have been another past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts.decision import Basis
from contracts.identity import EventKey
from sinks import queries
from sinks.client import connect
from yijian.composition import Core
from yijian.kafka_log import Origin
from yijian.record import recompute
from yijian.settings import Settings

_MOST_EXAMPLES = 5


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted, and a few examples (positions and ids, never content) for what is not 0."""

    lost: int
    duplicates: int
    differences: int
    disorder: int
    not_recomputed: int
    timers: int
    examples: dict[str, list[str]]

    @property
    def broken(self) -> int:
        """How often a guarantee was broken."""
        return self.lost + self.duplicates + self.differences + self.disorder

    @property
    def passed(self) -> bool:
        """Whether everything was looked at and nothing is wrong."""
        return self.broken == self.not_recomputed == 0

    @property
    def complaint(self) -> str:
        """What to tell whoever ran it; "" where the audit has passed."""
        if self.broken:
            return "a guarantee was broken: the examples above say where"
        if self.not_recomputed:
            return (
                f"{self.not_recomputed:,} decisions were not recomputed: their rules, or their "
                "past, are not to be had here (see examples); give the audit their files, profile "
                "and bundles topic"
            )
        return ""


class Audit(Figures, frozen=True, kw_only=True):
    """The figures of everything that is in the log."""

    intake_records: int

    def figures(self) -> dict[str, Any]:
        """What every trial that ends in an audit reports, by name."""
        return {name: getattr(self, name) for name in Figures.__struct_fields__}


@dataclass(frozen=True)
class _Tables:
    """What the views of the product show."""

    decided: dict[EventKey, Basis]
    events: set[EventKey]
    dead: set[Origin]
    twice: queries.Duplicates
    alerts: dict[str, tuple[EventKey, bytes]]


def audit(settings: Settings, core: Core) -> Audit:
    """The figures for everything that is in the log now. Let worker and sink finish before.

    `core` is what decides where no bundle does. Raises what reading Kafka or ClickHouse raises.
    """
    tables = _read_tables(settings)
    found = recompute(settings, core, tables.decided)
    seen, not_recomputed = found.expected, found.expected.not_recomputed
    accounted = tables.decided.keys() & tables.events
    lost = [
        origin
        for origin, key in seen.accepted.items()
        if key not in accounted and origin not in tables.dead
    ]
    lost += [origin for origin in seen.refused if origin not in tables.dead]
    lost += found.unfired
    lost += found.untaken
    lost += [origin for origin in found.unheard if origin not in tables.dead]
    stored = {
        name: finding for name, (key, finding) in tables.alerts.items() if key not in not_recomputed
    }
    differing = _differences(seen.alerts, stored)
    differing += [_where(*place) for place in found.differing]
    # With a past, a decision that was made again after a crash may well be another one.
    twice = tables.twice if settings.state == "off" else tables.twice.without_contents()
    examples = {
        "lost": _some(_where(*origin) for origin in lost),
        "duplicates": [str(twice)] if twice.total else [],
        "differences": _some(differing),
        "disorder": _some(_where(*origin) for origin in found.disordered),
        "not_recomputed": _reasons(not_recomputed.values()),
    }
    return Audit(
        intake_records=seen.records,
        lost=len(lost),
        duplicates=twice.total,
        differences=len(differing),
        disorder=len(found.disordered),
        not_recomputed=len(not_recomputed),
        timers=found.timers,
        examples={name: some for name, some in examples.items() if some},
    )


def _read_tables(settings: Settings) -> _Tables:
    client = connect(settings.clickhouse_dsn)
    try:
        return _Tables(
            decided={EventKey(s, i): basis for s, i, basis in queries.decision_bases(client)},
            events={EventKey(s, i) for s, i in queries.event_keys(client)},
            dead=set(queries.dead_letter_origins(client)),
            twice=queries.duplicates(client),
            alerts={
                alert: (EventKey(s, i), finding)
                for alert, s, i, finding in queries.alert_contents(client)
            },
        )
    finally:
        client.close()


def _differences(offline: dict[str, bytes], stored: dict[str, bytes]) -> list[str]:
    """Ids of alerts that only one side has, or whose content differs."""
    only_one = offline.keys() ^ stored.keys()
    other = [
        name
        for name in offline.keys() & stored.keys()
        if msgspec.json.decode(offline[name]) != msgspec.json.decode(stored[name])
    ]
    return sorted(only_one) + sorted(other)


def _reasons(whys: Iterable[str]) -> list[str]:
    return [f"{why}: {count}" for why, count in Counter(whys).most_common()]


def _where(topic: str, partition: int, offset: int) -> str:
    return f"{topic}[{partition}]@{offset}"


def _some(names: Iterable[str]) -> list[str]:
    return sorted(names)[:_MOST_EXAMPLES]
