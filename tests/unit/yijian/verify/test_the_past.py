"""The verifier looks at decisions with a past: what it can confirm, and what it says it cannot."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from contracts.decision import Decision, Reader
from contracts.event import encode_event
from rules.model import Rule
from spec.rules.world import make_rule
from support.past import BASE, FINDING, SITE, admission, again, core_of, event, note
from support.past import progress_note as noted
from support.past_log import Log
from yijian.composition import Core
from yijian.verify.causes import asked_by
from yijian.verify.model import AGREED, DISAGREED, SKIPPED
from yijian.verify.verifier import Verifier

change = msgspec.structs.replace
read = Reader(Decision)
CORE = core_of(again(), note())
VERIFIER = Verifier(CORE.evaluator)
BEFORE = noted("n0", -1, "v0", "p0")


def excused() -> Rule:
    """A note is expected, but not after a planned admission."""
    return replace(
        note(), unless=make_rule(
            BASE, id="spec.day", on=["encounter.admitted"],
            when={"encounter.kind": {"is": "inpatient"}},
            finding={**FINDING, "message": {"zh": "x", "en": "x"}},
        ).when,
    )  # fmt: skip


def decided(*until: float, core: Core = CORE, events: tuple[object, ...] = ()) -> list[Decision]:
    log = Log(core)
    log.takes(*events)  # type: ignore[arg-type]
    for at_h in until:
        log.passes(event("", at_h))
    return [read(record.value or b"") for record in log.decisions]


def test_a_history_is_compared_as_it_is_recorded_and_its_value_is_not_checked() -> None:
    _, second = decided(events=(event("a", 0), event("b", 1)))
    assert second.findings
    check = VERIFIER.verify(second)
    assert (check.result, check.rules["spec.again"].agreed) == (AGREED, 1)
    assert check.unchecked["history"] == 1
    counted = change(second.coverage, alerts=0, silent=1)
    silenced = change(second, findings=(), coverage=counted)
    assert VERIFIER.verify(silenced).result == DISAGREED


def test_a_duty_that_waits_is_confirmed_and_one_that_is_hidden_is_found() -> None:
    (decision,) = decided(events=(admission("in", 0),))
    assert decision.waiting
    check = VERIFIER.verify(decision)
    assert (check.result, check.rules["spec.note"].agreed) == (AGREED, 1)
    hidden = change(decision, waiting=(), coverage=change(decision.coverage, waiting=0))
    assert VERIFIER.verify(hidden).result == DISAGREED


def test_an_alert_of_a_deadline_is_confirmed_but_not_that_nothing_came() -> None:
    *_, due = decided(73, events=(BEFORE, admission("in", 0)))
    assert due.findings
    check = VERIFIER.verify(due)
    assert (check.result, check.unchecked["expected_event"]) == (AGREED, 1)
    gone = change(due, findings=(), coverage=change(due.coverage, alerts=0, exempt=1))
    assert VERIFIER.verify(gone).result == DISAGREED


def test_an_exempt_duty_is_confirmed_and_an_alert_in_its_place_is_found() -> None:
    core = core_of(excused())
    verifier = Verifier(core.evaluator)
    *_, due = decided(73, core=core, events=(BEFORE, admission("in", 0)))
    assert due.coverage.exempt == 1
    assert verifier.verify(due).result == AGREED
    *_, alerting = decided(73, events=(BEFORE, admission("in", 0)))
    lie = change(due, findings=alerting.findings, coverage=alerting.coverage)
    assert verifier.verify(lie).result == DISAGREED


def test_a_deadline_that_could_not_be_judged_is_left_open() -> None:
    *_, due = decided(73, events=(admission("in", 0),))
    assert due.not_evaluable
    check = VERIFIER.verify(due)
    assert check.result == AGREED
    assert check.rules["spec.note"].skipped == 1


def test_what_was_taken_back_is_skipped_by_reason() -> None:
    log = Log(CORE)
    log.takes(BEFORE, admission("in", 0))
    log.passes(event("", 73))
    log.takes(noted("n", 50))
    back = read(log.decisions[-1].value or b"")
    check = VERIFIER.verify(back)
    assert (check.result, check.reason) == (SKIPPED, "retracted")


def test_rules_that_waited_for_late_data_are_confirmed() -> None:
    back = make_rule(
        BASE, id="spec.back", on=["encounter.discharged"], finding=FINDING,
        when={"history": {
            "of": "encounter.admitted", "within": {"parameter": "stay.hours"},
            "including": "others", "count": {"at_least": 1},
            "where": {"encounter.kind": {"is": "inpatient"}},
        }},
    )  # fmt: skip
    core = core_of(back, waits_for_late=True)
    log = Log(core, replace(SITE, lateness_s=3600))
    gone = event("out", 2, event="encounter.discharged", act_id="v9", revision=2)
    log.takes(admission("in", 0), gone)
    log.passes(event("", 4))
    waiting, late = (read(record.value or b"") for record in log.decisions[1:])
    assert waiting.waiting
    assert late.cause == "late"
    assert late.findings
    verifier = Verifier(core.evaluator)
    assert verifier.verify(waiting).result == AGREED
    assert verifier.verify(late).result == AGREED
    silent = change(late, findings=(), coverage=change(late.coverage, alerts=0, silent=1))
    assert verifier.verify(silent).result == DISAGREED
    impatient = Verifier(core_of(back).evaluator)
    assert impatient.verify(late).reason == "other_lateness"


def test_remembered_facts_are_not_looked_for_in_the_event() -> None:
    rule = make_rule(
        BASE, id="spec.minor", on=["prescription.signed"],
        when={"patient.age": {"below": {"parameter": "age.limit"}}},
        finding={**FINDING, "message": {"zh": "{patient.age}", "en": "{patient.age}"}},
    )  # fmt: skip
    core = core_of(rule)
    log = Log(core)
    born = event("born", 0, patient={"birth_date": "2015-01-01"})
    later = event("later", 1)
    log.takes(born, later)
    one, two = (read(record.value or b"") for record in log.decisions)
    verifier = Verifier(core.evaluator)
    own = verifier.verify(one, encode_event(born))
    assert "remembered" not in own.unchecked
    remembered = verifier.verify(two, encode_event(later))
    assert two.remembered == ("birth_date",)
    assert remembered.unchecked["remembered"] == 1
    assert remembered.derived == own.derived - 1
    assert verifier.verify(two, encode_event(born)).unchecked["event_not_named"] == 1


@pytest.mark.parametrize(
    ("cause", "asked"),
    [
        ("event", ("event", None)),
        ("late", ("late", None)),
        ("timer:house.note::due", ("due:house.note", "")),
        ("timer:house.note:a:b:escalate1", ("due:house.note", "a:b")),
        ("timer:house.note", None),
        ("other", None),
    ],
)
def test_a_cause_says_what_was_asked(cause: str, asked: tuple[str, str | None] | None) -> None:
    assert asked_by(cause) == asked


def test_a_pair_with_another_act_is_confirmed_and_one_that_is_hidden_is_found() -> None:
    rule = make_rule(
        BASE, id="spec.pairs", on=["prescription.signed"], each="item.interactions",
        when={"pair.severity": {"is": "major"}},
        finding={**FINDING, "message": {"zh": "{pair.partner}", "en": "{pair.partner}"}},
    )  # fmt: skip
    core = core_of(rule)
    verifier = Verifier(core.evaluator)
    first = event("a", 0, items=[{"drug": "W1", "days_supply": 7}])
    open_one, found = decided(
        core=core, events=(first, event("b", 24, items=[{"drug": "F1", "days_supply": 7}]))
    )
    assert open_one.undetermined
    assert verifier.verify(open_one).result == AGREED
    assert [f.pair.partner for f in found.findings if f.pair] == ["act-a/1"]
    check = verifier.verify(found)
    assert (check.result, check.rules["spec.pairs"].agreed) == (AGREED, 1)
    counted = change(found.coverage, alerts=0, silent=1)
    hidden = change(found, findings=(), coverage=counted)
    assert verifier.verify(hidden).result == DISAGREED
