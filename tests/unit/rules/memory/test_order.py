"""Laws of order: what stands in the end does not depend on the order of arrival.

That holds of deadlines and of rules about what is over; they wait as long as data may be late.
Rules that answer at once say what was known when they were asked.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.acts import Document
from contracts.event import Event
from rules.memory.instants import us_of
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, NOTE, START, Patient, again, note

LATENESS_S = 24 * 3600
REVISIONS = ("admitted", "admitted", "updated", "transferred")
EXTENSIONS = ("admitted", "note", "extension", "extension", "withdrawn")
NOTES = ("admitted", "note", "note", "amended", "withdrawn", "discharged")
KINDS = (*REVISIONS, *EXTENSIONS, *NOTES, "cancelled", "drug", "drug")
THEMES = {
    "all": KINDS,
    "revisions": REVISIONS,
    "extensions": EXTENSIONS,
    "notes": NOTES,
    "stays": ("admitted", "discharged", "cancelled", "updated"),
    "lines": ("drug", "drug", "extension", "note"),
}
VISITS = ("v1", "v2")
HOURS_72 = {"parameter": "stay.hours"}


def readmitted() -> Rule:
    return make_rule(
        BASE, id="spec.back", on=["encounter.discharged"], finding=FINDING,
        when={"history": {
            "of": "encounter.admitted", "within": {"parameter": "stay.hours"},
            "including": "others", "count": {"at_least": 1},
            "where": {"encounter.id": {"is_not": {"fact": "this.encounter.id"}}},
        }},
    )  # fmt: skip


def of_inpatients() -> Rule:
    """Told at once when it is due, so what comes late takes it back."""
    return make_rule(
        BASE, id="spec.inpatient", on=["encounter.admitted"], when=None, finding=DUE,
        scope={"encounter.kind": {"is": "inpatient"}},
        expect={
            **NOTE, "until": ["encounter.discharged", "encounter.cancelled"],
            "extend": {"after": "order.executed", "to": HOURS_72},
            "escalate": [{"after": "1 h", "audience": ["department"]}],
            "every": HOURS_72,
        },
    )  # fmt: skip


def of_lines() -> Rule:
    return make_rule(
        BASE, id="spec.dispensed", each="items", on=["prescription.signed"], when=None,
        scope={"item.drug.control": {"is_not": "narcotic"}}, finding=DUE,
        expect={
            "event": "order.executed", "match": ["patient.id"], "within": HOURS_72,
            "where": {"event.department": {"is": "D2"}},
            "extend": {"after": "document.signed", "to": HOURS_72},
        },
    )  # fmt: skip


DUE = {**FINDING, "message": {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"}}
RULES = (
    note(grace=HOURS_72),
    of_inpatients(),
    of_lines(),
    readmitted(),
    again(),
)

DUTIES = RULES[:2]
"""Which no document extends."""


class Sent(NamedTuple):
    event: Event
    delay_s: int

    @property
    def arrives_us(self) -> int:
        return us_of(self.event.time + timedelta(seconds=self.delay_s))


@st.composite
def days(draw: st.DrawFn, theme: str = "all") -> list[Sent]:
    """Events of two visits within a few days, each with a delay below the allowed lateness.

    Most come close to each other, and to when something is due.
    """
    count = draw(st.integers(2, 9))
    hours = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    minutes = [hour * 18 * 60 + number for number, hour in enumerate(sorted(hours))]
    delays = st.sampled_from((0, LATENESS_S - 1)) | st.integers(0, LATENESS_S - 1)
    maker = Patient(*RULES)
    kinds, visits = THEMES[theme], VISITS if theme in ("all", "stays") else VISITS[:1]
    revisions: Counter[str] = Counter()
    skips = draw(st.integers(0, 1))  # sources may leave out numbers
    found = []
    for number, minute in enumerate(minutes):
        short = draw(acts(number, minute, kinds, visits))
        revisions[short["act_id"]] += 1 + skips
        revision = revisions[short["act_id"]]
        event = maker.event(minute / 60, id=f"e{number}", **short, revision=revision)
        found.append(Sent(event, draw(delays)))
    return found


@st.composite
def acts(
    draw: st.DrawFn, number: int, minute: int, kinds: tuple[str, ...], visits: tuple[str, ...]
) -> dict[str, Any]:
    """One of a few acts, as a revision says it."""
    visit = {"id": draw(st.sampled_from(visits))}
    kind = draw(st.sampled_from(kinds)) if number else kinds[0]
    note = {"kind": "first_progress_note", "encounter": visit}
    earlier = draw(st.integers(0, number))
    if kind in ("note", "amended"):
        verb, of = ("signed", number) if kind == "note" else ("amended", earlier)
        return {
            "event": f"document.{verb}",
            "act_id": f"d{of}",
            "signed_at_trusted": True,
            **draw(stated("signed_at", minute)),
            **note,
        }
    if kind == "extension":
        return {
            "event": "order.executed",
            "act_id": f"o{number}",
            "encounter": visit,
            "department": draw(st.sampled_from(("D1", "D2"))),
        }
    if kind == "withdrawn":
        event, act = draw(st.sampled_from((("document", "d"), ("order", "o"))))
        more = note if event == "document" else {"encounter": visit}
        return {"event": f"{event}.entered_in_error", "act_id": f"{act}{earlier}", **more}
    if kind == "drug":
        lines = draw(st.lists(st.sampled_from("ab"), min_size=1, unique=True))
        drugs = [{"line_id": line, "drug": draw(st.sampled_from(("D1", "D4")))} for line in lines]
        verb = draw(st.sampled_from(("signed", "amended", "cancelled")))
        return {"event": f"prescription.{verb}", "act_id": f"p{earlier % 2}", "items": drugs}
    visit["kind"] = draw(st.sampled_from(("inpatient", "inpatient", "outpatient")))
    if kind == "discharged":
        visit.update(draw(stated("ended_at", minute)))
    return {"event": f"encounter.{kind}", "act_id": visit["id"], "encounter": visit}


@st.composite
def stated(draw: st.DrawFn, name: str, minute: int) -> dict[str, str]:
    """Most acts say themselves when they happened: hours before or after their event, or with it.

    Sources send what was signed later on, and what was signed again says so.
    """
    hours = draw(st.none() | st.sampled_from((0, -1, 1)) | st.integers(-48, 24))
    if hours is None:
        return {}
    return {name: (START + timedelta(minutes=minute, hours=hours)).isoformat()}


def stands_after(
    sent: list[Sent], rules: tuple[Rule, ...] = RULES
) -> set[tuple[str, str, str, str]]:
    """What stands of decisions that waited, after the events have come in this order."""
    patient = Patient(*rules, lateness_s=LATENESS_S)
    for one in sent:
        patient.passes_until(one.arrives_us)
        patient.takes(one.event)
    patient.passes(600)
    return {
        (decision.event.id, decision.cause, finding.alert_id, finding.message.en)
        for decision in patient.stands.values()
        if decision.cause != "event"
        for finding in decision.findings
    }


def in_order(sent: list[Sent]) -> list[Sent]:
    return sorted((one._replace(delay_s=0) for one in sent), key=lambda one: one.arrives_us)


@pytest.mark.parametrize("theme", THEMES)
@settings(deadline=None, max_examples=150)  # the first examples compile rules
@given(st.data())
def test_delays_within_the_lateness_change_nothing_that_waits(
    theme: str, data: st.DataObject
) -> None:
    sent = data.draw(days(theme))
    late = sorted(sent, key=lambda one: (one.arrives_us, one.event.id))
    assert stands_after(late) == stands_after(in_order(sent))


@settings(deadline=None, max_examples=150)
@given(days("notes"), st.data())
def test_nor_where_nobody_vouches_for_the_times_of_notes_that_come_at_once(
    drawn: list[Sent], data: st.DataObject
) -> None:
    """One that comes late may have been told before: that stays told, as late data."""
    sent = [doubted(one) if data.draw(st.booleans()) else one for one in drawn]
    late = sorted(sent, key=lambda one: (one.arrives_us, one.event.id))
    assert stands_after(late, DUTIES) == stands_after(in_order(sent), DUTIES)


def doubted(one: Sent) -> Sent:
    event = one.event
    if not isinstance(event.data, Document):
        return one
    data = msgspec.structs.replace(event.data, signed_at_trusted=False)
    return Sent(msgspec.structs.replace(event, data=data), 0)


@settings(deadline=None)
@given(days(), st.data())
def test_an_event_that_comes_again_changes_nothing(sent: list[Sent], data: st.DataObject) -> None:
    ordered = in_order(sent)
    place = data.draw(st.integers(0, len(ordered) - 1))
    again_at = data.draw(st.integers(place + 1, len(ordered)))
    twice = [*ordered[:again_at], ordered[place], *ordered[again_at:]]
    assert stands_after(twice) == stands_after(ordered)
