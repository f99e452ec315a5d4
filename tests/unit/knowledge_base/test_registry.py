"""What is registered stands over the knowledge of files, entry by entry and day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.decision import Words
from contracts.registry import (
    DeviceEntry,
    InstitutionEntry,
    PractitionerEntry,
    Registered,
    RegisteredBed,
    RegisteredDevice,
    RegisteredInstitution,
    RegisteredPractitioner,
)
from knowledge_base.registry import NOTHING, Register, faults, overlaid
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
START, LATER = date(2020, 1, 1), date(2026, 3, 1)
MANY = {"at_most": {"parameter": "count.limit"}}  # 2


def institution(name: str = "demo-h1", **entry: Any) -> RegisteredInstitution:
    said = InstitutionEntry(**{"start": START, **entry})
    return RegisteredInstitution(
        institution=name, id=name, name=Words(zh="院", en="H"), history=(said,)
    )


def practitioner(name: str = "P1", *history: PractitionerEntry) -> RegisteredPractitioner:
    return RegisteredPractitioner(institution="demo-h1", id=name, history=history)


BED = RegisteredBed(institution="demo-h1", id="b1")


def test_the_digest_names_what_is_registered_whatever_came_before() -> None:
    one, other = institution(level="tertiary"), practitioner("P7")
    straight = Register.of([one, other, BED])
    assert len(straight.digest) == 16
    roundabout = Register.of([BED, institution(level="primary"), other])
    assert roundabout.digest != straight.digest
    roundabout.put(one)
    assert roundabout.digest == straight.digest
    roundabout.remove(BED.key)
    assert roundabout.digest == Register.of([one, other]).digest
    for record in (one, other):
        roundabout.remove(record.key)
    roundabout.remove(b"bed/x/y")
    assert (roundabout.digest, len(roundabout)) == ("", 0)


def test_a_registered_practitioner_has_no_other_history() -> None:
    before = BASE.practitioner("demo-h1", "P1", LATER)
    assert before is not None
    found = overlaid(
        BASE,
        Register.of(
            [
                practitioner(
                    "P1",
                    PractitionerEntry(start=START, end=LATER, licensed=True, title="chief"),
                    PractitionerEntry(start=LATER, licensed=False, grants=("narcotic",)),
                )
            ]
        ).registry(),
    )
    early = found.practitioner("demo-h1", "P1", date(2026, 2, 28))
    late = found.practitioner("demo-h1", "P1", LATER)
    assert early is not None
    assert late is not None
    assert (early.licensed, early.title, early.grants) == (True, "chief", None)
    assert (late.licensed, late.title, late.grants) == (False, None, frozenset({"narcotic"}))
    assert found.practitioner("demo-h1", "P1", date(2019, 12, 31)) is None
    assert BASE.practitioner("demo-h1", "P1", LATER) is before


def test_what_is_not_registered_stays_as_files_say() -> None:
    found = overlaid(BASE, Register.of([practitioner("P999")]).registry())
    assert found.practitioners(LATER)[: len(BASE.practitioners(LATER))]
    assert found.institution("demo-h1", LATER) == BASE.institution("demo-h1", LATER)
    assert found.digest == BASE.digest
    assert found.registry
    assert overlaid(found, NOTHING).registry == ""


def test_a_zone_that_is_none_keeps_the_record_out() -> None:
    assert faults(institution(time_zone="Asia/Shanghai")) == ()
    assert "not a time zone" in faults(institution(time_zone="Nowhere/Else"))[0]
    assert faults(BED) == ()


def decided(*records: Registered, **rule: Any) -> Any:
    evaluator = Evaluator(Pack.of([make_rule(BASE, on=["prescription.signed"], **rule)]), BASE)
    evaluator.register(overlaid(BASE, Register.of(records).registry()))
    event = event_of(
        {"event": "prescription.signed", "practitioner": "P1", "items": [{"drug": "D1"}]}, BASE
    )
    return evaluator.decide(event)


def test_approved_beds_are_those_of_the_day_and_else_not_known() -> None:
    rule = {"when": {"institution.approved_beds": MANY}}
    assert decided(institution(approved_beds=2), **rule).findings
    assert not decided(institution(approved_beds=3), **rule).findings
    for records in ([], [institution()], [institution(approved_beds=2, start=date(2027, 1, 1))]):
        (open_one,) = decided(*records, **rule).not_evaluable
        assert [(m.fact, m.why) for m in open_one.missing] == [
            ("institution.approved_beds", "not_in_registry")
        ]


def device(*history: DeviceEntry) -> RegisteredDevice:
    name = Words(zh="机", en="device")
    return RegisteredDevice(institution="demo-h1", id="CT1", name=name, history=history)


@pytest.mark.parametrize(
    ("entry", "licensed"),
    [
        (DeviceEntry(start=START, permit="permit 7"), True),
        (DeviceEntry(start=START, end=LATER, permit="permit 7"), False),
        (DeviceEntry(start=LATER, permit="permit 7"), True),
        (DeviceEntry(start=date(2026, 3, 3), permit="permit 7"), False),
        (DeviceEntry(start=START, permit=None), False),
        (DeviceEntry(start=START, permit=""), None),
        (DeviceEntry(start=START, department="radiology"), None),
        (None, None),
    ],
)
def test_a_registered_device_is_licensed_where_a_permit_covers_the_day(
    entry: DeviceEntry | None, licensed: bool | None
) -> None:
    record = device(*[entry] if entry is not None else ())
    short = {
        "event": "result.reported", "at": "2026-03-02T10:00:00+08:00", "device": "CT1",
        "items": [{"code": "potassium", "value": "4 mmol/L"}],
    }  # fmt: skip
    rule = make_rule(BASE, on=["result.reported"], when={"device.is_licensed": {"is": False}})
    evaluator = Evaluator(Pack.of([rule]), BASE)
    evaluator.register(overlaid(BASE, Register.of([record]).registry()))
    decision = evaluator.decide(event_of(short, BASE))
    assert bool(decision.findings) is (licensed is False)
    assert [m.why for open_one in decision.not_evaluable for m in open_one.missing] == (
        ["not_in_registry"] if licensed is None else []
    )


def test_what_a_registered_entry_does_not_say_is_not_known() -> None:
    rule = {"when": {"practitioner.is_licensed": {"is": False}}}
    said = decided(practitioner("P1", PractitionerEntry(start=START, licensed=False)), **rule)
    assert said.findings
    silent = decided(practitioner("P1", PractitionerEntry(start=START, title="chief")), **rule)
    assert [m.why for m in silent.not_evaluable[0].missing] == ["not_in_registry"]


def test_a_decision_names_the_registry_it_was_made_with() -> None:
    record = institution(approved_beds=2)
    decision = decided(record)
    assert decision.basis.registry == Register.of([record]).digest
    assert decision.basis.knowledge == BASE.digest
    assert msgspec.json.decode(msgspec.json.encode(decided()))["basis"].get("registry", "") == ""


def test_a_registered_time_zone_decides_the_day_from_the_next_event_on() -> None:
    evaluator = Evaluator(Pack.of([]), BASE)
    short = {
        "event": "prescription.signed", "at": "2026-03-02T23:30:00+08:00",
        "items": [{"drug": "D1"}],
    }  # fmt: skip
    event = event_of(short, BASE)
    assert evaluator.decide(event).as_of == "2026-03-02"
    record = institution(time_zone="Pacific/Auckland")
    evaluator.register(overlaid(BASE, Register.of([record]).registry()))
    assert evaluator.decide(event).as_of == "2026-03-03"


def test_a_registry_over_other_knowledge_is_refused() -> None:
    evaluator = Evaluator(Pack.of([]), BASE)
    with pytest.raises(ValueError, match="same knowledge"):
        evaluator.register(replace(BASE, digest="other"))
