"""Money of findings: a charge counts once, and a refund reduces it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from contracts.decision import Finding, FoundAmount, FoundLine, FoundPair, encode_record
from integration.sinks.filled_tables import Tables, _record
from integration.sinks.world import decision_of, event
from sinks.rows import decision_rows


def charge(
    number: int, revision: int, verb: str = "charged", act: str = "bill-1"
) -> dict[str, Any]:
    sent = event(number)
    sent["type"] = f"billing.{verb}.v1"
    line = {"line_id": "1", "item": {"system": "s", "code": "c"}, "amount": "20.00"}
    data = {"act_id": act, "revision": revision, "institution": "h1", "items": [line]}
    return sent | {"data": data}


def found(finding: Finding, total: str, fund: str | None) -> Finding:
    part = Decimal(fund) if fund is not None else None
    line = FoundLine(line="1", total=Decimal(total), fund=part)
    amount = FoundAmount(total=line.total, fund=part, lines=(line,))
    return msgspec.structs.replace(finding, amount=amount)


def decided(
    tables: Tables,
    sent: dict[str, Any],
    offset: int,
    active: str = "",
    **money: tuple[str, str | None],
) -> None:
    """A decision with a finding a rule; that of the rule `active` is shown."""
    tables.event(sent, offset)
    made = decision_of(sent, tuple(money), "p1")
    pairs = zip(made.findings, money.values(), strict=True)
    findings = tuple(
        msgspec.structs.replace(
            found(finding, *sums), rule_status="active" if finding.rule_id == active else "shadow"
        )
        for finding, sums in pairs
    )
    ref = msgspec.structs.replace(made.event, act_id="bill-1", revision=sent["data"]["revision"])
    made = msgspec.structs.replace(made, findings=findings, event=ref)
    tables.put(_record("decisions", offset, b"k", encode_record(made)), decision_rows)


def test_a_charge_counts_once_and_a_refund_reduces_it(tables: Tables) -> None:
    decided(tables, charge(1, 1), 1, whole=("20.00", "16.00"), part=("4.00", None))
    rows = tables.client.query("SELECT amount, fund, rules FROM charges_found").result_rows
    ((amount, fund, rules),) = rows
    assert (amount, fund, sorted(rules)) == (Decimal(20), Decimal(16), ["part", "whole"])
    decided(tables, charge(2, 2, "refunded"), 2, whole=("5.00", "4.00"))
    ((amount, fund),) = tables.client.query("SELECT amount, fund FROM charges_found").result_rows
    assert (amount, fund) == (Decimal(5), Decimal(4))
    decided(tables, charge(3, 3, "cancelled"), 3, whole=("5.00", "4.00"))
    assert tables.client.query("SELECT count() FROM charges_found").result_rows == [(0,)]


def test_what_is_shown_is_not_inflated_by_what_is_not(tables: Tables) -> None:
    decided(tables, charge(1, 1), 1, active="small", big=("20.00", "16.00"), small=("4.00", "3.00"))
    rows = tables.client.query("SELECT amount, fund, shown, rules FROM charges_found").result_rows
    ((amount, fund, shown, rules),) = rows
    assert (amount, fund, shown) == (Decimal(4), Decimal(3), 1)
    assert sorted(rules) == ["big", "small"]


def test_of_equal_findings_the_one_that_knows_the_funds_part_counts(tables: Tables) -> None:
    decided(tables, charge(1, 1), 1, one=("4.00", None), two=("4.00", "3.00"))
    ((amount, fund),) = tables.client.query("SELECT amount, fund FROM charges_found").result_rows
    assert (amount, fund) == (Decimal(4), Decimal(3))


def paired(
    tables: Tables, sent: dict[str, Any], offset: int, partner: str = "", **totals: str
) -> None:
    """A decision about a bill with the finding of a pair, and its money by line."""
    tables.event(sent, offset)
    made = decision_of(sent, ("pairs",) if partner else (), "p1")
    lines = tuple(
        FoundLine(line=name.replace("__", "/").replace("_", "-"), total=Decimal(total))
        for name, total in totals.items()
    )
    amount = FoundAmount(total=sum((line.total for line in lines), Decimal(0)), lines=lines)
    pair = FoundPair(id="row", table="exclusive", item="1", partner=partner)
    findings = tuple(
        msgspec.structs.replace(f, amount=amount, pair=pair, element=f"1~{partner}:row")
        for f in made.findings
    )
    data = sent["data"]
    ref = msgspec.structs.replace(
        made.event, act_id=data["act_id"], revision=data["revision"]
    )  # fmt: skip
    made = msgspec.structs.replace(made, findings=findings, event=ref)
    tables.put(_record("decisions", offset, b"k", encode_record(made)), decision_rows)


def charges(tables: Tables) -> list[tuple[str, str, Decimal]]:
    rows = tables.client.query(
        "SELECT act_id, line_id, amount FROM charges_found ORDER BY act_id, line_id"
    )
    return [(act, line, amount) for act, line, amount in rows.result_rows]


def test_a_line_of_another_bill_stands_with_that_bill(tables: Tables) -> None:
    paired(tables, charge(1, 1, act="bill-1"), 1)
    paired(tables, charge(2, 1, act="bill-2"), 2, "bill-1/1", l1="7.50", bill_1__1="5.00")
    assert charges(tables) == [("bill-1", "1", Decimal(5)), ("bill-2", "l1", Decimal("7.5"))]


def test_a_pair_that_both_bills_find_counts_once_by_the_later_decision(tables: Tables) -> None:
    paired(tables, charge(1, 1, act="bill-1"), 1)
    paired(tables, charge(2, 1, act="bill-2"), 2, "bill-1/1", bill_1__1="5.00")
    paired(tables, charge(3, 2, "amended", "bill-1"), 3, "bill-2/1", bill_2__1="4.00")
    assert charges(tables) == [("bill-2", "1", Decimal(4))]
    paired(tables, charge(4, 2, "amended", "bill-2"), 4, "bill-1/1", bill_1__1="3.00")
    assert charges(tables) == [("bill-1", "1", Decimal(3))]


def test_a_pair_that_is_gone_since_counts_nothing(tables: Tables) -> None:
    paired(tables, charge(1, 1, act="bill-1"), 1)
    paired(tables, charge(2, 1, act="bill-2"), 2, "bill-1/1", bill_1__1="5.00")
    paired(tables, charge(3, 2, "refunded", "bill-1"), 3)
    assert charges(tables) == []


def test_a_pair_with_a_bill_of_another_source_stays_with_the_finding(tables: Tables) -> None:
    paired(tables, charge(2, 1, act="bill-2"), 2, "bill-9/1", bill_9__1="5.00")
    assert charges(tables) == [("bill-2", "bill-9/1", Decimal(5))]


def test_a_pair_within_a_bill_is_not_between_bills(tables: Tables) -> None:
    paired(tables, charge(2, 1, act="bill-2"), 2, "bill-2/1", bill_2__1="5.00")
    assert charges(tables) == [("bill-2", "bill-2/1", Decimal(5))]
