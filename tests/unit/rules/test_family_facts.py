"""What rules can ask of the acts beside prescriptions, orders, results and bills."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

import knowledge_base
from contracts.acts import FAMILIES, VERBS
from contracts.decision import Decision
from contracts.values import Amount, Quantity
from rules import Evaluator
from rules.authoring.shorthand import ShorthandError, event_of
from rules.facts import CATALOGUE, RECORDS
from rules.facts.base import Context
from rules.facts.interval import Interval
from rules.facts.times import local_day
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
DEMO = knowledge_base.load(knowledge_base.default_paths())
ZONE = timezone(timedelta(hours=8))
AT = "2026-03-02T10:00+08:00"
NINE, TEN = "2026-03-02T09:00+08:00", AT
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def context(name: str, **short: Any) -> Context:
    event = event_of({"event": name, "at": AT, **short}, DEMO)
    return Context(event, local_day(event.time, ZONE), ZONE, DEMO)


def read(name: str, fact: str, **short: Any) -> Any:
    """The fact of such an event; of an element, that of the first one."""
    c = context(name, **short)
    found = CATALOGUE[fact]
    extract = found.extractors[name.partition(".")[0]]
    if not found.of:
        return extract(c)
    elements, _ = RECORDS[found.of].elements(c)
    return extract(c, elements[0])


NOT_REPORTED = {"unknown": "not_reported"}
ABSENT = {"unknown": "stated_absent"}
UNRECOGNISED = {"unknown": "unrecognised"}

DOCUMENT: dict[str, Any] = {
    "kind": "first_progress_note", "about": "enc-1", "signed_at": TEN, "signer": "P001",
    "signer_level": "attending", "signed_at_trusted": True, "starts_at": NINE, "ends_at": TEN,
    "encounter": {"kind": "inpatient", "started_at": NINE},
}  # fmt: skip
PROCEDURE: dict[str, Any] = {
    "kind": "surgery", "code": "urn:icd9|47.01", "level": 3, "incision": "II", "planned": False,
    "unplanned_return": True, "returns_to": "p0", "started_at": NINE, "ended_at": TEN,
    "actors": {"surgeon": "P001", "anaesthetist": "nobody"}, "devices": ["udi-1"],
}  # fmt: skip
CONSULTATION: dict[str, Any] = {
    "kind": "antimicrobial", "urgency": "urgent", "about": "ord-1", "requested_at": NINE,
    "arrived_at": TEN, "consultant": "P003",
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "order_id": "ord-1",
    "items": [{"drug": "levofloxacin", "dose": "500 mg", "route": "oral", "given_at": NINE,
               "order_line": "2", "reason": "病人拒绝"}],
}  # fmt: skip
DISPENSED: dict[str, Any] = {
    "prescription_id": "rx-1", "dispensed_at": NINE, "pharmacist": "P001",
    "items": [{"drug": "levofloxacin", "quantity": "2 盒", "days_supply": 7, "lot": "L1",
               "trace_codes": ["8", "9"], "returned": "1 盒"}],
}  # fmt: skip
SETTLED: dict[str, Any] = {
    "diagnoses": [{"code": "I10", "role": "secondary"}, {"code": "j189", "role": "principal"}],
    "procedures": ["urn:icd9|54.11", {"code": "urn:icd9|47.01", "role": "principal"}],
    "drg_code": "ES11", "total": 1000.5, "fund_paid": "800", "discharged_at": NINE,
    "settled_at": TEN, "outcome": "died", "items": [{"item": "S001", "amount": "1000.50"}],
}  # fmt: skip
STOCK: dict[str, Any] = {
    "kind": "adjust", "store": "west", "moved_at": NINE,
    "items": [{"drug": "levofloxacin", "quantity": "-2 盒", "expires_on": "2027-01-31"}],
}  # fmt: skip
UPLOAD: dict[str, Any] = {
    "feed": "billing", "records": 10, "refused": 1, "first_event_at": NINE, "received_at": TEN,
}  # fmt: skip
CARD: dict[str, Any] = {
    "disease": "A15.0", "case_class": "confirmed", "condition": "cnd-1", "diagnosed_at": NINE,
    "reported_at": TEN,
}  # fmt: skip
ACK: dict[str, Any] = {
    "kind": "received", "about": "res-1", "line_id": "1", "acknowledged_at": TEN,
}  # fmt: skip
FEEDBACK: dict[str, Any] = {
    "alert_id": "al-1", "response": "appeal_first_review", "reason": "urn:reasons|clinical",
    "rule_id": "pack.rule", "rule_version": 3, "outcome": "partly_upheld",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "short", "facts"),
    [
        ("document.signed", DOCUMENT, {
            "document.kind": "first_progress_note", "document.about": "enc-1",
            "document.signed_at": at(TEN), "document.signed_at_trusted": True,
            "document.signer": "P001", "document.signer_level": "attending",
            "document.since_admission": HOUR, "document.period": Interval(at(NINE), at(TEN)),
            "actor.id": "P001", "actor.role": "signer", "actor.is_licensed": True,
            "event.act_id": "act-1", "event.phase": "during",
        }),
        ("document.draft", {"kind": "院内自定义", "signer": None}, {
            "document.kind": UNRECOGNISED, "document.signer": ABSENT,
            "document.signed_at": NOT_REPORTED, "document.since_admission": NOT_REPORTED,
            "document.period": NOT_REPORTED, "event.phase": "pre",
        }),
        ("procedure.ended", PROCEDURE, {
            "procedure.kind": "surgery", "procedure.code": "urn:icd9|47.01", "procedure.level": 3,
            "procedure.incision": "II", "procedure.is_planned": False,
            "procedure.is_unplanned_return": True, "procedure.returns_to": "p0",
            "procedure.duration": HOUR, "procedure.period": Interval(at(NINE), at(TEN)),
            "procedure.actors": ("P001", "nobody"), "procedure.devices": ("udi-1",),
            "actor.role": "surgeon", "actor.title": "chief", "event.phase": "post",
        }),
        ("procedure.signed", {"level": 5, "incision": "IV", "actors": None}, {
            "procedure.level": UNRECOGNISED, "procedure.incision": UNRECOGNISED,
            "procedure.actors": (), "procedure.devices": NOT_REPORTED,
            "procedure.duration": NOT_REPORTED,
        }),
        ("consultation.arrived", CONSULTATION, {
            "consultation.kind": "antimicrobial", "consultation.urgency": "urgent",
            "consultation.about": "ord-1", "consultation.request_to_arrival": HOUR,
            "consultation.request_to_answer": NOT_REPORTED, "actor.role": "consultant",
        }),
        ("administration.administered", GIVEN, {
            "administration.order_id": "ord-1", "item.given_at": at(NINE),
            "item.service_time": at(NINE), "item.drug.ingredients": ("levofloxacin",),
            "item.dose": Amount(500.0, "mg"), "item.route": "oral", "item.order_line": "2",
            "item.reason": "(text)", "event.item_count": 1,
        }),
        ("administration.not_given", {}, {"event.item_count": NOT_REPORTED}),
        ("dispense.dispensed", DISPENSED, {
            "dispense.prescription_id": "rx-1", "dispense.dispensed_at": at(NINE),
            "item.quantity": Amount(2.0, "盒"), "item.returned": Amount(1.0, "盒"),
            "item.lot": "L1", "item.trace_codes": ("8", "9"), "item.days_supply": 7,
            "item.period": Interval(at("2026-03-02T00:00+08:00"), at("2026-03-09T00:00+08:00")),
            "actor.id": "P001", "actor.role": "pharmacist",
        }),
        ("settlement.settled", SETTLED, {
            "settlement.principal_diagnosis": "J18.9", "event.diagnosis_count": 2,
            "settlement.procedures": ("urn:icd9|54.11", "urn:icd9|47.01"),
            "settlement.principal_procedure": "urn:icd9|47.01", "settlement.drg_code": "ES11",
            "settlement.discharge_to_settlement": HOUR, "settlement.outcome": "died",
            "coded_procedure.code": "urn:icd9|54.11", "coded_procedure.role": NOT_REPORTED,
            "item.category": "service", "event.phase": "post",
        }),
        ("settlement.settled", {"diagnoses": ["I10"], "procedures": None}, {
            "settlement.principal_diagnosis": NOT_REPORTED, "settlement.procedures": (),
            "settlement.principal_procedure": ABSENT, "event.item_count": NOT_REPORTED,
        }),
        ("settlement.settled", {"diagnoses": [{"code": "I10", "role": "secondary"}]}, {
            "settlement.principal_diagnosis": ABSENT, "settlement.procedures": NOT_REPORTED,
            "settlement.principal_procedure": NOT_REPORTED,
        }),
        ("stock.moved", STOCK, {
            "stock.kind": "adjust", "stock.store": "west", "stock.moved_at": at(NINE),
            "item.quantity": Quantity(-2.0, "盒"), "item.drug.ingredients": ("levofloxacin",),
            "item.expires_on": date(2027, 1, 31),
        }),
        ("upload.received", UPLOAD, {
            "upload.feed": "billing", "upload.records": 10, "upload.refused": 1,
            "upload.delay": HOUR, "upload.last_event_at": NOT_REPORTED,
        }),
        ("infection_report.reported", CARD, {
            "infection_report.disease": "http://hl7.org/fhir/sid/icd-10|A15.0",
            "infection_report.case_class": "confirmed", "infection_report.condition": "cnd-1",
            "infection_report.delay": HOUR, "infection_report.onset_at": NOT_REPORTED,
        }),
        ("acknowledgement.acknowledged", ACK, {
            "acknowledgement.kind": "received", "acknowledgement.about": "res-1",
            "acknowledgement.line_id": "1", "acknowledgement.acknowledged_at": at(TEN),
            "acknowledgement.alert_id": NOT_REPORTED,
        }),
        ("feedback.recorded", FEEDBACK, {
            "feedback.alert_id": "al-1", "feedback.response": "appeal_first_review",
            "feedback.reason": "urn:reasons|clinical", "feedback.rule_id": "pack.rule",
            "feedback.rule_version": 3, "feedback.outcome": "partly_upheld",
            "event.phase": "post",
        }),
        ("encounter.discharged", {"planned": True, "ward": "w1", "disposition": "home"}, {
            "encounter.is_planned": True, "encounter.ward": "w1", "encounter.disposition": "home",
        }),
        ("result.reported", {"code": "urn:lab|K", "order_id": "o1", "mutually_recognised": False}, {
            "result.code": "urn:lab|K", "result.order_id": "o1",
            "result.is_mutually_recognised": False,
        }),
    ],
)  # fmt: skip
def test_a_fact_is_what_the_act_says(
    name: str, short: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert {fact: read(name, fact, **short) for fact in facts} == facts


def test_money_of_a_settlement_is_exact() -> None:
    total, fund = (
        read("settlement.settled", f"settlement.{n}", **SETTLED) for n in ("total", "fund_paid")
    )
    assert (str(total), str(fund)) == ("1000.5", "800")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_fact_of_a_bare_act_says_that_nothing_was_reported(family: str) -> None:
    short = {"diagnosis": "I10"} if family == "condition" else {}
    short |= {"allergies": "none_known"} if family == "allergy" else {}
    c = context(f"{family}.{VERBS[family][0]}", **short)
    of_family = [
        fact
        for fact in CATALOGUE.values()
        if fact.name.startswith(f"{family}.") and not fact.of and family in fact.extractors
    ]
    for fact in of_family:
        value = fact.extractors[family](c)
        known = fact.name in ("feedback.alert_id", "encounter.id", "patient.id")
        assert known or value == NOT_REPORTED or not isinstance(value, dict), fact.name


@pytest.mark.parametrize(
    ("name", "short", "say"),
    [
        ("procedure.signed", {"code": "47.01"}, "system|code"),
        ("settlement.settled", {"procedures": ["47.01"]}, "system|code"),
        ("feedback.recorded", {"alert_id": None}, "alert_id"),
    ],
)
def test_a_test_event_without_a_system_says_what_to_write(
    name: str, short: dict[str, Any], say: str
) -> None:
    with pytest.raises(ShorthandError) as error:
        context(name, **short)
    assert say in str(error.value)


def decided(on: str, rule: dict[str, Any], **short: Any) -> Decision:
    made = make_rule(BASE, on=[on], unless=None, scope=None, **rule)
    return Evaluator(Pack.of([made]), BASE).decide(event_of({"event": on, "at": AT, **short}, BASE))


NO_SURGEON = {
    "each": None,
    "when": {"not": {"some": {"in": "actors", "where": {"actor.role": {"is": "surgeon"}}}}},
}


def test_each_goes_through_everybody_who_takes_part() -> None:
    rule = {"each": "actors", "when": {"actor.role": {"is": "surgeon"}}}
    decision = decided("procedure.signed", rule, actors={"surgeon": "P001", "nurse": "P002"})
    assert [finding.element for finding in decision.findings] == ["P001"]


@pytest.mark.parametrize(
    ("short", "verdict"),
    [
        ({"actors": {"surgeon": "P001"}}, "clean"),
        ({"actors": {"anaesthetist": "P001"}}, "findings"),
        ({"actors": None}, "findings"),
        ({}, "incomplete"),
    ],
)
def test_whether_a_role_is_filled_is_unknown_only_where_nobody_says(
    short: dict[str, Any], verdict: str
) -> None:
    assert decided("procedure.signed", NO_SURGEON, **short).verdict == verdict


def test_a_pharmacist_who_is_not_reported_leaves_the_list_open() -> None:
    rule = {
        "each": None,
        "when": {"not": {"some": {"in": "actors", "where": {"actor.role": {"is": "reviewer"}}}}},
    }
    one = {"pharmacist": "P001", "items": [{"drug": "D1"}]}
    assert decided("dispense.dispensed", rule, **one).verdict == "incomplete"
    assert decided("dispense.dispensed", rule, **one, reviewer=None).verdict == "findings"
    assert decided("dispense.dispensed", rule, **one, reviewer="P002").verdict == "clean"


def test_a_drug_is_judged_on_the_day_that_it_was_given() -> None:
    rule = {"each": "items", "when": {"item.service_date": {"is": "<2026-03-01>"}}}
    given = [{"drug": "D1", "given_at": "2026-03-01T23:59+08:00"}, {"drug": "D3"}]
    decision = decided("administration.administered", rule, items=given)
    assert [finding.element for finding in decision.findings] == ["1"]
