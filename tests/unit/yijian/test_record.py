"""The order of record leads to the same decisions once more, whatever happened on the way."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from contracts.decision import KindHeaders
from contracts.identity import EventKey
from rules.memory.instants import us_of
from rules.memory.model import decode
from spec.rules.world import make_rule
from support.past import (
    BASE,
    FINDING,
    SITE,
    admission,
    again,
    core_of,
    dispensed,
    event,
    note,
    progress_note,
    two_places,
)
from support.past_log import OTHER, Log
from yijian.expected import Supervisors
from yijian.record import Recomputed, Replay, order_of
from yijian.remembering import Remembered

CORE = core_of(again(), note())
BEFORE = progress_note("n0", -1, "v0", "p0")
"""Notes are known from then on."""


@pytest.fixture
def log() -> Log:
    return Log(CORE)


def alerts(found: Recomputed) -> list[str]:
    """The rules whose alerts stand in the end."""
    names = (msgspec.json.decode(raw)["rule_id"] for raw in found.expected.alerts.values())
    return sorted(names)


def test_events_of_several_topics_are_taken_in_the_order_of_their_decisions(log: Log) -> None:
    later = log.comes(event("a", 1), OTHER)
    earlier = log.comes(event("b", 0))
    log.takes(later, earlier, event("c", 2))
    found = log.replayed()
    assert not found.differing
    assert found.decisions == 3
    reordered = Log(CORE)
    reordered.intake, reordered.decisions = log.intake, log.decisions[::-1]
    assert reordered.replayed().differing


def test_timers_fire_where_they_fired_and_retractions_take_back(log: Log) -> None:
    log.takes(BEFORE, admission("in", 0), admission("in2", 0, "v2", "p2"))
    log.passes(event("", 73))
    log.takes(progress_note("late", 50))
    found = log.replayed()
    assert not found.differing
    assert (found.timers, found.decisions) == (2, 7)
    assert alerts(found) == ["spec.note"]


def test_an_event_that_came_again_is_known_where_it_came_again(log: Log) -> None:
    log.takes(event("a", 0), event("a", 0), event("b", 1))
    found = log.replayed()
    assert (found.repeats, found.differing) == (1, [])
    assert found.expected.accepted[log.intake[1].place] == EventKey("urn:yijian:test", "a")


def test_a_repeat_of_what_never_came_is_different(log: Log) -> None:
    log.takes(event("a", 0), event("a", 0))
    del log.decisions[0]
    assert log.replayed().differing == [("decisions", 0, 1)]


def test_after_a_crash_an_events_last_decision_is_its_place(log: Log) -> None:
    one, two = log.comes(event("a", 0)), log.comes(event("b", 1), OTHER)
    log.takes(one, two)
    log.restart()
    log.takes(two, one)
    found = log.replayed()
    assert (found.voided, found.decisions, found.differing) == (2, 2, [])
    assert alerts(found) == []  # the first of the two in time came last and has nothing before it
    assert len(order_of(log.decisions).disordered) == 0


def test_a_crash_may_make_a_repeat_of_what_was_a_decision(log: Log) -> None:
    one, two = log.comes(event("a", 0)), log.comes(event("a", 0), OTHER)
    log.takes(one, two)
    log.restart()
    log.takes(two, one)
    found = log.replayed()
    assert (found.repeats, found.decisions, found.differing) == (1, 1, [])


def test_a_remembered_event_that_is_read_again_keeps_its_place(log: Log) -> None:
    one = log.comes(event("a", 0))
    log.takes(one, event("b", 1), one)
    found = log.replayed()
    assert (found.repeats, found.voided, found.differing) == (1, 0, [])


def test_what_an_interrupted_run_decided_at_a_timer_is_void(log: Log) -> None:
    arrived = [log.comes(one) for one in (BEFORE, admission("in", 0))]
    log.takes(*arrived)
    log.passes(event("", 73))
    log.restart()
    log.withdraws()
    log.takes(*arrived, progress_note("note", 50))
    found = log.replayed()
    assert (found.differing, found.timers, alerts(found)) == ([], 0, [])


def test_a_withdrawn_timer_may_fire_again(log: Log) -> None:
    arrived = [log.comes(one) for one in (BEFORE, admission("in", 0))]
    log.takes(*arrived)
    log.passes(event("", 73))
    log.restart()
    log.withdraws()
    log.takes(*arrived)
    log.passes(event("", 80))
    found = log.replayed()
    assert (found.differing, found.timers, alerts(found)) == ([], 1, ["spec.note"])


def test_a_timer_that_was_lost_is_found_by_the_others_of_its_tick(log: Log) -> None:
    log.takes(BEFORE, admission("in", 0), admission("in2", 0, "v2", "p2"), event("a", 73))
    log.passes(event("", 74))
    lost = [
        d for d in log.decisions if d.key == b"test|p2" and KindHeaders.TIMER in dict(d.headers)
    ]
    log.decisions = [d for d in log.decisions if d not in lost]
    assert log.replayed().unfired == []  # the tick may still go on
    log.takes(event("b", 74))
    assert log.replayed().unfired == [log.intake[2].place]


def test_a_decision_that_stood_and_was_withdrawn_is_a_timer_that_was_lost(log: Log) -> None:
    log.takes(BEFORE, admission("in", 0), event("a", 73))
    log.passes(event("", 74))
    log.withdraws()  # although it was remembered: it will not fire again
    log.takes(BEFORE, admission("in2", 1, "v2", "p2"))
    log.passes(event("", 75))
    log.takes(event("b", 75))
    assert log.replayed().unfired == [log.intake[1].place]


def test_a_timer_that_was_set_after_its_tick_is_not_lost(log: Log) -> None:
    log.takes(BEFORE, admission("in", 0))
    log.passes(event("", 74))
    log.takes(admission("in3", 0, "v3", "p3"))  # overdue at once: it fires at the next tick
    assert log.replayed().unfired == []


def test_a_duty_that_a_withdrawn_document_brought_back_fires_again_and_is_not_lost(
    log: Log,
) -> None:
    log.takes(BEFORE, admission("in", 0), admission("in2", 0, "v2", "p2"))
    log.takes(progress_note("note", 50))
    log.passes(event("", 74))  # the other patient's, and nothing to say of this one
    wrong = progress_note("wrong", 80)
    log.takes(
        msgspec.structs.replace(
            wrong, type="document.entered_in_error.v1",
            data=msgspec.structs.replace(wrong.data, act_id="act-note", revision=2),
        )
    )  # fmt: skip
    assert log.replayed().unfired == []
    log.passes(event("", 81))
    found = log.replayed()
    assert (found.differing, found.timers, found.unfired) == ([], 2, [])
    assert alerts(found) == ["spec.note", "spec.note"]


def test_a_timer_that_an_interrupted_tick_left_waiting_is_not_lost(log: Log) -> None:
    log.takes(BEFORE, admission("in", 0), admission("in2", 0, "v2", "p2"))
    log.passes(event("", 74))
    log.withdraws()
    stood = log.decisions.pop(-2)  # only the other patient's memory knew that it had fired
    assert stood.key == b"test|p1"
    log.takes(event("b", 75))
    found = log.replayed()
    assert (found.unfired, found.timers, found.voided) == ([], 1, 1)


def test_a_decision_that_was_tampered_with_is_found_and_the_alert_too(log: Log) -> None:
    log.takes(event("a", 0), event("b", 1))
    last = log.decisions[-1]
    value = (last.value or b"").replace(b'"verdict":"findings"', b'"verdict":"clean"')
    assert value != last.value
    log.decisions[-1] = last._replace(value=value)
    found = log.replayed()
    assert found.differing == [last.place]
    assert alerts(found) == ["spec.again"]


def test_a_decision_from_before_findings_that_are_not_told_again_were_counted_is_the_same() -> None:
    once = {"action": "remind", "once_within": {"parameter": "stay.hours"}}
    finding = {**FINDING, **once, "message": {"zh": "有", "en": "found"}}
    reminder = make_rule(
        BASE, id="spec.once", each="items", on=["prescription.signed"],
        when={"item.drug": {"exists": True}}, finding=finding,
    )  # fmt: skip
    log = Log(core_of(reminder))
    lines = [{"drug": "D1", "dose": "250 mg", "doses_per_day": 2}]
    log.takes(*(event(f"e{n}", n, act_id="one", revision=n, items=lines) for n in (1, 2)))
    last = log.decisions[-1]
    value = (last.value or b"").replace(b',"suppressed":1', b"")
    assert value != last.value
    assert b'"suppressed":true' in value
    log.decisions[-1] = last._replace(value=value)
    assert not log.replayed().differing


def test_other_rules_go_on_with_what_the_first_ones_remembered(log: Log) -> None:
    other = core_of(again(), note(severity="critical"))
    log.takes(event("a", 0))
    log.goes_on_with(other)
    log.takes(event("b", 1))
    found = log.replayed()
    assert set(found.expected.not_recomputed.values()) == {"other_pack"}
    bundled = Supervisors(SITE, CORE, lambda digest: other)
    basis = msgspec.structs.replace(other.evaluator.basis, bundle="b" * 64)
    other.evaluator.basis = basis
    swapped = Log(CORE)
    swapped.takes(event("a", 0))
    swapped.goes_on_with(other)
    swapped.takes(event("b", 1))
    replay = Replay(bundled, {}, SITE.max_ahead_s)
    replay.partition(order_of(swapped.decisions), swapped.intake)
    assert not replay.found.differing
    assert alerts(replay.found) == ["spec.again"]


def test_after_rules_that_cannot_be_had_nobody_knows_what_was_known(log: Log) -> None:
    log.goes_on_with(core_of(again()))
    log.takes(event("a", 0), event("x", 0, "p2"))
    log.goes_on_with(CORE)
    log.takes(event("b", 1), event("y", 1, "p3"))
    reasons = log.replayed().expected.not_recomputed
    assert {key.id: why for key, why in reasons.items()} == {
        "a": "other_pack", "x": "other_pack",
        "b": "past_not_recomputed", "y": "past_not_recomputed",
    }  # fmt: skip


def test_where_the_log_begins_later_nothing_is_said_of_what_was_known(log: Log) -> None:
    log.takes(event("a", 0), event("b", 1))
    replay = Replay(Supervisors(SITE, CORE, lambda digest: None), {}, SITE.max_ahead_s)
    replay.partition(order_of(log.decisions), log.intake, is_whole=False)
    assert set(replay.found.expected.not_recomputed.values()) == {"past_not_in_log"}
    plain = Log(CORE, replace(SITE, state="off"))
    plain.takes(event("a", 0), event("b", 1))
    replay = Replay(Supervisors(plain.settings, CORE, lambda digest: None), {}, SITE.max_ahead_s)
    replay.partition(order_of(plain.decisions), plain.intake, is_whole=False)
    assert not replay.found.expected.not_recomputed
    assert replay.found.decisions == 2


def test_partition_numbers_know_nothing_of_each_other(log: Log) -> None:
    other = Log(CORE, partition=1)
    log.takes(event("a", 0))
    other.takes(event("b", 1))
    found = log.replayed(other)
    assert (found.decisions, found.differing, alerts(found)) == (2, [], [])


def test_a_rekeyed_record_is_decided_where_its_patient_is(log: Log) -> None:
    log.takes(event("a", 0))
    elsewhere = Log(CORE, partition=1)
    strange = elsewhere.comes(event("b", 1))
    log.takes(strange)
    replay = Replay(Supervisors(SITE, CORE, lambda digest: None), {}, SITE.max_ahead_s)
    replay.partition(order_of(log.decisions), log.intake, {strange.place: strange})
    replay.partition(order_of(elsewhere.decisions), elsewhere.intake)
    found = replay.found
    assert (found.decisions, found.differing, alerts(found)) == (2, [], ["spec.again"])
    assert len(found.expected.accepted) == 2


def test_a_reused_key_is_no_decision_and_is_not_lost(log: Log) -> None:
    log.takes(event("a", 0), event("a", 1, act_id="other"))
    found = log.replayed()
    assert (found.decisions, found.differing) == (1, [])
    assert len(found.expected.accepted) == 2


def test_rules_that_waited_for_late_data_are_decided_where_they_were(log: Log) -> None:
    settings = replace(SITE, lateness_s=3600)
    core = core_of(again(), waits_for_late=True)
    waiting = Log(core, settings)
    waiting.takes(event("a", 0), event("b", 1))
    assert waiting.replayed().differing == []


def test_groups_are_gone_through_in_the_order_of_their_own_decisions() -> None:
    log = Log(core_of(two_places(), again()))
    other = {"institution": "demo-h2", "practitioner": "P1"}
    late = event("a1", 0, act_id="a", practitioner="P1", items=[{"drug": "D2"}])
    moved = event(
        "a2", 1, act_id="a", revision=2, practitioner="P2", event="prescription.amended",
        items=[{"drug": "D2"}],
    )  # fmt: skip
    log.takes(moved, late)  # the revision that left the group came first
    log.takes(event("b", 2, "p2", **other), event("c", 3, "p3", practitioner="P1"))
    log.joins(log.activities[-1])  # given once more by an interrupted run
    found = log.replayed()
    assert not found.differing
    assert (found.of_groups, found.repeats) == (4, 1)
    assert alerts(found) == ["spec.two_places"]
    decided = [d for d in log.decisions if b'"scope":"group' in (d.value or b"")]
    assert len(decided) == 4
    log.activities[0] = log.activities[0]._replace(key=b"g|practitioner.id|P9")
    assert log.replayed().differing


def test_an_event_of_which_a_group_was_never_told_is_found() -> None:
    log = Log(core_of(two_places(), again()))
    log.takes(event("a", 0, practitioner="P1"), event("b", 2, "p2", practitioner="P1"))
    assert log.replayed().unheard == []
    lost = log.decisions.pop()
    assert b'"scope":"group' in (lost.value or b"")
    assert log.replayed().unheard == [log.intake[1].place]
    log.goes_on_with(core_of(again()))
    log.takes(event("c", 3))
    assert log.replayed().unheard == []  # other rules may have no such groups


def test_a_group_that_was_told_by_an_interrupted_run_hears_that_the_act_left_it_before() -> None:
    log = Log(core_of(two_places()))
    first = log.comes(event("a1", 0, act_id="a", practitioner="P1"))
    moved = log.comes(
        event("a2", 1, act_id="a", revision=2, practitioner="P2", event="prescription.amended"),
        OTHER,
    )
    log.takes(first)  # the group's state was written, the patient's was not
    log.past.forget(b"test|p1")
    log.takes(moved, first, event("b", 2, "p2", institution="demo-h2", practitioner="P1"))
    assert log.activities[-2].headers  # the group is told that the act is another's by now
    found = log.replayed()
    assert (found.differing, found.repeats, alerts(found)) == ([], 1, [])


def test_what_a_backfill_brought_in_has_its_place_in_the_order(log: Log) -> None:
    old = log.comes(event("a", 0))
    log.takes(old)
    assert log.backfills(old)
    log.takes(event("c", 60))
    found = log.replayed()
    assert found.differing == []
    assert found.decisions == 2


def test_a_step_of_a_backfill_that_comes_again_after_a_crash_is_where_it_came_last(
    log: Log,
) -> None:
    old = log.comes(event("a", 0))
    log.takes(old)
    assert log.backfills(old, tick=5)
    log.restart()
    log.takes(old, event("b", 1))
    assert log.backfills(old, tick=5)
    found = log.replayed()
    assert found.differing == []
    assert found.voided == 4  # the event, and three steps


def test_a_backfill_that_is_not_where_it_was_done_is_noticed(log: Log) -> None:
    old = log.comes(event("a", 0))
    log.takes(old)
    log.past.coverage.forget()
    assert log.backfills(old)
    first, *steps = log.decisions
    log.decisions = [*steps, first]
    assert log.replayed().differing


def test_a_backfill_that_lost_a_step_ends(log: Log) -> None:
    old = log.comes(event("a", 0))
    log.takes(old)
    assert not log.backfills(old, number=2)
    assert log.past.coverage.refilled_by == ""


def same_past(log: Log) -> Remembered:
    """What a rebuild remembers, which must be what the worker remembered."""
    rebuilt = log.rebuilt()
    assert {s: decode(v) for s, v in rebuilt.values.items()} == {
        s: decode(v) for s, v in log.past.values.items()
    }
    return rebuilt


def test_a_timer_that_lapsed_while_its_rule_was_away_says_nothing_after_a_rebuild() -> None:
    log = Log(core_of(again()))
    log.goes_on_with(core_of(again(), note()), "a" * 64)
    log.takes(BEFORE, admission("in", 0))
    log.goes_on_with(core_of(again()), "b" * 64)
    log.takes(event("x", 70, "p2"))
    log.passes(event("", 74))  # nobody expects a note any more
    log.goes_on_with(core_of(again(), note()), "a" * 64)
    log.takes(admission("in2", 0, "v2", "p2"))
    log.passes(event("", 75))
    log.takes(event("y", 76, "p2"))
    found = log.replayed()
    assert (found.differing, found.unfired) == ([], [])
    assert same_past(log).due(us_of(event("", 80).time)) is None


def test_a_duty_that_rested_when_its_reminder_was_due_is_not_reminded_of_after_a_rebuild() -> None:
    log = Log(core_of(dispensed(remind_before="1 h")))
    old = log.comes(event("d0", -1, event="prescription.dispensed", encounter={"id": "v0"}))
    log.takes(old, event("a", 0, encounter={"id": "v1"}))
    given = log.comes(event("d", 2, event="prescription.dispensed", encounter={"id": "v1"}))
    assert log.backfills(given)
    log.passes(event("", 71.2))  # the reminder has nothing to say: it was dispensed
    wrong = event("w", 71.4, event="prescription.entered_in_error", act_id="act-d", revision=2)
    log.takes(wrong)
    log.passes(event("", 71.6))
    found = log.replayed()
    assert (found.differing, found.unfired) == ([], [])
    assert same_past(log).due(us_of(event("", 71.8).time)) is None


def test_a_timer_that_lapsed_in_an_interrupted_run_waits_again() -> None:
    log = Log(core_of(again()))
    log.goes_on_with(core_of(again(), note()), "a" * 64)
    arrived = [log.comes(one) for one in (BEFORE, admission("in", 0))]
    log.takes(*arrived)
    log.goes_on_with(core_of(again()), "b" * 64)
    log.passes(event("", 74))
    log.restart(log.bundles["a" * 64])
    log.withdraws()
    log.takes(*arrived)
    assert log.rebuilt().due(us_of(event("", 74).time)) is not None
    log.passes(event("", 75))
    found = log.replayed()
    assert (found.differing, found.timers, found.lapsed) == ([], 1, 0)
    assert alerts(found) == ["spec.note"]
    same_past(log)


def test_a_lapse_that_its_order_does_not_lead_to_is_noticed() -> None:
    log = Log(core_of(again()))
    log.goes_on_with(core_of(again(), note()), "a" * 64)
    log.takes(BEFORE, admission("in", 0))
    log.goes_on_with(core_of(again()), "b" * 64)
    log.passes(event("", 74))
    assert (log.replayed().differing, log.replayed().lapsed) == ([], 1)
    lapse = log.decisions.pop()
    log.decisions.insert(0, lapse._replace(offset=9))
    assert log.replayed().differing == [("decisions", 0, 9)]
