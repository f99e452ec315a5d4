"""Rows are functions of the record and its place."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

import pytest

from contracts.acts import FAMILIES, VERBS
from contracts.decision import (
    Basis,
    Coverage,
    DeadLetterHeaders,
    Decision,
    Delivery,
    EventRef,
    Finding,
    FoundAmount,
    FoundLine,
    FoundPair,
    KindHeaders,
    OriginHeaders,
    Repeat,
    Retraction,
    Words,
    encode_record,
)
from sinks.rows import EventRows, Placed, Record, Unwritable, decision_rows, letter_rows, stub_rows

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "urn:test",
    "type": "billing.refunded.v1",
    "time": "1951-07-15T23:30:00-05:00",
    "subject": "urn:test:patients|1",
    "data": {
        "act_id": "bill-1",
        "revision": 3,
        "institution": "h1",
        "department": "内科",
        "encounter": {"id": "enc", "kind": "outpatient", "started_at": "1951-07-15T09:00:00Z"},
        "charged_at": "1951-07-15T23:59:00-05:00",
        "items": [
            {
                "line_id": "1",
                "item": {"system": "urn:s", "code": "c"},
                "category": "drug",
                "amount": "12.50",
                "refunded": "2.50",
            },
            {"line_id": "2", "item": {"system": "urn:s", "code": "d"}, "amount": "1"},
        ],
    },
}


def record(value: bytes | None, headers: Any = (), key: bytes | None = None) -> Record:
    key = b"urn:test:patients|1" if key is None else key
    return Record("topic", 2, 17, 1_770_000_000_000, 1_770_000_000_000, key, value, headers)


def named(placed: Placed) -> dict[str, object]:
    return dict(zip(placed.table.names, placed.row, strict=True))


def event_with(**data: Any) -> bytes:
    return json.dumps(EVENT | {"data": EVENT["data"] | data}).encode()


def test_an_event_is_one_row_with_its_bytes_its_digest_and_its_place() -> None:
    value = json.dumps(EVENT).encode()
    (placed,) = EventRows()(record(value))
    row = named(placed)
    assert placed.month == 195107  # half past four in the morning of the 16th in UTC
    assert row["payload"] == value
    assert row["digest"] == sha256(value).digest()
    assert (row["topic"], row["partition"], row["offset"]) == ("topic", 2, 17)
    assert (row["family"], row["verb"], row["voided"]) == ("billing", "refunded", False)
    assert row["lines.amount"] == [Decimal("12.50"), Decimal(1)]
    assert row["lines.refunded"] == [Decimal("2.50"), Decimal(0)]
    assert row["lines.category"] == ["drug", ""]
    assert row["encounter_kind"] == "outpatient"
    assert row["ended_at"] is None


def test_an_encounter_is_its_own_encounter_and_a_voiding_verb_is_marked() -> None:
    sent = EVENT | {
        "type": "encounter.cancelled.v1",
        "data": {"act_id": "stay", "revision": 1, "institution": "h1", "kind": "inpatient"},
    }
    row = named(EventRows()(record(json.dumps(sent).encode()))[0])
    assert (row["encounter_id"], row["encounter_kind"]) == ("stay", "inpatient")
    assert row["voided"] is True


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_is_a_row_of_the_same_columns(family: str) -> None:
    sent = EVENT | {
        "type": f"{family}.{VERBS[family][0]}.v1",
        "data": {
            "act_id": "a",
            "revision": 1,
            "institution": "h1",
            "allergies": {},
            "diagnosis": {"code": {"system": "s", "code": "c"}},
            "alert_id": "a",
        },
    }
    row = named(EventRows()(record(json.dumps(sent).encode()))[0])
    assert (row["family"], row["verb"]) == (family, VERBS[family][0])
    assert row["lines.amount"] == []


STAY = EVENT | {"type": "encounter.updated.v1"}
STAY["data"] = {"act_id": "stay", "revision": 1, "institution": "h1"}
START = -582_836_400_000  # 1951-07-14T05:00Z


@pytest.mark.parametrize(
    ("said", "kind", "started_at"),
    [
        ({}, ("", False), (None, False)),
        ({"kind": None, "started_at": None}, ("", True), (None, True)),
        (
            {"kind": "inpatient", "started_at": "1951-07-14T00:00:00-05:00"},
            ("inpatient", True),
            (START, True),
        ),
    ],
    ids=["not reported", "stated absent", "known"],
)
@pytest.mark.parametrize("own", [True, False], ids=["of the act", "of its encounter"])
def test_known_stated_absent_and_not_reported_are_three_things(
    own: bool, said: dict[str, Any], kind: tuple[str, bool], started_at: tuple[int | None, bool]
) -> None:
    if own:
        value = json.dumps(STAY | {"data": STAY["data"] | said}).encode()
    else:
        value = event_with(encounter={"id": "enc"} | said)
    row = named(EventRows()(record(value))[0])
    assert (row["encounter_kind"], row["encounter_kind_reported"]) == kind
    assert (row["started_at"], row["started_at_reported"]) == started_at
    assert (row["ended_at"], row["ended_at_reported"]) == (None, False)


@pytest.mark.parametrize(("encounter", "reported"), [({}, False), ({"encounter": None}, True)])
def test_no_encounter_is_a_report_and_an_unmentioned_one_is_none(
    encounter: dict[str, Any], reported: bool
) -> None:
    data = {k: v for k, v in EVENT["data"].items() if k != "encounter"} | encounter
    row = named(EventRows()(record(json.dumps(EVENT | {"data": data}).encode()))[0])
    assert (row["encounter_id"], row["encounter_kind"], row["started_at"]) == ("", "", None)
    assert {row[f"{n}_reported"] for n in ("encounter_kind", "started_at", "ended_at")} == {
        reported
    }


def test_a_charge_that_states_no_time_says_more_than_one_that_reports_none() -> None:
    row = named(EventRows()(record(event_with(charged_at=None)))[0])
    assert (row["charged_at"], row["charged_at_reported"]) == (None, True)
    data = {k: v for k, v in EVENT["data"].items() if k != "charged_at"}
    row = named(EventRows()(record(json.dumps(EVENT | {"data": data}).encode()))[0])
    assert (row["charged_at"], row["charged_at_reported"]) == (None, False)


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b'{"type": 1}'])
def test_what_the_worker_refuses_is_no_row(value: bytes | None) -> None:
    assert EventRows()(record(value)) == ()


def test_an_event_that_lies_too_far_ahead_is_no_row() -> None:
    value = json.dumps(EVENT | {"time": "2026-02-02T03:00:00Z"}).encode()  # appended 02:40
    assert EventRows(max_ahead_s=300)(record(value)) == ()
    assert len(EventRows(max_ahead_s=3_000)(record(value))) == 1


def charge_of(amount: str) -> bytes:
    line = {"line_id": "1", "item": {"system": "urn:s", "code": "c"}, "amount": amount}
    return event_with(items=[line])


@pytest.mark.parametrize("amount", ["0.1234567", "1" + "0" * 15])
def test_an_amount_that_the_column_could_cut_off_is_no_row(amount: str) -> None:
    assert EventRows()(record(charge_of(amount))) == ()


@pytest.mark.parametrize("amount", ["999999999999999.999999", "0.000001", "1.100000000"])
def test_the_column_holds_the_widest_and_the_finest_amount(amount: str) -> None:
    (stored,) = cast(
        list[Decimal], named(EventRows()(record(charge_of(amount)))[0])["lines.amount"]
    )
    assert stored == Decimal(amount) == stored.quantize(Decimal("0.000001"))


FINDING = Finding(
    alert_id="8f0ee12c-79c5-5d63-8c6c-7f33b27b2c01",
    rule_id="r",
    rule_version=2,
    rule_status="shadow",
    element="line-1",
    result="violation",
    severity="warning",
    action="remind",
    audience=("prescriber",),
    key="k",
    title=Words(zh="标题", en="title"),
    message=Words(zh="内容", en="message"),
    facts={"item.dose": 3.5},
)
DECISION = Decision(
    decision_id="0d6ff7a3-2a5e-5a4b-9d3e-1c2b3a4d5e6f",
    event=EventRef(source="s", id="i", type="prescription.signed.v1", time="2026-03-01T00:00:00Z"),
    scope="patient",
    cause="event",
    subject="n|1",
    phase="during",
    as_of="2026-03-01",
    verdict="findings",
    coverage=Coverage(applicable=3, alerts=1, silent=1, not_evaluable=1),
    findings=(FINDING,),
    basis=Basis(pack="p", knowledge="k", engine="compiled", profile="demo"),
)
ORIGIN = [
    (OriginHeaders.TOPIC, b"in"),
    (OriginHeaders.PARTITION, b"1"),
    (OriginHeaders.OFFSET, b"99"),
    (OriginHeaders.RECEIVED_MS, b"1769999999999"),
]


def test_a_decision_comes_after_its_alerts_which_hold_the_finding_as_it_is() -> None:
    value = encode_record(DECISION)
    alert, decision = (named(p) for p in decision_rows(record(value, ORIGIN)))
    assert alert["finding"] == encode_record(FINDING)
    assert alert["decision_version"] == decision["version"] == 17
    assert (alert["rule_id"], alert["element"]) == ("r", "line-1")
    assert decision["findings"] == 1
    assert decision["not_evaluable"] == 1
    assert (decision["origin_topic"], decision["origin_offset"]) == ("in", 99)
    assert decision["received_at"] == 1_769_999_999_999
    assert decision["payload"] == value


def test_money_and_pair_of_a_finding_are_columns_of_its_alert() -> None:
    import msgspec

    lines = (
        FoundLine(line="1", total=Decimal("12.50"), fund=Decimal("10.00")),
        FoundLine(line="2", total=Decimal("0.50")),
    )
    found = msgspec.structs.replace(
        FINDING,
        amount=FoundAmount(total=Decimal("13.00"), lines=lines, missing=("item.fund_paid",)),
        pair=FoundPair(id="p", table="t", item="1", partner="2"),
    )
    decision = msgspec.structs.replace(DECISION, findings=(found,))
    row = named(decision_rows(record(encode_record(decision)))[0])
    assert (row["pair"], row["partner"], row["currency"]) == ("p", "2", "CNY")
    assert (row["amount"], row["fund"]) == (Decimal("13.00"), None)
    assert row["money.line_id"] == ["1", "2"]
    assert row["money.total"] == [Decimal("12.50"), Decimal("0.50")]
    assert row["money.fund"] == [Decimal("10.00"), None]


def test_what_gave_way_and_what_was_told_before_are_columns_of_the_alert() -> None:
    import msgspec

    told = Delivery(suppressed=True, by="first", until="1970-01-01T00:00:01+00:00")
    found = msgspec.structs.replace(FINDING, overridden_by="other", delivery=told)
    decision = msgspec.structs.replace(DECISION, findings=(found,), cause="timer:r::due")
    row = named(decision_rows(record(encode_record(decision)))[0])
    assert (row["cause"], row["key"], row["overridden_by"]) == ("timer:r::due", "k", "other")
    assert (row["suppressed"], row["suppressed_by"], row["told_again_at"]) == (True, "first", 1000)


def test_a_decision_that_takes_back_says_why_and_a_record_of_before_says_nothing() -> None:
    import msgspec

    coverage = msgspec.structs.replace(DECISION.coverage, waiting=2, overridden=1, suppressed=3)
    why = Retraction(why="in_time", source="s", id="late")
    decision = msgspec.structs.replace(DECISION, coverage=coverage, retracted=why)
    row = named(decision_rows(record(encode_record(decision)))[-1])
    assert (row["retracted"], row["waiting"]) == ("in_time", 2)
    assert (row["overridden"], row["suppressed"]) == (1, 3)
    old = json.loads(encode_record(DECISION))
    del old["retracted"], old["waiting"]
    alert, row = (named(p) for p in decision_rows(record(json.dumps(old).encode())))
    assert (row["retracted"], row["waiting"]) == ("", 0)
    assert (row["overridden"], row["suppressed"]) == (0, 0)
    assert (alert["overridden_by"], alert["suppressed"], alert["told_again_at"]) == (
        "",
        False,
        None,
    )


def test_a_finding_without_money_has_none_in_its_row() -> None:
    row = named(decision_rows(record(encode_record(DECISION)))[0])
    assert (row["pair"], row["partner"], row["currency"]) == ("", "", "")
    assert (row["amount"], row["fund"], row["money.line_id"]) == (None, None, [])


def test_a_decision_without_headers_is_stored_without_its_origin() -> None:
    (row,) = (named(p) for p in decision_rows(record(encode_record(replace_findings()))))
    assert (row["origin_partition"], row["origin_offset"], row["received_at"]) == (-1, -1, None)


def replace_findings() -> Decision:
    import msgspec

    return msgspec.structs.replace(DECISION, findings=())


@pytest.mark.parametrize("value", [b"{", b"{}", b"\xff", b'{"decision_id": 7}'])
def test_what_is_no_decision_is_unwritable(value: bytes) -> None:
    with pytest.raises(Unwritable):
        decision_rows(record(value))


def test_an_event_that_came_again_is_no_row() -> None:
    value = encode_record(Repeat(decision_id="d", source="urn:test", id="e1"))
    kind = [(KindHeaders.KIND, KindHeaders.REPEAT)]
    assert decision_rows(record(value, kind)) == ()
    with pytest.raises(Unwritable):
        decision_rows(record(value))


@pytest.mark.parametrize("kind", [KindHeaders.FORWARD, KindHeaders.TIE])
def test_notes_about_identities_are_no_rows(kind: bytes) -> None:
    assert decision_rows(record(b"{}", [(KindHeaders.KIND, kind)])) == ()


def test_of_two_partitions_the_later_generation_of_a_decision_stands() -> None:
    value = encode_record(replace_findings())
    before, after = (
        named(decision_rows(record(value, headers))[0])["version"]
        for headers in ([], [(KindHeaders.GENERATION, b"1")])
    )
    assert before == 17
    assert after == 2**48 + 17


def test_a_decision_of_a_later_version_with_more_fields_is_read() -> None:
    later = json.loads(encode_record(DECISION)) | {"schema": 2, "added_later": [1]}
    assert len(decision_rows(record(json.dumps(later).encode()))) == 2


def letter(**headers: bytes) -> Record:
    names = {name: getattr(DeadLetterHeaders, name.upper()) for name in headers}
    return record(b"\xff\x00", [(names[n], v) for n, v in headers.items()], key=b"")


def test_a_dead_letter_is_named_by_its_origin_and_keeps_its_bytes() -> None:
    sent = letter(topic=b"in", partition=b"3", offset=b"44", reason=b"not_json",
                  received_ms=b"1769999999999")  # fmt: skip
    row = named(letter_rows(sent)[0])
    assert (row["topic"], row["partition"], row["offset"]) == ("in", 3, 44)
    assert (row["key"], row["value"], row["reason"]) == (b"", b"\xff\x00", "not_json")
    assert row["received_at"] == 1_769_999_999_999


def test_a_dead_letter_without_an_origin_is_its_own() -> None:
    row = named(letter_rows(letter(topic=b"in", partition=b"x", reason=b"\xff"))[0])
    assert (row["topic"], row["partition"], row["offset"]) == ("topic", 2, 17)
    assert row["reason"] == "\\xff"


def test_the_stub_of_a_dead_letter_has_its_name_and_no_bytes() -> None:
    row = named(stub_rows(letter(topic=b"in", partition=b"3", offset=b"44"), "why")[0])
    assert (row["offset"], row["value"], row["reason"]) == (44, None, "sink_refused")
    assert row["detail"] == "why"
