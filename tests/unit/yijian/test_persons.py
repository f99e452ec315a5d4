"""Persons of several identities: whatever happens, the order of record leads to the same again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.decision import Decision, KindHeaders, Reader, encode_record
from contracts.event import Event
from rules.memory import ties
from rules.memory.model import decode
from support.hospital_log import ACTIVITIES, DECISIONS, TOPIC, Hospital
from support.past import SITE, admission, again, core_of, event, note, progress_note, tie
from yijian.expected import Supervisors
from yijian.record import Replay, order_of

CORE = core_of(again(), note())
NAMES = ("a", "b", "c")
read_decision = Reader(Decision)


def first(choices: list[int]) -> int:
    return choices[0]


def stands(hospital: Hospital) -> dict[str, object]:
    """The alerts that the tables show: of each decision the latest generation, then the last."""
    last: dict[str, tuple[int, int, Decision]] = {}
    for ward in hospital.wards:
        for record in ward.logs[DECISIONS]:
            headers = dict(record.headers)
            if headers.get(KindHeaders.KIND) in KindHeaders.NO_DECISION:
                continue
            decision = read_decision(record.value or b"")
            version = int(headers.get(KindHeaders.GENERATION, b"0")), record.offset
            known = last.get(decision.decision_id)
            if known is None or version > known[:2]:
                last[decision.decision_id] = (*version, decision)
    return {
        finding.alert_id: msgspec.json.decode(encode_record(finding))
        for *_, decision in last.values()
        for finding in decision.findings
    }


def test_a_merge_and_its_parting_are_gone_through_once_more() -> None:
    hospital = Hospital(CORE)
    for one in (
        event("1", 0, "a"), event("2", 0, "b"), admission("in", 0, "v1", "b"),
        tie("merged", "m", 1, "a", "b"),
    ):  # fmt: skip
        hospital.comes(one)
    hospital.drains(first)
    for one in (event("3", 2, "b"), event("4", 3, "a"), event("2", 0, "b")):
        hospital.comes(one)
    hospital.drains(first)
    hospital.comes(tie("unlinked", "u", 4, "a", "b"))
    hospital.comes(event("5", 5, "b"))
    hospital.drains(first)
    found = hospital.replayed()
    assert (found.differing, found.disordered) == ([], [])
    assert found.forwarded >= 1
    assert found.repeats == 1
    assert found.ties >= 4
    assert stands(hospital).keys() == found.expected.alerts.keys()


def test_a_parting_that_overtakes_its_tie_is_gone_through_once_more() -> None:
    hospital = Hospital(CORE)
    for one in (
        event("1", 0, "a"), event("2", 0, "b"), tie("linked", "l", 1, "b", "a"),
        tie("unlinked", "u", 2, "a", "b"), event("3", 3, "b"),
    ):  # fmt: skip
        hospital.comes(one)
    a, b = hospital.home("test|a"), hospital.home("test|b")
    for number, times in ((b, 2), (a, 2)):
        for _ in range(times):
            hospital.takes(number, TOPIC)
    hospital.drains(first)
    found = hospital.replayed()
    assert (found.differing, found.disordered, found.untaken) == ([], [], [])
    assert not any(
        decode(value).links for ward in hospital.wards for value in ward.past.values.values()
    )


def test_a_message_that_nobody_took_is_noticed() -> None:
    hospital = Hospital(CORE)
    for one in (event("2", 0, "b"), tie("merged", "m", 1, "a", "b")):
        hospital.comes(one)
    hospital.drains(first)
    ward = hospital.wards[hospital.home("test|a")]
    ward.logs[DECISIONS] = [r for r in ward.logs[DECISIONS] if b"arrives" not in (r.value or b"")]
    order = order_of(ward.logs[DECISIONS])
    replay = Replay(Supervisors(SITE, CORE, lambda digest: None), {}, SITE.max_ahead_s, ACTIVITIES)
    records = {record.place: record for record in ward.logs[ACTIVITIES]}
    replay.partition(order, ward.logs[TOPIC], records)
    assert replay.found.untaken == [(ACTIVITIES, ward.logs[ACTIVITIES][0].partition, 0)]


def test_a_memory_that_came_otherwise_is_noticed() -> None:
    hospital = Hospital(CORE)
    for one in (event("1", 0, "a"), event("2", 0, "b"), tie("merged", "m", 1, "a", "b")):
        hospital.comes(one)
    hospital.drains(first)
    ward = hospital.wards[hospital.home("test|b")]
    kept = ward.logs[DECISIONS]
    ward.logs[DECISIONS] = [r for r in kept if b'"event":{"source"' not in (r.value or b"")]
    with pytest.raises(AssertionError):  # the stub did not answer what it says
        hospital.replayed()
    assert any(b'"step":"sends"' in (r.value or b"") for r in kept)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_whoever_crashes_and_whenever_nothing_is_lost_or_differs(seed: int) -> None:
    random = Random(seed)
    hospital = Hospital(CORE)
    events = list(_heard_everywhere(hospital))
    for number in range(random.randint(2, 9)):
        made = _some_event(number, random)
        events.append(made)
        hospital.comes(made)
        if not random.randrange(5):
            hospital.comes(random.choice(events))
        for _ in range(random.randrange(9)):
            _something_happens(hospital, random)
    hospital.drains(random.choice)
    found = hospital.replayed()
    assert (found.differing, found.disordered, found.untaken) == ([], [], [])
    assert set(found.expected.accepted.values()) == {one.key for one in events}
    assert stands(hospital) == {
        name: msgspec.json.decode(raw) for name, raw in found.expected.alerts.items()
    }
    assert _decided_twice(hospital) == []
    _everybody_is_at_home_once(hospital)


def _decided_twice(hospital: Hospital) -> list[str]:
    """Events that were decided in two places, and neither was interrupted."""
    steps = [step for ward in hospital.wards for step in order_of(ward.logs[DECISIONS]).steps]
    valid = Counter(s.decision_id for s in steps if s.kind == "event" and not s.is_void)
    return [name for name, times in valid.items() if times > 1]


def _heard_everywhere(hospital: Hospital) -> Iterator[Event]:
    """Events of others: since when a source is heard is no question here."""
    for number in range(len(hospital.wards)):
        who = next(n for n in map(str, range(99)) if hospital.home(f"test|{n}") == number)
        for one in (
            event(f"w{number}", -90, who), admission(f"x{number}", -90, "v", who),
            progress_note(f"y{number}", -90, "v", who),
            tie("linked", f"z{number}", -90, who, who),
        ):  # fmt: skip
            hospital.comes(one)
            yield one
    hospital.drains(first)


def _some_event(number: int, random: Random) -> Event:
    who, other = random.sample(NAMES, 2)
    verb = random.choice(("", "", "", "merged", "linked", "unlinked", "admitted"))
    name, at_h = f"e{number}", float(number)
    if verb == "admitted":
        return admission(name, at_h, f"v{number}", who)
    if verb:
        return tie(verb, name, at_h, who, other)
    return event(name, at_h, who, act_id=f"{who}-{number % 2}", revision=number + 1)


def _something_happens(hospital: Hospital, random: Random) -> None:
    number = random.randrange(len(hospital.wards))
    ready = hospital.wards[number].ready()
    what = random.choice(("take", "take", "take", "confirm", "write", "crash", "half"))
    if what == "take" and ready:
        hospital.takes(number, random.choice(ready))
    elif what == "confirm":
        hospital.confirms(number, random.choice)
    elif what == "write":
        hospital.writes(number)
    elif what in ("crash", "half"):
        hospital.crashes(number, half_written=what == "half")


def _everybody_is_at_home_once(hospital: Hospital) -> None:
    memories = {
        key.decode(): decode(value)
        for ward in hospital.wards
        for key, value in ward.past.values.items()
    }
    for subject, memory in memories.items():
        assert memory.outbox == {}
        seen = [subject]
        while home := ties.home_of(memories[seen[-1]]):
            assert home not in seen, "round for ever"
            seen.append(home)
        if len(seen) > 1:
            assert subject in memories[seen[-1]].links
    assert {ACTIVITIES, TOPIC} == set(hospital.wards[0].done)
    told = Counter(act.act_id for memory in memories.values() for act in memory.acts.values())
    assert {number for name, number in told.items() if name.partition("-")[0] in NAMES} <= {1}
    for subject, memory in memories.items():
        for key, act in memory.acts.items():
            whose = act.act_id.partition("-")[0]
            assert whose not in NAMES or memory.came.get(key, subject) == f"test|{whose}"
