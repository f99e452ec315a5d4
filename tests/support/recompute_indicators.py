"""The six operating indicators, computed again from NDJSON by other means.

Shares no code with the product: it reads plain JSON objects and does plain arithmetic. Lines may
be bare events or wrapped as they are once read back from Kafka.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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


class Revision(NamedTuple):
    """One statement about an act; histories are sorted by these fields, in this order."""

    number: int
    said_at: datetime
    event_id: str
    verb: str
    act: dict[str, Any]


def recompute(
    lines: Iterable[str | bytes], zones: Mapping[str, str] | None = None
) -> dict[Cell, Decimal]:
    """Every cell that is not zero, from lines in the order in which they were appended.

    `zones` names the time zone of institutions that differ.
    """
    cells: dict[Cell, Decimal] = defaultdict(Decimal)
    for family, history in _histories(lines):
        last = history[-1]
        if last.verb in ("cancelled", "entered_in_error"):
            continue
        institution = last.act["institution"]
        department = last.act.get("department") or ""
        zone = ZoneInfo((zones or {}).get(institution, DEFAULT_ZONE))
        counted = _stay(history) if family == "encounter" else _income(history)
        for indicator, instant, amount in counted:
            day = instant.astimezone(zone).date().isoformat()
            cells[Cell(indicator, institution, department, day)] += amount
    return {cell: amount for cell, amount in cells.items() if amount != 0}


def _histories(lines: Iterable[str | bytes]) -> Iterator[tuple[str, list[Revision]]]:
    """The family and the sorted revisions of every encounter and charge; drafts are none."""
    seen: set[tuple[str, str]] = set()
    acts: dict[tuple[str, str, str], list[Revision]] = defaultdict(list)
    for line in lines:
        if not line.strip():
            continue
        event = json.loads(line, parse_float=Decimal)
        if "event" in event and "specversion" not in event:
            event = event["event"]
        if (event["source"], event["id"]) in seen:
            continue  # a repetition, or other content under a key that is taken
        seen.add((event["source"], event["id"]))
        family, verb, _version = event["type"].split(".")
        if family in ("encounter", "billing") and verb != "draft":
            act = event["data"]
            said_at = datetime.fromisoformat(event["time"])
            revision = Revision(act["revision"], said_at, event["id"], verb, act)
            acts[event["source"], family, act["act_id"]].append(revision)
    for (_source, family, _act_id), history in acts.items():
        yield family, sorted(history, key=lambda revision: revision[:3])


def _stay(history: list[Revision]) -> Iterator[tuple[str, datetime, Decimal]]:
    kind = _carried(history, "kind")
    started_at = _instant(history, "started_at") or _first_said(history)
    if kind in ("outpatient", "emergency"):
        yield VISITS, started_at, Decimal(1)
    elif kind == "inpatient":
        yield ADMISSIONS, started_at, Decimal(1)
        ended_at = _end(history)
        if ended_at is not None:
            yield DISCHARGES, ended_at, Decimal(1)


def _income(history: list[Revision]) -> Iterator[tuple[str, datetime, Decimal]]:
    charged_at = _instant(history, "charged_at") or _first_said(history)
    for item in history[-1].act.get("items", []):
        net = Decimal(str(item["amount"])) - Decimal(str(item.get("refunded", "0")))
        yield INCOME, charged_at, net
        if item.get("category") == "drug":
            yield DRUG_INCOME, charged_at, net
        elif item.get("category") == "consumable":
            yield CONSUMABLE_INCOME, charged_at, net


def _carried(history: list[Revision], field: str) -> Any:
    """What the latest revision that has the field says; None where it says so, or none has it."""
    return next((r.act[field] for r in reversed(history) if field in r.act), None)


def _instant(history: list[Revision], field: str) -> datetime | None:
    text = _carried(history, field)
    return datetime.fromisoformat(text) if text else None


def _first_said(history: list[Revision]) -> datetime:
    return min(revision.said_at for revision in history)


def _end(history: list[Revision]) -> datetime | None:
    """The reported end; else when the stay was last said to be over, unless that was taken back."""
    known = _instant(history, "ended_at")
    if known is not None:
        return known
    for revision in reversed(history):
        if "ended_at" in revision.act:  # here, an end stated absent
            return None
        if revision.verb in ("discharged", "ended"):
            return revision.said_at
    return None
