"""The published schemas are current, and they describe what the decoder accepts."""

from __future__ import annotations

import json
from decimal import Decimal

import jsonschema
import msgspec
import pytest

from contracts import schema
from contracts.acts import FAMILIES, VERBS, phase_of
from contracts.decision import (
    EMERGENCY,
    SCHEMA,
    Basis,
    Coverage,
    Decision,
    EventRef,
    Finding,
    FoundAmount,
    FoundLine,
    FoundPair,
    Reader,
    Record,
    Words,
    encode_record,
)
from contracts.event import EVENT_TYPES
from contracts.intake import Accepted, Rejected, decode
from contracts.topics import INTAKE_FAMILIES, Topics

DECISION = Decision(
    decision_id="d",
    event=EventRef(source="s", id="1", type="order.signed.v1", time="2026-01-01T00:00:00+08:00"),
    scope="patient",
    cause="event",
    subject="n|1",
    phase="during",
    as_of="2026-01-01",
    verdict="clean",
    coverage=Coverage(applicable=1, silent=1),
    basis=Basis(pack="p", knowledge="k", engine="compiled", profile="site"),
)


@pytest.mark.parametrize("name", sorted(schema.documents()))
def test_a_published_document_is_current(name: str) -> None:
    path = schema.FOLDER / name
    assert path.read_text(encoding="utf-8") == schema.render(schema.documents()[name]), (
        f"{path.name} is not what the types say; run `yijian contracts export`"
    )


def test_nothing_is_published_that_no_type_says() -> None:
    assert {p.name for p in schema.FOLDER.iterdir()} == set(schema.documents())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_schema_and_decoder_agree_on_a_missing_act(family: str) -> None:
    validator = jsonschema.Draft202012Validator(schema.event_schema(family))
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "s",
        "type": f"{family}.{VERBS[family][0]}.v1",
        "time": "2026-01-01T00:00:00Z",
        "subject": "n|1",
        "data": {
            "act_id": "a",
            "revision": 1,
            "institution": "h",
            "diagnosis": {"code": {"system": "s", "code": "c"}},
            "allergies": {},
            "alert_id": "a",
            "vendor": 1,
        },
    }
    assert validator.is_valid(event)
    assert isinstance(decode(json.dumps(event).encode()), Accepted)
    del event["data"]["revision"]  # type: ignore[attr-defined]
    assert not validator.is_valid(event)
    assert isinstance(decode(json.dumps(event).encode()), Rejected)


def test_every_family_has_a_topic_and_a_life_cycle() -> None:
    assert set(FAMILIES) == set(VERBS) == set(INTAKE_FAMILIES)
    assert len(Topics(systems=("his", "lis")).all_intake) == 2 * len(FAMILIES)
    assert all(t.family in FAMILIES for t in EVENT_TYPES.values())


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("document.draft.v1", "pre"),
        ("procedure.draft.v1", "pre"),
        ("procedure.signed.v1", "during"),
        ("procedure.ended.v1", "post"),
        ("settlement.settled.v1", "post"),
        ("settlement.amended.v1", "post"),
        ("upload.received.v1", "post"),
        ("feedback.recorded.v1", "post"),
        ("condition.recorded.v1", "during"),
    ],
)
def test_a_phase_is_of_the_verb_and_of_families_that_tell_of_what_is_over(
    name: str, phase: str
) -> None:
    known = EVENT_TYPES[name]
    assert phase_of(known.verb, known.family) == phase


class _OlderDecision(Record, frozen=True, kw_only=True):
    """The reader of schema version 1 as it was first released. Never edit it: add the next."""

    schema: int = 1
    decision_id: str
    event: EventRef
    scope: str
    cause: str
    subject: str
    phase: str
    as_of: str
    verdict: str
    coverage: Coverage
    basis: Basis


class _OlderFinding(Record, frozen=True, kw_only=True):
    """The finding of schema version 1 as it was first released. Never edit it: add the next."""

    alert_id: str
    rule_id: str
    rule_version: int
    rule_status: str
    element: str
    result: str
    severity: str
    action: str
    audience: tuple[str, ...]
    key: str
    title: Words
    message: Words
    facts: dict[str, object]
    suggest: tuple[dict[str, str], ...] = ()


def test_the_previous_reader_reads_findings_with_money_pair_and_release() -> None:
    line = FoundLine(line="1", total=Decimal("12.50"), fund=Decimal("10.00"))
    new = Finding(
        alert_id="a",
        rule_id="r",
        rule_version=2,
        rule_status="active",
        element="1~2:p",
        result="violation",
        severity="warning",
        action="block",
        audience=("insurer",),
        key="k",
        title=Words(zh="标题", en="title"),
        message=Words(zh="内容", en="message"),
        facts={},
        suggest=({"reduce": "item.quantity", "to": "24 h"},),
        release=EMERGENCY,
        amount=FoundAmount(total=Decimal("12.50"), fund=Decimal("10.00"), lines=(line,)),
        pair=FoundPair(id="p", table="t", item="2", partner="1"),
    )
    old = Reader(_OlderFinding)(encode_record(new))
    assert (old.alert_id, old.element, old.suggest) == ("a", "1~2:p", new.suggest)
    assert Reader(Finding)(encode_record(new)) == new
    assert Reader(Finding)(encode_record(old)).amount is None


def test_the_previous_reader_reads_new_records() -> None:
    old = Reader(_OlderDecision)(encode_record(DECISION))
    assert (old.decision_id, old.schema, old.verdict) == ("d", SCHEMA, "clean")
    raw = msgspec.json.decode(encode_record(DECISION)) | {"schema": 2, "from_the_future": [1]}
    assert Reader(Decision)(msgspec.json.encode(raw)).schema == 2


def test_an_internal_record_says_its_schema_version() -> None:
    assert msgspec.json.decode(encode_record(DECISION))["schema"] == SCHEMA


def test_equal_records_have_equal_bytes() -> None:
    again = Reader(Decision)(encode_record(DECISION))
    assert encode_record(again) == encode_record(DECISION)
