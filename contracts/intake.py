"""Bytes from outside become a typed event, or a refusal with a reason. Never an exception.

Refused is only what makes an event meaningless: unparsable bytes, a broken envelope, wrong
types, missing identity, impossible times, impossible amounts. Everything else is a fact for
rules. Fields we do not know are accepted and named by path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec

from contracts.acts import FAMILIES, Act, Charge, ChargeItem, Encounter, Order, Prescription, Result
from contracts.event import EVENT_TYPES, Envelope, Event


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

SHAPES: Final[dict[str, Any]] = {
    family: Envelope.__class_getitem__(data)  # type: ignore[attr-defined]
    for family, data in FAMILIES.items()
}
"""Family to the envelope class with that family's data."""

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    family: msgspec.json.Decoder(shape) for family, shape in SHAPES.items()
}
_UNTYPED: Final = msgspec.json.Decoder()
_TYPE_HINT: Final = re.compile(rb'"type"\s*:\s*"([a-z]+)\.[a-z_]+\.v[0-9]+"')
_PATH: Final = re.compile(r" - at `(.*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `(.*)`)?$", re.S)
_INDEX: Final = re.compile(r"\[[0-9]+\]")
_IDENTITY: Final = frozenset({"$.id", "$.source", "$.subject", "$.data.act_id",
                              "$.data.revision", "$.data.institution"})  # fmt: skip
_MAX_UNKNOWN: Final = 64


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
    unknown: tuple[str, ...] = ()
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
    refusal = _check(event, key if check_key else None, received_ms, max_ahead_s)
    return refusal if refusal is not None else Accepted(event, unknown)


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
    shape = SHAPES[known.family]
    unknown: list[str] = []
    while True:
        try:
            event: Event = msgspec.convert(raw, shape, strict=True, str_keys=True)
            break
        except msgspec.ValidationError as e:
            found = _UNKNOWN.match(str(e))
            if found is None:
                return _refusal_of(str(e))
            name, where = found.group(1), _INDEX.sub("[...]", found.group(2) or "$")
            removed = _drop(raw, where, name)
            if not removed or len(unknown) >= _MAX_UNKNOWN:
                return Rejected(Reason.FIELD_TYPE, where, "too many fields that are not known")
            unknown.append(f"{where}.{name}")
        except (RecursionError, ValueError, OverflowError):
            return Rejected(Reason.FIELD_TYPE, "$", "a value is outside what its type can hold")
    refusal = _check(event, key if check_key else None, received_ms, max_ahead_s)
    return refusal if refusal is not None else Accepted(event, tuple(dict.fromkeys(unknown)))


def _drop(raw: dict[str, Any], where: str, name: str) -> bool:
    """Remove the unknown field wherever the path (`$.data.items[...]`) leads; True if it did."""
    found = False
    for node in _nodes(raw, where):
        if isinstance(node, dict) and name in node:
            del node[name]
            found = True
    return found


def _nodes(raw: Any, where: str) -> Iterator[Any]:
    nodes: list[Any] = [raw]
    for step in re.findall(r"\.([^.\[]+)|(\[\.\.\.\])", where):
        if step[1]:
            nodes = [child for n in nodes if isinstance(n, list) for child in n]
        else:
            nodes = [n[step[0]] for n in nodes if isinstance(n, dict) and step[0] in n]
    yield from nodes


def _refusal_of(message: str) -> Rejected:
    at = _PATH.search(message)
    path = at.group(1) if at else "$"
    text = message[: at.start()] if at else message
    if text.startswith(
        "Invalid enum value"
    ):  # msgspec quotes the value: it may be anybody's secret
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
    event: Event, key: bytes | None, received_ms: int | None, max_ahead_s: float
) -> Rejected | None:
    """What types alone cannot say: the key, possible times, possible amounts, line ids."""
    if key is not None and key != event.subject.encode("utf-8", "surrogatepass"):
        return Rejected(Reason.KEY_MISMATCH, "$.subject", "the record's key is not the subject")
    time = event.time
    if _is_impossible(time):
        return Rejected(Reason.TIME_IMPOSSIBLE, "$.time", "before 1900 or after 2299")
    if received_ms is not None and time.timestamp() * 1000 > received_ms + max_ahead_s * 1000:
        return Rejected(
            Reason.TIME_IMPOSSIBLE, "$.time", "ahead of the broker's clock by more than allowed"
        )
    data = event.data
    check = _CHECKS.get(type(data))
    return check(data) if check is not None else None


def _lines(items: tuple[Any, ...]) -> Rejected | None:
    if len(items) > 1 and len({i.line_id for i in items}) != len(items):
        return Rejected(
            Reason.DUPLICATE_LINE, "$.data.items[...].line_id", "two lines carry one line id"
        )
    return None


def _is_impossible(at: object) -> bool:
    # The year alone decides but for the outermost ones: comparing instants costs far more.
    return type(at) is datetime and not 1900 < at.year < 2299 and not EARLIEST <= at <= LATEST


def _impossible(name: str) -> Rejected:
    return Rejected(Reason.TIME_IMPOSSIBLE, f"$.data.{name}", "before 1900 or after 2299")


def _instants(act: Act, *names: str) -> Rejected | None:
    for name in names:
        if _is_impossible(getattr(act, name)):
            return _impossible(name)
    return None


def _money(items: tuple[ChargeItem, ...]) -> Rejected | None:
    for item in items:
        price = item.unit_price
        refusal = (
            _amount("amount", item.amount)
            or _amount("refunded", item.refunded)
            or (_amount("unit_price", price) if type(price) is Decimal else None)
        )
        if refusal is not None:
            return refusal
    return None


def _amount(name: str, value: Decimal) -> Rejected | None:
    path = "$.data.items[...]."
    if not value.is_finite():
        return Rejected(Reason.AMOUNT_NOT_FINITE, path + name, "expected a finite amount")
    if value < 0:
        return Rejected(Reason.AMOUNT_NEGATIVE, path + name, "expected an amount of 0 or more")
    return None


def _prescription(act: Prescription) -> Rejected | None:
    return _lines(act.items) or _instants(act, "service_time", "signed_at", "dispensed_at")


def _order(act: Order) -> Rejected | None:
    return _lines(act.items) or _instants(act, "service_time", "starts_at", "ends_at")


def _charge(act: Charge) -> Rejected | None:
    return _lines(act.items) or _money(act.items) or _instants(act, "service_time", "charged_at")


def _encounter(act: Encounter) -> Rejected | None:
    return _instants(act, "service_time", "started_at", "ended_at")


def _result(act: Result) -> Rejected | None:
    return _instants(act, "service_time", "ordered_at", "collected_at", "reported_at")


_CHECKS: Final[dict[type, Callable[[Any], Rejected | None]]] = {
    Prescription: _prescription,
    Order: _order,
    Charge: _charge,
    Encounter: _encounter,
    Result: _result,
}
