"""What the registry topic carries: whole histories, one record an entity, keyed by what it is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import jsonschema
import pytest

from contracts import schema
from contracts.decision import Words
from contracts.intake import Reason, Rejected
from contracts.registry import (
    KINDS,
    BedEntry,
    InstitutionEntry,
    PractitionerEntry,
    Registered,
    RegisteredBed,
    RegisteredDevice,
    RegisteredInstitution,
    RegisteredPractitioner,
    encode_registered,
    read_registered,
)
from contracts.topics import Topics

DAY = date(2026, 1, 1)
RECORDS: tuple[Registered, ...] = (
    RegisteredInstitution(
        institution="h1",
        id="h1",
        name=Words(zh="医院", en="Hospital"),
        history=(
            InstitutionEntry(start=date(2020, 1, 1), end=DAY, approved_beds=100),
            InstitutionEntry(start=DAY, approved_beds=120),
        ),
    ),
    RegisteredPractitioner(
        institution="h1", id="P|1", history=(PractitionerEntry(start=DAY, licensed=True),)
    ),
    RegisteredDevice(institution="h1", id="ct-1", name=Words(zh="CT", en="CT")),
    RegisteredBed(institution="h1", id="b-1", history=(BedEntry(start=DAY, ward="w1"),)),
)


def raw(**changes: Any) -> bytes:
    record = {"kind": "bed", "schema": 1, "institution": "h1", "id": "b-1"} | changes
    return json.dumps(record).encode()


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_survives_encoding_under_its_key(record: Registered) -> None:
    value = encode_registered(record)
    assert read_registered(record.key, value) == record
    shape = schema.documents()["registry.v1.schema.json"]
    assert jsonschema.Draft202012Validator(shape).is_valid(json.loads(value))


def test_there_is_a_record_of_every_kind() -> None:
    assert tuple(json.loads(encode_registered(r))["kind"] for r in RECORDS) == KINDS
    assert [r.key for r in RECORDS][1] == b"practitioner/h1/P|1"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY_VALUE),
        (b"{", Reason.NOT_JSON),
        (raw(kind="ward"), Reason.FIELD_TYPE),
        (raw(schema=2), Reason.FIELD_TYPE),
        (raw(id="b-2"), Reason.KEY_MISMATCH),
        (raw(history=[{"from": "2026-01-01", "to": "2026-01-01"}]), Reason.FIELD_TYPE),
        (raw(history=[{"from": "2026-01-01"}, {"from": "2026-02-01"}]), Reason.FIELD_TYPE),
        (raw(history=[{"from": "2026-02-01", "to": "2026-03-01"}, {"from": "2026-02-28"}]),
         Reason.FIELD_TYPE),
        (raw(kind="institution", id="h2", name={"zh": "z", "en": "e"}), Reason.FIELD_TYPE),
    ],
)  # fmt: skip
def test_a_record_that_says_nothing_is_refused(value: bytes | None, reason: Reason) -> None:
    refused = read_registered(b"bed/h1/b-1", value)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason
    assert "ward" not in refused.detail


def test_entries_that_follow_each_other_are_a_history() -> None:
    history = [{"from": "2026-01-01", "to": "2026-02-01"}, {"from": "2026-02-01"}]
    assert isinstance(read_registered(b"bed/h1/b-1", raw(history=history)), RegisteredBed)


def test_the_registry_is_one_topic_of_the_installation() -> None:
    assert Topics().registry == "yijian.registry.v1"
    assert Topics().registry not in Topics().all_intake
    assert json.loads(encode_registered(RECORDS[3]))["schema"] == 1
