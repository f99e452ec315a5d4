"""Decisions that time led to, what they take back, and what was not told again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from contracts.decision import (
    Decision,
    Delivery,
    Finding,
    FoundAmount,
    FoundLine,
    Retraction,
    Waiting,
    encode_record,
)
from contracts.identity import EventKey, alert_id, decision_id
from integration.sinks.filled_tables import Tables, _record
from integration.sinks.world import decision_of, event
from sinks.queries import alert_counts
from sinks.rows import decision_rows

pytestmark = pytest.mark.integration

CAUSE = "timer:r::due"


def put(tables: Tables, decision: Decision, offset: int) -> None:
    tables.put(_record("decisions", offset, b"k", encode_record(decision)), decision_rows)


def caused(made: Decision, cause: str, **changes: Any) -> Decision:
    """The decision about the same event that something else led to."""
    key = EventKey(made.event.source, made.event.id)
    findings = tuple(
        msgspec.structs.replace(f, alert_id=alert_id(key, cause, f.rule_id, 1, f.element))
        for f in made.findings
    )
    name = decision_id(key, made.scope, cause)
    usual = {"decision_id": name, "cause": cause, "findings": findings, "phase": "post"}
    return msgspec.structs.replace(made, **{**usual, **changes})


def withdrawn(made: Decision) -> Decision:
    why = Retraction(why="in_time", source="urn:test:his", id="event-late")
    return msgspec.structs.replace(made, findings=(), verdict="retracted", retracted=why)


def test_a_retracted_timer_decision_withdraws_its_alert_and_no_other(tables: Tables) -> None:
    at_once = decision_of(event(1), ("now",))
    due = caused(decision_of(event(1), ("r",)), CAUSE)
    put(tables, at_once, 1)
    put(tables, due, 2)
    shown = "SELECT rule_id, toString(cause) FROM alerts_current ORDER BY rule_id"
    assert tables.client.query(shown).result_rows == [("now", "event"), ("r", CAUSE)]
    put(tables, withdrawn(due), 3)
    assert tables.client.query(shown).result_rows == [("now", "event")]
    latest = "SELECT cause, retracted, verdict FROM decisions_current WHERE cause != 'event'"
    assert tables.client.query(latest).result_rows == [(CAUSE, "in_time", "retracted")]
    tables.merge()
    assert tables.client.query(shown).result_rows == [("now", "event")]
    put(tables, due, 4)  # and it can stand again
    assert tables.client.query(shown).result_rows == [("now", "event"), ("r", CAUSE)]


def test_what_waits_is_shown_until_its_decision_stands(tables: Tables) -> None:
    until = "2026-03-05T00:00:00+00:00"
    waiting = (
        Waiting(rule_id="r", rule_version=2, why="duty", until=until),
        Waiting(rule_id="late", rule_version=1, element="1", why="late_data", until=until),
    )
    made = decision_of(event(1))
    coverage = msgspec.structs.replace(made.coverage, waiting=2)
    put(tables, msgspec.structs.replace(made, waiting=waiting, coverage=coverage), 1)
    sql = (
        "SELECT rule_id, rule_version, element, why, until, decided FROM waiting_current "
        "ORDER BY why"
    )
    duty, late = tables.client.query(sql).result_rows
    assert (duty[0], duty[1], duty[2], duty[3], duty[5]) == ("r", 2, "", "duty", 0)
    assert duty[4].replace(tzinfo=UTC) == datetime(2026, 3, 5, tzinfo=UTC)
    assert (late[0], late[2], late[3], late[5]) == ("late", "1", "late_data", 0)
    due = caused(decision_of(event(1), ("r",)), CAUSE)
    put(tables, due, 2)
    assert tables.column("SELECT decided FROM waiting_current ORDER BY why") == [1, 0]
    put(tables, withdrawn(due), 3)
    put(tables, caused(made, "late"), 4)
    assert tables.column("SELECT decided FROM waiting_current ORDER BY why") == [0, 1]
    assert tables.column("SELECT waiting FROM decisions_current WHERE cause = 'event'") == [2]


def marked(made: Decision, **changes: Any) -> Decision:
    (found, *rest) = made.findings
    return msgspec.structs.replace(
        made, findings=(msgspec.structs.replace(found, **changes), *rest)
    )


def test_what_gave_way_or_was_told_before_stands_in_the_table_and_says_so(tables: Tables) -> None:
    other = alert_id(EventKey("urn:test:his", "event-1"), "event", "b", 1, "")
    made = marked(decision_of(event(1), ("a", "b")), overridden_by=other)
    coverage = msgspec.structs.replace(made.coverage, overridden=1)
    put(tables, msgspec.structs.replace(made, coverage=coverage), 1)
    told = Delivery(suppressed=True, by="alert-0", until="2026-03-05T00:00:00+00:00")
    again = marked(decision_of(event(2), ("c",)), delivery=told)
    coverage = msgspec.structs.replace(again.coverage, suppressed=1)
    put(tables, msgspec.structs.replace(again, coverage=coverage), 2)
    sql = (
        "SELECT rule_id, key, overridden_by, suppressed, suppressed_by, isNull(told_again_at) "
        "FROM alerts_current ORDER BY rule_id"
    )
    assert tables.client.query(sql).result_rows == [
        ("a", "a", other, False, "", 1),
        ("b", "b", "", False, "", 1),
        ("c", "c", "", True, "alert-0", 0),
    ]
    assert {row.rule_id for row in alert_counts(tables.client)} == {"b", "c"}
    counts = "SELECT overridden, suppressed FROM decisions_current ORDER BY overridden"
    assert tables.client.query(counts).result_rows == [(0, 1), (1, 0)]


def bill(revision: int, *rules: str) -> Decision:
    sent = event(f"bill-{revision}")
    made = decision_of(sent, rules)
    ref = msgspec.structs.replace(made.event, act_id="bill", revision=revision)
    return msgspec.structs.replace(made, event=ref)


def priced(made: Decision, **totals: str) -> Decision:
    def with_money(f: Finding) -> Finding:
        line = FoundLine(line="1", total=Decimal(totals[f.rule_id]))
        return msgspec.structs.replace(
            f, amount=FoundAmount(total=line.total, lines=(line,)), rule_status="active"
        )

    return msgspec.structs.replace(made, findings=tuple(map(with_money, made.findings)))


def found(tables: Tables) -> list[tuple[Decimal, list[str]]]:
    rows = tables.client.query("SELECT amount, arraySort(rules) FROM charges_found").result_rows
    return [(amount, list(rules)) for amount, rules in rows]


def test_money_that_was_found_later_counts_with_what_was_found_at_once(tables: Tables) -> None:
    put(tables, priced(bill(1, "a"), a="5"), 1)
    put(tables, caused(priced(bill(1, "late"), late="20"), "late"), 2)
    assert found(tables) == [(Decimal(20), ["a", "late"])]
    put(tables, priced(bill(2, "a"), a="4"), 3)  # a refund: what was decided of the first is over
    assert found(tables) == [(Decimal(4), ["a"])]
    put(tables, caused(priced(bill(1, "late"), late="30"), "late"), 4)  # and stays over
    assert found(tables) == [(Decimal(4), ["a"])]


def test_the_money_of_a_finding_that_gave_way_counts_only_where_none_stands(tables: Tables) -> None:
    made = priced(bill(1, "big", "small"), big="20", small="3")
    gave_way = marked(made, overridden_by="another")
    put(tables, gave_way, 1)
    assert found(tables) == [(Decimal(3), ["big", "small"])]
    alone = msgspec.structs.replace(gave_way, findings=gave_way.findings[:1])
    put(tables, alone, 2)
    assert found(tables) == [(Decimal(20), ["big"])]
