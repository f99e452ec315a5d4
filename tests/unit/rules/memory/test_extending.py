"""An event that extends the limit of a duty counts whenever it is heard of."""

from __future__ import annotations

from typing import Any

import pytest

from rules.model import Rule
from support.remembered_patient import Patient, admitted, note, signed

TO = {"parameter": "stay.hours"}  # 72 h, as the limit itself
LATER = [{"after": TO, "audience": ["department"]}]


def extended(after: str = "encounter.transferred", **expect: Any) -> Rule:
    return note(extend={"after": after, "to": TO}, **expect)


def moved(patient: Patient, at_h: float, **short: Any) -> None:
    usual = {"event": "encounter.transferred", "act_id": "v1", "revision": 2}
    patient.comes(at_h, **{**usual, **short})


def waiting_until(patient: Patient, at_h: float) -> None:
    """Nothing is told before that hour, and then that the event did not come."""
    assert not patient.passes(at_h - 0.01)
    (due,) = patient.passes(at_h)
    assert due.cause.endswith(":due")
    assert due.findings


def test_an_event_extends_the_limit() -> None:
    patient = Patient(extended())
    admitted(patient)
    moved(patient, 40)
    waiting_until(patient, 112)


def test_one_that_is_heard_after_the_alert_takes_it_back() -> None:
    patient = Patient(extended(escalate=LATER))
    admitted(patient)
    (due,) = patient.passes(100)
    moved(patient, 40)
    taken = patient.stands[due.decision_id]
    assert taken.retracted is not None
    assert taken.retracted.why == "extended"
    assert patient.alerts == []
    waiting_until(patient, 112)
    (escalated,) = patient.passes(184)
    assert escalated.findings[0].audience == ("department",)
    assert sorted(patient.steps) == ["due", "escalate1"]


def test_and_who_was_told_as_well_is_told_anew() -> None:
    patient = Patient(extended(escalate=LATER))
    admitted(patient)
    assert len(patient.passes(150)) == 2
    moved(patient, 40)
    assert sorted(patient.steps) == []
    (due,) = patient.passes(150)
    assert due.cause.endswith(":due")
    assert due.findings[0].message.en == "not seen by 2026-03-07 00:00"
    assert len(patient.passes(184)) == 1


def test_what_is_expected_fulfils_the_duty_up_to_the_extended_limit() -> None:
    for at_h, alerts in ((112, []), (113, ["spec.note"])):
        patient = Patient(extended())
        admitted(patient)
        patient.passes(100)
        moved(patient, 40)
        signed(patient, at_h)
        patient.passes(200)
        assert patient.alerts == alerts


@pytest.mark.parametrize(("at_h", "is_in_time"), [(72, True), (72.1, False)])
@pytest.mark.parametrize("heard_at_h", [0, 100])
def test_what_happens_after_the_limit_extends_it_no_more(
    at_h: float, is_in_time: bool, heard_at_h: float
) -> None:
    patient = Patient(extended())
    admitted(patient)
    patient.passes(heard_at_h)
    moved(patient, at_h)
    patient.passes(143.9)
    assert bool(patient.alerts) is not is_in_time


@pytest.mark.parametrize("order", [(60, 120), (120, 60)])
def test_one_extension_may_follow_another_whichever_is_heard_first(order: tuple[int, int]) -> None:
    patient = Patient(extended(after="order.executed", match=["patient.id"]))
    admitted(patient)
    patient.passes(150)
    for number, at_h in enumerate(order):
        patient.comes(at_h, event="order.executed", act_id=f"o{number}")
    assert patient.alerts == []
    waiting_until(patient, 192)


def test_a_reminder_is_told_anew_before_the_limit_as_it_is_now() -> None:
    patient = Patient(extended(remind_before="1 h"))
    admitted(patient)
    patient.passes(71.5)
    assert sorted(patient.steps) == ["remind"]
    moved(patient, 71.6)
    assert sorted(patient.steps) == []
    assert not patient.passes(142.5)
    assert patient.passes(142.7)[0].cause.endswith(":remind")


def test_an_extension_that_is_withdrawn_extends_nothing() -> None:
    for withdrawn_at_h in (100, 130):
        patient = Patient(extended(after="order.executed", match=["patient.id"]))
        admitted(patient)
        patient.comes(60, event="order.executed", act_id="o1")
        signed(patient, 110)
        patient.passes(withdrawn_at_h)
        assert patient.alerts == []
        patient.comes(
            withdrawn_at_h, event="order.entered_in_error", act_id="o1", revision=2
        )  # fmt: skip
        (due,) = patient.passes(withdrawn_at_h)
        assert due.findings[0].message.en == "not seen by 2026-03-05 08:00"


def consulted(patient: Patient, at_h: float, *, is_trusted: bool, **short: Any) -> None:
    usual = {"kind": "progress_note", "act_id": "d0", "signed_at_trusted": is_trusted}
    signed(patient, at_h, **{**usual, **short})


def test_an_extension_of_which_nobody_vouches_for_the_time_makes_the_alert_late_data() -> None:
    patient = Patient(extended(after="document.signed", escalate=LATER))
    admitted(patient)
    (due,) = patient.passes(100)
    consulted(patient, 40, is_trusted=False)
    late = patient.stands[due.decision_id]
    assert late.findings[0].result == "suspected"
    assert "deadline.late_data" in late.findings[0].facts
    patient.comes(101, event="encounter.updated", act_id="v1", revision=2)
    assert patient.stands[due.decision_id] == late
    waiting_until(patient, 112)  # late whoever vouches for what
    assert patient.stands[due.decision_id].findings[0].result == "violation"
    patient.comes(113, event="encounter.updated", act_id="v1", revision=3)
    assert patient.stands[due.decision_id].findings[0].result == "violation"
    assert patient.passes(184)


def test_and_what_came_in_time_by_it_leaves_it_late_data() -> None:
    patient = Patient(extended(after="document.signed", escalate=LATER))
    admitted(patient)
    (due,) = patient.passes(100)
    consulted(patient, 40, is_trusted=False)
    signed(patient, 110)
    assert not patient.passes(300)
    assert patient.stands[due.decision_id].findings[0].result == "suspected"
    consulted(patient, 41, is_trusted=True, act_id="d1")
    assert patient.alerts == []


def test_without_it_the_alert_is_what_it_was() -> None:
    patient = Patient(extended(after="document.signed"))
    admitted(patient)
    (due,) = patient.passes(100)
    consulted(patient, 40, is_trusted=False)
    patient.comes(
        101, event="document.entered_in_error", act_id="d0", revision=2, kind="progress_note"
    )  # fmt: skip
    (again,) = patient.passes(100)
    assert (again.decision_id, again.findings) == (due.decision_id, due.findings)


def test_heard_before_the_alert_it_extends_the_limit_whoever_vouches_for_it() -> None:
    patient = Patient(extended(after="document.signed"))
    admitted(patient)
    consulted(patient, 40, is_trusted=False)
    waiting_until(patient, 112)
