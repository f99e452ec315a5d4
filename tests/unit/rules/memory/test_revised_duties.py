"""What a revision of the act that brought a duty changes about it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, NOTE, Patient, admitted, signed

DUE = {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"}


def of_inpatients(*on: str, **parts: Any) -> Rule:
    return make_rule(
        BASE, id="spec.note", on=list(on or ("encounter.admitted",)), when=None,
        scope={"encounter.kind": {"is": "inpatient"}}, expect=NOTE,
        finding={**FINDING, "message": DUE}, **parts,
    )  # fmt: skip


def of_drugs() -> Rule:
    return make_rule(
        BASE, id="spec.checked", each="items", on=["prescription.signed"], when=None,
        scope={"item.drug.control": {"is_not": "narcotic"}},
        expect={"event": "result.reported", "match": ["patient.id"],
                "within": {"parameter": "stay.hours"}},
        finding={**FINDING, "message": DUE},
    )  # fmt: skip


def revised(patient: Patient, at_h: float, kind: str | None, revision: int, **short: Any) -> None:
    visit = {"id": "v1", "kind": kind} if kind else {"id": "v1"}
    usual = {"event": "encounter.updated", "act_id": "v1", "revision": revision}
    patient.comes(at_h, **{**usual, "encounter": visit, **short})


def test_a_revision_of_which_nothing_is_expected_ends_the_duty() -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    revised(patient, 1, "outpatient", 2)
    assert not patient.passes(100)


def test_and_takes_back_what_was_told() -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    (due,) = patient.passes(72)
    revised(patient, 80, "outpatient", 2)
    taken = patient.stands[due.decision_id]
    assert taken.verdict == "retracted"
    assert taken.retracted is not None
    assert taken.retracted.why == "revised"
    assert patient.alerts == []


@pytest.mark.parametrize("kind", ["inpatient", None])
def test_one_that_says_the_same_or_nothing_leaves_it(kind: str | None) -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    revised(patient, 1, kind, 2)
    assert patient.passes(72)[0].findings


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_the_latest_revision_decides_whatever_the_order(order: tuple[int, int]) -> None:
    for last in ("inpatient", "outpatient"):
        kinds = {2: {"inpatient": "outpatient", "outpatient": "inpatient"}[last], 3: last}
        patient = Patient(of_inpatients())
        admitted(patient)
        for revision in order:
            revised(patient, revision, kinds[revision], revision)
        assert bool(patient.passes(72)) is (last == "inpatient")


def test_a_duty_that_was_denied_is_not_brought_again_by_an_earlier_revision() -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    revised(patient, 3, "outpatient", 3)
    revised(patient, 2, "inpatient", 2, event="encounter.admitted")
    assert not patient.passes(100)


def test_a_revision_that_the_rule_is_about_itself_is_asked_as_well() -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    revised(patient, 1, "outpatient", 2, event="encounter.admitted")
    assert not patient.passes(100)


def test_what_happens_again_and_again_is_not_denied_by_what_is_otherwise_later() -> None:
    patient = Patient(of_inpatients("encounter.updated"))
    revised(patient, 0, "inpatient", 1)
    revised(patient, 1, "outpatient", 2)
    assert patient.passes(72)[0].findings


def test_a_line_that_is_gone_or_another_one_ends_its_own_duty_alone() -> None:
    patient = Patient(of_drugs())
    lines = [{"line_id": "a", "drug": "D1"}, {"line_id": "b", "drug": "D1"}]
    patient.comes(0, act_id="p1", items=[*lines, {"line_id": "c", "drug": "D1"}])
    lines[1]["drug"] = "D4"
    patient.comes(1, act_id="p1", revision=2, event="prescription.amended", items=lines)
    found = [f.element for due in patient.passes(72) for f in due.findings]
    assert found == ["a"]


def test_a_revision_without_its_lines_does_not_tell() -> None:
    patient = Patient(of_drugs())
    patient.comes(0, act_id="p1")
    patient.comes(1, act_id="p1", revision=2, event="prescription.stopped", items="not_reported")
    assert patient.passes(72)[0].findings


def test_a_denied_duty_is_not_late_and_not_fulfilled() -> None:
    patient = Patient(of_inpatients())
    admitted(patient)
    revised(patient, 1, "outpatient", 2)
    signed(patient, 2, signed_at_trusted=False)
    revised(patient, 3, "inpatient", 3)
    assert not patient.passes(100)  # the note that was signed meanwhile fulfils it


def test_no_two_duties_share_a_name_whatever_their_acts_are_called() -> None:
    patient = Patient(of_drugs())
    for act, line in (("p|1", "a"), ("p", "1|a"), ("p%7C1", "a")):
        patient.comes(0, act_id=act, items=[{"line_id": line, "drug": "D1"}])
    found = [(due.event.act_id, f.element) for due in patient.passes(72) for f in due.findings]
    assert sorted(found) == [("p", "1|a"), ("p%7C1", "a"), ("p|1", "a")]


def test_a_duty_that_was_stored_under_another_name_is_replaced_as_well() -> None:
    patient = Patient(of_drugs())
    lines = [{"line_id": "a", "drug": "D1"}]
    patient.comes(0, act_id="p|1", items=lines)
    (timer,) = patient.memory.timers.values()
    patient.memory.timers = {"old": msgspec.structs.replace(timer, id="old")}
    patient.comes(1, act_id="p|1", revision=2, items=lines)
    (due,) = patient.passes(73)
    assert due.event.revision == 2


@pytest.mark.parametrize("event", ["encounter.updated", "encounter.admitted"])
def test_a_revision_that_denies_a_duty_does_so_before_it_is_brought(event: str) -> None:
    patient = Patient(of_inpatients(), lateness_s=3600 * 4)
    revised(patient, 3, "outpatient", 3, event=event)
    admitted(patient)
    assert not patient.passes(100)
    revised(patient, 101, "inpatient", 4)  # after all
    assert patient.passes(101)[0].findings


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (2, 0, 1, 3), (3, 2, 1, 0)])
def test_a_duty_is_of_the_latest_revision_that_brings_it_whatever_the_order(
    order: tuple[int, ...],
) -> None:
    """Also where one in between denies it."""
    revisions: list[dict[str, Any]] = [
        {"kind": "inpatient", "event": "encounter.admitted"},
        {"kind": "inpatient", "event": "encounter.admitted"},
        {"kind": "outpatient"},
        {"kind": "inpatient"},
    ]
    patient = Patient(of_inpatients(), lateness_s=3600 * 4)
    for number in order:
        revised(patient, number, revision=number + 1, id=f"r{number}", **revisions[number])
    (due,) = patient.passes(100)
    assert (due.event.id, len(due.findings)) == ("r1", 1)


def test_a_line_that_an_earlier_revision_has_alone_is_not_waited_for() -> None:
    patient = Patient(of_drugs(), lateness_s=3600 * 4)
    for number, names in ((1, "a"), (3, "a"), (2, "ab")):
        lines = [{"line_id": name, "drug": "D1"} for name in names]
        patient.comes(number, act_id="p1", revision=number, items=lines)
    found = [f.element for due in patient.passes(100) for f in due.findings]
    assert found == ["a"]


def test_revisions_that_follow_each_other_are_not_kept() -> None:
    patient = Patient(of_inpatients(), lateness_s=3600 * 4)
    admitted(patient)
    brought = set(patient.memory.kept)
    for revision in (2, 3, 4):
        revised(patient, revision, "outpatient", revision)
    assert set(patient.memory.kept) == brought


def test_one_revision_of_an_act_is_kept_for_as_long_as_earlier_ones_may_come() -> None:
    patient = Patient(of_inpatients(), lateness_s=3600 * 4)
    for revision in (3, 5, 6):
        revised(patient, revision, "outpatient", revision)
        assert len(patient.memory.kept) == 1
    for number in range(32):
        patient.comes(11 + number / 60)
    assert not patient.memory.kept
    admitted(patient)
    assert patient.passes(100)
