"""Stand-ins for the rules, and events for them, so that the worker is tested by itself."""

from __future__ import annotations

import json
from typing import Any

from contracts.acts import phase_of
from contracts.decision import (
    Basis,
    Citation,
    Coverage,
    Decision,
    EventRef,
    Finding,
    Missing,
    NotEvaluable,
    Threshold,
    Words,
)
from contracts.event import EVENT_TYPES, Event
from contracts.identity import alert_id, decision_id

BASIS = Basis(pack="p" * 16, knowledge="k" * 16, engine="fake", profile="site")


class FakeEvaluator:
    """One finding for each item of an even line number; the same event, the same decision."""

    def decide(self, event: Event, digest: str = "") -> Decision:
        items = getattr(event.data, "items", ())
        verb = EVENT_TYPES[event.type].verb
        findings = tuple(
            [_finding(event, item.line_id) for item in items if int(item.line_id) % 2 == 0]
        )
        return Decision(
            decision_id=decision_id(event.key),
            event=EventRef(
                source=event.source,
                id=event.id,
                type=event.type,
                time=event.time.isoformat(),
                act_id=event.data.act_id,
                revision=event.data.revision,
                institution=event.data.institution,
                digest=digest,
            ),
            scope="patient",
            cause="event",
            subject=event.subject,
            phase=phase_of(verb),
            as_of=event.time.date().isoformat(),
            verdict="findings" if findings else "clean",
            coverage=Coverage(applicable=len(items) * 4, alerts=len(findings), silent=len(items)),
            findings=findings,
            not_evaluable=(
                NotEvaluable(
                    rule_id="dose.max",
                    rule_version=1,
                    element="1",
                    missing=(Missing(fact="patient.weight", why="not_reported"),),
                ),
            ),
            facts={"patient.age": 45, "patient.sex": "female"},
            elements={
                item.line_id: {"item.days_supply": 7.0, "item.drug.kind": "western"}
                for item in items
            },
            rules={"rx.days": 1, "rx.item_count": 1, "dose.max": 1, "allergy.cross": 2},
            basis=BASIS,
        )


def _finding(event: Event, line_id: str) -> Finding:
    return Finding(
        alert_id=alert_id(event.key, "event", "rx.days", 1, line_id),
        rule_id="rx.days",
        rule_version=1,
        rule_status="shadow",
        element=line_id,
        result="violation",
        severity="warning",
        action="require_reason",
        audience=("prescriber",),
        key="rx.days",
        title=Words(zh="处方天数超过规定", en="Days of supply above the limit"),
        message=Words(
            zh="第 2 项开具 14 天, 一般处方不超过 7 天", en="Item 2: 14 days, limit is 7"
        ),
        facts={"item.days_supply": {"value": 14.0, "unit": "d"}, "encounter.kind": "outpatient"},
        thresholds=(
            Threshold(
                parameter="rx.max_days", value=7, unit="d", source="moh-2007-53", locator="art. 19"
            ),
        ),
        evidence=(Citation(source="moh-2007-53", locator="art. 19"),),
    )


def prescription(number: int, patient: int, items: int = 2, **changes: Any) -> bytes:
    """A signed prescription as JSON, about 1 KB with two items."""
    lines = [
        {
            "line_id": str(n + 1),
            "drug": {
                "system": "urn:yijian:demo:drug",
                "code": f"D{(number + n) % 500:04d}",
                "display": "阿莫西林胶囊",
            },
            "dose": {"value": 0.5, "unit": "g"},
            "doses_per_day": 3,
            "days_supply": 7,
            "quantity": {"value": 42, "unit": "{capsule}"},
            "route": {"system": "urn:yijian:demo:route", "code": "PO"},
        }
        for n in range(items)
    ]
    event = {
        "specversion": "1.0",
        "id": f"e{number:09d}",
        "source": "urn:yijian:demo:h1:his",
        "type": "prescription.signed.v1",
        "time": "2026-11-20T08:30:00+08:00",
        "subject": subject(patient),
        "data": {
            "act_id": f"rx{number}",
            "revision": 1,
            "institution": "h1",
            "department": "internal",
            "practitioner": {"id": "d7"},
            "encounter": {"id": f"n{patient}", "kind": "outpatient"},
            "patient": {"birth_date": "1980-02-03", "sex": "female"},
            "diagnoses": [{"code": {"system": "icd10", "code": "J18.9", "display": "肺炎"}}],
            "items": lines,
        },
    }
    event.update(changes)
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def subject(patient: int) -> str:
    return f"urn:yijian:demo:h1|P{patient:06d}"
