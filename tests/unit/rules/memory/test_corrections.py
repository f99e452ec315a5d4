"""What is corrected, comes late or is not known: what stands must not depend on the order."""

from __future__ import annotations

from typing import Any

import pytest

from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, Patient, admitted, again, note, signed


def withdrawn(patient: Patient, at_h: float, act_id: str) -> None:
    patient.comes(
        at_h, event="document.entered_in_error", act_id=act_id, revision=2,
        kind="first_progress_note", encounter={"id": "v1"},
    )  # fmt: skip


@pytest.mark.parametrize("is_known_first", [True, False])
def test_a_document_entered_in_error_fulfils_nothing_whichever_is_known_first(
    is_known_first: bool,
) -> None:
    patient = Patient(note())
    admitted(patient)
    if is_known_first:
        withdrawn(patient, 2, "d1")
        signed(patient, 1, act_id="d1")
    else:
        signed(patient, 1, act_id="d1")
        withdrawn(patient, 2, "d1")
    assert patient.passes(72)[0].findings


def test_a_reminder_is_taken_back_and_what_is_due_is_found_after_all() -> None:
    patient = Patient(note(remind_before="1 h"))
    admitted(patient)
    assert patient.passes(71.5)[0].findings
    signed(patient, 71.6, act_id="d1")
    assert not patient.alerts
    withdrawn(patient, 71.7, "d1")
    (due,) = patient.passes(72)
    assert due.cause.endswith(":due")
    assert due.findings


def test_an_ended_duty_is_forgotten_when_nothing_can_bring_it_back_any_more() -> None:
    patient = Patient(note())
    admitted(patient)
    patient.comes(5, event="encounter.discharged", act_id="v1", revision=2)
    assert not patient.passes(10_000)
    assert patient.memory.timers
    crowded(patient, 72 + 30 * 24)
    assert not patient.memory.timers
    assert not patient.memory.kept


def test_what_ended_before_the_duty_arose_does_not_end_it() -> None:
    patient = Patient(note(match=["patient.id"], where={"encounter.id": {"is": "v1"}}))
    patient.comes(0, event="encounter.discharged", act_id="v0", encounter={"id": "v0"})
    admitted(patient, 1)
    assert patient.passes(73)[0].findings


def test_what_ended_at_the_instant_the_duty_arose_or_before_its_limit_counts_ends_it() -> None:
    for at_h in (1, 2):
        patient = Patient(note(match=["patient.id"], **{"from": "encounter.started_at"}))
        visit = {"id": "v1", "kind": "inpatient", "started_at": "2026-03-02T03:00:00+00:00"}
        patient.comes(1, event="encounter.admitted", act_id="v1", encounter=visit)
        patient.comes(at_h, event="encounter.discharged", act_id="v2", encounter={"id": "v2"})
        assert not patient.passes(1000)


def test_an_exemption_looks_back_from_when_the_duty_is_due() -> None:
    unless = {"history": {
        "of": "encounter.transferred", "within": {"parameter": "stay.hours"},
        "including": "others", "exists": True, "where": {"encounter.id": {"is_not": "v1"}},
    }}  # fmt: skip
    for before, at_h, is_exempt in (
        ("", 50, True), ("", 0.5, False), ("this.event.time", 50, False),
    ):  # fmt: skip
        history = {**unless["history"], **({"before": before} if before else {})}
        patient = Patient(note(unless={"history": history}))
        patient.comes(
            at_h, event="encounter.transferred", act_id="v2", encounter={"id": "v2"}
        )  # fmt: skip
        admitted(patient, 1)
        (due,) = patient.passes(73)
        assert bool(due.coverage.exempt) is is_exempt
        assert bool(due.findings) is not is_exempt


def test_a_document_withdrawn_long_after_the_limit_brings_the_duty_back() -> None:
    patient = Patient(note(grace={"parameter": "stay.hours"}))
    admitted(patient)
    signed(patient, 1, act_id="d1")
    assert not patient.passes(200)
    withdrawn(patient, 201, "d1")
    (due,) = patient.passes(201)
    assert due.cause.endswith(":due")
    assert patient.alerts == ["spec.note"]
    signed(patient, 50)  # late data after all
    assert patient.alerts == []


def test_a_withdrawn_document_leaves_the_duty_to_another_that_came_in_time() -> None:
    patient = Patient(note())
    admitted(patient)
    signed(patient, 1, act_id="d1")
    signed(patient, 2, act_id="d2")
    withdrawn(patient, 201, "d1")
    assert not patient.passes(202)
    withdrawn(patient, 203, "d2")
    assert patient.passes(203)[0].findings


@pytest.mark.parametrize("is_trusted", [True, False])
def test_what_late_data_changed_is_changed_back_when_they_are_withdrawn(is_trusted: bool) -> None:
    escalate = [{"after": {"parameter": "stay.hours"}, "audience": ["department"]}]
    patient = Patient(note(escalate=escalate))
    admitted(patient)
    (due,) = patient.passes(72)
    signed(patient, 50, act_id="d1", signed_at_trusted=is_trusted)
    withdrawn(patient, 100, "d1")
    (again_due,) = patient.passes(100)
    assert (again_due.decision_id, again_due.findings) == (due.decision_id, due.findings)
    (escalated,) = patient.passes(144)
    assert escalated.findings[0].audience == ("department",)


def test_a_reminder_whose_time_has_passed_is_left_out_when_a_duty_comes_back() -> None:
    patient = Patient(note(remind_before="1 h"))
    admitted(patient)
    signed(patient, 1, act_id="d1")
    withdrawn(patient, 71.5, "d1")
    assert [one.cause for one in patient.passes(72)] == ["timer:spec.note::due"]


def test_what_comes_in_time_after_the_reminder_is_not_late_though_nobody_vouches_for_it() -> None:
    patient = Patient(note(remind_before="1 h"))
    admitted(patient)
    patient.passes(71.5)
    signed(patient, 71.6, signed_at_trusted=False)
    assert not patient.alerts
    assert not patient.passes(100)


def test_a_document_of_which_the_visit_is_not_known_leaves_the_duty_open() -> None:
    patient = Patient(note())
    admitted(patient)
    patient.comes(
        10, event="document.signed", kind="first_progress_note", signed_at_trusted=True
    )  # fmt: skip
    (due,) = patient.passes(72)
    assert not due.findings
    assert due.not_evaluable[0].missing[0].why == "members_unknown"


def test_each_duty_is_judged_by_the_knowledge_of_its_own_day() -> None:
    rule = make_rule(
        BASE, id="spec.young", on=["encounter.admitted"], when=None, finding={
            **FINDING, "message": {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"},
        },
        expect={
            "event": "document.signed", "match": ["encounter.id"],
            "where": {"patient.age": {"below": {"parameter": "age.limit"}}},
            "within": {"parameter": "stay.hours"},
        },
    )  # fmt: skip
    days_to_change = 305  # from 2026-03-02 to 2027-01-01, when the limit falls from 18 to 14
    patient = Patient(rule)
    for visit, day in (("v1", 0), ("v2", days_to_change)):
        patient.comes(
            day * 24, event="encounter.admitted", act_id=visit, encounter={"id": visit}
        )  # fmt: skip
        patient.comes(
            day * 24 + 1, event="document.signed", encounter={"id": visit},
            signed_at_trusted=True, patient={"age": "16 a"},
        )  # fmt: skip
        patient.passes(day * 24 + 100)
    assert [d.event.act_id for d in patient.stands.values() if d.findings] == ["v2"]


def test_what_is_due_is_told_as_a_deadline_is_after_the_event() -> None:
    rule = make_rule(
        BASE, id="spec.note", on=["encounter.admitted"], when=None,
        expect={
            "event": "document.signed", "match": ["encounter.id"],
            "where": {"document.kind": {"is": "first_progress_note"}},
            "within": {"parameter": "stay.hours"},
        },
        finding={
            **FINDING, "message": {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"},
            "by_phase": {"post": {"severity": "critical"}},
        },
    )  # fmt: skip
    patient = Patient(rule)
    admitted(patient)
    (due,) = patient.passes(72)
    assert due.phase == "post"
    assert due.findings[0].severity == "critical"


def of_equal_revisions(patient: Patient, hours: tuple[float, float]) -> list[str]:
    for hour in hours:
        patient.comes(
            hour, event="encounter.admitted", act_id="v1", id=f"at{hour}",
            encounter={"id": "v1", "kind": "inpatient"},
        )  # fmt: skip
    patient.passes(200)
    return [d.event.id for d in patient.stands.values() if d.findings]


def test_of_equal_revisions_the_later_event_brings_the_duty_whichever_comes_first() -> None:
    for hours in ((0, 1), (1, 0)):
        assert of_equal_revisions(Patient(note()), hours) == ["at1"]


def back(**parts: Any) -> Rule:
    """After the event, and of each line: was the drug prescribed before?"""
    return make_rule(
        BASE, id="spec.back", each="items", on=["prescription.returned"], finding=FINDING,
        when={"history": {
            "of": "prescription.signed", "within": {"parameter": "stay.hours"},
            "including": "others", "count": {"at_least": 1},
            "where": {"item.drug": {"is": {"fact": "this.item.drug"}}},
        }}, **parts,
    )  # fmt: skip


def test_a_rule_that_governs_only_the_day_of_a_line_waits_for_late_data_too() -> None:
    rule = back(effective={"from": "<2000-01-01>", "to": "<2026-03-03>"})
    patient = Patient(rule, lateness_s=3600)
    patient.comes(0)
    item = {"drug": "D1", "service_time": "2026-03-02T03:00:00+00:00"}
    (decision,) = patient.comes(60, event="prescription.returned", items=[item]).decisions
    assert [w.rule_id for w in decision.waiting] == ["spec.back"]
    (late,) = patient.passes(61)
    assert [f.rule_id for f in late.findings] == ["spec.back"]


def crowded(patient: Patient, at_h: float) -> None:
    """So many events at a later time that what is old against them is forgotten."""
    for number in range(70):
        patient.comes(at_h + number / 60, source="urn:yijian:other", items=[{"drug": "D2"}])


def test_what_a_waiting_rule_will_ask_for_is_not_forgotten() -> None:
    patient = Patient(back(), lateness_s=3600)
    patient.comes(0)
    patient.comes(10, event="prescription.returned")
    crowded(patient, 200)  # of another source, which is far ahead
    (late,) = patient.passes(11)
    assert [f.rule_id for f in late.findings] == ["spec.back"]


def test_what_was_forgotten_is_not_known() -> None:
    patient = Patient(again())
    patient.comes(0)
    crowded(patient, 200)
    (decision,) = patient.comes(10).decisions
    assert decision.verdict == "incomplete"
    assert decision.not_evaluable[0].missing[0].why == "not_covered"


def test_a_draft_does_not_show_that_a_source_delivers_what_is_signed() -> None:
    patient = Patient(
        make_rule(
            BASE, id="spec.again", each="items", on=["prescription.draft"], finding=FINDING,
            when={"history": {
                "of": "prescription.signed", "within": {"parameter": "stay.hours"},
                "including": "others", "count": {"at_least": 1},
                "where": {"item.drug": {"is": {"fact": "this.item.drug"}}},
            }},
        ),
        is_total=False,
    )  # fmt: skip
    patient.comes(0, event="prescription.draft")
    (decision,) = patient.comes(100, event="prescription.draft").decisions
    assert decision.not_evaluable[0].missing[0].why == "not_covered"


def pregnant(**parts: Any) -> Rule:
    return make_rule(
        BASE, id="spec.pregnant", on=["prescription.signed"],
        when={"patient.pregnant": {"is": True}},
        finding={**FINDING, "message": {"zh": "妊娠", "en": "pregnant"}}, **parts,
    )  # fmt: skip


def test_what_was_said_of_the_patient_later_does_not_hold_before() -> None:
    patient = Patient(pregnant())
    patient.comes(0, patient={"pregnant": False})
    patient.comes(10, patient={"pregnant": True})
    (decision,) = patient.comes(5).decisions
    assert decision.verdict == "clean"
    assert patient.comes(11).decisions[0].findings


def test_what_was_only_said_later_is_not_known_before() -> None:
    patient = Patient(pregnant())
    patient.comes(10, patient={"pregnant": True})
    (decision,) = patient.comes(5).decisions
    assert decision.verdict == "incomplete"


def in_error(of: Patient, at_h: float, act: str, **said: Any) -> None:
    of.comes(at_h, event="prescription.entered_in_error", act_id=act, revision=2, **said)


@pytest.mark.parametrize("repeats", [{}, {"patient": {"pregnant": True}}])
def test_what_was_said_with_an_act_that_was_entered_in_error_is_not_known(
    repeats: dict[str, Any],
) -> None:
    patient = Patient(pregnant())
    patient.comes(10, act_id="p", patient={"pregnant": True})
    assert patient.comes(11).decisions[0].findings
    in_error(patient, 12, "p", **repeats)
    assert patient.comes(13).decisions[0].verdict == "incomplete"


def test_what_was_said_before_is_known_again() -> None:
    patient = Patient(pregnant())
    patient.comes(5, patient={"pregnant": False})
    patient.comes(10, act_id="p", patient={"pregnant": True})
    in_error(patient, 12, "p")
    assert patient.comes(13).decisions[0].verdict == "clean"


def test_what_another_act_said_as_well_stays_known_since_then() -> None:
    patient = Patient(pregnant())
    patient.comes(5, patient={"pregnant": False})
    patient.comes(10, act_id="p", patient={"pregnant": True})
    patient.comes(20, patient={"pregnant": True})
    in_error(patient, 30, "p")
    assert patient.comes(31).decisions[0].findings
    assert patient.comes(15).decisions[0].verdict == "clean"  # late: so it was then


def test_an_act_that_is_known_to_be_in_error_says_nothing_when_it_comes_late() -> None:
    patient = Patient(pregnant(), again())
    in_error(patient, 12, "p")
    patient.comes(10, act_id="p", patient={"pregnant": True})
    decision = patient.comes(13).decisions[0]
    assert [one.rule_id for one in decision.not_evaluable] == ["spec.pregnant"]


def potassium() -> Rule:
    return make_rule(
        BASE, id="spec.potassium", on=["prescription.signed"], finding={
            **FINDING, "message": {"zh": "{patient.potassium}", "en": "{patient.potassium}"},
        }, when={"patient.potassium": {"above": {"parameter": "potassium.limit"}}},
    )  # fmt: skip


RESULT: dict[str, Any] = {"act_id": "r1", "event": "result.reported"}


def measured(value: str) -> dict[str, Any]:
    at = "2026-03-02T00:00:00+00:00"
    return {"items": [{"code": "potassium", "value": value, "at": at}]}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("first", "second"), [("6", "4"), ("4", "6")])
def test_an_amended_result_stands_for_the_one_that_it_corrects(
    order: tuple[int, int], first: str, second: str
) -> None:
    patient = Patient(potassium())
    revisions = (
        {**RESULT, **measured(f"{first} mmol/L")},
        {**RESULT, **measured(f"{second} mmol/L"), "event": "result.amended", "revision": 2},
    )
    for number in order:
        patient.comes(number, **revisions[number])
    assert bool(patient.comes(3).decisions[0].findings) is (second == "6")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_result_entered_in_error_says_nothing(order: tuple[int, int]) -> None:
    patient = Patient(potassium())
    wrong = {**RESULT, **measured("6 mmol/L")}
    revisions = (wrong, {**wrong, "event": "result.entered_in_error", "revision": 2})
    for number in order:
        patient.comes(number, **revisions[number])
    assert patient.comes(3).decisions[0].verdict == "incomplete"


def test_two_laboratories_may_number_their_results_alike() -> None:
    patient = Patient(potassium())
    patient.comes(0, **RESULT, **measured("6 mmol/L"))
    patient.comes(
        1, source="urn:yijian:other", revision=2, act_id="r1", event="result.entered_in_error",
        **measured("6 mmol/L"),
    )  # fmt: skip
    assert patient.comes(3).decisions[0].findings


def test_visits_that_ended_long_ago_are_forgotten() -> None:
    patient = Patient(again())
    patient.comes(0, event="encounter.discharged", act_id="v1")
    crowded(patient, 24 * 1000)
    assert not patient.memory.ended


def test_a_duty_of_a_pair_is_found_when_it_is_due() -> None:
    rule = make_rule(
        BASE, id="spec.pair", each="item.interactions", on=["prescription.signed"], when=None,
        expect={
            "event": "result.reported", "match": ["patient.id"],
            "within": {"parameter": "stay.hours"},
        },
        finding={
            **FINDING, "message": {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"},
        },
    )  # fmt: skip
    patient = Patient(rule)
    patient.comes(0, items=[{"drug": "D1"}, {"drug": "D2"}])
    (due,) = patient.passes(72)
    assert [f.rule_id for f in due.findings] == ["spec.pair"]
