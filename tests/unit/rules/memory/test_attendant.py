"""An event meets a memory: repeats, history, duties and what takes their alerts back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.identity import EventKey, decision_id
from rules.memory.instants import us_of
from rules.memory.model import encode
from spec.rules.world import make_rule
from support.remembered_patient import (
    BASE,
    FINDING,
    START,
    Patient,
    admitted,
    again,
    note,
    signed,
)


def test_a_second_prescription_of_the_drug_within_the_window_is_found() -> None:
    patient = Patient(again())
    assert not patient.comes(0).decisions[0].findings
    (decision,) = patient.comes(71.9).decisions
    assert [f.message.en for f in decision.findings] == ["1 times"]
    assert decision.coverage.alerts == 1


def test_the_window_begins_after_its_first_instant() -> None:
    patient = Patient(again())
    patient.comes(0)
    assert not patient.comes(72).decisions[0].findings
    assert patient.comes(71.99).decisions[0].findings


def test_a_revision_of_the_same_act_is_no_member() -> None:
    patient = Patient(again())
    patient.comes(0, act_id="one")
    (decision,) = patient.comes(1, act_id="one", revision=2).decisions
    assert not decision.findings


def test_earlier_lines_of_the_same_event_are_members() -> None:
    patient = Patient(again())
    (decision,) = patient.comes(0, items=[{"drug": "D1"}, {"drug": "D1"}]).decisions
    assert [f.element for f in decision.findings] == ["2"]


def test_a_cancelled_act_and_one_entered_in_error_are_no_members() -> None:
    for verb in ("cancelled", "entered_in_error"):
        patient = Patient(again())
        patient.comes(0, act_id="one")
        patient.comes(1, act_id="one", revision=2, event=f"prescription.{verb}")
        assert not patient.comes(2).decisions[0].findings


def test_a_late_lower_revision_does_not_bring_a_cancelled_act_back() -> None:
    patient = Patient(again())
    patient.comes(1, act_id="one", revision=2, event="prescription.cancelled")
    patient.comes(0, act_id="one", revision=1)
    assert not patient.comes(2).decisions[0].findings


def test_what_happened_before_the_source_was_heard_is_not_known() -> None:
    patient = Patient(again(), is_total=False)
    patient.comes(0, items=[{"drug": "D2"}])
    (decision,) = patient.comes(10).decisions
    assert decision.verdict == "incomplete"
    (missing,) = decision.not_evaluable[0].missing
    assert (missing.fact, missing.why) == ("history.prescription.signed", "not_covered")
    assert missing.age.startswith("2026-03-02T00:00")
    assert patient.comes(20).decisions[0].findings  # what is known is enough for an alert
    (later,) = patient.comes(93, items=[{"drug": "D3"}]).decisions
    assert later.verdict == "clean"  # the window is covered now


def test_an_event_that_comes_again_is_answered_with_the_name_of_its_decision() -> None:
    patient = Patient(again())
    first = patient.comes(0, id="same", act_id="one")
    second = patient.comes(0, id="same", act_id="one")
    assert not second.decisions
    assert second.repeat is not None
    assert second.repeat.decision_id == first.decisions[0].decision_id
    assert not patient.comes(1).repeat


def test_the_same_key_with_other_content_is_refused_and_changes_nothing() -> None:
    patient = Patient(again())
    patient.comes(0, id="same", act_id="one", digest="x")
    before = encode(patient.memory)
    taken = patient.comes(0, id="same", act_id="one", digest="y")
    assert taken.reused
    assert encode(patient.memory) == before


def test_a_duty_is_told_and_fires_after_it_is_due_and_not_before() -> None:
    patient = Patient(note())
    decision = admitted(patient)
    (waiting,) = decision.waiting
    assert (waiting.rule_id, waiting.why) == ("spec.note", "duty")
    assert waiting.until.startswith("2026-03-05T00:00")
    assert not patient.passes(71.9)
    (due,) = patient.passes(72)
    assert due.cause == "timer:spec.note::due"
    assert due.decision_id == decision_id(
        EventKey(decision.event.source, decision.event.id), "patient", due.cause
    )
    assert due.phase == "post"
    assert [f.rule_id for f in due.findings] == ["spec.note"]
    assert due.findings[0].alert_id != ""
    assert due.findings[0].thresholds[0].parameter == "stay.hours"
    assert not patient.passes(1000)


def test_what_is_expected_in_time_ends_the_duty() -> None:
    patient = Patient(note())
    admitted(patient)
    signed(patient, 71)
    assert not patient.passes(1000)


def test_what_comes_at_the_very_instant_is_in_time() -> None:
    patient = Patient(note())
    admitted(patient)
    assert not patient.passes_until(us_of(START + timedelta(hours=72)))
    signed(patient, 72, signed_at_trusted=False)
    assert not patient.passes(1000)


def test_another_document_or_another_visit_does_not() -> None:
    patient = Patient(note())
    admitted(patient)
    signed(patient, 10, kind="admission_note")
    signed(patient, 10, encounter={"id": "v2"})
    assert patient.passes(72)[0].findings


def test_the_document_may_be_known_before_the_admission() -> None:
    patient = Patient(note())
    signed(patient, 3)
    admitted(patient, 0)
    assert not patient.passes(1000)


def test_the_end_of_the_visit_ends_the_duty() -> None:
    patient = Patient(note())
    admitted(patient)
    patient.comes(5, event="encounter.discharged", act_id="v1", revision=2)
    assert not patient.passes(1000)


@pytest.mark.parametrize(("trusted", "stands"), [(True, []), (False, ["spec.note"])])
def test_a_late_event_with_a_trusted_time_takes_the_alert_back(
    trusted: bool, stands: list[str]
) -> None:
    patient = Patient(note())
    admitted(patient)
    (due,) = patient.passes(72)
    taken = signed(patient, 50, signed_at_trusted=trusted)
    (changed,) = taken.decisions[1:]
    assert changed.decision_id == due.decision_id
    assert patient.alerts == stands
    if trusted:
        assert changed.verdict == "retracted"
        assert changed.retracted is not None
        assert changed.retracted.why == "in_time"
    else:
        assert changed.findings[0].result == "suspected"
        assert "deadline.late_data" in changed.findings[0].facts


def test_an_event_after_the_limit_leaves_the_alert() -> None:
    patient = Patient(note())
    admitted(patient)
    patient.passes(72)
    assert len(signed(patient, 80).decisions) == 1
    assert patient.alerts == ["spec.note"]


def test_an_admission_that_was_entered_in_error_takes_the_alert_back() -> None:
    patient = Patient(note())
    admitted(patient)
    patient.passes(72)
    patient.comes(80, event="encounter.entered_in_error", act_id="v1", revision=2)
    assert patient.alerts == []


def test_a_duty_whose_answers_nobody_sends_is_not_evaluable() -> None:
    patient = Patient(note(), is_total=False)
    admitted(patient)
    (due,) = patient.passes(72)
    assert due.verdict == "incomplete"
    assert due.not_evaluable[0].missing[0].why == "not_covered"


def test_post_event_rules_about_the_past_wait_for_late_data() -> None:
    rule = make_rule(
        BASE, id="spec.back", on=["encounter.discharged"], finding=FINDING,
        when={"history": {
            "of": "encounter.admitted", "within": {"parameter": "stay.hours"},
            "including": "others", "count": {"at_least": 1},
            "where": {"encounter.kind": {"is": "inpatient"}},
        }},
    )  # fmt: skip
    patient = Patient(rule, lateness_s=3600)
    decision = patient.comes(10, event="encounter.discharged", act_id="v2").decisions[0]
    assert [w.why for w in decision.waiting] == ["late_data"]
    assert decision.verdict == "incomplete"
    admitted(patient, 5)  # late
    (late,) = patient.passes(11)
    assert late.cause == "late"
    assert [f.rule_id for f in late.findings] == ["spec.back"]
    assert not patient.memory.timers


def test_what_was_measured_is_remembered_and_the_decision_says_so() -> None:
    rule = make_rule(
        BASE, id="spec.potassium", on=["prescription.signed"], finding={
            **FINDING, "message": {"zh": "{patient.potassium}", "en": "{patient.potassium}"},
        }, when={"patient.potassium": {"above": {"parameter": "potassium.limit"}}},
    )  # fmt: skip
    patient = Patient(rule)
    patient.comes(0, event="result.reported", items=[{"code": "potassium", "value": "6 mmol/L"}])
    (decision,) = patient.comes(1).decisions
    assert [f.rule_id for f in decision.findings] == ["spec.potassium"]
    assert decision.remembered == ("observations",)
