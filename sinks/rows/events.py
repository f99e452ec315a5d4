"""An intake record becomes one row of `events`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from contracts.acts import VOIDING, AnyAct, Charge, ChargeItem, Encounter
from contracts.event import EVENT_TYPES
from contracts.intake import DEFAULT_MAX_AHEAD_S, Rejected, decode
from contracts.values import EncounterRef
from sinks.instants import month_of, to_ms
from sinks.rows.record import Placed, Record, Unwritable
from sinks.tables import EVENTS, Row

_MICRO: Final = Decimal("0.000001")
_MAX_AMOUNT: Final = Decimal(10) ** 32
_NO_LINES: Final[tuple[object, ...]] = ([], [], [], [], [], [])
_NO_ENCOUNTER: Final[tuple[object, ...]] = ("", "", None, None)


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
            to_ms(act.charged_at) if isinstance(act, Charge) and act.charged_at else None,
            to_ms(act.service_time) if act.service_time else None,
            *(_lines(act.items) if isinstance(act, Charge) and act.items else _NO_LINES),
            sha256(value).digest(),
            value,
            record.topic,
            record.partition,
            record.offset,
            record.appended_ms,
            record.offset,
        )
        return (Placed(EVENTS, row, month_of(time_ms)),)


def _encounter(act: AnyAct) -> Row:
    """Id, kind, start and end of the encounter that the act is, or belongs to."""
    if isinstance(act, Encounter):
        return act.act_id, act.kind or "", _ms(act.started_at), _ms(act.ended_at)
    ref = act.encounter
    if not isinstance(ref, EncounterRef):
        return _NO_ENCOUNTER
    return ref.id, ref.kind or "", _ms(ref.started_at), _ms(ref.ended_at)


def _ms(instant: object) -> int | None:
    return to_ms(instant) if isinstance(instant, datetime) else None


def _lines(items: tuple[ChargeItem, ...]) -> Row:
    return (
        [i.line_id for i in items],
        [i.item.system for i in items],
        [i.item.code for i in items],
        [i.category or "" for i in items],
        [_amount(i.amount) for i in items],
        [_amount(i.refunded) for i in items],
    )


def _amount(amount: Decimal) -> Decimal:
    """The amount, if Decimal(38, 6) holds it exactly: the driver would cut it off silently."""
    if amount >= _MAX_AMOUNT:
        raise Unwritable("a charged amount has more than 32 digits before the point")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6 and amount != amount.quantize(_MICRO):
        raise Unwritable("a charged amount has more than 6 decimal places")
    return amount
