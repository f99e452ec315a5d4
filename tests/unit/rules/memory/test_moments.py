"""An act went through an event when it says so itself, whenever its event was sent."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from rules.memory.horizon import STATED, Horizon
from rules.memory.model import Act
from rules.memory.moments import went_through_us
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, START, Patient, admitted, again, note, signed

LIMIT = {"parameter": "stay.hours"}  # 72 h
VISIT = {"id": "v1"}


def at(hour: float) -> str:
    return (START + timedelta(hours=hour)).isoformat()


def late_note(told_h: float, signed_h: float, **short: Any) -> Patient:
    """The note of an admission, sent at one hour and signed at another."""
    patient = Patient(note())
    admitted(patient)
    patient.passes(told_h)
    signed(patient, told_h, signed_at=at(signed_h), **short)
    patient.passes(300)
    return patient


def results(patient: Patient) -> list[str]:
    return [finding.result for one in patient.stands.values() for finding in one.findings]


@pytest.mark.parametrize(("signed_h", "alerts"), [(71, 0), (72, 0), (72.1, 1), (80, 1)])
def test_a_document_that_is_sent_later_was_signed_when_it_says(
    signed_h: float, alerts: int
) -> None:
    assert len(late_note(80, signed_h).alerts) == alerts


def test_a_signature_for_whose_time_nobody_vouches_makes_the_alert_late_data() -> None:
    assert results(late_note(80, 71, signed_at_trusted=False)) == ["suspected"]
    assert results(late_note(80, 73, signed_at_trusted=False)) == ["violation"]


def test_the_time_of_service_of_a_document_is_not_that_of_its_signature() -> None:
    assert late_note(80, 80, service_time=at(2)).alerts
    patient = Patient(note())
    admitted(patient)
    signed(patient, 80, service_time=at(2))
    patient.passes(300)
    assert patient.alerts


def test_a_document_that_is_sent_before_it_was_signed_is_late_by_its_signature() -> None:
    assert late_note(60, 80).alerts


def revised(rule: Rule, *revisions: dict[str, Any]) -> set[int]:
    """How many alerts stand after revisions of one act, in whatever order they come."""
    found = set()
    for order in permutations(enumerate(revisions, 1)):
        patient = Patient(rule)
        admitted(patient)
        patient.passes(100)
        for number, said in order:
            short = {"encounter": VISIT, "act_id": "a", "revision": number, **said}
            patient.comes(short.pop("at_h"), **short)
        patient.passes(300)
        found.add(len(patient.alerts))
    return found


def test_a_record_that_is_amended_was_signed_before() -> None:
    usual = {"kind": "first_progress_note", "signed_at_trusted": True}
    first = {"event": "document.signed", "at_h": 60, "signed_at": at(59), **usual}
    amended = {"event": "document.amended", "at_h": 90, "signed_at": at(90), **usual}
    assert revised(note(), first, amended) == {0}
    assert revised(note(), {**first, "at_h": 80, "signed_at": at(79)}, amended) == {1}


def arrival() -> Rule:
    return make_rule(
        BASE, id="spec.arrival", on=["encounter.admitted"], when=None,
        finding={**FINDING, "message": {"zh": "未到", "en": "nobody came"}},
        expect={"event": "consultation.arrived", "match": ["encounter.id"], "within": LIMIT},
    )  # fmt: skip


@pytest.mark.parametrize(("told_h", "arrived_h", "alerts"), [(80, 71, 0), (70, 73, 1)])
def test_a_consultant_arrived_when_the_consultation_says(
    told_h: float, arrived_h: float, alerts: int
) -> None:
    arrived = {"event": "consultation.arrived", "at_h": told_h, "arrived_at": at(arrived_h)}
    assert revised(arrival(), arrived) == {alerts}


def test_and_a_later_revision_corrects_it() -> None:
    arrived = {"event": "consultation.arrived", "at_h": 80, "arrived_at": at(71)}
    for arrived_h, alerts in ((73, 1), (60, 0)):
        amended = {"event": "consultation.amended", "at_h": 90, "arrived_at": at(arrived_h)}
        assert revised(arrival(), arrived, amended) == {alerts}


@pytest.mark.parametrize(("told_h", "ended_h", "alerts"), [(80, 60, 0), (80, 73, 1), (60, 73, 1)])
def test_a_stay_ended_when_it_says(told_h: float, ended_h: float, alerts: int) -> None:
    patient = Patient(note())
    admitted(patient)
    patient.passes(told_h)
    visit = {"id": "v1", "ended_at": at(ended_h)}
    patient.comes(told_h, event="encounter.discharged", act_id="v1", revision=2, encounter=visit)
    patient.passes(300)
    assert len(patient.alerts) == alerts


@pytest.mark.parametrize(("signed_h", "due_h"), [(40, 112), (71, 143), (73, 72)])
def test_what_extends_a_limit_does_so_from_when_it_was_signed(
    signed_h: float, due_h: float
) -> None:
    patient = Patient(note(extend={"after": "document.signed", "to": LIMIT}))
    admitted(patient)
    patient.passes(80)
    signed(patient, 80, kind="progress_note", signed_at=at(signed_h))
    patient.passes(300)
    (told,) = [finding for one in patient.stands.values() for finding in one.findings]
    due = START + timedelta(hours=due_h + 8)  # as the clock of the institution has it
    assert told.message.en == f"not seen by {due:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("signed_h", "steps"), [(100, 1), (150, 2)])
def test_who_is_told_later_is_not_told_where_it_was_signed_by_then(
    signed_h: float, steps: int
) -> None:
    patient = Patient(note(escalate=[{"after": LIMIT, "audience": ["department"]}]))
    admitted(patient)
    patient.passes(160)
    signed(patient, 160, signed_at=at(signed_h))
    assert len(patient.alerts) == steps


def test_an_act_that_was_remembered_without_what_it_states_was_done_as_its_event_said() -> None:
    act = Act("urn:s", "document", "d", 1, "signed", 5, {"signed": 9}, {}, [], is_timed=True)
    assert went_through_us(act, "document.signed") == 5
    assert went_through_us(msgspec.structs.replace(act, is_timed=False), "document.signed") == 9


def test_a_drug_is_given_and_an_order_executed_when_the_service_is_rendered() -> None:
    act = Act("urn:s", "order", "o", 1, "executed", 5, {"executed": 9, "signed": 2}, {}, [])
    timed = msgspec.structs.replace(act, is_timed=True)
    assert went_through_us(timed, "order.executed") == 5
    assert went_through_us(timed, "order.signed") == 2
    assert went_through_us(act, "order.executed") == 9


def test_what_acts_state_is_kept_for_duties_only() -> None:
    patient = Patient(again(), note())
    admitted(patient)
    signed(patient, 1, act_id="d", signed_at=at(0.5))
    patient.comes(2, act_id="p", signed_at=at(1))
    kept = {act.family: act.facts for act in patient.memory.acts.values()}
    assert STATED["document.signed"] in kept["document"]
    assert "event.signed_at" not in kept["prescription"]
    assert "encounter.started_at" not in kept["encounter"]


def test_and_nothing_is_less_known_for_it() -> None:
    with_it = Horizon.of([note()], BASE)
    facts = {held.name: held.facts for held in with_it.held}
    assert STATED["document.signed"] not in facts["document"]
