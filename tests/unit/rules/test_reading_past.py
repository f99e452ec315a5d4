"""Reading of `history`, `expect`, `group_by`, `once_within` and `overrides`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rules import model
from rules.model import (
    ALWAYS,
    CalendarOperand,
    FactOperand,
    History,
    Literal,
    ParameterOperand,
    QuantityOperand,
    Test,
    facts_of,
    limits_of,
    parameters_of,
)
from spec.rules.world import knowledge, make_rule, try_rule

BASE = knowledge()
WINDOW = {"parameter": "stay.limit"}
COUNT = {"at_least": {"parameter": "count.limit"}}
HISTORY: dict[str, Any] = {
    "of": "order.signed", "within": WINDOW, "including": "others", "count": COUNT,
}  # fmt: skip
EXPECT: dict[str, Any] = {
    "event": "result.reported", "match": ["encounter.id"], "within": {"parameter": "stay.hours"},
}  # fmt: skip


def changed(base: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {name: part for name, part in {**base, **parts}.items() if part is not None}


def history(**parts: Any) -> History:
    when = {"history": changed(HISTORY, **parts)}
    found = make_rule(BASE, when=when, each="items").when
    assert isinstance(found, History)
    return found


def refusals(**parts: Any) -> str:
    parts = {"on": ["prescription.signed"], "each": "items", **parts}
    rule, problems = try_rule(BASE, **parts)
    assert rule is None
    return "\n".join(map(str, problems))


def test_a_history_keeps_the_present_apart_from_the_past() -> None:
    found = history(
        where={"item.drug": {"is": {"fact": "this.item.drug"}}, "this.patient.age": {"above": 1}},
        before="this.encounter.started_at",
        within={"parameter": "stay.by_kind", "by": ["this.encounter.kind"]},
    )
    assert found.member_facts == ("item.drug",)
    assert found.present_facts == (
        "item.drug",
        "patient.age",
        "encounter.started_at",
        "encounter.kind",
    )


def test_the_fact_that_is_added_up_is_one_of_the_members() -> None:
    found = history(count=None, sum={"of": "item.quantity", "above": {"parameter": "dose.limit"}})
    assert (found.fact, found.operator) == ("item.quantity", "above")
    assert found.member_facts == ("item.quantity",)


@pytest.mark.parametrize(
    ("within", "read"),
    [
        (WINDOW, ParameterOperand("stay.limit")),
        ("1 h", QuantityOperand(1, "h")),
        ({"days": 1}, CalendarOperand(1, "days")),
        (
            {"months": {"parameter": "stay.months"}},
            CalendarOperand(ParameterOperand("stay.months"), "months"),
        ),
    ],
)
def test_a_window_is_a_duration_or_calendar_time(within: Any, read: Any) -> None:
    assert history(within=within).within == read


def test_exists_none_and_last_need_not_say_whether_the_present_counts() -> None:
    for name, value in (("exists", True), ("none", True), ("last", {"item.drug": {"is": "x|y"}})):
        assert history(count=None, including=None, **{name: value}).including == "others"


def test_the_facts_and_limits_of_a_history_are_not_those_of_the_rule_s_own_element() -> None:
    limit = {"item.dose": {"above": {"parameter": "dose.limit"}}}
    found = history(where=limit)
    assert facts_of(found) == ()
    assert [test.fact for test in model.tests_of(found)] == ["item.dose"]
    own = [ParameterOperand(name) for name in ("count.limit", "stay.limit", "dose.limit")]
    assert list(parameters_of(found)) == own
    assert list(limits_of(found)) == [own[0], own[2]]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"of": "prescription.draft"}, "`of` is prescription.draft"),
        ({"of": "ordr.signed"}, "did you mean order.signed"),
        ({"of": None}, "`history` has no `of`"),
        ({"within": None}, "no bound in time"),
        ({"same": "day"}, "both `within` and `same`"),
        ({"within": {"parameter": "dose.limit"}}, "no length of time"),
        ({"within": "30 d"}, "stands in a rule"),
        ({"within": "1 g"}, "`within` is in g"),
        (
            {"within": {"parameter": "stay.by_kind", "by": ["encounter.kind"]}},
            "this.encounter.kind",
        ),
        ({"within": None, "same": "week"}, "`same` is week"),
        ({"within": None, "same": "prescription"}, "about prescriptions"),
        ({"before": "event.time"}, "write `before: this.event.time`"),
        ({"before": "this.item.drug"}, "no point in time"),
        ({"before": "this.event.tme"}, "there is no fact"),
        ({"including": None}, "whether the present act counts"),
        ({"including": "me"}, "`including` is me"),
        ({"count": None}, "asks for nothing"),
        ({"none": True}, "asks for count and none"),
        ({"count": {"at_least": 3}}, "the number 3 stands in a rule"),
        ({"count": {"is": 1}}, "`count` has no `is`"),
        ({"count": {"at_least": 0, "at_most": 1}}, "`count` has 2 limits"),
        ({"count": {"at_least": {"parameter": "dose.limit"}}}, "the number of acts"),
        ({"count": {"at_least": {"fact": "event.item_count"}}}, "differs from act to act"),
        ({"count": None, "exists": False}, "write `none: true`"),
        ({"count": None, "sum": {"of": "item.drug", "above": 0}}, "cannot be added up"),
        ({"count": None, "sum": {"of": "patient.age", "above": 0}}, "cannot be added up"),
        ({"count": None, "sum": {"of": "this.item.dose", "above": 0}}, "the same for every act"),
        ({"count": None, "distinct": {"of": "item.dose", "above": 1}}, "cannot be told apart"),
        ({"count": None, "distinct": {"above": 1}}, "`distinct` has no `of`"),
        ({"where": {"item.days_supply": {"above": 0}}}, "order events have no"),
        ({"where": {"diagnosis.code": {"is": "I10"}}}, "only acts and their lines"),
        ({"where": {"some": {"in": "items", "where": {}}}}, "cannot stand inside `history`"),
        ({"where": {"history": {}}}, "`history` cannot stand inside `history`"),
        ({"where": {"any": [{"expect": {}}]}}, "`expect` is no condition"),
        (
            {"where": {"patient.potassium": {"above": 0, "fresh_within": "1 h"}}},
            "`fresh_within` cannot stand inside `history`",
        ),
        ({"whre": {}}, "did you mean where"),
    ],
    ids=str,
)
def test_a_history_that_means_nothing_is_refused(parts: dict[str, Any], message: str) -> None:
    assert message in refusals(when={"history": changed(HISTORY, **parts)})


def test_this_and_history_stand_only_where_they_mean_something() -> None:
    assert "write `event.time`" in refusals(when={"this.event.time": {"exists": True}})
    inside = {"some": {"in": "observations", "where": {"history": HISTORY}}}
    assert "cannot stand inside `some`" in refusals(when=inside)
    of_event = {"history": changed(HISTORY, where={"this.item.drug": {"exists": True}})}
    assert "add `each: items`" in refusals(each=None, when=of_event)


def test_a_message_shows_the_value_of_a_history_only_where_there_is_one() -> None:
    told = {"message": {"zh": "{history} 次", "en": "{history} times"}}
    finding = {
        "result": "suspected", "severity": "info", "action": "remind", "audience": ["prescriber"],
        **told,
    }  # fmt: skip
    assert make_rule(BASE, when={"history": HISTORY}, finding=finding).finding.message.en
    assert "{history} means nothing here" in refusals(finding=finding)
    assert "{history} means nothing here" in refusals(unless={"history": HISTORY}, finding=finding)


def test_a_rule_that_expects_an_event_needs_no_when() -> None:
    expect = changed(
        EXPECT, where={"event.department": {"is": {"fact": "this.event.department"}}},
        until=["encounter.discharged"], extend={"after": "encounter.updated", "to": WINDOW},
        remind_before="1 h", grace="0 h", every={"parameter": "stay.hours"},
        escalate=[{"after": {"parameter": "stay.hours"}, "audience": ["department"]}],
        **{"from": "encounter.started_at"},
    )  # fmt: skip
    rule = make_rule(BASE, on=["encounter.admitted"], when=None, expect=expect)
    assert rule.when == ALWAYS
    assert rule.expect is not None
    assert rule.expect.where == Test(
        "event.department", "is", (FactOperand("this.event.department"),)
    )
    assert rule.expect.start == "encounter.started_at"
    assert rule.expect.extend == ("encounter.updated", ParameterOperand("stay.limit"))
    assert rule.expect.escalate == ((ParameterOperand("stay.hours"), ("department",)),)
    assert rule.expect.grace == QuantityOperand(0, "h")
    assert rule.expect.every == ParameterOperand("stay.hours")
    assert ParameterOperand("stay.hours") in rule.operands


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"event": "result.reportd"}, "did you mean result.reported"),
        ({"event": "order.draft"}, "`event` is order.draft"),
        ({"match": None}, "`expect` has no `match`"),
        ({"match": []}, "`match` is empty"),
        ({"match": ["patient.age"]}, "tells no two acts apart"),
        ({"match": ["result.ordr"]}, "there is no fact"),
        ({"within": None}, "`expect` has no `within`"),
        ({"within": {"parameter": "dose.limit"}}, "no length of time"),
        ({"from": "encounter.id"}, "no point in time"),
        ({"until": ["encounter.gone"]}, "`until` cannot hold encounter.gone"),
        ({"extend": {"after": "encounter.updated"}}, "`extend` has no `to`"),
        ({"escalate": []}, "lists no step"),
        ({"every": {"parameter": "stay.hours"}}, "has to end some day"),
        ({"every": "often", "until": ["encounter.discharged"]}, "often is no quantity"),
        ({"escalate": [{"after": "1 h", "audience": ["boss"]}]}, "cannot hold boss"),
        ({"escalate": [{"after": "1 h", "audience": []}]}, "`audience` is empty"),
        ({"where": {"some": {"in": "items", "where": {}}}}, "cannot stand inside"),
    ],
    ids=str,
)
def test_an_expectation_that_means_nothing_is_refused(parts: dict[str, Any], message: str) -> None:
    expect = changed(EXPECT, **parts)
    assert message in refusals(on=["encounter.admitted"], each=None, when=None, expect=expect)


def test_an_event_that_ends_a_duty_agrees_in_something() -> None:
    expect = changed(EXPECT, match=["item.code"], event="order.executed", until=["patient.merged"])
    said = refusals(on=["order.signed"], when=None, expect=expect)
    assert "nobody knows what it ends" in said


def test_a_group_is_named_by_what_every_act_of_it_has() -> None:
    when = {"history": HISTORY}
    assert make_rule(BASE, when=when, group_by=["practitioner.id"]).group_by == ("practitioner.id",)
    assert "nothing looks at the group" in refusals(group_by=["practitioner.id"])
    assert "names no group" in refusals(when=when, group_by=["patient.age"])
    assert "names no fact" in refusals(when=when, group_by=[])
    usage = changed(HISTORY, of="billing.charged")
    said = refusals(when={"history": usage}, group_by=["item.skin_test"])
    assert "billing events have no `item.skin_test`" in said


def test_delivery_and_precedence_stand_in_the_finding() -> None:
    finding = {
        "result": "suspected", "severity": "info", "action": "remind", "audience": ["prescriber"],
        "message": {"zh": "有", "en": "found"},
    }  # fmt: skip
    more = {**finding, "once_within": WINDOW, "overrides": ["spec.other"]}
    rule = make_rule(BASE, finding=more)
    assert rule.finding.once_within == ParameterOperand("stay.limit")
    assert rule.finding.overrides == ("spec.other",)
    wrong = {**finding, "once_within": {"parameter": "dose.limit"}}
    assert "no length of time" in refusals(finding=wrong)
    assert "it stands in `finding`" in refusals(overrides=["spec.other"])
    itself = {**finding, "overrides": ["spec.rule"]}
    assert "does not stand for itself" in refusals(finding=itself)


def test_older_bodies_expect_and_group_too() -> None:
    older = {
        "version": 1, "effective": {"from": "<2010-01-01>", "to": "<2020-01-01>"},
        "on": ["encounter.admitted"], "expect": EXPECT,
        "finding": {
            "result": "suspected", "severity": "info", "action": "remind",
            "audience": ["attending"], "message": {"zh": "有", "en": "found"},
        },
        "evidence": [{"source": "law", "locator": "1"}],
    }  # fmt: skip
    rule = make_rule(BASE, version=2, effective={"from": "<2020-01-01>"}, versions=[older])
    body = rule.on_day(date(2015, 1, 1))
    assert body is not None
    assert body.expect is not None
    assert body.expect.match == ("encounter.id",)
    assert Literal(0) not in body.operands
