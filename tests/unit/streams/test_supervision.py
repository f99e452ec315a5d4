"""One record in, its answer out; never an exception, never a loss."""

from __future__ import annotations

import json

import msgspec
import pytest

from contracts.decision import Alert, DeadLetterHeaders, Decision, Reader
from contracts.event import Event
from contracts.intake import Reason
from streams.answers import Answer, DeadLetter
from streams.supervision import Supervisor
from support.streams_fakes import FakeEvaluator, prescription, subject

read_decision = Reader(Decision)
read_alert = Reader(Alert)


def supervise(value: bytes | None, key: bytes | None = b"", **options: int) -> Answer | DeadLetter:
    given = subject(1).encode() if key == b"" else key
    return Supervisor(FakeEvaluator(), **options).supervise(value, given, 1_800_000_000_000)  # type: ignore[arg-type]


def answer(value: bytes, **options: int) -> Answer:
    result = supervise(value, **options)
    assert isinstance(result, Answer)
    return result


def test_an_event_gets_a_decision_and_one_alert_a_finding() -> None:
    result = answer(prescription(1, 1, items=5))
    decision = read_decision(result.decision_bytes)
    assert len(decision.findings) == len(result.alerts) == 2
    assert [read_alert(a).finding for a in result.alerts] == list(decision.findings)
    assert {read_alert(a).decision_id for a in result.alerts} == {decision.decision_id}


def test_the_same_bytes_give_the_same_decision_bytes() -> None:
    value = prescription(1, 1)
    assert answer(value).decision_bytes == answer(value).decision_bytes


def test_other_content_under_the_same_key_shows_in_the_digest() -> None:
    one = answer(prescription(1, 1)).decision
    other = answer(prescription(1, 1, items=3)).decision
    assert one.decision_id == other.decision_id
    assert one.event.digest != other.event.digest


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [
        (None, subject(1).encode(), Reason.EMPTY_VALUE),
        (prescription(1, 1), None, Reason.MISSING_KEY),
        (prescription(1, 1), subject(2).encode(), Reason.KEY_MISMATCH),
        (b"{", subject(1).encode(), Reason.NOT_JSON),
        (b"\xff\xfe", subject(1).encode(), Reason.NOT_JSON),
        (prescription(1, 1, type="prescription.signed.v9"), b"", Reason.TYPE_UNSUPPORTED),
    ],
)
def test_what_is_refused_is_a_dead_letter_with_its_own_bytes(
    value: bytes | None, key: bytes | None, reason: Reason
) -> None:
    letter = supervise(value, key)
    assert isinstance(letter, DeadLetter)
    assert (letter.value, letter.reason) == (value, reason)


def test_a_dead_letter_says_where_it_came_from_and_why() -> None:
    letter = supervise(b"{")
    assert isinstance(letter, DeadLetter)
    headers = dict(letter.headers("in", 3, 17, 1_800_000_000_000))
    assert headers[DeadLetterHeaders.TOPIC] == b"in"
    assert headers[DeadLetterHeaders.PARTITION] == b"3"
    assert headers[DeadLetterHeaders.OFFSET] == b"17"
    assert headers[DeadLetterHeaders.REASON] == b"not_json"
    assert headers[DeadLetterHeaders.PATH] == b"$"
    assert headers[DeadLetterHeaders.RECEIVED_MS] == b"1800000000000"


def test_unknown_fields_are_named_and_do_not_refuse() -> None:
    raw = json.loads(prescription(1, 1))
    raw["data"]["colour"] = "blue"
    assert answer(json.dumps(raw).encode()).unknown_fields == ("$.data.colour",)


class Raises:
    def decide(self, event: Event, digest: str = "") -> Decision:
        raise KeyError(event.subject)


def test_a_bug_in_the_evaluation_is_a_dead_letter_that_names_no_patient() -> None:
    letter = Supervisor(Raises()).supervise(prescription(1, 1), subject(1).encode(), None)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is Reason.EVALUATION_FAILED
    assert "KeyError" in letter.detail
    assert "decide" in letter.detail
    assert "P000001" not in letter.detail


class Unwritable(FakeEvaluator):
    def decide(self, event: Event, digest: str = "") -> Decision:
        return msgspec.structs.replace(super().decide(event), facts={"note": "\ud800"})


def test_a_decision_that_cannot_be_written_is_a_dead_letter() -> None:
    letter = Supervisor(Unwritable()).supervise(prescription(1, 1), subject(1).encode(), None)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is Reason.EVALUATION_FAILED


def test_offline_events_need_no_key() -> None:
    offline = Supervisor(FakeEvaluator(), check_key=False)
    assert isinstance(offline.supervise(prescription(1, 1)), Answer)


def test_a_decision_that_fits_is_not_touched() -> None:
    assert answer(prescription(1, 1)).decision.cut == ""


@pytest.mark.parametrize("limit", [38_000, 20_000, 5_000, 2_000])
def test_a_decision_that_is_too_large_is_cut_and_says_so(limit: int) -> None:
    whole = answer(prescription(1, 1, items=100)).decision
    result = answer(prescription(1, 1, items=100), max_output_bytes=limit)
    cut = read_decision(result.decision_bytes)
    assert len(result.decision_bytes) <= limit
    assert cut.cut == "too_large"
    assert cut.coverage == whole.coverage
    assert cut.decision_id == whole.decision_id
    assert len(result.alerts) == 50, "an alert for each finding, also for those cut off"


def test_facts_are_cut_before_findings() -> None:
    result = answer(prescription(1, 1, items=100), max_output_bytes=38_000)
    cut = read_decision(result.decision_bytes)
    assert cut.elements == {}
    assert len(cut.findings) == 50
