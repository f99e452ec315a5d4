"""What an audience was told is not told again, and what may never be left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision, Delivery, Finding, Retraction, encode_record
from rules.engine.engines import ENGINES
from rules.memory import delivery
from rules.memory.instants import instant_of, us_of
from rules.memory.model import Delivered, Memory, encode
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, NOTE, START, Patient

HOUR_US = 3_600_000_000
FINDING: dict[str, Any] = {
    "result": "suspected",
    "severity": "warning",
    "action": "remind",
    "audience": ["prescriber"],
    "key": ["patient.id", "item.drug"],
    "message": {"zh": "有", "en": "found"},
    "once_within": {"parameter": "stay.hours"},  # 72 h
}
ON = ["prescription.draft", "prescription.signed", "prescription.amended", "prescription.dispensed"]
LINE: dict[str, Any] = {"drug": "D1", "dose": "250 mg", "doses_per_day": 2}


def told_once(**finding: Any) -> Rule:
    parts = {name: value for name, value in {**FINDING, **finding}.items() if value is not None}
    return make_rule(
        BASE, id="spec.once", each="items", on=ON, when={"item.drug": {"exists": True}},
        finding=parts,
    )  # fmt: skip


def comes(patient: Patient, at_h: float, revision: int = 1, **short: Any) -> tuple[Finding, ...]:
    """The findings about a prescription `one` that comes, or a revision of it."""
    parts = {"act_id": "one", "items": [LINE], "revision": revision, **short}
    return patient.comes(at_h, **parts).decisions[0].findings


def suppressed(findings: tuple[Finding, ...]) -> list[bool]:
    return [f.delivery is not None and f.delivery.suppressed for f in findings]


def test_the_same_of_the_same_act_is_told_once_and_the_rest_names_what_was_told() -> None:
    patient = Patient(told_once())
    (first,) = comes(patient, 0)
    (second,) = comes(patient, 1, 2)
    until = (START + timedelta(hours=72)).isoformat()
    assert first.delivery is not None
    assert second.delivery is not None
    assert (first.delivery.suppressed, first.delivery.until) == (False, until)
    assert second.delivery.suppressed
    assert (second.delivery.by, second.delivery.until) == (first.alert_id, until)
    assert second.message == first.message  # it is stored as it would have been told


def test_it_is_told_again_when_the_period_is_over_and_from_then_on_anew() -> None:
    patient = Patient(told_once())
    assert suppressed(comes(patient, 0)) == [False]
    assert suppressed(comes(patient, 71.75, 2)) == [True]
    assert suppressed(comes(patient, 72, 3)) == [False]
    assert suppressed(comes(patient, 143, 4)) == [True]


def test_what_happened_before_it_was_told_is_told_too() -> None:
    patient = Patient(told_once())
    comes(patient, 10, 2)
    assert suppressed(comes(patient, 9)) == [False]


DRAFT = "prescription.draft"
NEVER_HIDDEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("another act", {}, {"act_id": "two"}),
    ("another drug of the act", {}, {"items": [{**LINE, "drug": "D2"}]}),
    ("another line of the same drug", {}, {"items": [{**LINE, "line_id": "9"}]}),
    ("a higher dose", {}, {"items": [{**LINE, "dose": "500 mg"}]}),
    ("a higher dose in another unit", {}, {"items": [{**LINE, "dose": "0.3 g"}]}),
    ("the same dose more often", {}, {"items": [{**LINE, "doses_per_day": 3}]}),
    ("a dose in a unit that cannot be compared", {}, {"items": [{**LINE, "dose": "1 mL"}]}),
    ("a dose that is not reported", {}, {"items": [{"drug": "D1", "doses_per_day": 2}]}),
    ("a draft that still has it", {"event": DRAFT}, {"event": DRAFT}),
    ("an act of which only the draft was told", {"event": DRAFT}, {}),
]


@pytest.mark.parametrize(
    ("before", "now"), [one[1:] for one in NEVER_HIDDEN], ids=[one[0] for one in NEVER_HIDDEN]
)
def test_it_never_hides(before: dict[str, Any], now: dict[str, Any]) -> None:
    patient = Patient(told_once())
    comes(patient, 0, **before)
    assert suppressed(comes(patient, 1, 2, **now)) == [False]


@pytest.mark.parametrize("dose", ["250 mg", "0.25 g", "100 mg"])
def test_a_dose_that_is_no_higher_is_not_told_again(dose: str) -> None:
    patient = Patient(told_once())
    comes(patient, 0)
    assert suppressed(comes(patient, 1, 2, items=[{**LINE, "dose": dose}])) == [True]


def test_where_the_source_says_that_there_is_no_dose_none_can_be_higher() -> None:
    none = [{**LINE, "dose": None}]
    patient = Patient(told_once())
    comes(patient, 0, items=none)
    assert suppressed(comes(patient, 1, 2, items=none)) == [True]


@pytest.mark.parametrize("action", ["block", "require_second_signature", "require_reason"])
def test_what_asks_for_something_to_be_done_is_always_told(action: str) -> None:
    patient = Patient(told_once(action=action))
    comes(patient, 0)
    (found,) = comes(patient, 1, 2)
    assert found.delivery is None


def test_without_the_word_every_finding_is_told() -> None:
    patient = Patient(told_once(once_within=None))
    comes(patient, 0)
    assert [f.delivery for f in comes(patient, 1, 2)] == [None]


def test_what_one_decision_tells_is_told_together() -> None:
    two = [{**LINE, "line_id": "1"}, {**LINE, "line_id": "2"}]
    patient = Patient(told_once())
    assert suppressed(comes(patient, 0, items=two)) == [False, False]
    assert suppressed(comes(patient, 1, 2, items=two)) == [True, True]


def test_what_is_not_told_again_is_counted_in_the_decision_and_left_out_where_it_is_none() -> None:
    two = [{**LINE, "line_id": "1"}, {**LINE, "line_id": "2"}]
    patient = Patient(told_once())
    (first,) = patient.comes(0, act_id="one", items=two).decisions
    third = [*two, {**LINE, "line_id": "3"}]
    (second,) = patient.comes(1, act_id="one", items=third, revision=2).decisions
    assert (first.coverage.suppressed, second.coverage.suppressed) == (0, 2)
    assert (second.coverage.alerts, second.coverage.overridden) == (3, 0)
    assert b'"suppressed"' not in encode_record(first.coverage)


def test_a_period_that_has_no_value_that_day_limits_nothing() -> None:
    patient = Patient(told_once(once_within={"parameter": "future.days"}))
    comes(patient, 0)
    assert [f.delivery for f in comes(patient, 1, 2)] == [None]


def test_the_doses_that_were_compared_stand_in_the_finding() -> None:
    (found,) = comes(Patient(told_once()), 0)
    assert msgspec.to_builtins(found.facts["item.dose"]) == {"value": 250.0, "unit": "mg"}
    assert found.facts["item.daily_dose"].value == 500


def of_table(**changes: Any) -> Decision:
    """A decision with one finding of the rule, with these fields of the finding changed."""
    patient = Patient(told_once())
    taken = patient.comes(0, act_id="one", items=[LINE])
    (decision,) = taken.decisions
    (found,) = decision.findings
    return msgspec.structs.replace(decision, findings=(msgspec.structs.replace(found, **changes),))


def after(hours: float) -> int:
    return us_of(START + timedelta(hours=hours))


def next_told(first: dict[str, Any], second: dict[str, Any]) -> Finding:
    memory = Memory()
    delivery.limited(of_table(alert_id="first", **first), memory, after(0))
    return delivery.limited(of_table(alert_id="second", **second), memory, after(1)).findings[0]


PEOPLE = ("prescriber", "pharmacist")


@pytest.mark.parametrize(
    ("first", "second", "is_suppressed"),
    [
        ({}, {}, True),
        ({"severity": "warning"}, {"severity": "critical"}, False),
        ({"severity": "critical"}, {"severity": "warning"}, True),
        ({"result": "suspected"}, {"result": "violation"}, False),
        ({"result": "violation"}, {"result": "suspected"}, True),
        ({"audience": ("prescriber",)}, {"audience": PEOPLE}, False),
        ({"audience": PEOPLE}, {"audience": ("pharmacist",)}, True),
        ({"key": "a"}, {"key": "b"}, False),
        ({"rule_version": 1}, {"rule_version": 2}, False),
        ({"rule_status": "shadow"}, {"rule_status": "active"}, False),
        ({"overridden_by": "other"}, {}, False),
    ],
)
def test_it_is_left_out_where_the_same_people_were_told_no_less(
    first: dict[str, Any], second: dict[str, Any], is_suppressed: bool
) -> None:
    found = next_told(first, second)
    assert found.delivery is not None
    assert found.delivery.suppressed is is_suppressed
    assert found.delivery.by == ("first" if is_suppressed else "")


def test_another_phase_is_told_anew() -> None:
    memory = Memory()
    delivery.limited(of_table(alert_id="first"), memory)
    post = msgspec.structs.replace(of_table(alert_id="second"), phase="post")
    assert suppressed(delivery.limited(post, memory).findings) == [False]


def test_that_something_is_due_soon_hides_not_that_it_is_overdue() -> None:
    memory = Memory()
    for number, step in enumerate(("remind", "due", "escalate1")):
        made = msgspec.structs.replace(of_table(alert_id=str(number)), cause=f"timer:r::{step}")
        assert suppressed(delivery.limited(made, memory).findings) == [False]


def test_an_overridden_finding_is_told_to_nobody_and_says_nothing_of_its_delivery() -> None:
    memory = Memory()
    (found,) = delivery.limited(of_table(overridden_by="other"), memory).findings
    assert found.delivery is None
    assert not memory.delivered


def named(rule: str, status: str = "active", **finding: Any) -> Rule:
    """A rule about every line that has a drug; it is told once, but for what is said otherwise."""
    people = {"authored_by": "A", "checked_by": "B"} if status == "active" else {}
    parts = {name: value for name, value in {**FINDING, **finding}.items() if value is not None}
    return make_rule(
        BASE, id=f"spec.{rule}", each="items", on=ON, when={"item.drug": {"exists": True}},
        finding=parts, status=status, **people,
    )  # fmt: skip


STANDS = named("stands", severity="info", overrides=["spec.gives_way"])
OTHERS: list[tuple[str, dict[str, Any], bool]] = [
    ("a block", {"action": "block", "severity": "critical"}, False),
    ("a required reason", {"action": "require_reason"}, False),
    ("a second signature", {"action": "require_second_signature"}, False),
    ("a reminder that is told every time", {"once_within": None}, False),
    ("a reminder without a period that day", {"once_within": {"parameter": "future.days"}}, False),
    ("a reminder that is told once as well", {}, True),
    ("one that is told to others, were it alone", {"audience": ["pharmacist"]}, True),
    ("a block that nobody is shown", {"action": "block", "status": "shadow"}, True),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("other", "is_suppressed"), [one[1:] for one in OTHERS], ids=[one[0] for one in OTHERS]
)
def test_a_finding_is_told_again_where_it_stands_for(
    engine: str, other: dict[str, Any], is_suppressed: bool
) -> None:
    if engine == "durable":
        pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")
    patient = Patient(STANDS, named("gives_way", **other), engine=engine)
    for hour, revision, hidden in ((0, 1, False), (1, 2, is_suppressed)):
        found = {f.rule_id: f for f in comes(patient, hour, revision)}
        stands, gave_way = found["spec.stands"], found["spec.gives_way"]
        assert (gave_way.overridden_by, gave_way.delivery) == (stands.alert_id, None)
        assert suppressed((stands,)) == [hidden]
        assert (stands.delivery is None) is (other.get("status") is None and not is_suppressed)


def gives_way(**changes: Any) -> dict[str, Any]:
    """A finding that gave way to the one of the rule."""
    return {"alert_id": "other", "rule_id": "spec.other", "rule_status": "active", **changes}


def stands_for(memory: Memory, at_h: float, name: str, *others: dict[str, Any]) -> Delivery | None:
    """How a finding is told that stands for others."""
    made = of_table(alert_id=name, rule_status="active")
    (one,) = made.findings
    given = [
        msgspec.structs.replace(
            one, overridden_by=name, **gives_way(alert_id=f"{name} {n}", **other)
        )
        for n, other in enumerate(others)
    ]
    made = msgspec.structs.replace(made, findings=(*given, one))
    return delivery.limited(made, memory, after(at_h)).findings[-1].delivery


WEAK: dict[str, Any] = {"severity": "info", "result": "reminder"}


@pytest.mark.parametrize(
    ("before", "now", "is_suppressed"),
    [
        ([WEAK], [WEAK], True),
        ([WEAK, {"key": "b"}], [WEAK], True),
        ([WEAK], [], True),
        ([{"delivery": None}], [], True),
        ([], [WEAK], False),
        ([WEAK], [WEAK, {"key": "b"}], False),
        ([WEAK], [{**WEAK, "severity": "critical"}], False),
        ([WEAK], [{**WEAK, "result": "violation"}], False),
        ([WEAK], [{**WEAK, "rule_version": 2}], False),
        ([WEAK], [{"delivery": None}], False),
    ],
    ids=[
        "the same",
        "less of what it stood for",
        "nothing any more",
        "nothing any more, and before for what is always told",
        "what it did not stand for before",
        "one more",
        "what is more severe now",
        "what is surer now",
        "another version",
        "what is always told now",
    ],
)
def test_it_is_left_out_where_all_that_it_stands_for_could_be(
    before: list[dict[str, Any]], now: list[dict[str, Any]], is_suppressed: bool
) -> None:
    memory = Memory()
    stands_for(memory, 0, "first", *before)
    said = stands_for(memory, 1, "second", *now)
    assert (said is not None and said.suppressed) is is_suppressed
    if said is not None and said.suppressed:
        assert said.by == "first"


def test_it_is_told_again_when_the_first_of_their_periods_is_over() -> None:
    short = {"delivery": Delivery(until=(START + timedelta(hours=10)).isoformat())}
    memory = Memory()
    first = stands_for(memory, 0, "first", short)
    second = stands_for(memory, 9, "second", short)
    assert first is not None
    assert second is not None
    assert first.until == second.until == short["delivery"].until
    assert (first.suppressed, second.suppressed) == (False, True)
    third = stands_for(memory, 10, "third", short)
    assert third is not None
    assert not third.suppressed


def test_who_was_told_of_a_finding_by_another_is_told_of_it_when_it_stands_alone() -> None:
    memory = Memory()
    stands_for(memory, 0, "first", WEAK)
    alone = of_table(**gives_way(), **WEAK)
    assert suppressed(delivery.limited(alone, memory, after(1)).findings) == [False]


def test_the_same_alert_that_is_decided_again_stays_told() -> None:
    memory = Memory()
    for _ in range(2):
        assert suppressed(delivery.limited(of_table(), memory).findings) == [False]
    assert [len(listed) for listed in memory.delivered.values()] == [1]


def test_a_duty_is_told_when_it_is_due_and_its_period_begins_then() -> None:
    memory = Memory()
    (found,) = delivery.limited(of_table(), memory, after(24)).findings
    assert found.delivery is not None
    assert found.delivery.until == (START + timedelta(hours=96)).isoformat()


def reminded(patient: Patient, at_h: float, revision: int) -> None:
    visit = {"id": "v1", "kind": "inpatient"}
    patient.comes(at_h, event="encounter.admitted", act_id="v1", encounter=visit, revision=revision)


def duty(patient: Patient, until_h: float) -> list[bool]:
    """Whether each alert of a duty that fires until then is left out."""
    return [one for d in patient.passes(until_h) for one in suppressed(d.findings)]


def test_a_duty_that_a_revision_brings_anew_is_told_anew() -> None:
    rule = make_rule(
        BASE, id="spec.note", on=["encounter.admitted"], when=None, expect=NOTE,
        finding={**FINDING, "key": ["encounter.id"], "once_within": {"parameter": "stay.limit"}},
    )  # fmt: skip
    patient = Patient(rule)
    reminded(patient, 0, 1)
    assert duty(patient, 73) == [False]
    reminded(patient, 74, 2)
    assert duty(patient, 74 + 73) == [False]
    assert sum(map(len, patient.memory.delivered.values())) == 1


def test_an_alert_that_was_taken_back_hides_no_later_one() -> None:
    memory, first = Memory(), of_table(alert_id="first")
    delivery.limited(first, memory)
    withdrawn = msgspec.structs.replace(
        first, findings=(), retracted=Retraction(why="voided", source="s", id="i")
    )
    delivery.limited(withdrawn, memory)
    assert not memory.delivered
    assert suppressed(delivery.limited(of_table(alert_id="second"), memory).findings) == [False]


def _delivered(number: int, until_us: int) -> Delivered:
    return Delivered(
        f"alert-{number}", "decision", "act", "1", ("prescriber",), "warning", "suspected", 0,
        until_us, {},
    )  # fmt: skip


def test_what_is_remembered_of_deliveries_is_bounded() -> None:
    memory = Memory(latest_us=10 * HOUR_US)
    memory.delivered = {
        f"key-{n}": [_delivered(n, (10 + n) * HOUR_US)] for n in range(delivery.MOST + 50)
    }
    memory.delivered["over"] = [_delivered(-1, 9 * HOUR_US)]
    delivery.forget(memory, lateness_us=0)
    left = [one.until_us for listed in memory.delivered.values() for one in listed]
    assert len(left) == delivery.MOST
    assert min(left) == (10 + 50) * HOUR_US  # the ones that end last stay
    assert "over" not in memory.delivered


def test_a_period_is_remembered_for_as_long_as_late_data_may_come() -> None:
    memory = Memory(latest_us=10 * HOUR_US)
    memory.delivered = {"key": [_delivered(1, 9 * HOUR_US)]}
    delivery.forget(memory, lateness_us=2 * HOUR_US)
    assert memory.delivered
    delivery.forget(memory, lateness_us=0)
    assert not memory.delivered


def test_equal_memories_are_equal_bytes_after_a_delivery() -> None:
    one, other = Memory(), Memory()
    for memory in (one, other):
        delivery.limited(of_table(), memory)
    assert encode(one) == encode(other)
    assert instant_of(after(0)) == datetime(2026, 3, 2, 0, tzinfo=UTC)
