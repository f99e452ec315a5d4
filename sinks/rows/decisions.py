"""A record of the decisions topic becomes a row of `decisions` and one of `alerts` a finding."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from contracts.decision import KindHeaders, OriginHeaders
from sinks.instants import clamp_ms, month_of, to_ms
from sinks.rows.record import Placed, Record, Unwritable
from sinks.tables import ALERTS, DECISIONS


class _Part(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the columns need of an internal record; the rest of it is skipped, not decoded."""


class _Event(_Part, frozen=True, kw_only=True):
    source: str
    id: str
    type: str
    time: Annotated[datetime, Meta(tz=True)]
    act_id: str = ""
    revision: int = 0
    institution: str = ""
    department: str = ""
    digest: str = ""


class _Coverage(_Part, frozen=True, kw_only=True):
    applicable: int
    alerts: int = 0
    silent: int = 0
    exempt: int = 0
    not_evaluable: int = 0
    undetermined: int = 0
    waiting: int = 0
    overridden: int = 0
    suppressed: int = 0


class _Retraction(_Part, frozen=True, kw_only=True):
    why: str


class _Basis(_Part, frozen=True, kw_only=True):
    pack: str
    knowledge: str
    engine: str
    profile: str
    bundle: str = ""
    registry: str = ""


class _Decision(_Part, frozen=True, kw_only=True):
    decision_id: str
    event: _Event
    scope: str
    cause: str
    subject: str
    phase: str
    as_of: str
    verdict: str
    coverage: _Coverage
    basis: _Basis
    findings: tuple[msgspec.Raw, ...] = ()
    retracted: _Retraction | None = None
    cut: str = ""


class _Line(_Part, frozen=True, kw_only=True):
    line: str
    total: Decimal
    fund: Decimal | None = None


class _Amount(_Part, frozen=True, kw_only=True):
    total: Decimal | None = None
    fund: Decimal | None = None
    currency: str = "CNY"
    lines: tuple[_Line, ...] = ()


class _Pair(_Part, frozen=True, kw_only=True):
    id: str
    partner: str


_NO_PAIR: Final = _Pair(id="", partner="")
_NO_MONEY: Final[tuple[object, ...]] = ("", None, None, [], [], [])


class _Delivery(_Part, frozen=True, kw_only=True):
    suppressed: bool = False
    by: str = ""
    until: Annotated[datetime, Meta(tz=True)]


class _Finding(_Part, frozen=True, kw_only=True):
    alert_id: str
    rule_id: str
    rule_version: int
    rule_status: str
    element: str
    result: str
    severity: str
    action: str
    key: str = ""
    overridden_by: str = ""
    delivery: _Delivery | None = None
    pair: _Pair = _NO_PAIR
    amount: _Amount | None = None


_OFFSET_BITS: Final = 48
_MOST_GENERATIONS: Final = 2**15 - 1
_decision: Final = msgspec.json.Decoder(_Decision)
_finding: Final = msgspec.json.Decoder(_Finding)


def decision_rows(record: Record) -> tuple[Placed, ...]:
    """The alerts' rows, then the decision's: only a decision makes its alerts visible."""
    value = record.value
    if value is None or record.header(KindHeaders.KIND) in KindHeaders.NO_DECISION:
        return ()
    try:
        decision = _decision.decode(value)
        findings = [(_finding.decode(raw), bytes(raw)) for raw in decision.findings]
        time_ms = clamp_ms(to_ms(decision.event.time))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as e:
        raise Unwritable(f"not a decision record ({type(e).__name__})") from None
    month = month_of(time_ms)
    event = decision.event
    alerts = [
        Placed(
            ALERTS,
            (
                decision.decision_id,
                _version(record),
                f.alert_id,
                event.source,
                event.id,
                event.type,
                time_ms,
                decision.subject,
                event.institution,
                event.department,
                decision.phase,
                decision.cause,
                f.rule_id,
                f.rule_version,
                f.rule_status,
                f.element,
                f.result,
                f.severity,
                f.action,
                f.key,
                f.overridden_by,
                *_delivery(f.delivery),
                f.pair.id,
                f.pair.partner,
                *_money(f.amount),
                raw,
                record.topic,
                record.partition,
                record.appended_ms,
            ),
            month,
        )
        for f, raw in findings
    ]
    return (*alerts, Placed(DECISIONS, _row(record, value, decision, time_ms), month))


def _delivery(told: _Delivery | None) -> tuple[object, ...]:
    """Whether it is left out, because of which alert, and until when."""
    if told is None:
        return False, "", None
    return told.suppressed, told.by, clamp_ms(to_ms(told.until))


def _money(amount: _Amount | None) -> tuple[object, ...]:
    """The columns of a finding's money. Decimal(38, 6) holds every amount that intake accepts."""
    if amount is None:
        return _NO_MONEY
    return (
        amount.currency,
        amount.total,
        amount.fund,
        [line.line for line in amount.lines],
        [line.total for line in amount.lines],
        [line.fund for line in amount.lines],
    )


def _row(record: Record, value: bytes, d: _Decision, time_ms: int) -> tuple[object, ...]:
    event, coverage, basis = d.event, d.coverage, d.basis
    received_ms = record.header_int(OriginHeaders.RECEIVED_MS)
    return (
        d.decision_id,
        d.scope,
        d.cause,
        event.source,
        event.id,
        event.type,
        time_ms,
        event.digest,
        d.subject,
        event.institution,
        event.department,
        event.act_id,
        event.revision,
        d.phase,
        d.as_of,
        d.verdict,
        d.retracted.why if d.retracted is not None else "",
        coverage.applicable,
        coverage.alerts,
        coverage.silent,
        coverage.exempt,
        coverage.not_evaluable,
        coverage.undetermined,
        coverage.waiting,
        coverage.overridden,
        coverage.suppressed,
        len(d.findings),
        basis.pack,
        basis.knowledge,
        basis.engine,
        basis.profile,
        basis.bundle,
        basis.registry,
        d.cut,
        sha256(value).digest(),
        value,
        record.header_text(OriginHeaders.TOPIC),
        _or(record.header_int(OriginHeaders.PARTITION), -1),
        _or(record.header_int(OriginHeaders.OFFSET), -1),
        clamp_ms(received_ms) if received_ms is not None else None,
        record.topic,
        record.partition,
        record.offset,
        record.appended_ms,
        _version(record),
    )


def _version(record: Record) -> int:
    """Of the rows of one decision the highest stands: the last one of its partition.

    What is remembered of a patient may have moved to another partition, where offsets are others:
    what is decided there is of a later generation.
    """
    generation = record.header_int(KindHeaders.GENERATION) or 0
    return min(max(generation, 0), _MOST_GENERATIONS) << _OFFSET_BITS | record.offset


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number
