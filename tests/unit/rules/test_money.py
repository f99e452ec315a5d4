"""The money of findings: decimals, refunds, the fund's part, and lines that are counted once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.decision import FoundAmount, Reader, encode_record
from rules.model import Rule
from spec.rules.world import make_rule
from unit.rules.pair_world import FINDING, decide, knowledge, pair_rule

FOUND = {"result": "violation", "severity": "warning", "action": "remind", "audience": ["insurer"],
         "message": {"zh": "有", "en": "found"}}  # fmt: skip
ON = ["billing.charged", "billing.amended", "billing.refunded"]


def rule(amount: Any, each: str | None = "items", **parts: Any) -> Rule:
    usual: dict[str, Any] = {"on": ON, "each": each, "when": {"event.item_count": {"above": 0}}}
    return make_rule(knowledge(), **{**usual, "finding": {**FOUND, "amount": amount}, **parts})


def amount_of(made: Rule, *lines: dict[str, Any], **short: Any) -> FoundAmount:
    listed = [{"item": "OWN3", **line} for line in lines]
    decision = decide(made, event="billing.charged", items=listed, **short)
    assert decision.findings, decision
    found = decision.findings[0].amount
    assert found is not None
    return found


EXCESS = {"excess": "quantity", "over": {"parameter": "own.hours"}}


def test_a_whole_line_is_found_with_the_fund_s_part() -> None:
    found = amount_of(rule("whole"), {"amount": "100.10", "fund_paid": "70.07"})
    assert (found.total, found.fund, found.currency) == (Decimal("100.10"), Decimal("70.07"), "CNY")
    assert [(line.line, line.total) for line in found.lines] == [("1", Decimal("100.10"))]
    assert found.missing == ()


def test_a_part_that_is_not_reported_is_said_to_be_missing_and_not_nothing() -> None:
    found = amount_of(rule("whole"), {"amount": "10.00"})
    assert (found.fund, found.missing) == (None, ("item.fund_paid",))
    whole = amount_of(rule("whole", None), {"amount": "1", "fund_paid": "1"}, {"amount": "2"})
    assert (whole.total, whole.fund, whole.missing) == (Decimal(3), None, ("item.fund_paid",))


def test_a_refund_reduces_the_amount_and_the_fund_s_part() -> None:
    line = {"amount": "100.00", "fund_paid": "60.00"}
    found = amount_of(rule("whole"), {**line, "refunded": "25.00"})
    assert (found.total, found.fund) == (Decimal("75.00"), Decimal("45.00"))
    found = amount_of(rule("whole"), {**line, "refunded": "100.00"})
    assert (found.total, found.fund) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ({"amount": "100.00", "quantity": "25 h"}, "4.00"),
        ({"amount": "100.00", "quantity": "24 h"}, "0"),
        ({"amount": "100.00", "quantity": "2 d"}, "50.00"),
        ({"amount": "0.10", "quantity": "27 h"}, "0.01"),
        ({"amount": "100.00", "quantity": "25 h", "refunded": "3.00"}, "1.00"),
        ({"amount": "100.00", "quantity": "25 h", "refunded": "5.00"}, "0"),
    ],
)
def test_an_excess_is_what_lies_over_the_limit_less_what_was_given_back(
    line: dict[str, Any], total: str
) -> None:
    assert amount_of(rule(EXCESS), line).total == Decimal(total)


def test_the_limit_of_an_excess_is_that_of_the_day() -> None:
    line = {"amount": "100.00", "quantity": "25 h"}
    later = amount_of(rule(EXCESS), line, at="2027-03-01T10:00+08:00")
    assert later.total == Decimal("52.00")


def test_an_excess_of_days_and_of_price() -> None:
    days = rule({"excess": "days", "over": {"parameter": "own.hours"}})
    assert amount_of(days, {"amount": "30.00", "quantity": "3 d"}).total == Decimal("20.00")
    price = rule({"excess": "price", "over": {"parameter": "own.price"}})
    found = amount_of(price, {"amount": "50.00", "unit_price": "10.00", "quantity": "5 1"})
    assert found.total == Decimal("10.00")


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ({"amount": "9.00"}, "item.quantity"),
        ({"amount": "9.00", "quantity": "9 1"}, "parameter:own.hours"),
    ],
)
def test_an_excess_of_what_is_not_known_is_not_nothing(line: dict[str, Any], missing: str) -> None:
    found = amount_of(rule(EXCESS), line)
    assert (found.total, found.missing) == (None, (missing,))


@pytest.mark.parametrize(
    ("amount", "lines"),
    [
        ("whole", [("1", "8.00"), ("2", "12.00")]),
        ("cheaper_of_pair", [("1", "8.00")]),
        ("later_of_pair", [("2", "12.00")]),
    ],
)
def test_the_money_of_a_pair(amount: str, lines: list[tuple[str, str]]) -> None:
    message = {"zh": "有", "en": "found"}
    made = pair_rule(
        on=ON,
        scope={"pair.table": {"is": "own_charges"}},
        finding={**FINDING, "amount": amount, "message": message},
    )
    listed = [{"item": "S1", "amount": "8.00"}, {"item": "OWN3", "amount": "12.00"}]
    (finding,) = decide(made, event="billing.charged", items=listed).findings
    assert finding.amount is not None
    assert [(line.line, str(line.total)) for line in finding.amount.lines] == lines


EXCLUSIVE = pair_rule(
    on=ON,
    scope={"pair.table": {"is": "own_charges"}},
    finding={**FINDING, "amount": "cheaper_of_pair", "message": {"zh": "有", "en": "found"}},
)


def test_the_cheaper_one_is_the_one_of_which_less_still_stands() -> None:
    listed = [
        {"item": "S1", "amount": "8.00"},
        {"item": "OWN3", "amount": "12.00", "refunded": "11.00"},
    ]
    (finding,) = decide(EXCLUSIVE, event="billing.refunded", items=listed).findings
    assert finding.amount is not None
    assert (finding.amount.lines[0].line, finding.amount.total) == ("2", Decimal(1))


def test_a_charge_that_was_given_back_in_full_is_no_half_of_a_pair() -> None:
    listed = [
        {"item": "S1", "amount": "8.00", "refunded": "8.00"},
        {"item": "OWN3", "amount": "12.00"},
    ]
    assert decide(EXCLUSIVE, event="billing.refunded", items=listed).verdict == "no_rules"


def test_amounts_survive_their_encoding_as_decimals() -> None:
    found = amount_of(rule("whole"), {"amount": "100.10", "fund_paid": "0.30"})
    raw = encode_record(found)
    assert b'"100.10"' in raw
    assert Reader(FoundAmount)(raw) == found
