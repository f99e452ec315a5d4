"""What is remembered of one partition: in step with its batches, and equal when read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from contracts.decision import Reader, Repeat
from contracts.event import Event
from contracts.intake import Accepted, Reason, decode
from rules.memory.coverage import Coverage
from rules.memory.model import NEVER_US, Memory, Seen, encode
from streams.answers import Answer, DeadLetter, Repeated
from streams.errors import StateUnreadable
from streams.state.framing import Packing, framed, head_of
from streams.state.memories import PARTITION_KEY, Memories
from streams.state.stores import KINDS, ROCKSDB, Store, opening
from support.fake_attendant import ITEMS_WITH_TIMER, us
from support.remembering import Step, read_back, sealed, stored
from support.streams_fakes import prescription, subject


@pytest.fixture(params=KINDS, autouse=True)
def stores(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every test, with each kind of store in its turn."""
    if request.param == ROCKSDB:
        pytest.importorskip("rocksdict")
    make, made = opening(request.param, tmp_path / "state"), list[Store]()

    def store() -> Store:
        made.append(make())
        return made[-1]

    monkeypatch.setattr("streams.state.memories.InMemory", store)
    yield
    for one in made:
        one.close()


AT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
AT_US = us(AT)
ANNA, BORIS = subject(1).encode(), subject(2).encode()
HIS = "urn:yijian:demo:h1:his"


def event_of(value: bytes) -> Event:
    taken = decode(value, check_key=False)
    assert isinstance(taken, Accepted)
    return taken.event


# framing


@given(st.integers(0, 2**62) | st.just(NEVER_US), st.integers(-1, 2**60), st.binary(max_size=300))
def test_a_value_tells_its_head_and_gives_back_what_was_packed(
    due_us: int, covered: int, encoded: bytes
) -> None:
    packing = Packing()
    value = framed(due_us, covered, packing.pack(encoded))
    assert head_of(value) == (due_us, covered)
    assert packing.open(value) == encoded


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x03" + bytes(40), b"\x01" + bytes(16) + b"xy"])
def test_a_value_of_another_format_or_damaged_is_refused_and_not_guessed(value: bytes) -> None:
    with pytest.raises(StateUnreadable):
        Packing().open(value)


def test_what_an_earlier_version_packed_without_a_dictionary_is_read() -> None:
    encoded = encode(Memory(latest_us=7))
    value = b"\x01" + framed(3, 9, zstandard.compress(encoded))[1:]
    assert head_of(value) == (3, 9)
    assert Packing().open(value) == encoded


def test_the_dictionary_makes_small_memories_smaller() -> None:
    step = Step()
    step.take(1)
    (change, _) = sealed(step.memories, "t", 1).changes
    plain = Packing().open(framed(0, -1, change.body or b""))
    assert len(change.body or b"") < len(zstandard.compress(plain))


# the step with a past


def test_each_event_meets_the_memory_of_its_own_subject() -> None:
    step = Step()
    assert [step.earlier(1), step.earlier(2), step.earlier(3, 2), step.earlier(4)] == [0, 1, 0, 2]


def test_a_repeat_names_the_first_decision_and_changes_nothing() -> None:
    step = Step()
    first = step.take(1)
    sealed(step.memories, "t", 1)
    again = step.take(1)
    assert isinstance(first, Answer)
    assert isinstance(again, Repeated)
    repeat = Reader(Repeat)(again.record)
    assert (repeat.decision_id, repeat.source, repeat.id) == (
        first.decision.decision_id, HIS, "e000000001",
    )  # fmt: skip
    assert b'"kind":"repeat"' in again.record
    assert [c.key for c in sealed(step.memories, "t", 2).changes] == [PARTITION_KEY]


def test_a_key_with_other_content_is_refused_and_changes_nothing() -> None:
    step = Step()
    step.take(1)
    letter = step.take(1, time="2026-11-20T09:30:00+08:00")
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.path) == (Reason.ID_REUSED, "$.id")
    assert step.earlier(2) == 1


@pytest.mark.parametrize("is_sealed", [True, False])
def test_an_event_that_cannot_be_evaluated_leaves_the_memory_as_it_was(is_sealed: bool) -> None:
    step = Step()
    step.take(1)
    if is_sealed:
        sealed(step.memories, "t", 1)
    step.attendant.fails_on = "e000000002"
    letter = step.take(2)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == Reason.EVALUATION_FAILED
    step.attendant.fails_on = ""
    assert step.earlier(2) == 1


def test_an_event_that_cannot_be_evaluated_tells_nothing_of_what_is_known() -> None:
    step = Step()
    step.attendant.fails_on = "e000000001"
    assert isinstance(step.take(1), DeadLetter)
    assert step.memories.coverage == Coverage()
    step.take(2)
    known = step.memories.coverage.since
    assert known == {HIS: {"prescription": us(event_of(prescription(2, 1)).time)}}
    step.attendant.fails_on = "e000000003"
    later = "2026-11-21T08:30:00+08:00"
    assert isinstance(step.take(3, type="prescription.signed.v1", time=later), DeadLetter)
    assert step.memories.coverage.latest_us == us(event_of(prescription(2, 1)).time)


def test_a_state_that_cannot_be_read_is_no_dead_letter() -> None:
    memories = read_back([(ANNA, framed(NEVER_US, -1, b"damaged"))])
    with pytest.raises(StateUnreadable):
        Step(memories).take(1)


def test_without_a_past_each_event_is_judged_by_itself() -> None:
    step = Step()
    value = prescription(1, 1)
    for _ in range(2):
        answer = step.supervisor.supervise(value, ANNA)
        assert isinstance(answer, Answer)
        assert "earlier" not in answer.decision.facts
    assert len(step.memories) == 0


# in step with the batches


def test_a_batch_is_sealed_with_each_subject_once_and_the_partition_last() -> None:
    step = Step()
    for number, patient in ((1, 1), (2, 2), (3, 1)):
        step.take(number, patient)
    first = sealed(step.memories, "t", 3)
    assert [c.key for c in first.changes] == [ANNA, BORIS, PARTITION_KEY]
    step.take(4, 2)
    assert [c.key for c in sealed(step.memories, "t", 4).changes] == [BORIS, PARTITION_KEY]


def test_what_a_batch_sealed_knows_nothing_of_the_next_batch() -> None:
    step = Step()
    step.take(1)
    first = sealed(step.memories, "t", 1)
    step.take(2)
    sealed(step.memories, "t", 2)
    assert Step(read_back(stored(first))).earlier(3) == 1


def test_memories_that_were_read_back_go_on_as_those_that_were_not() -> None:
    step = Step()
    records: list[tuple[bytes, bytes | None]] = []
    for number in range(60):
        step.take(number, number % 7, ITEMS_WITH_TIMER if number % 5 == 0 else 2)
        if number % 8 == 7:
            records += stored(sealed(step.memories, "t", number + 1), number)
    records += stored(sealed(step.memories, "t", 60), 60)
    again = read_back(records)
    assert again.covered == 60
    assert again.positions == {"t": 60}
    assert again.coverage == step.memories.coverage
    assert again.clocks == step.memories.clocks
    assert again.stored_bytes == step.memories.stored_bytes
    for patient in range(7):
        key = subject(patient).encode()
        assert again.recall(key) == step.memories.recall(key)


def test_a_memory_with_nothing_left_is_taken_out_of_the_topic() -> None:
    memories = Memories()
    memories.recall(ANNA).seen["x"] = Seen("d", 1)
    memories.keep(ANNA)
    first = stored(sealed(memories, "t", 1))
    memories.recall(ANNA).seen.clear()
    memories.keep(ANNA)
    second = stored(sealed(memories, "t", 2))
    assert second[0] == (ANNA, None)
    again = read_back([*first, *second])
    assert (len(again), again.stored_bytes, len(memories), memories.stored_bytes) == (0, 0, 0, 0)


def test_only_so_many_memories_stay_open_and_none_is_lost() -> None:
    step = Step(Memories(max_live=3))
    for number in range(40):
        step.take(number, number % 10)
        sealed(step.memories, "t", number + 1)
        assert len(step.memories._live) <= 4
    assert [step.earlier(100 + p, p) for p in range(10)] == [4] * 10


def test_records_that_went_by_without_being_remembered_begin_the_timelines_anew() -> None:
    step = Step()
    step.take(1)
    records = stored(sealed(step.memories, "t", 10))
    for begins_at, is_whole in ((10, True), (4, True), (11, False)):
        memories = read_back(records)
        assert memories.begin({"t": begins_at}) is is_whole
        assert bool(memories.coverage.since) is is_whole


def test_a_partition_nobody_remembers_anything_of_has_missed_nothing_to_warn_of() -> None:
    memories = Memories()
    assert memories.begin({"t": 100})
    assert memories.positions == {"t": 100}
