"""The stream: reproducible, in order, complete in its life cycles, acceptable to the intake."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from contracts.acts import FAMILIES, Charge, Encounter, Settlement
from contracts.intake import Accepted, decode
from contracts.values import EncounterRef, PatientSnapshot
from knowledge_base import KnowledgeBase
from simulation import SOURCE_PREFIX, NothingToSimulate, SimulatedEvent, Simulator

DAY = date(2026, 3, 17)
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_END = datetime(2026, 3, 18, tzinfo=SHANGHAI)


def simulate(knowledge: KnowledgeBase, limit: int | None = 6_000, **given: object) -> list[bytes]:
    return [event.bytes for event in _simulator(knowledge, **given).events(limit)]


def _simulator(knowledge: KnowledgeBase, **given: object) -> Simulator:
    arguments = {"seed": 7, "patients": 300, "day": DAY} | given
    return Simulator(knowledge, **arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def day(knowledge: KnowledgeBase) -> list[SimulatedEvent]:
    return list(_simulator(knowledge).events(20_000))


def test_the_same_arguments_give_the_same_bytes(knowledge: KnowledgeBase) -> None:
    simulator = _simulator(knowledge)
    first = [event.bytes for event in simulator.events(3_000)]
    assert first == [event.bytes for event in simulator.events(3_000)]
    assert first == simulate(knowledge, 3_000)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 8},
        {"day": DAY + timedelta(days=1)},
        {"patients": 301},
        {"limit": 2_999},
        {"fault_rate": 0.2},
        {"until": datetime(2026, 3, 17, 12, tzinfo=SHANGHAI)},
    ],
)
def test_a_run_with_other_arguments_shares_no_event_and_no_act(
    knowledge: KnowledgeBase, other: dict[str, object]
) -> None:
    limit = int(str(other.pop("limit", 3_000)))
    here = list(_simulator(knowledge).events(3_000))
    there = list(_simulator(knowledge, **other).events(limit))
    assert not {e.event.key for e in here} & {e.event.key for e in there}
    assert not {e.event.data.act_id for e in here} & {e.event.data.act_id for e in there}


def test_a_limit_is_met_to_the_event(day: list[SimulatedEvent], knowledge: KnowledgeBase) -> None:
    assert len(day) == 20_000
    assert len(simulate(knowledge, 17)) == 17


def test_without_a_limit_each_patient_comes_once(knowledge: KnowledgeBase) -> None:
    events = list(_simulator(knowledge, patients=40, fault_rate=0.0).events())
    starts = [e for e in events if isinstance(e.event.data, Encounter) and e.event.data.revision]
    assert len({e.event.data.act_id for e in starts}) == 40
    people = {e.event.subject for e in events if not e.event.subject.startswith("institution:")}
    assert len(people) == 40


def test_the_stream_is_in_order_of_time(day: list[SimulatedEvent]) -> None:
    assert all(a.event.time <= b.event.time for a, b in pairwise(day))


def test_no_event_key_occurs_twice(day: list[SimulatedEvent]) -> None:
    assert len({e.event.key for e in day}) == len(day)


def test_each_act_is_told_revision_by_revision(day: list[SimulatedEvent]) -> None:
    revisions: dict[str, list[int]] = defaultdict(list)
    for e in day:
        revisions[e.event.data.act_id].append(e.event.data.revision)
    for act_id, told in revisions.items():
        assert told == list(range(told[0], told[0] + len(told))), act_id


def test_all_families_that_hospitals_send_occur_with_their_life_cycles(
    day: list[SimulatedEvent],
) -> None:
    types = Counter(e.event.type.removesuffix(".v1") for e in day)
    answers = {"feedback"}  # to alerts: nobody knows their ids before they are given
    assert {t.split(".")[0] for t in types} == set(FAMILIES) - answers
    for family, verbs in {
        "prescription": "draft signed amended dispensed stopped returned cancelled",
        "order": "draft signed amended executed stopped cancelled",
        "billing": "draft charged amended refunded cancelled entered_in_error",
        "encounter": "started admitted transferred updated discharged ended cancelled",
        "result": "reported amended",
        "condition": "recorded resolved",
        "patient": "registered updated",
        "document": "draft signed amended",
        "procedure": "signed started ended",
        "consultation": "requested arrived answered",
        "administration": "administered not_given",
        "dispense": "dispensed returned",
    }.items():
        for verb in verbs.split():
            assert types[f"{family}.{verb}"] > 0, f"{family}.{verb}"


def test_what_is_about_a_place_names_no_patient(day: list[SimulatedEvent]) -> None:
    of_places = [e for e in day if e.topic_family in ("stock", "upload")]
    assert of_places
    for e in of_places:
        assert e.event.subject.startswith(f"institution:{e.event.data.institution}|")
        assert not isinstance(e.event.data.patient, PatientSnapshot)
        assert not isinstance(e.event.data.encounter, EncounterRef)


def test_a_settlement_is_what_stands_of_the_bills_of_its_visit(
    day: list[SimulatedEvent],
) -> None:
    standing: dict[str, dict[str, Decimal]] = defaultdict(dict)
    settled = 0
    for e in day:
        act, visit = e.event.data, e.event.data.encounter
        if isinstance(act, Charge) and isinstance(visit, EncounterRef):
            verb = e.event.type.split(".")[1]
            is_standing = verb not in ("draft", "cancelled", "entered_in_error")
            left = sum((i.amount - i.refunded for i in act.items), Decimal(0))
            standing[visit.id][act.act_id] = left if is_standing else Decimal(0)
        elif isinstance(act, Settlement) and isinstance(visit, EncounterRef):
            settled += 1
            assert act.total == sum(standing[visit.id].values(), Decimal(0))
    assert settled > 10


def test_every_event_passes_the_intake_with_no_unknown_field(day: list[SimulatedEvent]) -> None:
    received_ms = int(DAY_END.timestamp() * 1000)
    for e in day:
        answer = decode(
            e.bytes, key=e.key, check_key=True, received_ms=received_ms, max_ahead_s=0.0
        )
        assert isinstance(answer, Accepted), answer
        assert not answer.unknown_fields
        assert answer.event == e.event


def test_every_source_says_that_it_is_simulated(day: list[SimulatedEvent]) -> None:
    assert all(e.event.source.startswith(SOURCE_PREFIX) for e in day)
    assert len({e.event.source for e in day}) >= 3


def test_no_event_carries_its_label(day: list[SimulatedEvent]) -> None:
    for e in day:
        for label in e.labels:
            assert label.rule_id not in e.bytes.decode()
            assert b'"expected"' not in e.bytes


def test_some_sources_write_the_same_instants_with_another_utc_offset(
    day: list[SimulatedEvent],
) -> None:
    offsets = Counter(e.event.time.utcoffset() for e in day)
    assert offsets[timedelta(hours=8)] > 0.85 * len(day)
    assert offsets[timedelta(0)] > 0
    assert offsets[timedelta(hours=9)] > 0


def test_the_day_has_a_morning_peak_and_a_quiet_night(day: list[SimulatedEvent]) -> None:
    hours = Counter(e.event.time.astimezone(SHANGHAI).hour for e in day)
    assert hours[9] > 10 * hours[3] > 0


def test_visits_begin_in_the_last_and_the_first_minute_of_a_day(
    day: list[SimulatedEvent],
) -> None:
    starts = {
        e.event.data.started_at.astimezone(SHANGHAI)
        for e in day
        if isinstance(e.event.data, Encounter) and isinstance(e.event.data.started_at, datetime)
    }
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI)
    assert midnight in starts
    assert any(midnight - timedelta(minutes=1) <= at < midnight for at in starts)
    assert any(DAY_END - timedelta(minutes=1) <= at < DAY_END for at in starts)


def test_some_refunds_come_on_a_later_day_than_their_charge(day: list[SimulatedEvent]) -> None:
    late = [
        e
        for e in day
        if e.event.type == "billing.refunded.v1"
        and isinstance(e.event.data, Charge)
        and isinstance(e.event.data.charged_at, datetime)
        and e.event.data.charged_at.astimezone(SHANGHAI).date()
        < e.event.time.astimezone(SHANGHAI).date()
    ]
    assert late


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_nothing_happens_after_the_given_instant(knowledge: KnowledgeBase, hour: int) -> None:
    until = datetime(2026, 3, 17, hour, 0, 30, tzinfo=SHANGHAI)
    events = list(_simulator(knowledge, until=until).events(3_000))
    assert len(events) == 3_000
    assert all(e.event.time <= until for e in events)
    today = [e for e in events if e.event.time.astimezone(SHANGHAI).date() == DAY]
    assert len(today) > 2_800


def test_a_day_that_has_not_begun_is_refused(knowledge: KnowledgeBase) -> None:
    with pytest.raises(NothingToSimulate, match="has not begun"):
        _simulator(knowledge, until=datetime(2026, 3, 16, 15, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    "given", [{"patients": 0}, {"fault_rate": 1.5}, {"until": datetime(2026, 3, 17, 12)}]
)
def test_impossible_arguments_are_refused(
    knowledge: KnowledgeBase, given: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        _simulator(knowledge, **given)
