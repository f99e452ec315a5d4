"""What a Kafka record becomes in ClickHouse: rows, nothing, or the reason why it cannot be stored.

Every row is a function of the record and its place in the log alone, never of the clock or of
the process: a record that is written twice, by whomever, is the same row.
"""

from sinks.rows.decisions import decision_rows
from sinks.rows.events import EventRows
from sinks.rows.letters import letter_rows, stub_rows
from sinks.rows.record import Builder, Placed, Record, Unwritable

__all__ = [
    "Builder",
    "EventRows",
    "Placed",
    "Record",
    "Unwritable",
    "decision_rows",
    "letter_rows",
    "stub_rows",
]
