"""Bytes from outside become a typed event, or a refusal with a reason. Never an exception.

Refused is only what makes an event meaningless: unparsable bytes, a broken envelope, wrong
types, missing identity, impossible times, impossible amounts. Everything else is a fact for
rules. Fields we do not know are accepted and named by path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec
import msgspec.inspect
import msgspec.structs

from contracts.acts import (
    FAMILIES,
    Administration,
    Charge,
    ChargeItem,
    Dispense,
    Observation,
    Order,
    Prescription,
    Result,
    Settlement,
    StockMovement,
)
from contracts.event import EVENT_TYPES, Envelope, Event
from contracts.values import Quantity


class Reason(StrEnum):
    """Why a record was refused. Public: dashboards and hospitals' own tools read these words."""

    EMPTY_VALUE = "empty_value"
    MISSING_KEY = "missing_key"
    KEY_MISMATCH = "key_mismatch"
    NOT_JSON = "not_json"
    ENVELOPE = "envelope"
    TYPE_UNSUPPORTED = "type_unsupported"
    FIELD_TYPE = "field_type"
    IDENTITY = "identity"
    TIME_NAIVE = "time_naive"
    TIME_IMPOSSIBLE = "time_impossible"
    AMOUNT_NOT_FINITE = "amount_not_finite"
    AMOUNT_NEGATIVE = "amount_negative"
    AMOUNT_RANGE = "amount_range"
    DUPLICATE_LINE = "duplicate_line"
    ID_REUSED = "id_reused"
    EVALUATION_FAILED = "evaluation_failed"
    TOO_LARGE = "too_large"
    SINK_REFUSED = "sink_refused"


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A refusal: why, at which field, and what was expected. `detail` quotes no value."""

    reason: Reason
    path: str
    detail: str


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An event, and the paths of the fields in it that the contract does not know."""

    event: Event
    unknown_fields: tuple[str, ...] = ()


EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2299, 12, 31, tzinfo=UTC)  # the last day ClickHouse's DateTime64 holds
DEFAULT_MAX_AHEAD_S: Final = 300.0
_SMALLEST: Final = Decimal("0.000001")  # as far as the store keeps money

SHAPES: Final[dict[str, Any]] = {
    family: Envelope.__class_getitem__(data)  # type: ignore[attr-defined]
    for family, data in FAMILIES.items()
}
"""Family to the envelope class with that family's data."""

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    family: msgspec.json.Decoder(shape) for family, shape in SHAPES.items()
}
_UNTYPED: Final = msgspec.json.Decoder()
_TYPE_HINT: Final = re.compile(rb'"type"\s*:\s*"([a-z_]+)\.[a-z_]+\.v[0-9]+"')
_PATH: Final = re.compile(r" - at `(.*)`$")
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}\Z")
_NUMBER: Final = re.compile(r"[0-9]{4}")
_IDENTITY: Final = frozenset({"$.id", "$.source", "$.subject", "$.data.act_id",
                              "$.data.revision", "$.data.institution"})  # fmt: skip
_MAX_UNKNOWN: Final = 64

# A time whose year lies outside what is possible, as it stands in JSON: "YYYY-MM-DDT. A hit is
# only a hint: it may stand in a text, so the event's own instants have the last word. The search
# begins at hyphens because an event has fewer of them than of quotes.
_ODD_YEAR: Final = re.compile(
    rb'-(?<="[0-9]{4}-)(?<!"19..-)(?<!"2[01]..-)(?<!"22[0-8].-)(?<!"229[0-8]-)'
    rb"[0-9]{2}-[0-9]{2}[Tt ]"
)

Fields = dict[str, Any]
"""Known field names of an object; each with those of the objects inside it, or None."""


def _fields(of: msgspec.inspect.Type) -> Fields | None:
    if isinstance(of, msgspec.inspect.StructType):
        return {field.encode_name: _fields(field.type) for field in of.fields}
    if isinstance(of, msgspec.inspect.UnionType):
        return next((f for f in map(_fields, of.types) if f is not None), None)
    if isinstance(of, msgspec.inspect.VarTupleType):
        return _fields(of.item_type)
    return None


_FIELDS: Final[dict[str, Fields]] = {
    family: _fields(msgspec.inspect.type_info(shape)) or {} for family, shape in SHAPES.items()
}


def decode(
    value: bytes | None,
    *,
    key: bytes | None = None,
    check_key: bool = False,
    received_ms: int | None = None,
    max_ahead_s: float = DEFAULT_MAX_AHEAD_S,
) -> Accepted | Rejected:
    """An accepted event or the reason why not.

    `key` is compared with the subject where `check_key` is set (records from Kafka).
    `received_ms` is the broker's append time, against which future times are judged; without
    it (files) the future is not judged.
    """
    if not value:
        return Rejected(Reason.EMPTY_VALUE, "$", "the record has no value; an event was expected")
    if check_key and not key:
        return Rejected(Reason.MISSING_KEY, "$", "the record has no key; expected the subject")
    hint = _TYPE_HINT.search(value)
    family = hint.group(1).decode() if hint else ""
    decoder = _DECODERS.get(family)
    event: Event
    try:
        if decoder is None:
            return _slow(value, key, check_key, received_ms, max_ahead_s)
        event = decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return _slow(value, key, check_key, received_ms, max_ahead_s)
    known = EVENT_TYPES.get(event.type)
    if known is None or known.family != family:  # the hint was a nested "type"
        return _slow(value, key, check_key, received_ms, max_ahead_s)
    refusal = _check(event, value, key if check_key else None, received_ms, max_ahead_s)
    return refusal if refusal is not None else Accepted(event)


def _slow(
    value: bytes,
    key: bytes | None,
    check_key: bool,
    received_ms: int | None,
    max_ahead_s: float,
) -> Accepted | Rejected:
    """The same answer for everything that the typed decoder stumbles over."""
    try:
        raw = _UNTYPED.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Rejected(Reason.NOT_JSON, "$", "not JSON in UTF-8; send one JSON object a record")
    if not isinstance(raw, dict):
        return Rejected(Reason.ENVELOPE, "$", "expected one CloudEvents object")
    event_type = raw.get("type")
    if not isinstance(event_type, str):
        return Rejected(Reason.ENVELOPE, "$.type", "expected text such as prescription.signed.v1")
    known = EVENT_TYPES.get(event_type)
    if known is None:
        return Rejected(
            Reason.TYPE_UNSUPPORTED,
            "$.type",
            "not a supported type and version; `yijian contracts types` lists them",
        )
    unknown: dict[str, None] = {}
    _prune(raw, _FIELDS[known.family], "$", unknown)
    try:
        event: Event = msgspec.convert(raw, SHAPES[known.family], strict=True, str_keys=True)
    except msgspec.ValidationError as e:
        return _refusal_of(str(e))
    except (RecursionError, ValueError, OverflowError):
        return Rejected(Reason.FIELD_TYPE, "$", "a value is outside what its type can hold")
    refusal = _check(event, value, key if check_key else None, received_ms, max_ahead_s)
    return refusal if refusal is not None else Accepted(event, tuple(unknown))


def _prune(node: Any, known: Fields, path: str, unknown: dict[str, None]) -> None:
    """Remove what the contract does not know, and note its path."""
    if isinstance(node, list):
        for child in node:
            _prune(child, known, f"{path}[...]", unknown)
        return
    if not isinstance(node, dict):
        return
    for name in list(node):
        if name not in known:
            del node[name]
            where = f"{path}.{_shown(name)}" if len(unknown) < _MAX_UNKNOWN else "$.(other)"
            unknown[where] = None
        elif (inner := known[name]) is not None:
            _prune(node[name], inner, f"{path}.{name}", unknown)


def _shown(name: str) -> str:
    """A field's name as it may be counted in public: one that could be data is not shown."""
    return name if _FIELD_NAME.match(name) and not _NUMBER.search(name) else "(unnamed)"


def _refusal_of(message: str) -> Rejected:
    at = _PATH.search(message)
    path = at.group(1) if at else "$"
    text = message[: at.start()] if at else message
    if text.startswith("Invalid enum value"):  # msgspec quotes the value: anybody's secret
        text = "not one of the allowed words"
    missing = re.match(r"Object missing required field `(.*)`", text)
    if missing:
        path = f"{path}.{missing.group(1)}"
    if path in _IDENTITY:
        return Rejected(Reason.IDENTITY, path, text)
    if "timezone" in text:
        return Rejected(Reason.TIME_NAIVE, path, "expected an RFC 3339 time with its UTC offset")
    if ">= 0" in text:
        return Rejected(Reason.AMOUNT_NEGATIVE, path, "expected an amount that is not negative")
    if path.count(".") <= 1 and not path.startswith("$.data"):
        return Rejected(Reason.ENVELOPE, path, text)
    return Rejected(Reason.FIELD_TYPE, path, text)


def _check(
    event: Event, value: bytes, key: bytes | None, received_ms: int | None, max_ahead_s: float
) -> Rejected | None:
    """What types alone cannot say: the key, possible times, possible amounts, line ids."""
    if key is not None and key != event.subject.encode("utf-8", "surrogatepass"):
        return Rejected(Reason.KEY_MISMATCH, "$.subject", "the record's key is not the subject")
    if _ODD_YEAR.search(value) is not None:
        path = _impossible(event, "$")
        if path is not None:
            return Rejected(Reason.TIME_IMPOSSIBLE, path, "before 1900 or after 2299")
    if (
        received_ms is not None
        and received_ms >= 0  # -1 is Kafka's word for none
        and event.time.timestamp() * 1000 > received_ms + max_ahead_s * 1000
    ):
        return Rejected(
            Reason.TIME_IMPOSSIBLE, "$.time", "ahead of the broker's clock by more than allowed"
        )
    data = event.data
    check = _CHECKS.get(type(data))
    return check(data) if check is not None else None


def _impossible(node: object, path: str) -> str | None:
    """The path of the first instant that cannot be meant; None where there is none."""
    if isinstance(node, datetime):
        return None if EARLIEST <= node <= LATEST else path
    if isinstance(node, tuple):
        found = (_impossible(child, f"{path}[...]") for child in node)
    elif isinstance(node, msgspec.Struct):
        names = node.__struct_fields__
        found = (_impossible(getattr(node, name), f"{path}.{name}") for name in names)
    else:
        return None
    return next((f for f in found if f is not None), None)


def _lines(items: Sequence[Any]) -> Rejected | None:
    if len(items) > 1 and len({i.line_id for i in items}) != len(items):
        return Rejected(
            Reason.DUPLICATE_LINE, "$.data.items[...].line_id", "two lines carry one line id"
        )
    return None


def _money(items: tuple[ChargeItem, ...]) -> Rejected | None:
    for item in items:
        price, fund = item.unit_price, item.fund_paid
        refusal = (
            _amount("items[...].amount", item.amount)
            or _amount("items[...].refunded", item.refunded)
            or (_amount("items[...].unit_price", price) if type(price) is Decimal else None)
            or (_amount("items[...].fund_paid", fund) if type(fund) is Decimal else None)
        )
        if refusal is not None:
            return refusal
        if item.refunded > item.amount:
            return Rejected(
                Reason.AMOUNT_NEGATIVE,
                "$.data.items[...].refunded",
                "more is refunded than was charged",
            )
    return None


def _amount(name: str, value: Decimal) -> Rejected | None:
    path = "$.data."
    if not value.is_finite():
        return Rejected(Reason.AMOUNT_NOT_FINITE, path + name, "expected a finite amount")
    if value < 0:
        return Rejected(Reason.AMOUNT_NEGATIVE, path + name, "expected an amount of 0 or more")
    if value.adjusted() > 14 or value != value.quantize(_SMALLEST):
        return Rejected(
            Reason.AMOUNT_RANGE, path + name, "expected less than 10^15 with at most 6 decimals"
        )
    return None


def _act(act: Prescription | Order | Administration | Dispense) -> Rejected | None:
    return _lines(act.items)


def _charge(act: Charge) -> Rejected | None:
    return _lines(act.items) or _money(act.items)


def _settlement(act: Settlement) -> Rejected | None:
    for name in ("total", "fund_paid"):
        value = getattr(act, name)
        refusal = _amount(name, value) if type(value) is Decimal else None
        if refusal is not None:
            return refusal
    return _lines(act.items) or _money(act.items)


def _stock(act: StockMovement) -> Rejected | None:
    """Only an adjustment takes away with a minus; a kind that is not known may be one."""
    if act.kind in ("in", "out", "count"):
        for item in act.items:
            if isinstance(item.quantity, Quantity) and item.quantity.value < 0:
                return Rejected(
                    Reason.AMOUNT_NEGATIVE,
                    "$.data.items[...].quantity",
                    "expected a quantity of 0 or more; only an adjustment is negative",
                )
    return _lines(act.items)


def _result(act: Result | Observation) -> Rejected | None:
    return _lines([item for item in act.items if isinstance(item.line_id, str)])


_CHECKS: Final[dict[type, Callable[[Any], Rejected | None]]] = {
    Prescription: _act,
    Order: _act,
    Charge: _charge,
    Result: _result,
    Observation: _result,
    Administration: _act,
    Dispense: _act,
    Settlement: _settlement,
    StockMovement: _stock,
}
