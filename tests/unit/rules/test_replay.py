"""Comparing two packs: which rules can differ, and every difference once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import knowledge_base
from contracts.event import Event
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from rules.replay import Change, Comparer, Kind, Side, changed_rules
from rules.replay.money import Amount, merge, summed
from rules.replay.report import grouped, total
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
YOUNG = {"patient.age": {"below": {"parameter": "age.limit"}}}
BLOCK: dict[str, Any] = {
    "result": "violation",
    "severity": "warning",
    "action": "block",
    "audience": ["prescriber"],
    "message": {"zh": "{patient.age}", "en": "aged {patient.age}"},
}


def side(*rules: Any, base: knowledge_base.KnowledgeBase = BASE) -> Side:
    return Side(Pack.of(rules), base)


def event(name: str = "e1", **parts: Any) -> Event:
    short = {"event": "prescription.signed", "id": name, "patient": {"age": "12 a"},
             "items": [{"drug": "D1"}, {"drug": "D2"}], **parts}  # fmt: skip
    return event_of(short, BASE)


def compared(old: Side, new: Side, *events: Event) -> tuple[list[Change], Comparer]:
    comparer = Comparer(old, new, changed_rules(old, new))
    return [change for e in events for change in comparer.compare(e)], comparer


# ---- what can differ


def test_equal_rules_with_equal_knowledge_cannot_differ() -> None:
    rule = make_rule(BASE, when=YOUNG)
    assert changed_rules(side(rule), side(rule)) == ()


def test_a_rule_differs_by_its_text_by_coming_and_by_going() -> None:
    one, two = make_rule(BASE, id="spec.one"), make_rule(BASE, id="spec.two")
    other = replace(one, version=2)
    found = {c.rule_id: c.why for c in changed_rules(side(one), side(other, two))}
    assert found == {"spec.one": ("rule",), "spec.two": ("added",)}
    assert changed_rules(side(one, two), side(one))[0].why == ("removed",)


def test_true_and_one_are_not_the_same_text() -> None:
    one = make_rule(BASE, when={"event.item_count": {"above": 1}})
    zero = make_rule(BASE, when={"event.item_count": {"above": 0}})
    assert changed_rules(side(one), side(zero))[0].why == ("rule",)


def test_drafts_and_retired_rules_answer_nothing() -> None:
    draft = make_rule(BASE, status="draft")
    assert changed_rules(side(), side(draft)) == ()
    assert changed_rules(side(), side(draft).with_drafts())[0].why == ("added",)


def test_a_rule_differs_by_the_knowledge_that_it_names_and_by_no_other(tmp_path: Path) -> None:
    by_limit = make_rule(BASE, id="spec.limit", when=YOUNG)
    in_set = {"item.drug.ingredients": {"any_in": {"codeset": "penicillins"}}}
    by_set = make_rule(BASE, id="spec.set", each="items", scope=in_set)
    plain = make_rule(BASE, id="spec.plain")
    rules = (by_limit, by_set, plain)
    limits = {**BASE.parameters}
    history = next(iter(limits["age.limit"].rows.values()))
    changed = replace(history.entries[0].value, value=1)
    row = type(history)([replace(history.entries[0], value=changed), *history.entries[1:]])
    limits["age.limit"] = replace(limits["age.limit"], rows={(): row})
    other = replace(BASE, digest="other", parameters=limits)
    (found,) = changed_rules(side(*rules), side(*rules, base=other))
    assert (found.rule_id, found.why) == ("spec.limit", ("parameter:age.limit",))
    sets = {name: s for name, s in BASE.codesets.items() if name != "penicillins"}
    other = replace(BASE, digest="other", codesets=sets)
    (found,) = changed_rules(side(*rules), side(*rules, base=other))
    assert (found.rule_id, found.why) == ("spec.set", ("codeset:penicillins",))
    other = replace(BASE, digest="other", _drugs={})
    found_all = changed_rules(side(*rules), side(*rules, base=other))
    assert {c.why for c in found_all} == {("catalogues",)}
    other = replace(BASE, digest="other", sources={})
    assert changed_rules(side(*rules), side(*rules, base=other)) == ()


# ---- what is different


def test_an_alert_is_gained_and_another_one_is_lost() -> None:
    old = make_rule(BASE, id="spec.old", each="items", when=YOUNG)
    new = make_rule(BASE, id="spec.new", when=YOUNG)
    grown = event("e2", patient={"age": "40 a"})
    changes, comparer = compared(side(old), side(new), event(), grown)
    assert [(c.change, c.rule, c.element) for c in changes] == [
        (Kind.LOST, "spec.old", "1"),
        (Kind.LOST, "spec.old", "2"),
        (Kind.GAINED, "spec.new", ""),
    ]
    figures = total(comparer.tally)
    assert (figures["gained"], figures["lost"]) == (1, 2)
    assert (comparer.tally.events, comparer.tally.affected) == (2, 1)


def test_a_new_version_of_a_rule_that_says_the_same_changes_nothing() -> None:
    rule = make_rule(BASE, when=YOUNG)
    changes, comparer = compared(side(rule), side(replace(rule, version=2)), event())
    assert changes == []
    assert total(comparer.tally)["candidate"] == 1


def test_a_changed_severity_is_counted_and_shows_no_words_of_the_patient() -> None:
    old = make_rule(BASE, when=YOUNG, finding=BLOCK)
    words = {"zh": "年龄 {patient.age}", "en": "age {patient.age}"}
    finding = {**BLOCK, "severity": "critical", "message": words}
    new = make_rule(BASE, when=YOUNG, finding=finding)
    (change,), comparer = compared(side(old), side(new), event())
    assert change.change is Kind.CHANGED
    assert change.before == {"severity": "warning", "message": "(differs)"}
    assert change.after == {"severity": "critical", "message": "(differs)"}
    (row,) = grouped(comparer.tally, "rule")
    assert row["severity_changes"] == [{"before": "warning", "after": "critical", "alerts": 1}]


def test_what_cannot_be_evaluated_any_more_is_told() -> None:
    unknown = event(patient={"sex": "female"})
    new = make_rule(BASE, scope={"patient.sex": {"is": "female"}}, when=YOUNG)
    old = make_rule(BASE, scope={"patient.sex": {"is": "male"}}, when=YOUNG)
    changes, _ = compared(side(old), side(new), unknown)
    assert [c.change for c in changes] == [Kind.NEWLY_NOT_EVALUABLE]
    changes, _ = compared(side(new), side(old), unknown)
    assert [c.change for c in changes] == [Kind.NO_LONGER_NOT_EVALUABLE]
    nobody = event(patient={"age": "12 a"})
    everybody = make_rule(BASE, when={"patient.age": {"above": {"parameter": "age.limit"}}})
    changes, _ = compared(side(everybody), side(new), nobody)
    assert [c.change for c in changes] == [Kind.NEWLY_UNDETERMINED]


def test_blocked_acts_are_counted_once_by_act() -> None:
    new = make_rule(BASE, each="items", when=YOUNG, finding=BLOCK)
    again = event("e2", revision=2)
    other = event("e3", act_id="act-2")
    _, comparer = compared(side(), side(new), event(), again, other)
    assert total(comparer.tally)["blocked_acts"] == {
        "baseline": 0, "candidate": 2, "newly": 2, "no_longer": 0,
    }  # fmt: skip
    assert total(comparer.tally)["gained"] == 6


def test_places_add_up_to_the_total() -> None:
    new = make_rule(BASE, when=YOUNG)
    events = [event("e1", department="a"), event("e2", department="b"), event("e3")]
    _, comparer = compared(side(), side(new), *events)
    rows = grouped(comparer.tally, "institution", "department")
    assert [(r["department"], r["gained"]) for r in rows] == [("", 1), ("a", 1), ("b", 1)]
    assert sum(r["gained"] for r in rows) == total(comparer.tally)["gained"]


def test_an_event_of_a_type_that_no_changed_rule_is_about_is_not_decided() -> None:
    _, comparer = compared(side(), side(make_rule(BASE)), event_of({"event": "order.signed"}, BASE))
    assert comparer.tally.events == 0


# ---- money


def test_a_charge_counts_once_and_as_its_bill_stands_last() -> None:
    act, other = b"a", b"b"
    known = {(act, "1"): Amount(1, Decimal(10), Decimal(5))}
    merge(known, {(act, "1"): Amount(1, Decimal(8), Decimal(4))})
    assert known[act, "1"].total == 10
    merge(known, {(act, "1"): Amount(2, Decimal(6), Decimal(3)),
                  (other, "1"): Amount(1, Decimal(100), Decimal(0))})  # fmt: skip
    assert summed(known, {act: 2, other: 1}) == (Decimal(106), Decimal(3))
    assert summed(known, {act: 3, other: 1}) == (Decimal(100), Decimal(0))


@pytest.mark.parametrize("refunded", ["0.00", "25.00"])
def test_a_refund_reduces_the_money_of_the_candidate(refunded: str) -> None:
    charge = make_rule(
        BASE,
        on=["billing.charged", "billing.refunded"],
        each="items",
        when={"item.amount": {"above": 0}},
        finding={**BLOCK, "message": {"zh": "费", "en": "charge"}, "amount": "whole"},
    )
    line = {"item": "urn:x|1", "amount": "25.00"}
    first = event_of({"event": "billing.charged", "id": "e1", "items": [line]}, BASE)
    second = event_of(
        {"event": "billing.refunded", "id": "e2", "revision": 2,
         "items": [{**line, "refunded": refunded}]}, BASE,
    )  # fmt: skip
    _, comparer = compared(side(), side(charge), first)
    assert total(comparer.tally)["money"]["change"] == "25.00"
    _, comparer = compared(side(), side(charge), first, second)
    left = Decimal("25.00") - Decimal(refunded)
    assert Decimal(total(comparer.tally)["money"]["change"]) == left
