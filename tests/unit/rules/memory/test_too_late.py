"""What was expected comes after its limit: that it was late stays told, and nobody else is."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from rules.model import Rule
from support.remembered_patient import START, Patient, admitted, note, signed

AFTER = {"parameter": "stay.hours"}  # 72 h, as the limit itself: told further at hour 144
DISCHARGED = {"event": "encounter.discharged", "act_id": "v1", "revision": 2}


def escalating(**expect: Any) -> Rule:
    return note(escalate=[{"after": AFTER, "audience": ["department"]}], **expect)


def whys(patient: Patient) -> list[str]:
    taken = (one.retracted for one in patient.stands.values())
    return [one.why for one in taken if one is not None]


def test_what_was_done_too_late_is_told_to_nobody_else() -> None:
    patient = Patient(escalating())
    admitted(patient)
    assert len(patient.passes(100)) == 1
    assert not signed(patient, 100).decisions[1:]
    assert not patient.passes(500)
    assert patient.steps == ["due"]


def test_what_ended_the_duty_too_late_ends_its_steps_too() -> None:
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(100)
    patient.comes(100, **DISCHARGED)
    assert not patient.passes(500)
    assert patient.steps == ["due"]


def test_a_step_whose_time_came_before_stays_told() -> None:
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(150)
    signed(patient, 150)
    assert (patient.steps, whys(patient)) == (["due", "escalate1"], [])


def test_one_that_is_heard_of_after_the_step_takes_it_back() -> None:
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(150)
    taken = signed(patient, 100)
    assert [one.retracted.why for one in taken.decisions if one.retracted] == ["late"]
    assert patient.steps == ["due"]
    assert not patient.passes(500)


@pytest.mark.parametrize("heard_h", [100, 150])
def test_where_it_is_withdrawn_the_step_is_told_after_all(heard_h: float) -> None:
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(heard_h)
    signed(patient, 100, act_id="n")
    withdrawn = {"event": "document.cancelled", "act_id": "n", "revision": 2}
    patient.comes(heard_h + 1, **withdrawn, encounter={"id": "v1"}, kind="first_progress_note")
    told = patient.passes(152)
    assert [one.cause.rpartition(":")[2] for one in told] == ["escalate1"]
    assert patient.steps == ["due", "escalate1"]


def test_what_happens_when_the_step_is_due_is_before_it() -> None:
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(100)
    signed(patient, 144)
    assert not patient.passes(500)


def test_a_time_for_which_nobody_vouches_does_not_take_back_what_was_told_before_it_was_heard() -> (
    None
):
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(150)
    signed(
        patient, 150, signed_at_trusted=False, signed_at=(START + timedelta(hours=80)).isoformat()
    )
    assert patient.steps == ["due", "escalate1"]


@pytest.mark.parametrize(
    ("signed_h", "trusted"), [(60, True), (100, True), (100, False), (150, True), (150, False)]
)
def test_what_stands_does_not_depend_on_when_it_was_heard_of(signed_h: int, trusted: bool) -> None:
    """The document comes before, between and after the steps; its own times are the same."""
    found = set()
    for heard_h in (signed_h, 110, 160, 300):
        if heard_h < signed_h:
            continue
        patient = Patient(escalating())
        admitted(patient)
        patient.passes(heard_h)
        signed(patient, signed_h, signed_at_trusted=trusted)
        patient.passes(500)
        found.add(tuple(patient.steps))
    assert len(found) == 1


@pytest.mark.parametrize("heard_h", [60, 110, 160])
def test_late_data_are_told_to_nobody_else(heard_h: int) -> None:
    """In time, by a time for which nobody vouches: the alert stays as late data, if it was told."""
    patient = Patient(escalating())
    admitted(patient)
    patient.passes(heard_h)
    signed(patient, 60, signed_at_trusted=False)
    assert not patient.passes(500)
    assert patient.steps == ([] if heard_h == 60 else ["due"])


def test_nor_on_the_order_of_the_note_and_its_withdrawal() -> None:
    note_ = {"event": "document.signed", "act_id": "n", "revision": 1, "at_h": 100}
    gone = {"event": "document.cancelled", "act_id": "n", "revision": 2, "at_h": 120}
    again = {"event": "document.signed", "act_id": "m", "revision": 1, "at_h": 130}
    found = set()
    for order in permutations([note_, gone, again]):
        patient = Patient(escalating())
        admitted(patient)
        patient.passes(150)
        for one in order:
            said = dict(one)
            patient.comes(
                said.pop("at_h"), kind="first_progress_note", encounter={"id": "v1"},
                signed_at_trusted=True, **said,
            )  # fmt: skip
        patient.passes(500)
        found.add(tuple(patient.steps))
    assert found == {("due",)}
