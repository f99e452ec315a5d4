"""What is known of the past, since when, and what a rule says of what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision
from knowledge_base.model import Basis, Dated, History, Names
from knowledge_base.profiles import Promises, SourceProfile
from rules import Evaluator
from rules.memory.attendant import Attendant
from rules.memory.coverage import ALWAYS_US, Coverage
from rules.memory.instants import us_of
from rules.model import Rule
from rules.pack import Pack
from support.remembered_patient import BASE, START, Patient, again, note

SOURCE = "urn:yijian:test"
WEEK = {"parameter": "days.limit"}


def at(hours: float) -> int:
    return us_of(START + timedelta(hours=hours))


def goes_on_with(patient: Patient, *rules: Rule) -> None:
    """Another bundle: what is remembered stays."""
    patient.attendant = Attendant(Evaluator(Pack.of(rules), BASE))


def outcome(decision: Decision, rule: str = "spec.again") -> str:
    if any(finding.rule_id == rule for finding in decision.findings):
        return "alert"
    if any(one.rule_id == rule for one in decision.not_evaluable):
        return "not_evaluable"
    return "silent"


def prescribed(patient: Patient, at_h: float, drug: str = "D1", **short: Any) -> str:
    taken = patient.comes(at_h, items=[{"drug": drug, **short}])
    return outcome(taken.decisions[0])


def test_a_source_is_known_from_its_first_event_on() -> None:
    coverage = Coverage()
    assert coverage.known_since("prescription") is None
    assert coverage.hears("a", "prescription", 10)
    assert not coverage.hears("a", "prescription", 20)
    assert coverage.known_since("prescription") == 10
    coverage.hears("b", "prescription", 50)
    assert coverage.known_since("prescription") == 50
    assert coverage.known_since("order") is None


def test_a_first_event_that_is_dated_ahead_covers_less() -> None:
    coverage = Coverage()
    coverage.hears("a", "encounter", 100)
    coverage.hears("a", "prescription", 500)
    coverage.hears("b", "prescription", 101)
    coverage.hears("a", "order", 102)
    assert coverage.known_since("prescription") == 500
    assert coverage.known_since("order") == 500


def test_sources_beyond_so_many_are_never_known_and_hold_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.memory.coverage.MOST_SOURCES", 2)
    coverage = Coverage()
    for at_us, source in enumerate(("a", "b", "c", "d", "c", "a"), 10):
        coverage.hears(source, "prescription", at_us)
    assert set(coverage.since) == {"a", "b"}
    assert coverage.known_since("prescription") == 14  # of "c" it may always be the first one
    assert coverage.known_since("prescription", {"a": 0, "b": 0}) == 14
    coverage.backfilled("c", "prescription", 0)
    assert coverage.known_since("prescription") == 14
    coverage.forget()
    assert coverage.known_since("prescription") is None


def test_what_an_event_tells_can_be_taken_back() -> None:
    coverage = Coverage()
    coverage.hears("a", "prescription", 10)
    coverage.of_group("practitioner.id").hears("a", "prescription", 10)
    whole = msgspec.convert(msgspec.to_builtins(coverage), Coverage)
    before = coverage.as_now("a", "practitioner.id")
    for source, family in (("a", "order"), ("b", "order")):
        coverage.hears(source, family, 20)
        coverage.of_group("practitioner.id").hears(source, family, 20)
    coverage.of_group("institution.id").hears("a", "order", 20)
    coverage.keep(Attendant(Evaluator(Pack.of([again()]), BASE)).horizon)
    assert before == whole
    coverage.restore(before)
    assert coverage == whole


def test_a_first_event_that_comes_late_tells_nothing_of_what_came_since() -> None:
    coverage = Coverage()
    coverage.hears("a", "encounter", 100)
    coverage.hears("a", "prescription", 10)
    assert coverage.known_since("prescription") == 100


def test_of_a_patient_whose_window_is_not_covered_nothing_is_silent() -> None:
    patient = Patient(again(), is_total=False)
    assert prescribed(patient, 0) == "not_evaluable"
    assert prescribed(patient, 71, "D2") == "not_evaluable"
    assert prescribed(patient, 71.5, "D2") == "alert"  # what is certain suffices
    assert prescribed(patient, 200, "D2") == "silent"


def test_a_wider_window_is_covered_once_it_has_grown() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    assert prescribed(patient, 200, "D2") == "silent"
    goes_on_with(patient, again(within=WEEK))
    waits = patient.attendant.uncovered(patient.coverage)
    # What lay more than 72 hours before the latest event may have been dropped.
    assert [(w.rule, w.family, w.since_us) for w in waits] == [
        ("spec.again", "prescription", at(128))
    ]
    assert waits[0].until_us == at(128 + 8 * 24)  # a day of 24 hours may be longer by the clock
    assert prescribed(patient, 201, "D2") == "alert"
    assert prescribed(patient, 295, "D3") == "not_evaluable"
    assert prescribed(patient, 296, "D4") == "silent"
    assert prescribed(patient, 297, "D3") == "alert"
    prescribed(patient, 320)
    assert patient.attendant.uncovered(patient.coverage) == []


def test_a_rule_that_reads_what_was_not_kept_waits_for_a_whole_window() -> None:
    patient = Patient(again(), is_total=False)
    for hour in (0, 40, 80):
        prescribed(patient, hour, "D2")
    where = {"item.route": {"is": {"fact": "this.item.route"}}}
    goes_on_with(patient, again(where=where))
    waits = patient.attendant.uncovered(patient.coverage)
    assert [(w.since_us, w.until_us) for w in waits] == [(at(80), at(152))]
    assert prescribed(patient, 100, "D1", route="oral") == "not_evaluable"
    assert prescribed(patient, 151, "D1", route="iv") == "not_evaluable"
    assert prescribed(patient, 240, "D1", route="iv") == "silent"


def test_a_late_event_right_after_a_change_of_rules_covers_nothing_before_it() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    prescribed(patient, 200, "D2")
    where = {"item.route": {"is": {"fact": "this.item.route"}}}
    goes_on_with(patient, again(where=where))
    prescribed(patient, 20, "D3", route="iv")
    assert patient.coverage.known_since("prescription") == at(200)


def test_a_window_that_was_narrow_in_between_is_not_known_through() -> None:
    patient = Patient(again(within=WEEK), is_total=False)
    prescribed(patient, 0)
    prescribed(patient, 100)
    goes_on_with(patient, again())
    prescribed(patient, 200)
    goes_on_with(patient, again(within=WEEK))
    assert prescribed(patient, 210, "D2") == "not_evaluable"
    assert patient.coverage.known_since("prescription") == at(128)


def test_a_timer_is_judged_by_what_its_own_rules_know_and_changes_nothing() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    other = Attendant(Evaluator(Pack.of([note()]), BASE))
    before = patient.coverage.horizon
    known = patient.coverage.kept_for(other.horizon)
    assert known.held["document"].since_us == at(0)
    assert patient.coverage.horizon == before
    assert "document" not in patient.coverage.held


def test_what_is_forgotten_begins_anew() -> None:
    coverage = Coverage()
    coverage.hears("a", "prescription", 10)
    coverage.hears("a", "prescription", 90)
    coverage.forget()
    assert coverage.known_since("prescription") is None
    coverage.hears("a", "prescription", 20)
    assert coverage.known_since("prescription", {"a": 0}) == 90


@pytest.mark.parametrize(
    ("stated", "since"),
    [(0, 10), (10, 10), (15, 15), (99, 99)],
)
def test_a_statement_stands_in_place_of_the_first_event(stated: int, since: int) -> None:
    coverage = Coverage()
    coverage.hears("a", "encounter", 10)  # from then on somebody listens
    coverage.hears("a", "prescription", 50)
    assert coverage.known_since("prescription") == 50
    assert coverage.known_since("prescription", {"a": stated}) == since


def test_a_family_that_is_stated_complete_is_known_without_any_act_of_it() -> None:
    coverage = Coverage()
    assert coverage.known_since("document", {"a": 0}) is None  # nobody listened yet
    coverage.hears("a", "encounter", 10)
    assert coverage.known_since("document") is None
    assert coverage.known_since("document", {"a": 0}) == 10
    coverage.hears("b", "document", 70)  # of this source nothing is stated
    assert coverage.known_since("document", {"a": 0}) == 70


def complete_from(day: date) -> Any:
    """The knowledge of the tests with a source that is complete from a day on."""
    promises = Promises({}, Basis("law", "1"), {"prescription": day})
    history = History((Dated(promises, date(2000, 1, 1), None),))
    profile = SourceProfile(SOURCE, Names("源", "source"), history)
    return replace(BASE, profiles={SOURCE: profile})


@pytest.mark.parametrize(("day", "says"), [(1, "silent"), (8, "not_evaluable")])
def test_a_rule_honours_what_the_site_states_of_a_source(day: int, says: str) -> None:
    patient = Patient(again(), is_total=False)
    knowledge = complete_from(date(2026, 3, day))
    patient.attendant = Attendant(Evaluator(Pack.of([again()]), knowledge))
    visit = {"id": "v1", "kind": "inpatient"}
    patient.comes(0, event="encounter.admitted", act_id="v1", encounter=visit)
    assert prescribed(patient, 120) == says  # the first prescription that was ever heard


def test_a_rule_without_any_source_waits_without_an_end() -> None:
    patient = Patient(again(), note(), is_total=False)
    waits = patient.attendant.uncovered(patient.coverage)
    assert [(w.rule, w.family, w.until_us) for w in waits] == [
        ("spec.again", "prescription", None),
        ("spec.note", "document", None),
    ]
    prescribed(patient, 0)
    waits = patient.attendant.uncovered(patient.coverage)
    assert [(w.rule, w.until_us) for w in waits] == [
        ("spec.again", at(72)),
        ("spec.note", None),
    ]


def test_backfilled_acts_cover_what_a_change_of_rules_did_not_keep() -> None:
    patient = Patient(again(), is_total=False)
    prescribed(patient, 0)
    prescribed(patient, 100)
    goes_on_with(patient, again(within=WEEK))
    prescribed(patient, 101)
    coverage = patient.coverage
    assert coverage.known_since("prescription") == at(28)
    coverage.backfilled(SOURCE, "prescription", at(-500))
    assert coverage.known_since("prescription") == at(28)  # but not with what the rules read
    coverage.refilled("prescription", at(-400))
    assert coverage.known_since("prescription") == at(-400)
    coverage.refilled("prescription", at(90))
    assert coverage.known_since("prescription") == at(-400)


def test_in_virtual_time_everything_is_known() -> None:
    assert Coverage(is_total=True).known_since("order") == ALWAYS_US
