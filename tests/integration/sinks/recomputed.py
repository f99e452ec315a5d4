"""The six indicators once more, in plain Python from the events as they were sent.

Shares no code with the product: it is the second opinion that the SQL is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Key = tuple[str, str, str, date]
"""Indicator, institution, department, day."""


def recomputed(events: list[dict[str, Any]], zones: dict[str, str]) -> dict[Key, Decimal]:
    """Figures by key, from events in the order in which they were sent, repetitions and all."""
    acts: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        family, verb, _ = event["type"].split(".")
        if verb != "draft":
            data = event["data"]
            acts[data["institution"], family, data["act_id"]].append(event)
    figures: dict[Key, Decimal] = defaultdict(Decimal)
    for (institution, family, _), history in acts.items():
        last = max(history, key=lambda e: (e["data"]["revision"], _at(e["time"])))
        first = min(_at(e["time"]) for e in history)
        verb = last["type"].split(".")[1]
        if verb in ("cancelled", "entered_in_error"):
            continue
        zone = ZoneInfo(zones.get(institution, "Asia/Shanghai"))
        for name, instant, value in _parts(family, verb, last, first):
            department = last["data"].get("department") or ""
            figures[name, institution, department, instant.astimezone(zone).date()] += value
    return dict(figures)


def _parts(
    family: str, verb: str, last: dict[str, Any], first: datetime
) -> list[tuple[str, datetime, Decimal]]:
    data = last["data"]
    out: list[tuple[str, datetime, Decimal]] = []
    if family == "encounter":
        kind = data.get("kind")
        started = _at(data["started_at"]) if data.get("started_at") else first
        if kind in ("outpatient", "emergency"):
            out.append(("outpatient_emergency_visits", started, Decimal(1)))
        if kind == "inpatient":
            out.append(("admissions", started, Decimal(1)))
            if data.get("ended_at"):
                out.append(("discharges", _at(data["ended_at"]), Decimal(1)))
            elif verb in ("discharged", "ended"):
                out.append(("discharges", _at(last["time"]), Decimal(1)))
    if family == "billing":
        charged = _at(data["charged_at"]) if data.get("charged_at") else first
        for line in data["items"]:
            net = Decimal(line["amount"]) - Decimal(line.get("refunded", "0"))
            out.append(("medical_income", charged, net))
            if line.get("category") == "drug":
                out.append(("drug_income", charged, net))
            if line.get("category") == "consumable":
                out.append(("consumable_income", charged, net))
    return out


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
