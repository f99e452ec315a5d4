"""Charges: trace codes, device identifiers, hours of a day, dates of a stay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from knowledge_base import ServiceItem
from simulation.chart import Chart
from simulation.faults.case import Case, Draft
from simulation.faults.parts import charge, charges, limit, medicine, plain, prescription, tcm
from simulation.lines import charged

DISPENSED: Final = "billing.dispensed_without_trace_code"
EXCLUSIVE: Final = "billing.exclusive_charges"
HOURS: Final = "billing.hours_over_day"
STAY: Final = "billing.outside_stay"
TRACE: Final = "billing.trace_code_missing"
UDI: Final = "billing.udi_missing"


def _hourly(item: ServiceItem) -> bool:
    return item.unit == "h"


def _traced(item: ServiceItem) -> bool:
    return item.requires_trace_code is True


def _untraced_drug(item: ServiceItem) -> bool:
    return item.category == "drug" and item.requires_trace_code is False


def _device(item: ServiceItem) -> bool:
    return item.requires_udi is True


def _simple_consumable(item: ServiceItem) -> bool:
    return item.category == "consumable" and item.requires_udi is False


def _of_stay(days_after_start: int, ended: bool = False) -> Any:
    """A charge of a service so many days after admission; `ended`: discharged a day after it."""

    def write(chart: Chart) -> Draft:
        item = charged("1", chart.fees[0], chart.rng)
        started = chart.started_at - timedelta(days=2)
        served = started + timedelta(days=days_after_start)
        ended_at: datetime | None = started + timedelta(days=1) if ended else None
        visit = replace(chart.ref, started_at=started, ended_at=ended_at)
        line = replace(item, service_time=served)
        return Draft((line,), {"encounter": visit})

    return write


def _unstated_quantity(chart: Chart) -> Draft:
    (line,) = charge("one charged by the hour", _hourly)(chart).items
    return Draft((replace(line, quantity=UNSET),))


_HOURS = limit("charge.hours_per_day")
_HERBAL = medicine("herbal pieces", lambda drug: drug.kind == "herbal")

CASES: Final = (
    Case(DISPENSED, "no code collected", "alert", prescription(plain, trace_codes=())),
    Case(DISPENSED, "with a code", "silent", prescription(plain)),
    Case(DISPENSED, "herbal pieces", "silent", prescription(_HERBAL, trace_codes=()), doctor=tcm),
    Case(EXCLUSIVE, "two levels of nursing care", "alert", charges("S007", "S008"), "billing",
         "inpatient", pair="1~2:demo_nursing_levels"),
    Case(EXCLUSIVE, "the same level twice", "silent", charges("S008", "S008"), "billing",
         "inpatient", pair="1~2:demo_nursing_levels"),
    Case(HOURS, "an hour too many", "alert",
         charge("one charged by the hour", _hourly, limit("charge.hours_per_day", more=1)),
         "billing", "inpatient"),
    Case(HOURS, "exactly a day", "silent", charge("one charged by the hour", _hourly, _HOURS),
         "billing", "inpatient"),
    Case(HOURS, "quantity not reported", "undetermined",
         _unstated_quantity, "billing", "inpatient"),
    Case(STAY, "the day before admission", "alert", _of_stay(-1), "billing", "inpatient"),
    Case(STAY, "the day of admission", "silent", _of_stay(0), "billing", "inpatient"),
    Case(STAY, "the day after discharge", "alert", _of_stay(2, True), "billing", "inpatient"),
    Case(STAY, "the day of discharge", "silent", _of_stay(1, True), "billing", "inpatient"),
    Case(STAY, "an outpatient visit", "silent", _of_stay(-1), "billing"),
    Case(TRACE, "no code", "alert", charge("a traced drug", _traced, trace_codes=()), "billing"),
    Case(TRACE, "with a code", "silent", charge("a traced drug", _traced), "billing"),
    Case(TRACE, "herbal pieces", "silent",
         charge("a drug without trace codes", _untraced_drug, 30.0), "billing"),
    Case(TRACE, "codes not reported", "not_evaluable",
         charge("a traced drug", _traced, trace_codes=UNSET), "billing"),
    Case(UDI, "no identifier", "alert", charge("a device", _device, udi=None), "billing",
         "inpatient"),
    Case(UDI, "with an identifier", "silent", charge("a device", _device), "billing", "inpatient"),
    Case(UDI, "a consumable that needs none", "silent",
         charge("a simple consumable", _simple_consumable, udi=None), "billing", "inpatient"),
)  # fmt: skip
