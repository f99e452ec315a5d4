"""Pieces of an ordinary visit beside orders: what is written, done, given and asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from contracts.acts import (
    Acknowledgement,
    Administration,
    AdministrationItem,
    Condition,
    Consultation,
    Document,
    InfectionReport,
    Procedure,
)
from contracts.values import Actor, Coding, Diagnosis
from simulation.blocks import MINUTE_S
from simulation.chart import Chart, Life, Step
from simulation.orders import reported_test

_NOTES: Final = {
    "outpatient": ("progress_note",),
    "emergency": ("progress_note", "handover"),
    "inpatient": ("admission_note", "first_progress_note", "ward_round", "progress_note"),
}
_INFLUENZA: Final = Diagnosis(Coding("http://hl7.org/fhir/sid/icd-10", "J11.1", "流行性感冒"))
_DEMO: Final = "urn:yijian:demo:procedure"
_OPERATIONS: Final = (("OP1", 1), ("OP2", 2), ("OP3", 3))
"""Codes and grades of invented procedures."""


def _document(chart: Chart, kind: str, about: str) -> Life:
    act = Document(
        **chart.common(),
        act_id=chart.act_id("doc"),
        revision=1,
        kind=kind,
        about=about,
        starts_at=chart.started_at,
        ends_at=chart.now(),
    )
    return Life(chart, "document", act)


def _sign(document: Life) -> Step:
    chart = document.chart
    signer = Actor(chart.doctor.id, "attending")
    return document.say(
        "signed",
        signed_at=chart.now(),
        signed_at_trusted=True,
        signer=signer,
        signer_level="attending",
    )


def write_note(chart: Chart) -> Iterator[Step]:
    chart.wait(6 * MINUTE_S)
    kind = chart.rng.choice(_NOTES[chart.start.kind])
    yield _sign(_document(chart, kind, chart.ref.id))


def revised_note(chart: Chart) -> Iterator[Step]:
    chart.wait(6 * MINUTE_S)
    kind = chart.rng.choice(_NOTES[chart.start.kind])
    note = _document(chart, kind, chart.ref.id)
    yield note.say("draft")
    chart.wait(4 * MINUTE_S)
    yield _sign(note)
    chart.wait(20 * MINUTE_S)
    yield note.say("amended", signed_at=chart.now())


def summarise(chart: Chart) -> Iterator[Step]:
    """The record of a discharge."""
    chart.wait(5 * MINUTE_S)
    yield _sign(_document(chart, "discharge_record", chart.ref.id))


def operate(chart: Chart) -> Iterator[Step]:
    """A planned operation, its checklist before and its record after."""
    chart.wait(20 * MINUTE_S)
    code, level = chart.rng.choice(_OPERATIONS)
    surgeon = Actor(chart.doctor.id, "surgeon")
    act = Procedure(
        **chart.common(),
        act_id=chart.act_id("op"),
        revision=1,
        kind="surgery",
        code=Coding(_DEMO, code),
        level=level,
        incision=chart.rng.choice(("I", "II")),
        planned=True,
        unplanned_return=False,
        planned_at=chart.now(),
        actors=(surgeon,),
    )
    operation = Life(chart, "procedure", act)
    yield operation.say("signed")
    chart.wait(15 * MINUTE_S)
    yield _sign(_document(chart, "safety_checklist", act.act_id))
    chart.wait(5 * MINUTE_S)
    began = chart.now()
    yield operation.say("started", started_at=began, incision_at=began)
    chart.wait(60 * MINUTE_S)
    yield operation.say("ended", ended_at=chart.now())
    chart.wait(20 * MINUTE_S)
    yield _sign(_document(chart, "operation_record", act.act_id))


def consult(chart: Chart) -> Iterator[Step]:
    chart.wait(10 * MINUTE_S)
    act = Consultation(
        **chart.common(),
        act_id=chart.act_id("con"),
        revision=1,
        kind="department",
        urgency=chart.rng.choice(("routine", "urgent")),
        about=chart.ref.id,
        requested_at=chart.now(),
    )
    consultation = Life(chart, "consultation", act)
    yield consultation.say("requested")
    chart.wait(5 * MINUTE_S)
    yield consultation.say("arrived", arrived_at=chart.now())
    chart.wait(15 * MINUTE_S)
    yield consultation.say("answered", answered_at=chart.now())


def give(chart: Chart) -> Iterator[Step]:
    """One dose on a ward; now and then the patient does not take it."""
    chart.wait(20 * MINUTE_S)
    medicine = chart.rng.choice(chart.medicines)
    given = AdministrationItem(
        line_id="1", drug=medicine.coding, dose=medicine.dose, route=medicine.route
    )
    act = Administration(
        **chart.common(), act_id=chart.act_id("adm"), revision=1, items=(given,), checked_by=None
    )
    dose = Life(chart, "administration", act)
    if chart.rng.random() < 0.05:
        yield dose.say("not_given", items=(replace(given, reason="患者外出检查"),))
    else:
        yield dose.say("administered", items=(replace(given, given_at=chart.now()),))


def acknowledged_test(chart: Chart) -> Iterator[Step]:
    """A test whose result the ward confirms to have received."""
    result = yield from reported_test(chart)
    chart.wait(4 * MINUTE_S)
    act = Acknowledgement(
        **chart.common(),
        act_id=chart.act_id("ack"),
        revision=1,
        kind="received",
        about=result.act.act_id,
        line_id=result.act.items[0].line_id,
        acknowledged_at=chart.now(),
    )
    yield Life(chart, "acknowledgement", act).say("acknowledged")


def report_infection(chart: Chart) -> Iterator[Step]:
    chart.wait(3 * MINUTE_S)
    found = Condition(
        **chart.common(), act_id=chart.act_id("cnd"), revision=1, diagnosis=_INFLUENZA
    )
    yield Life(chart, "condition", found).say("recorded")
    diagnosed_at = chart.now()
    chart.wait(10 * MINUTE_S)
    card = InfectionReport(
        **chart.common(),
        act_id=chart.act_id("inf"),
        revision=1,
        disease=_INFLUENZA.code,
        case_class="clinical",
        condition=found.act_id,
        diagnosed_at=diagnosed_at,
        reported_at=chart.now(),
    )
    yield Life(chart, "infection_report", card).say("reported")
