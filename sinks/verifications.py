"""What the verifier found, into ClickHouse and back out of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client

from contracts.decision import Decision
from sinks.blocks import Block
from sinks.instants import clamp_ms, month_of, to_ms
from sinks.link import Link
from sinks.schema import migrate
from sinks.store import Abandoned, Availability, Store
from sinks.tables import VERIFICATIONS, Row

__all__ = ["Abandoned", "Place", "RuleCount", "Verification", "VerificationStore"]

log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 60.0
_LOOKED: Final = 1


class Place(NamedTuple):
    """Where a decision's record stands in Kafka."""

    topic: str
    partition: int
    offset: int


class RuleCount(NamedTuple):
    """Pairs of one rule: confirmed, refuted, not looked at."""

    rule: str
    version: int
    agreed: int
    disagreed: int
    skipped: int


@dataclass(frozen=True)
class Verification:
    """One row: what was found of one record."""

    place: Place
    decision: Decision
    verifier: str
    result: str
    """`agreed`, `disagreed` or `skipped`."""
    reason: str
    rules: tuple[RuleCount, ...]
    unchecked: Mapping[str, int]
    derived: int
    disagreements: tuple[Mapping[str, Any], ...]
    """rule, version, element, recorded, found."""


class VerificationStore:
    """Writes rows; each insert is repeated until ClickHouse has confirmed it."""

    def __init__(self, dsn: str) -> None:
        self._link = Link(dsn, _TIMEOUT_S)
        self.availability = Availability()
        self._store = Store(self._link, self.availability)

    def prepare(self, stop: threading.Event) -> None:
        """Bring the tables up to date, whenever ClickHouse answers. Raises Abandoned, SinkError."""
        self._store.until_done(self._migrate, stop)

    def _migrate(self) -> None:
        migrate(self._link())

    def put(self, rows: Sequence[Verification], token: str, stop: threading.Event) -> None:
        """Returns when every row is confirmed, or refused for good, which the log says.

        Raises Abandoned once `stop` is set. `token` names exactly what the rows are a function
        of: the records and what they were checked with.
        """
        block = Block(VERIFICATIONS)
        for number, row in enumerate(rows):
            time_ms = clamp_ms(to_ms(datetime.fromisoformat(row.decision.event.time)))
            block.add(_row(row, time_ms), number, month_of(time_ms))
        parts = list(block.by_months())
        for number, part in enumerate(parts):
            name = f"{VERIFICATIONS.name}:{token}:{number}/{len(parts)}"
            refused = self._store.put(part, name, stop)
            for reason in sorted(set(refused.values())):
                log.error("a verification is not stored: %s", reason)

    def close(self) -> None:
        self._link.close()


def _row(v: Verification, time_ms: int) -> Row:
    basis = v.decision.basis
    return (
        v.decision.decision_id,
        time_ms,
        v.result,
        v.reason,
        basis.pack,
        basis.knowledge,
        basis.engine,
        v.verifier,
        [r.rule for r in v.rules],
        [r.version for r in v.rules],
        [r.agreed for r in v.rules],
        [r.disagreed for r in v.rules],
        [r.skipped for r in v.rules],
        dict(v.unchecked),
        v.derived,
        msgspec.json.encode(v.disagreements) if v.disagreements else b"",
        *v.place,
        0 if v.result == "skipped" else _LOOKED,
    )


@dataclass(frozen=True)
class Example:
    """One disagreement: what was recorded and what was found."""

    decision_id: str
    rule: str
    version: int
    element: str
    recorded: str
    found: str
    place: Place


@dataclass(frozen=True)
class Summary:
    """Everything on record. Pairs are (rule, element) pairs of decisions that were looked at."""

    decisions: Mapping[str, int]
    """How many decisions agreed and disagreed."""
    skipped: Mapping[str, int]
    """How many decisions were not looked at, by reason."""
    unchecked: Mapping[str, int]
    """Parts of decisions that could not be looked at, by reason."""
    derived: int
    rules: tuple[RuleCount, ...]
    examples: tuple[Example, ...]


def summary(client: Client, *, examples: int = 3) -> Summary:
    """What the verifiers have found so far, each record once."""
    results = client.query(
        "SELECT result, reason, count(), sum(derived) FROM verifications_current "
        "GROUP BY result, reason ORDER BY result, reason"
    ).result_rows
    unchecked = client.query(
        "SELECT part.1 AS reason, sum(part.2) FROM verifications_current "
        "ARRAY JOIN CAST(unchecked, 'Array(Tuple(String, UInt32))') AS part "
        "GROUP BY reason ORDER BY reason"
    ).result_rows
    rules = client.query(
        "SELECT rules.id, max(rules.version), sum(rules.agreed), sum(rules.disagreed), "
        "sum(rules.skipped) FROM verifications_current ARRAY JOIN rules "
        "GROUP BY rules.id ORDER BY sum(rules.disagreed) DESC, rules.id"
    ).result_rows
    wrong = client.query(
        "SELECT toString(decision_id), disagreements, topic, partition, offset "
        "FROM verifications_current WHERE result = 'disagreed' "
        "ORDER BY topic, partition, offset LIMIT {examples:UInt32}",
        {"examples": examples},
    ).result_rows
    return Summary(
        decisions={str(r[0]): int(r[2]) for r in results if r[0] != "skipped"},
        skipped={str(r[1]): int(r[2]) for r in results if r[0] == "skipped"},
        unchecked={str(reason): int(count) for reason, count in unchecked},
        derived=sum(int(r[3]) for r in results),
        rules=tuple(RuleCount(str(r[0]), *map(int, r[1:])) for r in rules),
        examples=tuple(
            Example(str(row[0]), **each, place=Place(str(row[2]), int(row[3]), int(row[4])))
            for row in wrong
            for each in msgspec.json.decode(row[1])[:1]
        ),
    )
