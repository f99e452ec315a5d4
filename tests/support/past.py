"""Rules that look back or wait, and the events of invented patients, for tests of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.event import Event, encode_event
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule
from yijian import settings
from yijian.composition import Core

BASE = knowledge()
SITE = replace(settings.load({}), profile="demo")
START = datetime(2026, 3, 2, 0, tzinfo=UTC)
FINDING = {
    "result": "violation",
    "severity": "warning",
    "action": "require_reason",
    "audience": ["prescriber"],
    "message": {"zh": "{history} 次", "en": "{history} times"},
}


def again(**history: Any) -> Rule:
    """The same drug was prescribed within 72 hours."""
    asked: dict[str, Any] = {
        "of": "prescription.signed",
        "where": {"item.drug": {"is": {"fact": "this.item.drug"}}},
        "within": {"parameter": "stay.hours"},
        "including": "others",
        "count": {"at_least": 1},
        **history,
    }
    return make_rule(
        BASE, id="spec.again", each="items", on=["prescription.signed"],
        when={"history": asked}, finding=FINDING,
    )  # fmt: skip


def two_places(**parts: Any) -> Rule:
    """A practitioner signed in two institutions within 72 hours."""
    history = {
        "of": "prescription.signed", "within": {"parameter": "stay.hours"}, "including": "this",
        "distinct": {"of": "event.institution", "at_least": {"parameter": "count.limit"}},
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.two_places", on=["prescription.signed"], group_by=["practitioner.id"],
        when={"history": history}, finding={**FINDING, **parts},
    )  # fmt: skip


def note(**parts: Any) -> Rule:
    """After an admission a first progress note is expected within 72 hours."""
    return make_rule(
        BASE, id="spec.note", on=["encounter.admitted"], when=None,
        expect={
            "event": "document.signed",
            "where": {"document.kind": {"is": "first_progress_note"}},
            "match": ["encounter.id"],
            "within": {"parameter": "stay.hours"},
            "until": ["encounter.discharged"],
        },
        finding={
            **FINDING,
            "message": {"zh": "至 {deadline.due_at} 未见", "en": "not seen by {deadline.due_at}"},
            **parts,
        },
    )  # fmt: skip


def dispensed(**parts: Any) -> Rule:
    """What is prescribed is dispensed in the same visit within 72 hours."""
    expect = {
        "event": "prescription.dispensed", "match": ["encounter.id"],
        "within": {"parameter": "stay.hours"}, **parts,
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.dispensed", on=["prescription.signed"], when=None, expect=expect,
        finding={**FINDING, "message": {"zh": "未发药", "en": "not dispensed"}},
    )  # fmt: skip


def note_of_ward(**parts: Any) -> Rule:
    """After an admission somebody of the institution writes a first progress note."""
    expect = {
        "event": "document.signed", "where": {"document.kind": {"is": "first_progress_note"}},
        "match": ["event.institution"], "within": {"parameter": "stay.hours"},
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.note_of_ward", on=["encounter.admitted"], when=None, expect=expect,
        group_by=["event.institution"],
        finding={**FINDING, "message": {"zh": "未见", "en": "not seen"}, **parts},
    )  # fmt: skip


def core_of(*rules: Rule, waits_for_late: bool = False) -> Core:
    """What evaluates, of these rules alone."""
    pack = Pack.of(rules)
    evaluator = Evaluator(pack, BASE, "demo", waits_for_late=waits_for_late)
    return Core(BASE, pack, evaluator)


def event(event_id: str, at_h: float, who: str = "p1", **short: Any) -> Event:
    """An event so many hours after START; a prescription of D1 unless `event` says otherwise."""
    base: dict[str, Any] = {
        "event": "prescription.signed",
        "at": (START + timedelta(hours=at_h)).isoformat(),
        "act_id": f"act-{event_id}",
        "items": [{"drug": "D1"}],
    }
    if not str(short.get("event", "prescription")).startswith("prescription"):
        base.pop("items")
    made = event_of({**base, **short}, BASE)
    return msgspec.structs.replace(made, id=event_id, subject=f"test|{who}")


def admission(event_id: str, at_h: float, visit: str = "v1", who: str = "p1") -> Event:
    encounter = {"id": visit, "kind": "inpatient"}
    return event(event_id, at_h, who, event="encounter.admitted", act_id=visit, encounter=encounter)


def progress_note(event_id: str, at_h: float, visit: str = "v1", who: str = "p1") -> Event:
    return event(
        event_id, at_h, who, event="document.signed", kind="first_progress_note",
        encounter={"id": visit}, signed_at_trusted=True,
    )  # fmt: skip


def tie(verb: str, event_id: str, at_h: float, who: str, other: str) -> Event:
    """Two subjects are one person (`linked`, `merged`), or are not (`unlinked`)."""
    made = event(event_id, at_h, who, event=f"patient.{verb}")
    data = msgspec.structs.replace(made.data, other_subject=f"test|{other}")
    return msgspec.structs.replace(made, data=data)


def lines_of(events: Sequence[Event]) -> list[bytes]:
    """NDJSON."""
    return [encode_event(one) for one in events]
