"""Which findings of a decision stand, which give way, and whose money counts."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision, Finding, FoundAmount, FoundLine, Words
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.engine.reconciling import Claim, reconciled
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import make_rule
from unit.rules.pair_world import knowledge

_TEXT = Words(zh="有", en="found")
ON = ["billing.charged", "billing.amended", "billing.refunded"]
Made = tuple[Finding, Claim]


def one(
    rule: str,
    *overrides: str,
    element: str = "1",
    each: str = "items",
    status: str = "active",
    money: str | None = None,
    fund: str | None = None,
    **more: Any,
) -> Made:
    """A finding of a rule about a line, with what the rule overrides."""
    amount = None
    if money is not None:
        part = Decimal(fund) if fund is not None else None
        amount = FoundAmount(lines=(FoundLine(line="1", total=Decimal(money), fund=part),))
    usual = {"result": "violation", "severity": "warning", "action": "remind"}
    finding = Finding(
        alert_id=f"alert of {rule} {element}", rule_id=rule, rule_version=1, rule_status=status,
        element=element, audience=("prescriber",), key="", title=_TEXT, message=_TEXT, facts={},
        amount=amount, **{**usual, **more},
    )  # fmt: skip
    return finding, Claim(each, overrides)


def outcome(*made: Made) -> list[Finding]:
    """The findings, after a look that every other order of them leads to the same ones."""
    found: set[bytes] = set()
    for order in permutations(made):
        got = reconciled([f for f, _ in order], [c for _, c in order])
        assert [f.rule_id for f in got] == [f.rule_id for f, _ in order]
        found.add(msgspec.json.encode(sorted(got, key=lambda f: (f.rule_id, f.element))))
    assert len(found) == 1
    return reconciled([f for f, _ in made], [c for _, c in made])


def overridden(*made: Made) -> dict[str, str]:
    """Who gave way to whom, by rule."""
    names = {f.alert_id: f.rule_id for f, _ in made}
    return {f.rule_id: names[f.overridden_by] for f in outcome(*made) if f.overridden_by}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([one("a", "b"), one("b")], {"b": "a"}),
        ([one("a", "b"), one("b", element="2")], {}),
        ([one("a", "b"), one("b", each="event.diagnoses")], {}),
        ([one("a", "b", status="shadow"), one("b")], {}),
        ([one("a", "b", status="shadow"), one("b", status="shadow")], {}),
        ([one("a", "b"), one("b", status="shadow")], {"b": "a"}),
        ([one("a"), one("b")], {}),
        ([one("a", "a"), one("b")], {}),
        ([one("a", "b"), one("b", "c"), one("c")], {"b": "a", "c": "a"}),
        ([one("a", "c"), one("b", "c", severity="critical"), one("c")], {"c": "b"}),
        ([one("a", "c"), one("b", "c", action="block"), one("c")], {"c": "b"}),
        ([one("a", "c", result="suspected"), one("b", "c"), one("c")], {"c": "b"}),
        ([one("a", "c"), one("b", "c"), one("c")], {"c": "a"}),
        ([one("a", "b"), one("b", "a")], {}),
        ([one("a", "b"), one("b", "a", "c"), one("c")], {"c": "b"}),
        ([one("d", "a"), one("a", "b"), one("b", "a")], {"a": "d"}),
    ],
    ids=[
        "the same element",
        "another element",
        "an element of another list with the same name",
        "shadow overrides nothing active",
        "shadow overrides no shadow either",
        "active overrides shadow",
        "a rule that names nobody",
        "a rule that names itself",
        "through another, which gave way itself",
        "the more severe of two",
        "the stronger action of two",
        "the surer result of two",
        "of equals the first by name",
        "two that name each other both stand",
        "and override others all the same",
        "a round that somebody stands above",
    ],
)
def test_a_finding_gives_way_to(made: list[Made], expected: dict[str, str]) -> None:
    assert overridden(*made) == expected


@pytest.mark.parametrize(
    ("made", "counted"),
    [
        ([one("a", money="3"), one("b", money="20")], "b"),
        ([one("a", money="20"), one("b", money="20", fund="5")], "b"),
        ([one("a", money="20", fund="5"), one("b", money="20", fund="6")], "b"),
        ([one("a", money="20"), one("b", money="20")], "a"),
        ([one("a", money="3"), one("b", money="20", status="shadow")], "a"),
        ([one("a", "b", money="3"), one("b", money="20")], "a"),
        ([one("a", "b"), one("b", money="20"), one("c", money="3")], "c"),
        ([one("a", "b"), one("b", money="20"), one("c", "b", money="3")], "c"),
        ([one("a", money="3"), one("b", money="20", element="1~2:row")], "b"),
    ],
    ids=[
        "the greater amount",
        "of equal amounts the one that knows the fund's part",
        "and the greater part of the fund",
        "of equals the first by name",
        "what is shown before what is not",
        "what stands before what gave way",
        "any that stands before what gave way",
        "and not the one that stands for it without money",
        "whatever element it is about",
    ],
)
def test_the_money_of_a_line_is_counted_by(made: list[Made], counted: str) -> None:
    names = {f.alert_id: f.rule_id for f, _ in made}
    lines = {f.rule_id: line for f in outcome(*made) if f.amount for line in f.amount.lines}
    assert [rule for rule, line in lines.items() if not line.covered_by] == [counted]
    assert {names[line.covered_by] for line in lines.values() if line.covered_by} == {counted}


def test_money_is_not_lost_where_what_stands_says_nothing_of_it() -> None:
    found = outcome(one("a", "b"), one("b", money="20"))
    assert found[1].overridden_by == found[0].alert_id
    assert found[1].amount is not None
    assert [line.covered_by for line in found[1].amount.lines] == [""]


def rule(name: str, status: str = "active", **finding: Any) -> Rule:
    usual = {"result": "violation", "severity": "warning", "action": "remind",
             "audience": ["insurer"], "message": {"zh": "有", "en": "found"},
             "amount": "whole"}  # fmt: skip
    people = {"authored_by": "A", "checked_by": "B"} if status == "active" else {}
    return make_rule(
        knowledge(), id=f"spec.{name}", on=ON, each="items", status=status,
        when={"event.item_count": {"above": 0}}, finding={**usual, **finding}, **people,
    )  # fmt: skip


def charged(*rules: Rule, profile: str = "site") -> Decision:
    lines = [{"item": "OWN3", "amount": "20.00"}, {"item": "OWN3", "amount": "5.00"}]
    event = event_of({"event": "billing.charged", "items": lines}, knowledge())
    return Evaluator(Pack.of(rules), knowledge(), profile).decide(event)


def test_an_overridden_finding_stays_in_the_decision_and_is_counted_apart() -> None:
    decision = charged(rule("one", overrides=["spec.two"]), rule("two"))
    stands = {f.element: f for f in decision.findings if f.rule_id == "spec.one"}
    gave_way = {f.element: f for f in decision.findings if f.rule_id == "spec.two"}
    assert {name: f.overridden_by for name, f in gave_way.items()} == {
        name: f.alert_id for name, f in stands.items()
    }
    assert (decision.coverage.alerts, decision.coverage.overridden) == (4, 2)
    assert sum(
        line.total
        for f in decision.findings
        if f.amount is not None
        for line in f.amount.lines
        if not line.covered_by
    ) == Decimal(25)


def test_what_could_not_be_evaluated_overrides_nothing() -> None:
    unknown = {"item.quantity": {"above": {"parameter": "own.hours"}}}
    over = make_rule(
        knowledge(), id="spec.open", on=ON, each="items", status="active",
        authored_by="A", checked_by="B", when=unknown,
        finding={"result": "violation", "severity": "warning", "action": "remind",
                 "audience": ["insurer"], "message": {"zh": "有", "en": "found"},
                 "overrides": ["spec.two"]},
    )  # fmt: skip
    decision = charged(over, rule("two"))
    assert {one.rule_id for one in decision.not_evaluable} == {"spec.open"}
    assert [f.overridden_by for f in decision.findings] == ["", ""]


def test_a_shadow_rule_overrides_nothing_and_does_so_in_a_demonstration() -> None:
    shadow, other = rule("one", "shadow", overrides=["spec.two"]), rule("two")
    assert not any(f.overridden_by for f in charged(shadow, other).findings)
    assert charged(shadow, other, profile="demo").coverage.overridden == 2
