"""Encounters and charges with everything that makes indicators go wrong, from a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

from integration.sinks.world import event

ZONES = {
    "hospital-1": "Asia/Shanghai",
    "hospital-2": "America/New_York",
    "hospital-3": "Asia/Urumqi",
}
INSTITUTIONS = [*ZONES, "hospital-unregistered"]
_OFFSETS = [timezone(timedelta(hours=h)) for h in (8, 0, -5, 6)]
_EDGES = ["23:59:59.999", "00:00:00.000", "23:59:00.000", "00:00:00.001", "12:30:00.000"]


def hospital_days(seed: int, acts: int) -> list[dict[str, Any]]:
    """Events in sending order: late and early revisions, refunds, cancellations, repetitions,
    corrected institutions, facts that are not reported again or taken back, and act ids that two
    systems share. No key is used twice: which content is first depends on the broker's clock."""
    rng = random.Random(seed)
    out: list[dict[str, Any]] = []
    for n in range(acts):
        out += _stay(rng, n) if n % 2 else _charge(rng, n)
    out += rng.sample(out, len(out) // 5)
    head, tail = out[: len(out) // 2], out[len(out) // 2 :]
    rng.shuffle(tail)
    return head + tail


def _moment(rng: random.Random) -> datetime:
    day = rng.choice(["2026-02-28", "2026-03-01", "2026-03-08", "2026-03-31", "2026-04-01"])
    return datetime.fromisoformat(f"{day}T{rng.choice(_EDGES)}").replace(
        tzinfo=rng.choice(_OFFSETS)
    )


def _event(
    rng: random.Random, n: int, revision: int, kind: str, at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    if revision > 1:
        data = _said_again(rng, data)
    return event(
        f"{n}-{revision}", kind=kind, time_=at.isoformat(), subject=f"urn:test:patients|{n % 50}",
        act_id=f"act-{n // 4}", revision=revision, source=f"urn:test:system-{n % 4}", **data,
    )  # fmt: skip


def _said_again(rng: random.Random, data: dict[str, Any]) -> dict[str, Any]:
    """What a later revision says of the same act: all of it, or less, or something else."""
    out = dict(data)
    for field in ("kind_", "started_at", "ended_at", "charged_at"):
        if rng.random() < 0.2:
            out.pop(field, None)
        elif rng.random() < 0.1:
            out[field] = None
    if rng.random() < 0.1:
        out["institution"] = rng.choice(INSTITUTIONS)
    return out


def _stay(rng: random.Random, n: int) -> list[dict[str, Any]]:
    started = _moment(rng)
    data: dict[str, Any] = {"institution": rng.choice(INSTITUTIONS)}
    kind = rng.choice(["outpatient", "emergency", "inpatient", "inpatient", "internet", None])
    data |= {"kind_": kind} if kind else {}
    data |= {"department": rng.choice(["内科", "surgery", ""])}
    data |= {"started_at": started.isoformat()} if rng.random() < 0.8 else {}
    verb = "admitted" if kind == "inpatient" else "started"
    out = [_event(rng, n, 1, f"encounter.{verb}.v1", started, data)]
    if rng.random() < 0.5:
        ended = started + timedelta(hours=rng.randrange(1, 300))
        end = {"ended_at": ended.isoformat()} if rng.random() < 0.7 else {}
        out.append(_event(rng, n, 2, "encounter.discharged.v1", ended, data | end))
        if rng.random() < 0.3:  # the discharge is taken back, or moved to another department
            verb = rng.choice(["updated", "updated", "cancelled", "entered_in_error"])
            moved = data | {"department": "ICU"}
            out.append(_event(rng, n, 3, f"encounter.{verb}.v1", ended + timedelta(hours=3), moved))
    return out


def _charge(rng: random.Random, n: int) -> list[dict[str, Any]]:
    charged = _moment(rng)
    lines = [_line(rng, i) for i in range(rng.randrange(0, 4))]
    data: dict[str, Any] = {"institution": rng.choice(INSTITUTIONS), "items": lines}
    data |= {"department": rng.choice(["内科", "surgery"])} if rng.random() < 0.9 else {}
    data |= {"charged_at": charged.isoformat()} if rng.random() < 0.8 else {}
    out = []
    if rng.random() < 0.2:
        out.append(_event(rng, n, 1, "billing.draft.v1", charged - timedelta(days=2), data))
    out.append(_event(rng, n, 2, "billing.charged.v1", charged, data))
    at = charged
    for revision in range(3, 3 + rng.randrange(0, 3)):
        at += timedelta(hours=rng.randrange(1, 60))
        verb = rng.choice(["refunded", "refunded", "refunded", "amended", "cancelled"])
        lines = [_refund(rng, line) for line in lines]
        out.append(_event(rng, n, revision, f"billing.{verb}.v1", at, data | {"items": lines}))
    return out


def _line(rng: random.Random, i: int) -> dict[str, Any]:
    category = rng.choice(["drug", "consumable", "service", "other-word", None])
    return {
        "line_id": str(i),
        "item": {"system": "urn:test:item", "code": f"c{i}"},
        "amount": rng.choice(["0.01", "19.99", "1234567.89", "0.1", "100", "3.3333"]),
    } | ({"category": category} if category else {})


def _refund(rng: random.Random, line: dict[str, Any]) -> dict[str, Any]:
    return line | {"refunded": rng.choice(["0.00", "0.01", line["amount"]])}
