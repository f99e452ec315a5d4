"""What came back, in part or as a whole, and what was stopped: what is left of it in histories."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision
from rules.memory.model import Act, Memory, decode, encode
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import AGAIN, BASE, FINDING, NOTE, Patient

TEN = {"drug": "D1", "quantity": "10 {tablet}"}
ALL_BACK = {**TEN, "returned": "10 {tablet}"}
ONE_BACK = {**TEN, "returned": "1 {tablet}"}
DAY = 24


def again(of: str, on: str = "", **history: Any) -> Rule:
    asked = {name: part for name, part in {**AGAIN, "of": of, **history}.items() if part}
    return make_rule(
        BASE, id="spec.again", each="items", on=[on or of], finding=FINDING,
        when={"history": asked},
    )  # fmt: skip


def outcome(decision: Decision) -> str:
    return "alert" if decision.findings else "unknown" if decision.not_evaluable else "silent"


def dispensed(patient: Patient, at_h: float, act_id: str, *items: Any, **short: Any) -> Decision:
    usual = {"event": "dispense.dispensed", "items": list(items)}
    return patient.comes(at_h, act_id=act_id, **{**usual, **short}).decisions[0]


def returned(patient: Patient, *items: Any, at_h: float = 1, revision: int = 2) -> None:
    dispensed(patient, at_h, "d1", *items, event="dispense.returned", revision=revision)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (ALL_BACK, "silent"),
        (ONE_BACK, "alert"),
        ({**TEN, "returned": "0 {tablet}"}, "alert"),
        ({**TEN, "returned": "0 {box}"}, "alert"),
        ({**TEN, "returned": None}, "alert"),
        (TEN, "unknown"),
        ({**TEN, "returned": "1 {box}"}, "unknown"),
        ({"drug": "D1", "returned": "1 {tablet}"}, "unknown"),
        ({"drug": "D1", "quantity": "1 g", "returned": "1000 mg"}, "silent"),
        ({"drug": "D1", "quantity": "1 g", "returned": "999 mg"}, "alert"),
    ],
)
def test_a_line_that_came_back_as_a_whole_is_no_member_and_one_that_may_have_is_a_possible_one(
    item: dict[str, Any], expected: str
) -> None:
    patient = Patient(again("dispense.dispensed"))
    dispensed(patient, 0, "d1", TEN)
    returned(patient, item)
    assert outcome(dispensed(patient, 2, "d2", TEN)) == expected


def test_a_line_that_came_back_does_not_take_the_others_with_it() -> None:
    patient = Patient(again("dispense.dispensed"))
    other = {"drug": "D2", "quantity": "5 {tablet}"}
    dispensed(patient, 0, "d1", TEN, other)
    returned(patient, ALL_BACK, {**other, "returned": None})
    decision = dispensed(patient, 2, "d2", TEN, other)
    assert [finding.element for finding in decision.findings] == ["2"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([ALL_BACK, ALL_BACK], "silent"),
        ([ALL_BACK, ONE_BACK], "alert"),
        ([ALL_BACK, TEN], "unknown"),
        ([], "unknown"),
    ],
)
def test_an_act_is_gone_when_all_of_it_came_back(items: list[Any], expected: str) -> None:
    patient = Patient(again("dispense.dispensed", where=None))
    dispensed(patient, 0, "d1", TEN, TEN)
    returned(patient, *items)
    assert outcome(dispensed(patient, 2, "d2", TEN)) == expected


def test_a_returned_prescription_came_back_as_a_whole() -> None:
    patient = Patient(again("prescription.signed"))
    patient.comes(0, act_id="p")
    patient.comes(1, act_id="p", event="prescription.returned", revision=2)
    assert outcome(patient.comes(2, act_id="q").decisions[0]) == "silent"


def test_what_came_back_was_a_return_all_the_same() -> None:
    for item in (ALL_BACK, ONE_BACK):
        patient = Patient(again("dispense.returned", on="dispense.dispensed"))
        dispensed(patient, 0, "d1", TEN)
        returned(patient, item)
        assert outcome(dispensed(patient, 2, "d2", TEN)) == "alert"


def test_a_return_that_is_corrected_was_none() -> None:
    patient = Patient(again("dispense.dispensed"))
    dispensed(patient, 0, "d1", TEN)
    returned(patient, ALL_BACK)
    dispensed(patient, 2, "d1", ONE_BACK, event="dispense.amended", revision=3)
    assert outcome(dispensed(patient, 3, "d2", TEN)) == "alert"


@pytest.mark.parametrize(("item", "alerts"), [(ONE_BACK, []), (TEN, []), (ALL_BACK, ["spec.note"])])
def test_a_duty_stays_fulfilled_while_anything_may_be_left(
    item: dict[str, Any], alerts: list[str]
) -> None:
    message = {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"}
    rule = make_rule(
        BASE, id="spec.note", on=["prescription.signed"], when=None,
        finding={**FINDING, "message": message},
        expect={**NOTE, "event": "dispense.dispensed", "where": {"encounter.id": {"exists": True}}},
    )  # fmt: skip
    patient = Patient(rule)
    visit = {"encounter": {"id": "v1"}}
    patient.comes(0, act_id="p", **visit)
    dispensed(patient, 1, "d1", TEN, **visit)
    dispensed(patient, 2, "d1", item, event="dispense.returned", revision=2, **visit)
    patient.passes(100)
    assert patient.alerts == alerts


CHARGE = {"item": "urn:x|a", "amount": "10.00"}
SAME_ITEM = {"item.code": {"is": {"fact": "this.item.code"}}}


def charged(patient: Patient, at_h: float, act_id: str, *items: Any, **short: Any) -> Decision:
    usual = {"event": "billing.charged", "items": list(items)}
    return patient.comes(at_h, act_id=act_id, **{**usual, **short}).decisions[0]


@pytest.mark.parametrize("where", [SAME_ITEM, None])
@pytest.mark.parametrize(("refunded", "expected"), [("10.00", "silent"), ("9.99", "alert")])
def test_a_charge_that_was_given_back_as_a_whole_is_no_member(
    where: Any, refunded: str, expected: str
) -> None:
    patient = Patient(again("billing.charged", where=where))
    charged(patient, 0, "b1", CHARGE)
    back = {**CHARGE, "refunded": refunded}
    charged(patient, 1, "b1", back, event="billing.refunded", revision=2)
    assert outcome(charged(patient, 2, "b2", CHARGE)) == expected


def test_an_earlier_line_that_was_given_back_is_no_member_of_the_same_bill() -> None:
    patient = Patient(again("billing.charged", on="billing.refunded", where=SAME_ITEM))
    for refunded, expected in (("10.00", "silent"), ("5.00", "alert")):
        back = {**CHARGE, "refunded": refunded}
        charged(patient, 0, refunded, CHARGE, CHARGE)
        short = {"event": "billing.refunded", "revision": 2}
        assert outcome(charged(patient, 1, refunded, back, CHARGE, **short)) == expected
        charged(patient, 2, refunded, event="billing.entered_in_error", revision=3)


def test_a_charge_of_nothing_was_not_given_back() -> None:
    patient = Patient(again("billing.charged", where=SAME_ITEM))
    charged(patient, 0, "b1", {**CHARGE, "amount": "0.00"})
    assert outcome(charged(patient, 2, "b2", CHARGE)) == "alert"


def test_a_refund_of_everything_is_still_a_refund() -> None:
    patient = Patient(again("billing.refunded", on="billing.charged", where=SAME_ITEM))
    charged(patient, 0, "b1", CHARGE)
    back = {**CHARGE, "refunded": "10.00"}
    charged(patient, 1, "b1", back, event="billing.refunded", revision=2)
    assert outcome(charged(patient, 2, "b2", CHARGE)) == "alert"


OF_ONE_ACT = (
    ("dispense.dispensed", 1, TEN),
    ("dispense.returned", 2, ONE_BACK),
    ("dispense.returned", 3, ALL_BACK),
    ("dispense.amended", 4, ONE_BACK),
)


@pytest.mark.parametrize(("last", "expected"), [(2, "alert"), (3, "silent"), (4, "alert")])
def test_what_is_left_does_not_depend_on_the_order_of_arrival(last: int, expected: str) -> None:
    for order in permutations(OF_ONE_ACT[:last]):
        patient = Patient(again("dispense.dispensed"))
        for verb, revision, item in order:
            dispensed(patient, revision, "d1", item, event=verb, revision=revision)
        assert outcome(dispensed(patient, 9, "d2", TEN)) == expected


def test_memories_from_before_are_read() -> None:
    patient = Patient(again("dispense.dispensed"))
    dispensed(patient, 0, "d1", TEN)
    raw = msgspec.msgpack.decode(encode(patient.memory))
    for act in raw[Memory.__struct_fields__.index("acts")].values():
        for line in act[Act.__struct_fields__.index("lines")]:
            line.pop()
        act.pop()
    patient.memory = decode(msgspec.msgpack.encode(raw))
    assert outcome(dispensed(patient, 2, "d2", TEN)) == "alert"


def periods(of: str, period: str) -> Rule:
    where = {period: {"overlaps": {"fact": f"this.{period}"}}}
    return again(of, where=where, within={"parameter": "stay.limit"})


@pytest.mark.parametrize(("days", "expected"), [(4, "alert"), (6, "silent")])
def test_a_drug_that_was_stopped_lasts_until_then(days: int, expected: str) -> None:
    item = {"drug": "D1", "days_supply": 7}
    for known in (item, {"drug": "D1"}):
        patient = Patient(periods("prescription.signed", "item.period"))
        patient.comes(0, act_id="p", items=[known])
        short = {"event": "prescription.stopped", "act_id": "p", "revision": 2}
        patient.comes(5 * DAY, **short, items=[known])
        late = {"service_time": f"2026-03-{2 + days:02}T00:00:00Z"}
        decision = patient.comes(5 * DAY + 1, items=[{**item, **late}]).decisions[0]
        assert outcome(decision) == expected


ORDER = {"event": "order.signed", "items": [{"code": "urn:x|A"}], "encounter": {"id": "v1"}}


def at(day: int) -> str:
    return f"2026-03-{2 + day:02}T00:00:00Z"


@pytest.mark.parametrize("period", ["item.period", "event.period"])
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"starts_at": at(0), "ends_at": None}, {4: "alert", 6: "silent"}),
        ({"starts_at": at(0)}, {4: "alert", 6: "silent"}),
        ({"starts_at": at(0), "ends_at": at(8)}, {7: "alert", 8: "silent"}),
        ({"starts_at": at(9), "ends_at": None}, {10: "silent"}),
    ],
)
def test_an_order_that_was_stopped_holds_until_it_says_and_else_until_then(
    period: str, order: dict[str, Any], expected: dict[int, str]
) -> None:
    for day, what in expected.items():
        patient = Patient(periods("order.signed", period))
        patient.comes(0, act_id="o", **ORDER, **order)
        stop = {**ORDER, **order, "event": "order.stopped"}
        patient.comes(5 * DAY, act_id="o", revision=2, **stop)
        other = {"starts_at": at(day), "ends_at": at(20)}
        assert outcome(patient.comes(12 * DAY, **ORDER, **other).decisions[0]) == what


def test_a_stop_does_not_end_the_visit_of_what_was_stopped() -> None:
    where = {"encounter.period": {"overlaps": {"fact": "this.encounter.period"}}}
    patient = Patient(again("prescription.signed", where=where))
    visit = {"encounter": {"id": "v1", "started_at": at(0), "ended_at": None}}
    patient.comes(0, act_id="p", **visit)
    patient.comes(5, act_id="p", event="prescription.stopped", revision=2, **visit)
    other = {"encounter": {"id": "v2", "started_at": at(1), "ended_at": None}}
    assert outcome(patient.comes(2 * DAY, **other).decisions[0]) == "alert"


def test_the_end_of_an_earlier_visit_ends_nothing_of_the_present() -> None:
    patient = Patient(periods("order.signed", "item.period"))
    visit = {"event": "encounter.discharged", "encounter": {"id": "v1"}}
    patient.comes(0, act_id="o", **ORDER, starts_at=at(5), ends_at=at(8))
    patient.comes(1, act_id="v1", **visit)
    present = {**ORDER, "encounter": {"id": "v2"}, "starts_at": at(1), "ends_at": None}
    assert outcome(patient.comes(2 * DAY, **present).decisions[0]) == "alert"


def test_an_amended_consultation_had_been_requested() -> None:
    patient = Patient(again("consultation.requested", on="prescription.signed", where=None))
    patient.comes(0, act_id="c", event="consultation.amended", revision=2)
    assert outcome(patient.comes(1).decisions[0]) == "alert"
