"""A record of the dead-letter topic becomes one row of `dead_letters`, named by its origin."""

from __future__ import annotations

from contracts.decision import DeadLetterHeaders
from contracts.intake import Reason
from sinks.instants import clamp_ms, month_of
from sinks.rows.record import Placed, Record
from sinks.tables import DEAD_LETTERS


def letter_rows(record: Record) -> tuple[Placed, ...]:
    """The dead letter with its original key and bytes, whatever they are."""
    return _letter(
        record,
        record.header_text(DeadLetterHeaders.REASON),
        record.header_text(DeadLetterHeaders.DETAIL),
        record.key,
        record.value,
    )


def stub_rows(record: Record, detail: str) -> tuple[Placed, ...]:
    """The same letter without its bytes, for one that cannot be stored.

    A refused dead letter cannot become a dead letter again: that would never end. Its bytes
    stay in the topic, at the place that the row names.
    """
    return _letter(record, Reason.SINK_REFUSED.value, detail, None, None)


def _letter(
    record: Record, reason: str, detail: str, key: bytes | None, value: bytes | None
) -> tuple[Placed, ...]:
    topic = record.header_text(DeadLetterHeaders.TOPIC)
    partition = record.header_int(DeadLetterHeaders.PARTITION)
    offset = record.header_int(DeadLetterHeaders.OFFSET)
    if not topic or partition is None or offset is None:  # then it is its own origin
        topic, partition, offset = record.topic, record.partition, record.offset
    received_ms = record.header_int(DeadLetterHeaders.RECEIVED_MS)
    received_ms = record.appended_ms if received_ms is None else clamp_ms(received_ms)
    row = (
        topic,
        partition,
        offset,
        reason,
        record.header_text(DeadLetterHeaders.PATH),
        detail,
        received_ms,
        key,
        value,
        record.topic,
        record.partition,
        record.offset,
        record.appended_ms,
        record.offset,
    )
    return (Placed(DEAD_LETTERS, row, month_of(received_ms)),)
