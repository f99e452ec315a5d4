"""The six operating indicators, computed again from NDJSON by other means.

Shares no code with the product: it reads plain JSON objects and does plain arithmetic. Lines may
be bare events or wrapped as they are once read back from Kafka.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

VISITS = "visits"
ADMISSIONS = "admissions"
DISCHARGES = "discharges"
INCOME = "medical_income"
DRUG_INCOME = "drug_income"
CONSUMABLE_INCOME = "consumable_income"

DEFAULT_ZONE = "Asia/Shanghai"


class Cell(NamedTuple):
    """One number's place: which indicator, where, and on which local day (YYYY-MM-DD)."""

    indicator: str
    institution: str
    department: str
    day: str


def recompute(
    lines: Iterable[str | bytes], zones: Mapping[str, str] | None = None
) -> dict[Cell, Decimal]:
    """Every cell that is not zero. `zones` names the time zone of institutions that differ."""
    latest: dict[tuple[str, str, str], tuple[int, str, dict[str, Any]]] = {}
    for line in lines:
        if not line.strip():
            continue
        event = json.loads(line, parse_float=Decimal)
        if "event" in event and "specversion" not in event:
            event = event["event"]
        family, verb, _version = event["type"].split(".")
        if family not in ("encounter", "billing"):
            continue
        act = event["data"]
        key = (event["source"], family, act["act_id"])
        if key not in latest or latest[key][0] <= act["revision"]:
            latest[key] = (act["revision"], verb, act)

    cells: dict[Cell, Decimal] = defaultdict(Decimal)
    for (_source, family, _act_id), (_revision, verb, act) in latest.items():
        if verb in ("draft", "cancelled", "entered_in_error"):
            continue
        institution = act["institution"]
        department = act.get("department") or ""
        zone = ZoneInfo((zones or {}).get(institution, DEFAULT_ZONE))

        def add(
            indicator: str,
            instant: str | None,
            amount: Decimal,
            place: tuple[str, str] = (institution, department),
            zone: ZoneInfo = zone,
        ) -> None:
            if instant:
                day = datetime.fromisoformat(instant).astimezone(zone).date().isoformat()
                cells[Cell(indicator, *place, day)] += amount

        if family == "encounter":
            one = Decimal(1)
            if act.get("kind") in ("outpatient", "emergency"):
                add(VISITS, act.get("started_at"), one)
            elif act.get("kind") == "inpatient":
                add(ADMISSIONS, act.get("started_at"), one)
                add(DISCHARGES, act.get("ended_at"), one)
        else:
            for item in act.get("items", []):
                net = Decimal(str(item["amount"])) - Decimal(str(item.get("refunded", "0")))
                add(INCOME, act.get("charged_at"), net)
                if item.get("category") == "drug":
                    add(DRUG_INCOME, act.get("charged_at"), net)
                elif item.get("category") == "consumable":
                    add(CONSUMABLE_INCOME, act.get("charged_at"), net)
    return {cell: amount for cell, amount in cells.items() if amount != 0}
