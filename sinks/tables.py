"""The columns that the sink fills, in the order in which the row builders give them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

Row = tuple[object, ...]
"""One row; instants are int milliseconds since 1970-01-01T00:00Z, so that nothing is converted
twice."""


@dataclass(frozen=True)
class Table:
    """A table's name and its columns with their ClickHouse types."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    @cached_property
    def types(self) -> tuple[str, ...]:
        return tuple(kind for _, kind in self.columns)


_INSTANT = "DateTime64(3, 'UTC')"
_MAYBE = f"Nullable({_INSTANT})"
_WORD = "LowCardinality(String)"
_MONEY = "Decimal(38, 6)"
_MAYBE_MONEY = f"Nullable({_MONEY})"

EVENTS: Final = Table(
    "events",
    (
        ("source", "String"),
        ("id", "String"),
        ("type", _WORD),
        ("family", _WORD),
        ("verb", _WORD),
        ("voided", "Bool"),
        ("time", _INSTANT),
        ("subject", "String"),
        ("institution", _WORD),
        ("act_id", "String"),
        ("revision", "UInt32"),
        ("department", _WORD),
        ("encounter_id", "String"),
        ("encounter_kind", _WORD),
        ("encounter_kind_reported", "Bool"),
        ("started_at", _MAYBE),
        ("started_at_reported", "Bool"),
        ("ended_at", _MAYBE),
        ("ended_at_reported", "Bool"),
        ("charged_at", _MAYBE),
        ("charged_at_reported", "Bool"),
        ("service_time", _MAYBE),
        ("lines.line_id", "Array(String)"),
        ("lines.system", f"Array({_WORD})"),
        ("lines.code", "Array(String)"),
        ("lines.category", f"Array({_WORD})"),
        ("lines.amount", f"Array({_MONEY})"),
        ("lines.refunded", f"Array({_MONEY})"),
        ("digest", "FixedString(32)"),
        ("payload", "String"),
        ("topic", _WORD),
        ("partition", "UInt32"),
        ("offset", "UInt64"),
        ("appended_at", _INSTANT),
    ),
)

DECISIONS: Final = Table(
    "decisions",
    (
        ("decision_id", "UUID"),
        ("scope", _WORD),
        ("cause", _WORD),
        ("source", "String"),
        ("id", "String"),
        ("type", _WORD),
        ("time", _INSTANT),
        ("event_digest", "String"),
        ("subject", "String"),
        ("institution", _WORD),
        ("department", _WORD),
        ("act_id", "String"),
        ("revision", "UInt32"),
        ("phase", _WORD),
        ("as_of", "String"),
        ("verdict", _WORD),
        ("retracted", _WORD),
        ("applicable", "UInt32"),
        ("alerts", "UInt32"),
        ("silent", "UInt32"),
        ("exempt", "UInt32"),
        ("not_evaluable", "UInt32"),
        ("undetermined", "UInt32"),
        ("waiting", "UInt32"),
        ("overridden", "UInt32"),
        ("suppressed", "UInt32"),
        ("findings", "UInt32"),
        ("pack", _WORD),
        ("knowledge", _WORD),
        ("engine", _WORD),
        ("profile", _WORD),
        ("bundle", _WORD),
        ("registry", _WORD),
        ("cut", _WORD),
        ("digest", "FixedString(32)"),
        ("payload", "String"),
        ("origin_topic", _WORD),
        ("origin_partition", "Int32"),
        ("origin_offset", "Int64"),
        ("received_at", _MAYBE),
        ("topic", _WORD),
        ("partition", "UInt32"),
        ("offset", "UInt64"),
        ("appended_at", _INSTANT),
        ("version", "UInt64"),
    ),
)

ALERTS: Final = Table(
    "alerts",
    (
        ("decision_id", "UUID"),
        ("decision_version", "UInt64"),
        ("alert_id", "UUID"),
        ("source", "String"),
        ("id", "String"),
        ("type", _WORD),
        ("time", _INSTANT),
        ("subject", "String"),
        ("institution", _WORD),
        ("department", _WORD),
        ("phase", _WORD),
        ("cause", _WORD),
        ("rule_id", _WORD),
        ("rule_version", "UInt32"),
        ("rule_status", _WORD),
        ("element", "String"),
        ("result", _WORD),
        ("severity", _WORD),
        ("action", _WORD),
        ("key", "String"),
        ("overridden_by", "String"),
        ("suppressed", "Bool"),
        ("suppressed_by", "String"),
        ("told_again_at", _MAYBE),
        ("pair", _WORD),
        ("partner", "String"),
        ("currency", _WORD),
        ("amount", _MAYBE_MONEY),
        ("fund", _MAYBE_MONEY),
        ("money.line_id", "Array(String)"),
        ("money.total", f"Array({_MONEY})"),
        ("money.fund", f"Array({_MAYBE_MONEY})"),
        ("finding", "String"),
        ("topic", _WORD),
        ("partition", "UInt32"),
        ("appended_at", _INSTANT),
    ),
)

DEAD_LETTERS: Final = Table(
    "dead_letters",
    (
        ("topic", _WORD),
        ("partition", "Int32"),
        ("offset", "Int64"),
        ("reason", _WORD),
        ("path", "String"),
        ("detail", "String"),
        ("received_at", _INSTANT),
        ("key", "Nullable(String)"),
        ("value", "Nullable(String)"),
        ("letter_topic", _WORD),
        ("letter_partition", "UInt32"),
        ("letter_offset", "UInt64"),
        ("appended_at", _INSTANT),
        ("version", "UInt64"),
    ),
)

POSITIONS: Final = Table(
    "sink_positions",
    (
        ("epoch", "UInt64"),
        ("cluster", "String"),
        ("topic_id", "String"),
        ("topic", "String"),
        ("partition", "UInt32"),
        ("first", "Int64"),
        ("last", "Int64"),
        ("count", "UInt64"),
    ),
)

VERIFICATIONS: Final = Table(
    "verifications",
    (
        ("decision_id", "UUID"),
        ("time", _INSTANT),
        ("result", _WORD),
        ("reason", _WORD),
        ("pack", _WORD),
        ("knowledge", _WORD),
        ("engine", _WORD),
        ("verifier", _WORD),
        ("rules.id", f"Array({_WORD})"),
        ("rules.version", "Array(UInt32)"),
        ("rules.agreed", "Array(UInt32)"),
        ("rules.disagreed", "Array(UInt32)"),
        ("rules.skipped", "Array(UInt32)"),
        ("unchecked", f"Map({_WORD}, UInt32)"),
        ("derived", "UInt32"),
        ("disagreements", "String"),
        ("topic", _WORD),
        ("partition", "UInt32"),
        ("offset", "UInt64"),
        ("version", "UInt8"),
    ),
)
