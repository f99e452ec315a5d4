"""What rules that wait for late data ask: how acts were when their own event happened."""

from __future__ import annotations

from typing import Any

import pytest

from rules.memory.merging import merge
from rules.memory.model import Memory, encode
from rules.memory.parting import parted
from rules.memory.versions import as_of
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, Patient

LATENESS_H = 24


def after(of: str, where: dict[str, Any]) -> Rule:
    """Told of a discharge that follows such an act."""
    history = {
        "of": of, "within": {"parameter": "stay.hours"}, "including": "others", "where": where,
        "count": {"at_least": 1},
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.after", on=["encounter.discharged"], finding=FINDING,
        when={"history": history},
    )  # fmt: skip


ANOTHER_STAY = after("encounter.admitted", {"encounter.kind": {"is": "inpatient"}})
A_DRUG = after("prescription.signed", {"item.drug.control": {"is_not": "narcotic"}})


def visit(number: int) -> dict[str, Any]:
    return {"act_id": f"v{number}", "encounter": {"id": f"v{number}", "kind": "inpatient"}}


def told(rule: Rule, *sent: tuple[float, float, dict[str, Any]]) -> list[str]:
    """What stands after events of an hour have come so many hours late."""
    patient = Patient(rule, lateness_s=LATENESS_H * 3600)
    events = [(at + late, patient.event(at, **short)) for at, late, short in sent]
    for arrives, event in sorted(events, key=lambda one: one[0]):
        patient.passes(arrives)
        patient.takes(event)
    patient.passes(2000)
    assert not patient.memory.timers
    return patient.alerts


@pytest.mark.parametrize("late", [0, 20])
def test_a_stay_that_was_cancelled_afterwards_was_there(late: float) -> None:
    assert told(
        ANOTHER_STAY,
        (0, 0, {"event": "encounter.admitted", **visit(2)}),
        (18, 0, {"event": "encounter.discharged", **visit(1)}),
        (30, late, {"event": "encounter.cancelled", "revision": 2, **visit(2)}),
    ) == ["spec.after"]


@pytest.mark.parametrize("late", [0, 23])
def test_a_stay_that_was_cancelled_before_was_not(late: float) -> None:
    assert told(
        ANOTHER_STAY,
        (0, 0, {"event": "encounter.admitted", **visit(2)}),
        (17, late, {"event": "encounter.cancelled", "revision": 2, **visit(2)}),
        (18, 0, {"event": "encounter.discharged", **visit(1)}),
    ) == []  # fmt: skip


@pytest.mark.parametrize("lates", [(0, 0, 0), (0, 23, 0), (23, 0, 0), (0, 0, 23), (23, 23, 0)])
def test_an_act_counts_as_it_was_said_to_be_by_then(lates: tuple[float, ...]) -> None:
    signed, left, amended = lates
    drugs = {"first": [{"drug": "D1"}], "second": [{"drug": "D4"}]}
    assert told(
        A_DRUG,
        (1, signed, {"act_id": "p", "items": drugs["first"]}),
        (10, left, {"event": "encounter.discharged", **visit(1)}),
        (12, amended, {"event": "prescription.amended", "act_id": "p", "revision": 2,
                       "items": drugs["second"]}),
    ) == ["spec.after"]  # fmt: skip


def test_what_an_act_was_said_to_be_is_forgotten_when_nobody_can_ask_for_it() -> None:
    patient = Patient(A_DRUG, lateness_s=LATENESS_H * 3600)
    patient.comes(0, act_id="p")
    patient.comes(1, event="prescription.amended", act_id="p", revision=2)
    (former,) = patient.memory.former.values()
    assert [act.revision for act in former] == [1]
    for number in range(40):
        patient.comes(2 + number, act_id=f"q{number}")
    assert patient.memory.former == {}


def test_nothing_more_is_kept_where_no_rule_waits() -> None:
    patient = Patient(A_DRUG)
    patient.comes(0, act_id="p")
    patient.comes(1, event="prescription.amended", act_id="p", revision=2)
    assert patient.memory.former == {}


@pytest.mark.parametrize("first", [1, 2])
def test_what_another_identity_knew_of_an_act_is_what_it_was_before(first: int) -> None:
    """Told by the two in either order, and merged twice."""
    drugs, names = {1: [{"drug": "D1"}], 2: [{"drug": "D4"}]}, {1: "signed", 2: "amended"}
    memories = []
    for revision in (first, 3 - first):
        patient = Patient(A_DRUG, lateness_s=LATENESS_H * 3600)
        patient.comes(
            6.0 * revision, event=f"prescription.{names[revision]}", act_id="p", revision=revision,
            items=drugs[revision], id=f"r{revision}",
        )  # fmt: skip
        memories.append(patient.memory)
    home, moved = memories
    merge(home, "test|a", moved, "test|b", {})
    once = encode(home)
    merge(home, "test|a", moved, "test|b", {})
    assert encode(home) == once
    (now,) = home.acts.values()
    (then,) = as_of(home, now.event_us - 1).acts.values()
    assert (now.revision, then.revision) == (2, 1)


def test_what_an_act_was_said_to_be_goes_with_it_once() -> None:
    patient = Patient(A_DRUG, lateness_s=LATENESS_H * 3600)
    patient.comes(0, act_id="p")
    patient.comes(1, event="prescription.amended", act_id="p", revision=2)
    former = dict(patient.memory.former)
    home = Memory()
    merge(home, "test|a", patient.memory, "test|b", {})
    once = encode(home)
    merge(home, "test|a", patient.memory, "test|b", {})
    assert encode(home) == once
    assert home.former == former
    assert parted(home, {"test|b"}, "test|b").former == former
    assert home.former == {}
