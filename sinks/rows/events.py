"""An intake record becomes one row of `events`."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Final

from msgspec import UNSET

from contracts.acts import VOIDING, AnyAct, Charge, ChargeItem, Encounter
from contracts.event import EVENT_TYPES
from contracts.intake import DEFAULT_MAX_AHEAD_S, Rejected, decode
from contracts.values import EncounterRef, Reported
from sinks.instants import month_of, to_ms
from sinks.rows.record import Placed, Record
from sinks.tables import EVENTS, Row

_NO_LINES: Final[tuple[object, ...]] = ([], [], [], [], [], [])


class EventRows:
    """Builds event rows with the worker's own decoder, so that both refuse the same records.

    What the decoder refuses is no row: the worker sends it to the dead letters. A record in
    another partition than its key's is an event like any other.
    """

    def __init__(self, max_ahead_s: float = DEFAULT_MAX_AHEAD_S) -> None:
        self._max_ahead_s = max_ahead_s

    def __call__(self, record: Record) -> tuple[Placed, ...]:
        value = record.value
        answer = decode(
            value,
            key=record.key,
            check_key=True,
            received_ms=record.timestamp_ms,
            max_ahead_s=self._max_ahead_s,
        )
        if value is None or isinstance(answer, Rejected):
            return ()
        event = answer.event
        act = event.data
        kind = EVENT_TYPES[event.type]
        time_ms = to_ms(event.time)
        row = (
            event.source,
            event.id,
            event.type,
            kind.family,
            kind.verb,
            kind.verb in VOIDING,
            time_ms,
            event.subject,
            act.institution,
            act.act_id,
            act.revision,
            act.department or "",
            *_encounter(act),
            *_instant(act.charged_at if isinstance(act, Charge) else UNSET),
            to_ms(act.service_time) if act.service_time else None,
            *(_lines(act.items) if isinstance(act, Charge) and act.items else _NO_LINES),
            sha256(value).digest(),
            value,
            record.topic,
            record.partition,
            record.offset,
            record.appended_ms,
        )
        return (Placed(EVENTS, row, month_of(time_ms)),)


def _encounter(act: AnyAct) -> Row:
    """Id, kind, start and end of the encounter that the act is, or belongs to; after each of the
    three whether the source reported it. No encounter is a report that there is none of them."""
    if isinstance(act, Encounter):
        return act.act_id, *_word(act.kind), *_instant(act.started_at), *_instant(act.ended_at)
    ref = act.encounter
    if isinstance(ref, EncounterRef):
        return ref.id, *_word(ref.kind), *_instant(ref.started_at), *_instant(ref.ended_at)
    return "", *_word(ref), *_instant(ref), *_instant(ref)


def _word(word: Reported[str]) -> tuple[str, bool]:
    """The word, and whether it was reported: a word, or stated absent."""
    return (word if isinstance(word, str) else ""), word is not UNSET


def _instant(instant: Reported[datetime]) -> tuple[int | None, bool]:
    """Milliseconds, and whether the instant was reported: known, or stated absent."""
    return (to_ms(instant) if isinstance(instant, datetime) else None), instant is not UNSET


def _lines(items: tuple[ChargeItem, ...]) -> Row:
    """The lines' columns. Decimal(38, 6) holds every amount that the decoder lets through."""
    return (
        [i.line_id for i in items],
        [i.item.system for i in items],
        [i.item.code for i in items],
        [i.category or "" for i in items],
        [i.amount for i in items],
        [i.refunded for i in items],
    )
