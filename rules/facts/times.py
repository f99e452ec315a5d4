"""When acts and visits happened: times, how long they took, and the intervals that they fill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import OrderItem
from rules.facts.base import OF_PATIENTS, UNRECOGNISED, Context, Element, Fact, Type, Value
from rules.facts.event import ALL, WITH_ITEMS, of_encounter
from rules.facts.interval import Interval
from rules.facts.read import absent, as_of, local_day, reported, start_of

RX, ORD, RES, BIL = ("prescription",), ("order",), ("result",), ("billing",)
_IN_STAYS: Final = tuple(family for family in WITH_ITEMS if family in OF_PATIENTS)
Reader = Callable[..., Value]


def _field(name: str) -> Reader:
    return lambda c: reported(getattr(c.data, name))


def _of_visit(name: str) -> Reader:
    return lambda c: reported(of_encounter(c, name))


def _event_time(c: Context) -> Value:
    return c.event.time


def _of_item(c: Context, x: Element) -> Value:
    return as_of(c, x)


def _service_time(c: Context) -> Value:
    return as_of(c, None)


def lasted(start: Reader, end: Reader) -> Reader:
    """The time between two readers' times; negative where the second one is earlier."""

    def extract(c: Context, *x: Element) -> Value:
        first, last = start(c), end(c, *x)
        for at in (first, last):
            if type(at) is dict:
                return at
        return last - first

    return extract


def end_of(value: Any) -> Value:
    """An end as an interval holds it: open where the source says that there is none."""
    if type(value) is datetime:
        return value
    return None if value is None else absent(value)


def start_at(value: Any) -> Value:
    """A start as an interval holds it: everything that happens began some time."""
    return value if type(value) is datetime else absent(value)


def interval(start: Value, end: Value) -> Value:
    """The interval; unknown where neither end is known, or where it ends before it begins."""
    if type(start) is dict and (type(end) is dict or end is None):
        return start
    found = Interval(start=start, end=end)
    return UNRECOGNISED if found.is_reversed else found


def _visit(c: Context) -> Value:
    started, ended = of_encounter(c, "started_at"), of_encounter(c, "ended_at")
    return interval(start_at(started), end_of(ended))


def _order(c: Context) -> Value:
    return interval(start_at(c.data.starts_at), end_of(c.data.ends_at))


def _supply(c: Context, x: Element) -> Value:
    """The calendar days for which the drug lasts, from the day on which it is handed out.

    A part of a day is a day; what begins on the 2nd and lasts 7 days ends before the 9th.
    """
    at = getattr(x.of, "service_time", UNSET)
    if type(at) is not datetime:
        at = c.data.dispensed_at
    first = local_day(at if type(at) is datetime else as_of(c, x), c.zone)
    days = x.of.days_supply
    if days is None or days is UNSET:
        return interval(start_of(first, c.zone), absent(days))
    try:
        end = start_of(first + timedelta(ceil(days)), c.zone)
    except OverflowError:
        return UNRECOGNISED
    return interval(start_of(first, c.zone), end)


def _ordered(c: Context, x: Element) -> Value:
    """The order's interval; one item may have a time of its own."""
    of_item = x.of.service_time if type(x.of) is OrderItem else UNSET
    start = of_item if type(of_item) is datetime else c.data.starts_at
    return interval(start_at(start), end_of(c.data.ends_at))


def _stay_days(c: Context) -> Value:
    ends = (of_encounter(c, "started_at"), of_encounter(c, "ended_at"))
    for at in ends:
        if type(at) is not datetime:
            return absent(at)
    days = (local_day(ends[1], c.zone) - local_day(ends[0], c.zone)).days
    return days if days >= 0 else UNRECOGNISED


def _item_day(c: Context, x: Element) -> Value:
    """Calendar days from the start of the visit to the item's service."""
    started = of_encounter(c, "started_at")
    if type(started) is not datetime:
        return absent(started)
    return (local_day(as_of(c, x), c.zone) - local_day(started, c.zone)).days


def _time(
    name: str, families: tuple[str, ...], zh: str, en: str, read: Reader, **more: Any
) -> Fact:  # fmt: skip
    return Fact(name, Type.TIME, zh, en, dict.fromkeys(families, read), **more)


def _lasted(name: str, families: tuple[str, ...], zh: str, en: str,
            start: tuple[str, Reader], end: tuple[str, Reader], **more: Any) -> Fact:  # fmt: skip
    read = dict.fromkeys(families, lasted(start[1], end[1]))
    return Fact(name, Type.DURATION, zh, en, read, ends=(start[0], end[0]), **more)


_SERVED: Final = ("event.service_time", _service_time)
_AT: Final = ("event.time", _event_time)
_STARTED: Final = ("encounter.started_at", _of_visit("started_at"))
_ENDED: Final = ("encounter.ended_at", _of_visit("ended_at"))
_SIGNED: Final = ("event.signed_at", _field("signed_at"))
_COLLECTED: Final = ("event.collected_at", _field("collected_at"))
_REPORTED: Final = ("event.reported_at", _field("reported_at"))
_ORDERED: Final = ("event.ordered_at", _field("ordered_at"))
_STARTS: Final = ("event.starts_at", _field("starts_at"))
_ENDS: Final = ("event.ends_at", _field("ends_at"))
_CHARGED: Final = ("event.charged_at", _field("charged_at"))
_ITEM: Final = ("item.service_time", _of_item)

FACTS: Final = (
    _time(_SERVED[0], ALL, "服务时间", "When the service is or was rendered; else the event's time",
          _SERVED[1], always_known=True),
    _time(_SIGNED[0], RX, "签名时间", "When the prescription was signed", _SIGNED[1]),
    _time("event.dispensed_at", RX, "发药时间", "When it was dispensed", _field("dispensed_at")),
    _time(_STARTS[0], ORD, "医嘱开始时间", "From when the order holds", _STARTS[1]),
    _time(_ENDS[0], ORD, "医嘱停止时间", "Until when the order holds", _ENDS[1]),
    _time(_ORDERED[0], RES, "申请时间", "When the examination was ordered", _ORDERED[1]),
    _time(_COLLECTED[0], RES, "采样时间", "When the specimen was taken", _COLLECTED[1]),
    _time(_REPORTED[0], RES, "报告时间", "When the result was reported", _REPORTED[1]),
    _time(_CHARGED[0], BIL, "计费时间", "When it was charged", _CHARGED[1]),
    _lasted("event.delay", ALL, "服务至事件的时间", "From the service to the event about it",
            _SERVED, _AT, always_known=True),
    _lasted("event.since_signed", RX, "开具后时间", "From the signature to the event",
            _SIGNED, _AT),
    _lasted("event.order_duration", ORD, "医嘱持续时间", "How long the order holds",
            _STARTS, _ENDS),
    _lasted("event.order_to_report", RES, "申请至报告时间", "From the order to the report",
            _ORDERED, _REPORTED),
    _lasted("event.collection_to_report", RES, "采样至报告时间", "From the specimen to the report",
            _COLLECTED, _REPORTED),
    _lasted("event.charge_delay", BIL, "服务至计费时间", "From the service to the charge",
            _SERVED, _CHARGED),
    _lasted("encounter.duration", OF_PATIENTS, "就诊或住院时长",
            "From the start of the visit to its end", _STARTED, _ENDED),
    _lasted("encounter.elapsed", OF_PATIENTS, "就诊或入院后时间",
            "From the start of the visit to the event", _STARTED, _AT),
    Fact("encounter.days", Type.NUMBER, "住院天数", "Calendar days from its start to its end",
         dict.fromkeys(OF_PATIENTS, _stay_days), unit="d", counts=True),
    Fact("encounter.period", Type.INTERVAL, "就诊或住院期间",
         "From the start of the visit to its end; open while it goes on",
         dict.fromkeys(OF_PATIENTS, _visit)),
    Fact("event.period", Type.INTERVAL, "医嘱有效期间", "From when until when the order holds",
         dict.fromkeys(ORD, _order)),
    Fact("item.period", Type.INTERVAL, "用药或执行期间",
         "The days for which the drug lasts; of an order, the time for which it holds",
         {**dict.fromkeys((*RX, "dispense"), _supply), **dict.fromkeys(ORD, _ordered)}, of="items"),
    Fact("item.delay", Type.DURATION, "服务至事件的时间", "From the item's service to the event",
         dict.fromkeys(WITH_ITEMS, lambda c, x: c.event.time - as_of(c, x)), of="items",
         ends=("item.service_time", "event.time"), always_known=True),
    Fact("item.since_admission", Type.DURATION, "入院至服务的时间",
         "From the start of the visit to the item's service",
         dict.fromkeys(_IN_STAYS, lasted(_STARTED[1], _ITEM[1])), of="items",
         ends=("encounter.started_at", "item.service_time")),
    Fact("item.visit_day", Type.NUMBER, "就诊或住院第几天(从零起)",
         "Calendar days from the start of the visit to the item's service",
         dict.fromkeys(_IN_STAYS, _item_day), of="items", unit="d", counts=True),
)  # fmt: skip
