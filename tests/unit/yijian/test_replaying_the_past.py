"""A replay with a past is exact: each side decides as if it alone had been there all the time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from contracts.decision import Decision, Reader
from contracts.event import Event
from contracts.values import Actor
from rules import Evaluator
from rules.facts import CATALOGUE
from rules.model import Rule
from rules.pack import Pack
from rules.replay import Change, ChangedRule, Comparer, Kind, Side, Tally, needs_past
from rules.replay.about import About
from rules.replay.report import total
from simulation.ndjson import Position, placed_line
from spec.rules.world import make_rule
from support.past import (
    BASE,
    FINDING,
    SITE,
    admission,
    again,
    core_of,
    event,
    lines_of,
    note,
    note_of_ward,
    tie,
    two_places,
)
from support.past import progress_note as noted
from yijian import replay_subjects
from yijian.composition import supervisor_of
from yijian.offline import evaluate
from yijian.replay_pieces import Plan
from yijian.replay_subjects import Share, Worker
from yijian.replaying import replay
from yijian.sides import Source

read = Reader(Decision)
STRICT = again()


def often(**finding: object) -> Rule:
    """Every prescription is told of, every revision too."""
    return make_rule(
        BASE, id="spec.often", each="items", on=["prescription.signed"],
        when={"item.drug": {"exists": True}},
        finding={
            **FINDING, "action": "remind", "key": ["patient.id", "item.drug"],
            "message": {"zh": "有", "en": "found"}, **finding,
        },
    )  # fmt: skip


ONCE = often(once_within={"parameter": "stay.hours"})
TWICE = again(count={"at_least": {"parameter": "count.limit"}})


@dataclass(frozen=True)
class Fixed(Source):
    """A side of some rules, without files."""

    rules: tuple[Rule, ...] = ()

    def load(self) -> Side:
        return Side(Pack.of(self.rules), BASE)


def fixed(*rules: Rule) -> Fixed:
    return Fixed((), (), rules)


def plan(before: Sequence[Rule], after: Sequence[Rule]) -> Plan:
    return Plan(fixed(*before), fixed(*after), profile="demo")


TIES = 100
"""From this seed on some patients turn out to be one person, or two."""


def traffic(seed: int) -> list[Event]:
    """Patients who come again, stay, get their notes in time, late or never; not in order.

    Few practitioners sign in two institutions, and a revision may name another one.
    """
    chance = random.Random(seed)
    events = [noted("n0", -1, "v0", "p0")]
    for n in range(240):
        patient = f"p{chance.randrange(12)}"
        at_h = n * 1.5 - chance.choice([0, 0, 0, 5, 60])
        visit = f"v-{patient}-{n % 3}"
        made = chance.choice([
            event(f"e{n}", at_h, patient, items=[{"drug": chance.choice(["D1", "D2"])}]),
            event(f"e{n}", at_h, patient, items=[{"drug": "D1"}]),
            event(f"e{n}", at_h, patient, act_id=f"act-{patient}", revision=n + 1),
            admission(f"e{n}", at_h, visit, patient),
            noted(f"e{n}", at_h, visit, patient),
            event(f"e{n}", at_h, patient, event="encounter.discharged", act_id=visit, revision=9),
        ])  # fmt: skip
        data = msgspec.structs.replace(
            made.data,
            institution=chance.choice(["demo-h1", "demo-h1", "demo-h2"]),
            practitioner=chance.choice([UNSET, *(Actor(f"P{i}") for i in range(5))]),
        )
        made = msgspec.structs.replace(made, data=data)
        events.append(made)
        if seed >= TIES and chance.random() < 0.15:
            who, other = (f"p{number}" for number in chance.sample(range(12), 2))
            verb = chance.choice(["linked", "merged", "unlinked"])
            events.append(tie(verb, f"t{n}", at_h, who, other))
        if chance.random() < 0.05:
            events.append(made)
    return events


def alone(rules: Sequence[Rule], lines: Sequence[bytes]) -> dict[str, Decision]:
    """By identity, what stands in the end when these rules are evaluated offline."""
    supervisor = supervisor_of(SITE, core_of(*rules), from_kafka=False)
    answers = [a.line for a in evaluate(lines, supervisor)]
    decisions = [read(line) for line in answers if b'"kind":"repeat"' not in line]
    return {decision.decision_id: decision for decision in decisions}


def wanted(before: Sequence[Rule], after: Sequence[Rule], lines: Sequence[bytes]) -> list[Change]:
    old, new = alone(before, lines), alone(after, lines)
    sides = (fixed(*before).load(), fixed(*after).load())
    comparer = Comparer(*sides, [ChangedRule(r.id, ()) for r in (*before, *after)])
    found = []
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name), new.get(name)
        said = one or other
        assert said is not None
        cause = "" if said.cause == "event" else said.cause
        found += comparer.differences(About.decision(said), one, other, cause)
    return found


def written(lines: Sequence[bytes], folder: Path) -> Path:
    file = folder / "events.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


CASES = {
    "another threshold": ([STRICT, note()], [TWICE, note()]),
    "a duty is added": ([STRICT], [STRICT, note()]),
    "a duty is told otherwise": ([note()], [note(severity="critical")]),
    "told less often": ([often()], [ONCE]),
    "everything": ([STRICT, note()], [TWICE, note(severity="critical")]),
    "a group is looked at": ([STRICT], [STRICT, two_places()]),
    "groups are told otherwise": (
        [two_places(), note_of_ward()],
        [two_places(severity="critical"), note_of_ward(severity="critical"), note()],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, TIES, TIES + 2])
@pytest.mark.parametrize("name", CASES)
def test_it_finds_exactly_what_two_offline_evaluations_differ_in(
    name: str, seed: int, tmp_path: Path
) -> None:
    before, after = CASES[name]
    lines = lines_of(traffic(seed))
    out = tmp_path / "changes.ndjson"
    outcome = replay(written(lines, tmp_path), plan(before, after), workers=1, out=out)
    found = [msgspec.json.decode(line, type=Change) for line in out.read_bytes().splitlines()]
    expected = wanted(before, after, lines)
    assert outcome.has_past
    assert len(expected) > 3
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_alerts_of_deadlines_are_gained_and_those_taken_back_are_not(tmp_path: Path) -> None:
    events = [
        noted("n0", -1, "v0", "p0"),
        admission("never", 0, "v1", "p1"),
        admission("late", 0, "v2", "p2"),
        event("later", 80, "p3"),
        noted("in-time", 50, "v2", "p2"),
    ]
    outcome = replay(
        written(lines_of(events), tmp_path), plan([STRICT], [STRICT, note()]), workers=1
    )
    (gained,) = outcome.examples["spec.note", Kind.GAINED]
    assert (gained.event, gained.cause) == ("never", "timer:spec.note::due")
    assert total(outcome.tally)["candidate"] == 1
    assert (outcome.tally.timers, outcome.tally.retracted) == ([0, 2], [0, 1])


@pytest.mark.parametrize("seed", [3, TIES])
@pytest.mark.parametrize("name", ["everything", "groups are told otherwise"])
def test_several_processes_say_what_one_says(name: str, seed: int, tmp_path: Path) -> None:
    """Each decodes its own patients and groups, and lets the same time pass."""
    before, after = CASES[name]
    chosen = plan(before, after)
    file = written(lines_of(traffic(seed)), tmp_path)
    sides = chosen.sides()
    changed = chosen.changed(sides)

    def compared(of: int) -> tuple[list[Share], Tally]:
        parts = [Worker(chosen, sides, changed, 9, n, of).share(file) for n in range(of)]
        told = [one for part in parts for one in part.to_groups]
        groups = [Worker(chosen, sides, changed, 9, n, of).groups(file, told) for n in range(of)]
        tally = Tally()
        for part in (*parts, *groups):
            tally.add(part.tally)
        assert bool(told) is (name != "everything")
        assert all(part.changes for part in groups) is (name != "everything")
        assert all(part.counts.lines for part in parts) or seed >= TIES
        return [*parts, *groups], tally

    whole, of_whole = compared(1)
    parts, tally = compared(3)
    changes = sorted(told for part in whole for told in part.changes)
    assert sorted(told for part in parts for told in part.changes) == changes
    assert total(tally) == total(of_whole)
    assert (tally.timers, tally.retracted) == (of_whole.timers, of_whole.retracted)
    assert sum(part.counts.lines for part in parts) == whole[0].counts.lines


def test_an_event_of_another_process_that_is_refused_lets_no_time_pass(tmp_path: Path) -> None:
    chosen = plan([STRICT], [STRICT, note()])
    good = lines_of([noted("n0", -1, "v0", "p0"), admission("a", 0, "v1", "p1")])
    bad = lines_of([event(f"x{n}", 100 + n, f"q{n}") for n in range(300)])
    refused = [line.replace(b'"revision":1', b'"revision":-1') for line in bad]
    sides = chosen.sides()
    for lines, fired in ((refused, 0), (bad, 1)):
        file = written([*good, *lines], tmp_path)
        workers = [Worker(chosen, sides, chosen.changed(sides), 9, n, 5) for n in range(5)]
        assert sum(worker.share(file).tally.timers[1] for worker in workers) == fired


def test_the_clock_of_lines_from_kafka_is_the_brokers(tmp_path: Path) -> None:
    lines = lines_of([noted("n0", -1, "v0", "p0"), admission("a", 0), event("b", 1, "p2")])
    arrivals = [0, 0, 4 * 86_400_000]
    base_ms = 1_772_409_600_000  # START
    placed = [
        placed_line(line, Position("t", 0, n, base_ms + at)).rstrip(b"\n")
        for n, (line, at) in enumerate(zip(lines, arrivals, strict=True))
    ]
    chosen = plan([STRICT], [STRICT, note()])
    assert replay(written(placed, tmp_path), chosen, workers=1).tally.timers == [0, 1]
    assert replay(written(lines, tmp_path), chosen, workers=1).tally.timers == [0, 0]


def test_lines_that_are_no_events_are_counted_once(tmp_path: Path) -> None:
    lines = [*lines_of([event("a", 0)]), b"x", b"", b'{"type":1}']
    outcome = replay(written(lines, tmp_path), plan([STRICT], [TWICE]), workers=1)
    assert (outcome.counts.lines, outcome.counts.refused) == (3, 2)


def test_a_past_is_only_needed_where_a_rule_may_ask_for_it() -> None:
    def rule(**parts: object) -> Rule:
        return make_rule(BASE, id="spec.plain", **{"finding": FINDING_PLAIN, **parts})

    plain = {"each": "items", "on": ["prescription.signed"]}
    days = {"item.days_supply": {"above": {"parameter": "days.limit"}}}
    age = {"patient.age": {"below": {"parameter": "age.limit"}}}
    assert needs_past([STRICT])
    assert needs_past([note()])
    assert needs_past([ONCE])
    assert not needs_past([often()])
    assert needs_past([rule(**plain, when=age)])
    assert not needs_past([rule(**plain, when=days)])
    assert not needs_past([])
    assert "patient.age" in CATALOGUE


FINDING_PLAIN = {**FINDING, "message": {"zh": "x", "en": "x"}}


def test_evaluators_of_a_plan_wait_for_late_data_where_it_says_so() -> None:
    sides = plan([STRICT], [TWICE]).sides()
    chosen = Plan(fixed(STRICT), fixed(TWICE), profile="demo", lateness_s=60)
    waiting = chosen.comparer(sides, [ChangedRule(STRICT.id, ())])
    assert isinstance(waiting.after, Evaluator)
    assert waiting.after.waits_for_late
    assert not plan([STRICT], [TWICE]).comparer(sides, []).after.waits_for_late


def test_a_replay_without_memory_says_that_groups_are_not_compared(tmp_path: Path) -> None:
    file = written(lines_of([event("a", 0), event("b", 1)]), tmp_path)
    chosen = plan([again()], [again(), two_places()])
    assert replay(file, chosen, workers=1).of_groups == ()
    off = dataclasses.replace(chosen, remembers=False)
    assert replay(file, off, workers=1).of_groups == ("spec.two_places",)


def test_groups_are_compared_in_several_processes_and_events_counted_once(tmp_path: Path) -> None:
    file = written(lines_of(traffic(4)), tmp_path)
    before, after = CASES["groups are told otherwise"]
    found = []
    for workers in (1, 2):
        out = tmp_path / f"{workers}.ndjson"
        found.append(
            (replay(file, plan(before, after), workers=workers, out=out), out.read_bytes())
        )
    (one, written_by_one), (two, written_by_two) = found
    assert written_by_one == written_by_two
    assert one == two
    changes = [msgspec.json.decode(line, type=Change) for line in written_by_one.splitlines()]
    assert {change.rule for change in changes} == {
        "spec.two_places", "spec.note_of_ward", "spec.note",
    }  # fmt: skip
    assert one.tally.affected == len({change.event for change in changes}) > 3


def test_progress_counts_a_second_reading_where_groups_ask_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_subjects, "_TELL_EVERY", 1)
    file = written(lines_of(traffic(4)), tmp_path)
    told: list[tuple[int, int]] = []
    chosen = plan(*CASES["groups are told otherwise"])
    replay(file, chosen, workers=1, progress=lambda done, total: told.append((done, total)))
    size = file.stat().st_size
    first, second = sorted({total for _, total in told})
    assert (first, second) == (size, 2 * size)
    assert told[-1] == (second, second)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert any(size < done < second for done, _ in told)
