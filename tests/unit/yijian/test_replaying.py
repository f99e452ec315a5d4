"""A replay is exact: whatever it skips, and however the file is cut, the answer is the same."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

import knowledge_base
import rules
from contracts.intake import Accepted, decode
from rules.replay import Tally
from rules.replay.compare import full_comparer
from rules.replay.report import grouped, total
from simulation.ndjson import Position, placed_line
from simulation.simulator import Simulator
from yijian.replaying import Counts, Outcome, Plan, replay
from yijian.sides import Source

SHIPPED = knowledge_base.default_paths()
EVENTS = 3000
CHANGES = {
    "parameters/prescription.yaml": [("value: 5,", "value: 2,"), ("value: 7,", "value: 3,")],
    "parameters/medication_safety.yaml": [("value: 18,", "value: 40,")],
}


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    knowledge = knowledge_base.load(SHIPPED)
    simulator = Simulator(knowledge, 3, 200, date(2026, 3, 2))
    return [event.bytes for event in simulator.events(EVENTS)]


@pytest.fixture(scope="module")
def events(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("events") / "events.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped knowledge with other limits."""
    folder = tmp_path_factory.mktemp("knowledge")
    for path in knowledge_base.DATA.rglob("*.yaml"):
        name = path.relative_to(knowledge_base.DATA)
        text = path.read_text("utf-8")
        for old, new in CHANGES.get(name.as_posix(), []):
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def plan(changed: Path) -> Plan:
    """Each event by itself; test_replaying_the_past.py has patients that are remembered."""
    packs = (rules.PACKS,)
    return Plan(Source(packs, SHIPPED), Source(packs, (changed,)), remembers=False)


def told(outcome: Outcome) -> object:
    """Everything that a replay says, in one comparable value."""
    return (
        outcome.changed,
        outcome.counts,
        total(outcome.tally),
        grouped(outcome.tally, "rule", "institution", "department"),
        {key: list(changes) for key, changes in outcome.examples.items()},
    )


@pytest.mark.slow
def test_it_finds_exactly_what_evaluating_everything_finds(
    events: Path, lines: list[bytes], plan: Plan, tmp_path: Path
) -> None:
    out = tmp_path / "changes.ndjson"
    outcome = replay(events, plan, workers=1, out=out, piece_bytes=100_000)
    everything = full_comparer(*plan.sides())
    expected = []
    for line in lines:
        taken = decode(line)
        assert isinstance(taken, Accepted)
        expected += everything.compare(taken.event)
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert len(expected) > 100
    assert found == [json.loads(msgspec.json.encode(change)) for change in expected]
    full, quick = total(everything.tally), total(outcome.tally)
    same = ("gained", "lost", "changed", "newly_not_evaluable", "newly_undetermined")
    assert {n: full[n] for n in same} == {n: quick[n] for n in same}
    assert outcome.counts.other_types > 0
    assert 0 < len(outcome.changed) < outcome.unchanged


@pytest.mark.slow
@pytest.mark.parametrize("piece_bytes", [3_000, 1_000_000])
def test_the_cuts_of_the_file_do_not_matter(events: Path, plan: Plan, piece_bytes: int) -> None:
    whole = replay(events, plan, workers=1, piece_bytes=10**9)
    cut = replay(events, plan, workers=1, piece_bytes=piece_bytes)
    assert told(cut) == told(whole)


@pytest.mark.slow
def test_several_processes_say_what_one_says(events: Path, plan: Plan) -> None:
    one = replay(events, plan, workers=1)
    two = replay(events, plan, workers=2, piece_bytes=500_000)
    assert told(two) == told(one)


def test_an_event_that_comes_again_counts_where_it_stands_first(
    lines: list[bytes], plan: Plan, tmp_path: Path
) -> None:
    file = tmp_path / "twice.ndjson"
    file.write_bytes(b"\n".join([*lines[:600], *lines[:600], *lines[:600]]) + b"\n")
    once = tmp_path / "once.ndjson"
    once.write_bytes(b"\n".join(lines[:600]) + b"\n")
    wanted = replay(once, plan, workers=1)
    for piece_bytes in (50_000, 10**9):
        found = replay(file, plan, workers=1, piece_bytes=piece_bytes)
        assert total(found.tally) == total(wanted.tally)
        assert found.counts.repeated == 2 * wanted.counts.compared
        assert found.counts.compared == wanted.counts.compared


def test_what_is_no_event_is_counted_with_its_reason(
    lines: list[bytes], plan: Plan, tmp_path: Path
) -> None:
    wanted = next(line for line in lines if b'"prescription.signed.v1"' in line)
    bad = wanted.replace(b'"institution":"', b'"institution":1,"_":"')
    file = tmp_path / "bad.ndjson"
    file.write_bytes(b"\n".join([wanted, bad, b'{"type":"prescription.signed.v1"', b"", b"x"]))
    outcome = replay(file, plan, workers=1)
    assert outcome.counts == Counts(lines=4, compared=1, other_types=1, refused=2, repeated=0)
    assert dict(outcome.reasons) == {"identity": 1, "not_json": 1}


def test_a_type_hidden_by_escapes_is_found(lines: list[bytes], plan: Plan, tmp_path: Path) -> None:
    wanted = next(line for line in lines if b'"prescription.signed.v1"' in line)
    file = tmp_path / "escaped.ndjson"
    file.write_bytes(wanted.replace(b"prescription.signed.v1", b"prescription\\u002esigned.v1"))
    assert replay(file, plan, workers=1).counts.compared == 1


def test_lines_from_kafka_are_read_with_their_arrival(
    lines: list[bytes], plan: Plan, tmp_path: Path
) -> None:
    wanted = next(line for line in lines if b'"prescription.signed.v1"' in line)
    file = tmp_path / "placed.ndjson"
    early = placed_line(wanted, Position("t", 0, 0, 0))  # the event lies in its future
    file.write_bytes(placed_line(wanted, Position("t", 0, 1, 4_102_444_800_000)) + early)
    outcome = replay(file, plan, workers=1)
    assert outcome.counts == Counts(lines=2, compared=1, refused=1)
    assert dict(outcome.reasons) == {"time_impossible": 1}


def test_equal_sides_need_no_event(events: Path, plan: Plan) -> None:
    same = Plan(plan.baseline, plan.baseline)
    outcome = replay(events, same, workers=1)
    assert outcome.changed == ()
    assert outcome.counts.compared == 0
    assert outcome.tally == Tally()


def test_only_the_rules_that_are_asked_for_are_compared(events: Path, plan: Plan) -> None:
    rule = "medication_safety.fluoroquinolone_minor"
    chosen = Plan(plan.baseline, plan.candidate, rules=frozenset({rule}))
    outcome = replay(events, chosen, workers=1)
    assert [c.rule_id for c in outcome.changed] == [rule]
    assert {group.rule for group in outcome.tally.rows} <= {rule}


def test_progress_ends_at_the_end_of_the_file(events: Path, plan: Plan) -> None:
    told_so_far: list[tuple[int, int]] = []
    replay(
        events, plan, workers=1, piece_bytes=1_000_000,
        progress=lambda done, total_: told_so_far.append((done, total_)),
    )  # fmt: skip
    size = events.stat().st_size
    assert told_so_far[-1] == (size, size)
    assert told_so_far == sorted(told_so_far)


def test_an_empty_file_is_an_empty_answer(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "empty.ndjson"
    file.write_bytes(b"")
    assert replay(file, plan).counts == Counts()
