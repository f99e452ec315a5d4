"""Past acts are brought in: what the timeline knows then, and what stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.backfill import Backfill
from contracts.event import Event
from rules import Evaluator
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.model import encode
from rules.pack import Pack
from support.remembered_patient import BASE, Patient, again, note, signed
from unit.rules.memory.test_coverage import WEEK, at, goes_on_with, prescribed

FAMILY = ("prescription",)


def step(number: int, **parts: Any) -> Backfill:
    return Backfill(id="b1", number=number, from_us=at(-9999), families=FAMILY, **parts)


def brings(patient: Patient, *events: Event, since_h: float = -9999) -> None:
    """A whole backfill."""
    attendant, coverage = patient.attendant, patient.coverage
    assert attendant.step(coverage, step(0))
    assert attendant.step(coverage, step(1))
    for event in events:
        attendant.bring(event, "x", patient.memory, coverage)
    assert attendant.step(coverage, step(2, complete={"prescription": at(since_h)}))


def prescription(patient: Patient, at_h: float, drug: str, **short: Any) -> Event:
    return patient.event(at_h, items=[{"drug": drug}], **short)


def test_acts_from_before_the_first_event_are_counted_once_they_were_brought_in() -> None:
    patient = Patient(again(), is_total=False)
    past = [prescription(patient, -60, "D2", act_id="old"), prescription(patient, -80, "D3")]
    assert prescribed(patient, 0) == "not_evaluable"
    brings(patient, past[1], past[0])
    assert patient.coverage.known_since("prescription") == at(-80)
    assert prescribed(patient, 1, "D2") == "alert"
    assert prescribed(patient, 2, "D4") == "silent"


def test_nothing_is_decided_no_timer_is_set_and_no_event_counts_as_answered() -> None:
    patient = Patient(again(), note(), is_total=False)
    prescribed(patient, 0)
    visit = {"id": "v1", "kind": "inpatient"}
    admission = patient.event(-10, event="encounter.admitted", act_id="v1", encounter=visit)
    seen = set(patient.memory.seen)
    told = Backfill(id="b1", number=0, from_us=0, families=("encounter",))
    patient.attendant.step(patient.coverage, told)
    assert patient.attendant.bring(admission, "x", patient.memory, patient.coverage)
    assert not patient.memory.timers
    assert set(patient.memory.seen) == seen
    taken = patient.takes(admission)  # and when it does come it is decided
    assert taken.repeat is None
    assert patient.memory.timers


def test_bringing_in_twice_changes_nothing() -> None:
    patient = Patient(again(), is_total=False)
    past = [prescription(patient, hour, "D2", act_id=f"a{hour}") for hour in (-60, -50)]
    prescribed(patient, 0)
    brings(patient, *past)
    before = encode(patient.memory)
    brings(patient, *past)
    assert encode(patient.memory) == before


def test_what_was_kept_for_fewer_facts_is_kept_in_full() -> None:
    patient = Patient(again(), is_total=False)
    old = prescription(patient, 0, "D2", act_id="old")
    patient.takes(old)
    prescribed(patient, 1)
    goes_on_with(patient, again(where={"item.route": {"is": {"fact": "this.item.route"}}}))
    assert prescribed(patient, 2, "D2") == "not_evaluable"
    brings(patient, old)
    assert (
        "item.route"
        in next(a for a in patient.memory.acts.values() if a.act_id == "old").lines[0].facts
    )


def test_a_later_revision_stands_whatever_is_brought_in_after_it() -> None:
    patient = Patient(again(), is_total=False)
    first = prescription(patient, -9, "D2", act_id="rx", revision=1)
    patient.comes(
        0, event="prescription.cancelled", act_id="rx", revision=2, items=[{"drug": "D2"}]
    )
    brings(patient, first)
    (act,) = patient.memory.acts.values()
    assert (act.revision, act.verb, act.reached["signed"]) == (2, "cancelled", at(-9))
    assert prescribed(patient, 64, "D2") == "silent"


def test_other_content_under_a_key_that_was_answered_is_not_brought_in() -> None:
    patient = Patient(again(), is_total=False)
    event = prescription(patient, 0, "D1", act_id="rx")
    patient.takes(event, "one")
    before = encode(patient.memory)
    patient.attendant.step(patient.coverage, step(0))
    assert not patient.attendant.bring(event, "other", patient.memory, patient.coverage)
    assert encode(patient.memory) == before


@pytest.mark.parametrize("lost", ["step", "start", "rules"])
def test_what_was_not_read_through_is_never_called_complete(lost: str) -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    attendant, coverage = patient.attendant, patient.coverage
    if lost != "start":
        assert attendant.step(coverage, step(0))
    if lost == "rules":
        attendant = Attendant(Evaluator(Pack.of([again(within=WEEK)]), BASE))
    done = attendant.step(coverage, step(2 if lost == "step" else 1, complete={"prescription": 0}))
    assert not done
    assert coverage.known_since("prescription") == at(0)


def test_a_step_that_comes_again_is_not_done_again() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    assert patient.attendant.step(patient.coverage, step(0))
    assert patient.attendant.step(patient.coverage, step(1))
    assert not patient.attendant.step(patient.coverage, step(1))
    assert patient.attendant.step(patient.coverage, step(2))


def test_what_kafka_has_deleted_is_not_called_known() -> None:
    patient = Patient(again(), is_total=False)
    old = prescription(patient, -90, "D2", act_id="old")  # it came late: others may be gone
    prescribed(patient, 0)
    brings(patient, old, since_h=-20)
    assert patient.coverage.known_since("prescription") == at(-20)


def test_a_source_that_went_by_unheard_is_known_from_what_was_read() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    coverage: Coverage = patient.coverage
    coverage.forget()
    prescribed(patient, 50)
    old = prescription(patient, 0, "D2", act_id="old")
    brings(patient, old)
    assert coverage.known_since("prescription") == at(0)


def test_a_document_that_was_brought_in_meets_its_duty() -> None:
    patient = Patient(note(), is_total=False)
    signed(patient, -1, encounter={"id": "v0"})
    visit = {"id": "v1", "kind": "inpatient"}
    patient.comes(0, event="encounter.admitted", act_id="v1", encounter=visit)
    document = patient.event(
        5, event="document.signed", act_id="d1", kind="first_progress_note",
        encounter={"id": "v1"}, signed_at_trusted=True,
    )  # fmt: skip
    patient.attendant.step(patient.coverage, Backfill(id="b", number=0, from_us=0))
    patient.attendant.bring(document, "x", patient.memory, patient.coverage)
    patient.passes(80)
    assert patient.alerts == []
