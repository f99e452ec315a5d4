"""What intake accepts and refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from contracts import intake
from contracts.acts import FAMILIES, Charge, Prescription
from contracts.event import encode_event
from contracts.intake import Accepted, Reason, Rejected, decode

RECEIVED_MS = int(datetime(2026, 3, 2, 3, 0, tzinfo=UTC).timestamp() * 1000)


def event(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e1",
        "source": "urn:hospital:1",
        "type": "prescription.signed.v1",
        "time": "2026-03-02T10:00:00+08:00",
        "subject": "hospital-1|p1",
        "data": {
            "act_id": "rx1",
            "revision": 1,
            "institution": "h1",
            "items": [
                {"line_id": "1", "drug": {"system": "s", "code": "c"}, "days_supply": 3},
                {"line_id": "2", "drug": {"system": "s", "code": "d"}},
            ],
        },
    }
    body.update(changes)
    return body


def with_data(**changes: Any) -> dict[str, Any]:
    body = event()
    body["data"].update(changes)
    return body


def charge(**line: Any) -> dict[str, Any]:
    body = event(type="billing.charged.v1")
    body["data"]["items"] = [
        {"line_id": "1", "item": {"system": "s", "code": "c"}, "amount": "12.30", **line}
    ]
    return body


def accept(body: dict[str, Any], **kwargs: Any) -> Accepted:
    answer = decode(json.dumps(body).encode(), **kwargs)
    assert isinstance(answer, Accepted), answer
    return answer


def refuse(value: Any, **kwargs: Any) -> Rejected:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    answer = decode(raw, **kwargs)
    assert isinstance(answer, Rejected), answer
    return answer


def test_an_accepted_event_survives_encoding_and_decoding() -> None:
    first = accept(event()).event
    again = decode(encode_event(first))
    assert isinstance(again, Accepted)
    assert again.event == first


def test_known_stated_absent_and_not_reported_are_three_different_things() -> None:
    known = accept(with_data(patient={"sex": "female"})).event.data.patient
    absent = accept(with_data(patient={"sex": None})).event.data.patient
    silent = accept(with_data(patient={})).event.data.patient
    assert [p.sex for p in (known, absent, silent)] == ["female", None, UNSET]  # type: ignore[union-attr]


def test_no_known_allergies_is_a_statement_and_not_an_absence() -> None:
    stated = accept(with_data(patient={"allergies": {"complete": True, "items": []}}))
    partial = accept(with_data(patient={"allergies": {}}))
    assert stated.event.data.patient.allergies.complete  # type: ignore[union-attr]
    assert not partial.event.data.patient.allergies.complete  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (None, Reason.EMPTY_VALUE, "$"),
        (b"", Reason.EMPTY_VALUE, "$"),
        (b"\xff\xfe", Reason.NOT_JSON, "$"),
        (b"[" * 100_000, Reason.NOT_JSON, "$"),
        (b'{"a":' * 100_000, Reason.NOT_JSON, "$"),
        ([], Reason.ENVELOPE, "$"),
        ({}, Reason.ENVELOPE, "$.type"),
        (event(specversion="0.3"), Reason.ENVELOPE, "$.specversion"),
        (event(type="prescription.signed.v2"), Reason.TYPE_UNSUPPORTED, "$.type"),
        (event(type="prescription.guessed.v1"), Reason.TYPE_UNSUPPORTED, "$.type"),
        (event(id=""), Reason.IDENTITY, "$.id"),
        (event(source=7), Reason.IDENTITY, "$.source"),
        (event(subject="no-namespace"), Reason.IDENTITY, "$.subject"),
        (with_data(act_id=None), Reason.IDENTITY, "$.data.act_id"),
        (with_data(revision=0), Reason.IDENTITY, "$.data.revision"),
        (event(time="2026-03-02T10:00:00"), Reason.TIME_NAIVE, "$.time"),
        (event(time="1899-12-31T00:00:00Z"), Reason.TIME_IMPOSSIBLE, "$.time"),
        (event(time="yesterday"), Reason.ENVELOPE, "$.time"),
        (with_data(signed_at="1066-10-14T09:00:00Z"), Reason.TIME_IMPOSSIBLE, "$.data.signed_at"),
        (with_data(items="none"), Reason.FIELD_TYPE, "$.data.items"),
        (charge(amount="NaN"), Reason.AMOUNT_NOT_FINITE, "$.data.items[...].amount"),
        (charge(amount="-0.01"), Reason.AMOUNT_NEGATIVE, "$.data.items[...].amount"),
        (charge(refunded="-1"), Reason.AMOUNT_NEGATIVE, "$.data.items[...].refunded"),
        (charge(unit_price="Infinity"), Reason.AMOUNT_NOT_FINITE, "$.data.items[...].unit_price"),
        (charge(amount="12,30"), Reason.FIELD_TYPE, "$.data.items[0].amount"),
        (
            charge(quantity={"value": -1, "unit": "1"}),
            Reason.AMOUNT_NEGATIVE,
            "$.data.items[0].quantity.value",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_reason_and_path(
    value: Any, reason: Reason, path: str
) -> None:
    answer = refuse(value)
    assert (answer.reason, answer.path) == (reason, path)
    assert answer.detail


def test_two_lines_with_one_id_are_refused() -> None:
    body = event()
    body["data"]["items"][1]["line_id"] = "1"
    assert refuse(body).reason is Reason.DUPLICATE_LINE


def test_a_time_ahead_of_the_broker_by_more_than_allowed_is_refused() -> None:
    late = event(time="2026-03-02T11:05:01+08:00")
    assert refuse(late, received_ms=RECEIVED_MS).reason is Reason.TIME_IMPOSSIBLE
    accept(event(time="2026-03-02T11:05:00+08:00"), received_ms=RECEIVED_MS)
    accept(late)  # a file has no broker


def test_the_key_must_be_the_subject() -> None:
    accept(event(), key=b"hospital-1|p1", check_key=True)
    assert refuse(event(), key=b"p1", check_key=True).reason is Reason.KEY_MISMATCH
    assert refuse(event(), key=None, check_key=True).reason is Reason.MISSING_KEY


def test_unknown_fields_are_accepted_and_named_by_path() -> None:
    body = event(traceparent="00-1")
    body["data"]["x"] = {"deep": [1]}
    for item in body["data"]["items"]:
        item["vendor_flag"] = True
    answer = accept(body)
    assert set(answer.unknown_fields) == {
        "$.traceparent",
        "$.data.x",
        "$.data.items[...].vendor_flag",
    }
    assert answer.event == accept(event()).event


def test_many_lines_with_an_unknown_field_are_one_path() -> None:
    body = event()
    body["data"]["items"] = [
        {"line_id": str(i), "drug": {"system": "s", "code": "c"}, "extra": i} for i in range(500)
    ]
    assert accept(body).unknown_fields == ("$.data.items[...].extra",)


def test_any_number_of_unknown_fields_is_accepted() -> None:
    body = with_data(**{f"x{'y' * n}": n for n in range(300)})
    answer = accept(body)
    assert answer.event == accept(event()).event
    assert "$.(other)" in answer.unknown_fields
    assert len(answer.unknown_fields) <= 65


def test_a_field_name_that_could_be_data_is_not_shown() -> None:
    body = with_data(**{"P20260302": 1, "名": 2, "x" * 200: 3})
    assert accept(body).unknown_fields == ("$.data.(unnamed)",)


@pytest.mark.parametrize(
    ("type_", "data", "path"),
    [
        ("prescription.signed.v1", {"service_time": "0001-01-01T00:00:00Z"}, "$.data.service_time"),
        (
            "prescription.signed.v1",
            {"encounter": {"id": "e", "started_at": "9999-01-01T00:00:00Z"}},
            "$.data.encounter.started_at",
        ),
        (
            "billing.charged.v1",
            {"items": [{"line_id": "1", "item": {"system": "s", "code": "c"}, "amount": "1",
                        "service_time": "1899-12-31T23:59:59Z"}]},
            "$.data.items[...].service_time",
        ),
        (
            "observation.recorded.v1",
            {"items": [{"code": {"system": "s", "code": "c"}, "at": "2300-01-01T00:00:00Z"}]},
            "$.data.items[...].at",
        ),
    ],
)  # fmt: skip
def test_an_impossible_time_anywhere_is_refused(
    type_: str, data: dict[str, Any], path: str
) -> None:
    body = event(type=type_)
    body["data"] = {"act_id": "a", "revision": 1, "institution": "h", **data}
    answer = refuse(body)
    assert (answer.reason, answer.path) == (Reason.TIME_IMPOSSIBLE, path)


def test_an_odd_year_in_a_text_is_only_a_text() -> None:
    accept(with_data(note="0001-01-01T00:00:00Z"))


@pytest.mark.parametrize("amount", ["1E+40", "1000000000000000", "0.0000001"])
def test_an_amount_that_the_store_cannot_keep_exactly_is_refused(amount: str) -> None:
    assert refuse(charge(amount=amount)).reason is Reason.AMOUNT_RANGE


def test_no_more_can_be_refunded_than_was_charged() -> None:
    accept(charge(amount="5", refunded="5.00"))
    assert refuse(charge(amount="5", refunded="5.01")).reason is Reason.AMOUNT_NEGATIVE


def test_a_subject_is_one_line() -> None:
    assert refuse(event(subject="h|p1\n")).reason is Reason.IDENTITY


def test_a_record_without_a_broker_time_is_not_ahead_of_it() -> None:
    accept(event(), received_ms=-1)


def test_result_lines_with_one_id_are_refused_and_lines_without_are_not() -> None:
    body = event(type="result.reported.v1")
    line = {"code": {"system": "s", "code": "c"}}
    body["data"]["items"] = [line, line]
    accept(body)
    body["data"]["items"] = [line | {"line_id": "1"}, line | {"line_id": "1"}]
    assert refuse(body).reason is Reason.DUPLICATE_LINE


def test_an_item_without_a_diagnosis_is_a_fact_and_not_a_refusal() -> None:
    assert accept(event()).event.data.diagnoses is UNSET  # type: ignore[union-attr]


def test_a_nested_type_does_not_mislead_the_decoder() -> None:
    body = event()
    ordered = {"data": {"x": {"type": "billing.charged.v1"}, **body["data"]}, **body}
    ordered["data"] = {"x": {"type": "billing.charged.v1"}, **body["data"]}
    assert isinstance(accept(ordered).event.data, Prescription)


def test_money_keeps_its_cents() -> None:
    data = accept(charge(amount="0.10", refunded="0.1")).event.data
    assert isinstance(data, Charge)
    assert (str(data.items[0].amount), str(data.items[0].refunded)) == ("0.10", "0.1")


def test_a_refusal_never_quotes_the_value() -> None:
    for body in (event(specversion="SECRET"), event(time="SECRET"), with_data(revision="SECRET")):
        assert "SECRET" not in repr(refuse(body))


@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer_and_never_an_exception(value: bytes) -> None:
    assert isinstance(decode(value), Rejected)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["id", "source", "type", "time", "subject", "data", "specversion", "other"]),
    json_values,
)
def test_any_value_anywhere_gives_an_answer(name: str, value: Any) -> None:
    raw = msgspec.json.encode(event(**{name: value}))
    assert isinstance(decode(raw), Accepted | Rejected)


@given(
    st.sampled_from(["items", "patient", "encounter", "practitioner", "note", "diagnoses"]),
    json_values,
)
def test_any_value_in_the_data_gives_an_answer(name: str, value: Any) -> None:
    raw = msgspec.json.encode(with_data(**{name: value}))
    assert isinstance(decode(raw), Accepted | Rejected)


def test_every_year_that_may_be_impossible_is_looked_at() -> None:
    for year in range(10_000):
        is_hint = intake._ODD_YEAR.search(b'{"time":"%04d-03-02T10:00:00Z"}' % year) is not None
        assert is_hint == (not 1900 <= year <= 2298), year


def act(event_type: str, **data: Any) -> dict[str, Any]:
    body = event(type=f"{event_type}.v1")
    body["data"] = {"act_id": "a1", "revision": 1, "institution": "h1", **data}
    return body


def line(**changes: Any) -> dict[str, Any]:
    coding = {"system": "s", "code": "c"}
    return {"line_id": "1", "drug": coding, "code": coding, **changes}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_first_bytes_tell_every_family(family: str) -> None:
    value = json.dumps({"type": f"{family}.x.v1"}).encode()
    hint = intake._TYPE_HINT.search(value)
    assert hint is not None
    assert hint.group(1).decode() == family


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        (act("administration.administered", items=[line(), line()]),
         Reason.DUPLICATE_LINE, "$.data.items[...].line_id"),
        (act("dispense.dispensed", items=[line(), line()]),
         Reason.DUPLICATE_LINE, "$.data.items[...].line_id"),
        (act("dispense.dispensed", items=[line(quantity={"value": -1, "unit": "盒"})]),
         Reason.AMOUNT_NEGATIVE, "$.data.items[0].quantity.value"),
        (act("administration.administered", items=[line(given_at="1066-10-14T09:00:00Z")]),
         Reason.TIME_IMPOSSIBLE, "$.data.items[...].given_at"),
        (act("stock.moved", items=[line(), line()]),
         Reason.DUPLICATE_LINE, "$.data.items[...].line_id"),
        (act("stock.moved", kind="out", items=[line(quantity={"value": -1, "unit": "盒"})]),
         Reason.AMOUNT_NEGATIVE, "$.data.items[...].quantity"),
        (act("settlement.settled", total="-0.01"), Reason.AMOUNT_NEGATIVE, "$.data.total"),
        (act("settlement.settled", fund_paid="NaN"), Reason.AMOUNT_NOT_FINITE, "$.data.fund_paid"),
        (act("settlement.settled", total="1e15"), Reason.AMOUNT_RANGE, "$.data.total"),
        (act("upload.received", records=-1), Reason.AMOUNT_NEGATIVE, "$.data.records"),
        (act("feedback.recorded"), Reason.FIELD_TYPE, "$.data.alert_id"),
        (act("document.signed", signed_at="2026-03-02T10:00:00"),
         Reason.TIME_NAIVE, "$.data.signed_at"),
        (act("procedure.ended", ended_at="2300-01-01T00:00:00Z"),
         Reason.TIME_IMPOSSIBLE, "$.data.ended_at"),
        (act("infection_report.reported", onset_at="1899-12-31T00:00:00Z"),
         Reason.TIME_IMPOSSIBLE, "$.data.onset_at"),
    ],
)  # fmt: skip
def test_what_no_act_can_mean_is_refused(value: Any, reason: Reason, path: str) -> None:
    refused = refuse(value)
    assert (refused.reason, refused.path) == (reason, path)


@pytest.mark.parametrize("kind", ["adjust", "as-the-store-calls-it", None])
def test_a_stock_adjustment_may_take_away(kind: str | None) -> None:
    lessened = line(quantity={"value": -2, "unit": "盒"})
    del lessened["drug"]
    accepted = accept(act("stock.moved", kind=kind, items=[lessened]))
    assert accepted.event.data.items[0].quantity.value == -2  # type: ignore[union-attr]


def test_a_given_drug_is_a_service_of_that_time() -> None:
    given = line(given_at="2026-03-02T09:00:00+08:00")
    item = accept(act("administration.administered", items=[given])).event.data.items[0]  # type: ignore[union-attr]
    assert item.service_time == item.given_at == datetime(2026, 3, 2, 1, tzinfo=UTC)  # type: ignore[union-attr]


def test_words_that_nobody_knows_are_accepted() -> None:
    accepted = accept(act("document.signed", kind="院内自定义", signer_level="?"))
    assert accepted.unknown_fields == ()
