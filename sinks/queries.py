"""What is in the tables, for audits and summaries: read through the `*_current` views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from contracts.decision import Basis


@dataclass(frozen=True)
class Counts:
    """Current rows: each event, decision, alert and dead letter once."""

    events: int
    decisions: int
    alerts: int
    dead_letters: int


class AlertCount(NamedTuple):
    rule_id: str
    phase: str
    result: str
    severity: str
    alerts: int


@dataclass(frozen=True)
class Coverage:
    """How much of what applied was checked. Shares are of `applicable` pairs of rule and element,
    `undetermined_share` of applicable and undetermined together; 0.0 where there is none."""

    decisions: int
    applicable: int
    not_evaluable: int
    undetermined: int

    @property
    def not_evaluable_share(self) -> float:
        return self.not_evaluable / self.applicable if self.applicable else 0.0

    @property
    def undetermined_share(self) -> float:
        pairs = self.applicable + self.undetermined
        return self.undetermined / pairs if pairs else 0.0


@dataclass(frozen=True)
class Latency:
    """Quantiles in milliseconds; None where nothing was measured."""

    measured: int
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Duplicates:
    """Violations of "once", as numbers of keys; all 0 where the guarantee holds."""

    events: int
    decisions: int
    alerts: int
    dead_letters: int
    differing_decisions: int
    """Decisions that were made again by the same rules and knowledge with another content."""

    @property
    def total(self) -> int:
        return (
            self.events
            + self.decisions
            + self.alerts
            + self.dead_letters
            + self.differing_decisions
        )

    def without_contents(self) -> Duplicates:
        """Only keys that stand twice; where events are remembered, a repetition may differ."""
        return replace(self, differing_decisions=0)


def counts(client: Client) -> Counts:
    """How many current rows each table has."""
    tables = ("events", "decisions", "alerts", "dead_letters")
    return Counts(*(_number(client, f"SELECT count() FROM {table}_current") for table in tables))


def alert_counts(client: Client) -> list[AlertCount]:
    """Current alerts by rule, phase, result and severity, most first.

    What gave way to another alert is no alert of its own.
    """
    found = client.query(
        "SELECT rule_id, phase, result, severity, count() AS n FROM alerts_current "
        "WHERE overridden_by = '' GROUP BY rule_id, phase, result, severity "
        "ORDER BY n DESC, rule_id, phase, result"
    )
    return [AlertCount(*row) for row in found.result_rows]


def verdicts(client: Client) -> dict[str, int]:
    """Current decisions by verdict."""
    found = client.query(
        "SELECT verdict, count() AS n FROM decisions_current GROUP BY verdict ORDER BY verdict"
    )
    return {str(verdict): int(n) for verdict, n in found.result_rows}


def coverage(client: Client) -> Coverage:
    """Sums over the coverage manifests of all current decisions."""
    found = client.query(
        "SELECT count(), sum(applicable), sum(not_evaluable), sum(undetermined) "
        "FROM decisions_current"
    )
    return Coverage(*(int(n) for n in found.result_rows[0]))


_KEYS: Final = {
    "events": "source, id",
    "decisions": "source, id, scope, cause",
    "alerts": "alert_id",
    "dead_letters": "topic, partition, offset",
}


def duplicates(client: Client) -> Duplicates:
    """Keys with more than one current row, and decisions whose repetitions differ."""
    doubled = {
        table: _number(
            client,
            f"SELECT count() FROM (SELECT {key} FROM {table}_current GROUP BY {key} "
            "HAVING count() > 1)",
        )
        for table, key in _KEYS.items()
    }
    return Duplicates(**doubled, differing_decisions=_number(client, _DIFFERING))


def reused_ids(client: Client) -> int:
    """Keys (source, id) under which a source sent more than one content; 0 where all is well.

    Only the first content counts; what was sent under the key after it needs an id of its own.
    """
    return _number(client, "SELECT count() FROM events_reused")


# The digest is part of the table's sorting key, so no merge removes the evidence. A decision by
# other rules or knowledge may differ: it replaces the one before it.
_DIFFERING: Final = """
SELECT count() FROM
(
    SELECT decision_id FROM decisions
    GROUP BY decision_id, pack, knowledge, engine, profile, bundle, registry
    HAVING uniqExact(digest) > 1
)
"""


def decision_bases(client: Client) -> Iterator[tuple[str, str, Basis]]:
    """(source, id, what its own decision was computed with) of every event that has one."""
    sql = (
        f"SELECT source, id, {', '.join(_BASIS)} FROM decisions_current "
        "WHERE scope = 'patient' AND cause = 'event'"
    )
    known: dict[tuple[str, ...], Basis] = {}
    for source, event_id, *of in _rows(client, sql):
        names = tuple(of)
        if names not in known:
            known[names] = Basis(**dict(zip(_BASIS, names, strict=True)))
        yield source, event_id, known[names]


_BASIS: Final = ("pack", "knowledge", "engine", "profile", "bundle", "registry")


def event_keys(client: Client) -> Iterator[tuple[str, str]]:
    """(source, id) of every stored event, once."""
    return _rows(client, "SELECT source, id FROM events_current")


def dead_letter_origins(client: Client) -> Iterator[tuple[str, int, int]]:
    """(topic, partition, offset) of every record that became a dead letter, once."""
    return _rows(client, "SELECT topic, partition, offset FROM dead_letters_current")


def alert_contents(client: Client) -> Iterator[tuple[str, str, str, bytes]]:
    """(alert id, source, id, the finding's JSON as in its decision) of every current alert."""
    return _rows(
        client,
        "SELECT toString(alert_id) AS alert, source, id, finding FROM alerts_current",
        formats={"finding": "bytes"},
    )


def decision_contents(client: Client) -> Iterator[tuple[str, bytes]]:
    """(decision id, JSON) of every current decision."""
    return _rows(
        client,
        "SELECT toString(decision_id) AS decision, payload FROM decisions_current",
        formats={"payload": "bytes"},
    )


def alert_latency(client: Client) -> Latency:
    """From an intake record's append to the append of its decision with its alerts."""
    return _latency(client, "appended_at", "received_at", "decisions", "findings > 0")


def alert_row_latency(client: Client) -> Latency:
    """From an intake record's append to its alerts' rows."""
    return _latency(client, "written_at", "received_at", "decisions", "findings > 0")


def event_row_latency(client: Client) -> Latency:
    """From an intake record's append to the event's row."""
    return _latency(client, "written_at", "appended_at", "events", "1")


def _latency(client: Client, until: str, since: str, table: str, where: str) -> Latency:
    age = f"toUnixTimestamp64Milli({until}) - toUnixTimestamp64Milli(assumeNotNull({since}))"
    found = client.query(
        f"SELECT count(), quantilesExact(0.5, 0.99)({age}) FROM {table} "
        f"WHERE {where} AND isNotNull({since})"
    )
    measured, (p50, p99) = found.result_rows[0]
    if not measured:
        return Latency(0, None, None)
    return Latency(int(measured), float(p50), float(p99))


def _number(client: Client, sql: str) -> int:
    return int(client.query(sql).result_rows[0][0])


def _rows(client: Client, sql: str, formats: dict[str, Any] | None = None) -> Iterator[Any]:
    with client.query_row_block_stream(sql, column_formats=formats) as blocks:
        for block in blocks:
            yield from block
