"""Laws of order: what stands in the end does not depend on the order of arrival.

That holds of deadlines and of rules about what is over; they wait as long as data may be late.
Rules that answer at once say what was known when they were asked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.event import Event
from rules.memory.instants import us_of
from rules.model import Rule
from spec.rules.world import make_rule
from support.remembered_patient import BASE, FINDING, Patient, again, note

LATENESS_S = 3600
VISITS = ("v1", "v2")
KINDS = ("admitted", "discharged", "cancelled", "note", "note", "withdrawn", "drug")


def readmitted() -> Rule:
    return make_rule(
        BASE, id="spec.back", on=["encounter.discharged"], finding=FINDING,
        when={"history": {
            "of": "encounter.admitted", "within": {"parameter": "stay.hours"},
            "including": "others", "count": {"at_least": 1},
            "where": {"encounter.id": {"is_not": {"fact": "this.encounter.id"}}},
        }},
    )  # fmt: skip


RULES = (
    note(grace={"parameter": "stay.hours"}),
    readmitted(),
    again(),
)


class Sent(NamedTuple):
    event: Event
    delay_s: int

    @property
    def arrives_us(self) -> int:
        return us_of(self.event.time + timedelta(seconds=self.delay_s))


@st.composite
def days(draw: st.DrawFn) -> list[Sent]:
    """Events of two visits within a few days, each with a delay below the allowed lateness."""
    count = draw(st.integers(2, 9))
    minutes = draw(st.lists(st.integers(0, 9000), min_size=count, max_size=count, unique=True))
    maker = Patient(*RULES)
    found = []
    for number, minute in enumerate(sorted(minutes)):
        visit = draw(st.sampled_from(VISITS))
        kind = draw(st.sampled_from(KINDS))
        short: dict[str, Any] = {
            "event": f"encounter.{kind}",
            "act_id": visit,
            "revision": number + 1,
        }
        if kind == "note":
            short = {
                "event": "document.signed", "act_id": f"d{number}", "encounter": {"id": visit},
                "kind": "first_progress_note", "signed_at_trusted": True,
            }  # fmt: skip
        elif kind == "withdrawn":
            short = {
                "event": "document.entered_in_error", "act_id": f"d{draw(st.integers(0, count))}",
                "revision": 2, "encounter": {"id": visit}, "kind": "first_progress_note",
            }  # fmt: skip
        elif kind == "drug":
            short = {"act_id": f"p{number}"}
        event = maker.event(minute / 60, id=f"e{number}", **short)
        found.append(Sent(event, draw(st.integers(0, LATENESS_S - 1))))
    return found


def stands_after(sent: list[Sent]) -> set[tuple[str, str, str]]:
    """What stands of decisions that waited, after the events have come in this order."""
    patient = Patient(*RULES, lateness_s=LATENESS_S)
    for one in sent:
        patient.passes_until(one.arrives_us)
        patient.takes(one.event)
    patient.passes(2000)
    return {
        (decision.event.id, decision.cause, finding.alert_id)
        for decision in patient.stands.values()
        if decision.cause != "event"
        for finding in decision.findings
    }


def in_order(sent: list[Sent]) -> list[Sent]:
    return sorted((one._replace(delay_s=0) for one in sent), key=lambda one: one.arrives_us)


@settings(deadline=None)  # the first examples compile rules
@given(days())
def test_delays_within_the_lateness_change_nothing_that_waits(sent: list[Sent]) -> None:
    late = sorted(sent, key=lambda one: (one.arrives_us, one.event.id))
    assert stands_after(late) == stands_after(in_order(sent))


@settings(deadline=None)
@given(days(), st.data())
def test_an_event_that_comes_again_changes_nothing(sent: list[Sent], data: st.DataObject) -> None:
    ordered = in_order(sent)
    place = data.draw(st.integers(0, len(ordered) - 1))
    again_at = data.draw(st.integers(place + 1, len(ordered)))
    twice = [*ordered[:again_at], ordered[place], *ordered[again_at:]]
    assert stands_after(twice) == stands_after(ordered)
