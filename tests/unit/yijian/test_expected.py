"""The audit decides each record again by what its decision names, and says where it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from contracts.bundle import Refusal
from contracts.decision import Basis, OriginHeaders
from contracts.identity import EventKey
from streams.answers import Answer
from support import bundle_files
from yijian import settings
from yijian.audit import Audit
from yijian.bundles.loading import load
from yijian.composition import Core, supervisor_of
from yijian.expected import Expected, Supervisors
from yijian.kafka_log import LogRecord
from yijian.record import Replay, order_of

SITE = replace(settings.load({}), state="off")
"""Each event by itself: what the past does is told by test_record.py."""
TOPIC = "yijian.in.prescription.his.v1"


def core(limit: int, folder: Path) -> Core:
    """Rules that remind of patients younger than `limit`."""
    signer = bundle_files.signer(folder, f"k{limit}")
    loaded = load(bundle_files.bundle(bundle_files.files(limit), signer), SITE, None)
    assert not isinstance(loaded, Refusal)
    return loaded.core


@pytest.fixture
def strict(tmp_path: Path) -> Core:
    """The bundle: its decisions name it."""
    return core(40, tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Core:
    found = core(18, tmp_path)
    found.evaluator.basis = msgspec.structs.replace(found.evaluator.basis, bundle="")
    return found


def intake(offset: int, event_id: str | None = None) -> LogRecord:
    """About somebody of twenty years."""
    event = {
        "specversion": "1.0",
        "id": event_id or f"e{offset}",
        "source": "urn:test",
        "type": "prescription.signed.v1",
        "time": "2026-03-02T10:00:00+08:00",
        "subject": "n|1",
        "data": {
            "act_id": f"rx-{offset}",
            "revision": 1,
            "institution": "nowhere",
            "patient": {"birth_date": "2006-01-01"},
            "items": [{"line_id": "1", "drug": {"system": "s", "code": "c"}}],
        },
    }
    return LogRecord(TOPIC, 0, offset, 1_772_500_000_000, b"n|1", json.dumps(event).encode(), ())


def decision(record: LogRecord, by: Core, offset: int = 0) -> LogRecord:
    answer = supervisor_of(SITE, by).supervise(record.value, record.key, record.timestamp_ms)
    assert isinstance(answer, Answer)
    headers = (
        (OriginHeaders.TOPIC, record.topic.encode()),
        (OriginHeaders.PARTITION, b"%d" % record.partition),
        (OriginHeaders.OFFSET, b"%d" % record.offset),
    )
    value = answer.decision_bytes
    return LogRecord("d", record.partition, offset, 0, record.key, value, headers)


def audited(
    records: list[LogRecord],
    decisions: list[LogRecord],
    files: Core,
    bundle: Core | None,
    stored: dict[EventKey, Basis] | None = None,
) -> Expected:
    supervisors = Supervisors(SITE, files, lambda digest: bundle)
    replay = Replay(supervisors, stored or {}, SITE.max_ahead_s)
    replay.partition(order_of(decisions), records)
    return replay.found.expected


def test_each_decision_is_made_again_by_what_it_names(files: Core, strict: Core) -> None:
    one, two = intake(0), intake(1)
    made = [decision(one, files), decision(two, strict)]
    found = audited([one, two], made, files, strict)
    assert set(found.accepted.values()) == {EventKey("urn:test", "e0"), EventKey("urn:test", "e1")}
    (alert,) = found.alerts.values()
    assert b'"value":40' in alert
    assert not found.not_recomputed


def test_of_the_decisions_about_a_record_the_last_one_counts(files: Core, strict: Core) -> None:
    one = intake(0)
    twice = [decision(one, strict), decision(one, files, 1)]
    assert not audited([one], twice, files, strict).alerts
    assert len(audited([one], twice[::-1], files, strict).alerts) == 1


def test_a_bundle_that_is_gone_is_not_taken_for_equal(files: Core, strict: Core) -> None:
    one = intake(0)
    found = audited([one], [decision(one, strict)], files, None)
    assert found.not_recomputed == {EventKey("urn:test", "e0"): "bundle_not_found"}
    assert not found.alerts


def test_files_that_are_others_are_not_asked(files: Core, strict: Core, tmp_path: Path) -> None:
    other = core(30, tmp_path)
    other.evaluator.basis = msgspec.structs.replace(other.evaluator.basis, bundle="")
    one = intake(0)
    found = audited([one], [decision(one, other)], files, strict)
    assert set(found.not_recomputed.values()) == {"other_knowledge"}


def test_another_profile_is_not_asked(files: Core) -> None:
    one = intake(0)
    made = decision(one, files)
    demo = Supervisors(replace(SITE, profile="demo"), files, lambda digest: None)
    (step,) = order_of([made]).steps
    assert step.basis is not None
    basis = msgspec.structs.replace(step.basis, profile="demo")
    assert demo.find(basis) == "other_profile"


def test_a_repeated_event_that_can_be_decided_again_is_compared(files: Core, strict: Core) -> None:
    one, again = intake(0), intake(1, "e0")
    made = [decision(one, strict), decision(again, files, 1)]
    found = audited([one, again], made, files, None)
    assert not found.not_recomputed
    found = audited([one, again], made[::-1], files, None)
    assert not found.alerts


def test_where_the_log_is_shorter_the_table_says_the_basis(files: Core, strict: Core) -> None:
    one, lost = intake(0), intake(1)
    stored = {EventKey("urn:test", "e0"): strict.evaluator.basis}
    found = audited([one, lost], [], files, strict, stored)
    assert len(found.alerts) == 1
    assert len(found.accepted) == 2
    found = audited([one, lost], [], files, None, stored)
    assert list(found.not_recomputed.values()) == ["bundle_not_found"]


def test_what_is_no_event_is_refused_whatever_decides(files: Core) -> None:
    record = intake(3)._replace(value=b"{")
    found = audited([record], [], files, None)
    assert list(found.refused) == [(TOPIC, 0, 3)]


def test_a_decision_that_overtook_an_earlier_record_is_found(files: Core) -> None:
    one, two = intake(0), intake(1)
    first, second = decision(one, files, 1), decision(two, files, 0)
    assert order_of([second, first]).disordered == [(TOPIC, 0, 0)]
    repeated = order_of([first, second, first])
    assert not repeated.disordered
    assert repeated.steps[-1].basis == files.evaluator.basis


def test_an_audit_that_left_something_out_has_not_passed() -> None:
    def figures(**others: int) -> Audit:
        names = ("lost", "duplicates", "differences", "disorder", "not_recomputed", "timers")
        zero = dict.fromkeys(names, 0)
        return Audit(intake_records=9, examples={}, **zero | others)

    assert figures().passed
    assert figures().complaint == ""
    left_out = figures(not_recomputed=2)
    assert (left_out.passed, left_out.broken) == (False, 0)
    assert left_out.complaint.startswith("2 decisions were not recomputed")
    assert "guarantee" in figures(not_recomputed=2, lost=1).complaint
