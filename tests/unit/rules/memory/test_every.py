"""A duty that was missed is due again and again, until what is expected comes or it ends."""

from __future__ import annotations

from typing import Any

import pytest

from rules.model import Rule
from support.remembered_patient import Patient, admitted, note, signed

HOURS_72 = {"parameter": "stay.hours"}
DISCHARGED = {"event": "encounter.discharged", "act_id": "v1", "revision": 2}
ADMITTED = {"event": "encounter.admitted", "act_id": "v1"}
INPATIENT = {"id": "v1", "kind": "inpatient"}


def recurring(**expect: Any) -> Rule:
    return note(**{"every": HOURS_72, **expect})


def test_it_is_told_each_time_it_is_missed() -> None:
    patient = Patient(recurring())
    admitted(patient)
    told = [one for hour in range(0, 300, 12) for one in patient.passes(hour)]
    assert patient.steps == ["due", "again1", "again2", "again3"]
    texts = [one.findings[0].message.en for one in told]
    assert texts == [f"not seen by 2026-03-{day:02d} 08:00" for day in (5, 8, 11, 14)]
    assert len({one.findings[0].alert_id for one in told}) == 4


@pytest.mark.parametrize("ends", [DISCHARGED, None])
def test_what_comes_too_late_or_ends_it_is_the_end_of_it(ends: dict[str, Any] | None) -> None:
    patient = Patient(recurring())
    admitted(patient)
    patient.passes(150)
    patient.comes(150, **ends) if ends else signed(patient, 150)
    assert not patient.passes(2000)
    assert patient.steps == ["due", "again1"]


def test_what_came_in_time_takes_all_of_it_back() -> None:
    patient = Patient(recurring())
    admitted(patient)
    patient.passes(220)
    signed(patient, 60)
    assert (patient.steps, patient.passes(2000)) == ([], [])


def test_what_came_between_takes_back_what_was_told_after_it() -> None:
    patient = Patient(recurring())
    admitted(patient)
    patient.passes(220)
    taken = signed(patient, 100)
    whys = [one.retracted.why for one in taken.decisions if one.retracted is not None]
    assert (patient.steps, whys) == (["due"], ["late", "late"])
    assert not patient.passes(2000)


def test_withdrawn_it_is_missed_as_often_as_it_was() -> None:
    patient = Patient(recurring())
    admitted(patient)
    patient.passes(100)
    signed(patient, 100, act_id="n")
    assert not patient.passes(220)
    gone = {"event": "document.cancelled", "act_id": "n", "revision": 2}
    patient.comes(220, **gone, kind="first_progress_note", encounter={"id": "v1"})
    patient.passes(221)
    assert patient.steps == ["due", "again1", "again2"]


def test_it_is_remembered_for_as_long_after_it_was_due_last() -> None:
    """It was due for the first time long ago, and what ended it then may still be withdrawn."""
    patient = Patient(recurring())
    admitted(patient)
    hour = 24 * 50
    patient.passes(hour)
    missed = len(patient.steps)
    signed(patient, hour, act_id="n")
    for number in range(64):  # now and then what is old is forgotten
        patient.comes(hour + 1 + number / 100, act_id=f"p{number}")
    gone = {"event": "document.cancelled", "act_id": "n", "revision": 2}
    patient.comes(hour + 73, **gone, kind="first_progress_note", encounter={"id": "v1"})
    patient.passes(hour + 74)
    assert len(patient.steps) == missed + 1


def test_grace_is_waited_for_each_time() -> None:
    patient = Patient(recurring(grace="1 h"))
    admitted(patient)
    assert not patient.passes(72.9)
    assert len(patient.passes(73)) == 1
    assert not patient.passes(144.9)
    (again,) = patient.passes(145)
    assert again.findings[0].message.en == "not seen by 2026-03-08 08:00"


def test_what_comes_within_the_grace_after_it_was_due_again_was_missed_again() -> None:
    patient = Patient(recurring(grace="1 h"))
    admitted(patient)
    patient.passes(144.5)
    signed(patient, 144.5)
    patient.passes(2000)
    assert patient.steps == ["due", "again1"]


def test_steps_of_escalation_stand_between() -> None:
    patient = Patient(recurring(escalate=[{"after": "1 h", "audience": ["department"]}]))
    admitted(patient)
    patient.passes(220)
    assert patient.steps == ["due", "escalate1", "again1", "again2"]


@pytest.mark.parametrize("heard_h", [60, 100, 160, 300])
@pytest.mark.parametrize("signed_h", [60, 100, 144, 150, 217])
def test_what_stands_does_not_depend_on_when_it_was_heard_of(signed_h: int, heard_h: int) -> None:
    expected = 0 if signed_h <= 72 else 1 + (signed_h - 73) // 72
    patient = Patient(recurring())
    admitted(patient)
    patient.passes(max(heard_h, signed_h))
    signed(patient, signed_h)
    patient.passes(2000)
    assert len(patient.steps) == expected
