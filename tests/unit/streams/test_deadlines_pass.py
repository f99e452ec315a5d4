"""Clocks, and the timers that fire when a clock shows their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.memory.model import Memory, Timer
from rules.memory.model import encode as encode_memory
from streams.answers import TimerFailed
from streams.offsets import Work
from streams.state.clocks import Clocks
from streams.state.framing import Packing, head_of
from streams.state.memories import Memories
from streams.state.reach import Reach
from streams.state.timers import Timers
from support.fake_attendant import DUE_S, ITEMS_WITH_TIMER, us
from support.remembering import Step, read_back, sealed, stored
from support.streams_fakes import prescription, subject

AT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
AT_US = us(AT)
ANNA, BORIS = subject(1).encode(), subject(2).encode()
HIS = "urn:yijian:demo:h1:his"


def event_of(value: bytes) -> Event:
    taken = decode(value, check_key=False)
    assert isinstance(taken, Accepted)
    return taken.event


# clocks and timers


def test_a_sources_clock_goes_on_while_it_is_silent_and_never_beyond_the_brokers() -> None:
    clocks = Clocks()
    clocks.heard("his", 1_000, 5_000)
    clocks.heard("lab", 9_000, 5_000)  # its clock runs ahead of the broker's
    clocks.advance(5_000)
    assert (clocks.of("his"), clocks.of("lab"), clocks.of("other")) == (1_000, 5_000, 0)
    clocks.advance(7_000)
    assert (clocks.of("his"), clocks.of("lab")) == (3_000, 7_000)


def test_sources_beyond_so_many_share_a_clock_and_their_deadlines_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.state.clocks.MOST_SOURCES", 1)
    clocks = Clocks()
    for number, source in enumerate(("his", "lab", "pacs", "his")):
        clocks.heard(source, 1_000 * number, 5_000)
    clocks.advance(5_000)
    assert len(clocks.sources) == 2
    shown = [clocks.of(source) for source in ("his", "lab", "pacs", "another")]
    assert shown == [3_000, 2_000, 2_000, 2_000]


@given(
    st.lists(
        st.tuples(st.sampled_from(["his", "lab"]), st.integers(0, 1000), st.integers(0, 50)),
        max_size=40,
    )
)
def test_clocks_never_go_back(steps: list[tuple[str, int, int]]) -> None:
    clocks, broker_us = Clocks(), 0
    for source, event_us, passed_us in steps:
        before = {name: clocks.of(name) for name in ("his", "lab")}
        clocks.heard(source, event_us, broker_us)
        broker_us += passed_us
        clocks.advance(broker_us)
        assert all(before[name] <= clocks.of(name) <= broker_us for name in before)


def test_the_brokers_time_is_reached_when_all_that_stood_before_it_is_done() -> None:
    reach = Reach()
    assert reach.tick(100, {"a": Work(0, None)}) is None  # not fetched yet: the end is not known
    assert reach.tick(200, {"a": Work(0, 10)}) is None
    assert reach.tick(300, {"a": Work(9, 20)}) is None
    assert reach.tick(400, {"a": Work(10, 30)}) == 100
    assert reach.tick(500, {"a": Work(30, 30)}) == 400
    assert reach.tick(600, {}) == 500


def test_what_was_appended_before_a_tick_and_fetched_after_it_holds_its_time_up() -> None:
    reach = Reach()
    assert reach.tick(100, {"a": Work(10, 10)}) is None
    assert reach.tick(200, {"a": Work(10, 15)}) is None  # five of them may be from before 100
    assert reach.tick(300, {"a": Work(15, 15)}) == 200


def timer(name: str, fire_us: int, source: str = "his") -> Timer:
    return Timer(name, "duty", fire_us, source, "event")


def test_a_subject_is_looked_at_when_the_clock_of_the_timers_source_shows_it() -> None:
    timers, clocks = Timers(), Clocks()
    timers.set(ANNA, [timer("a", 50), timer("b", 80, "lab")])
    timers.set(BORIS, [timer("c", 60)])
    clocks.heard("his", 55, 0)
    clocks.heard("lab", 10, 0)
    clocks.advance(55)
    assert [timers.pop(clocks), timers.pop(clocks)] == [ANNA, None]
    clocks.heard("lab", 90, 55)
    clocks.advance(90)
    assert {timers.pop(clocks), timers.pop(clocks)} == {ANNA, BORIS}
    assert timers.pop(clocks) is None


def test_a_hint_that_was_replaced_is_not_followed() -> None:
    timers, clocks = Timers(), Clocks()
    timers.set(ANNA, [timer("a", 50)])
    timers.set(ANNA, [timer("a", 500)])
    clocks.heard("his", 100, 0)
    clocks.advance(100)
    assert timers.pop(clocks) is None
    assert len(timers) == 1


def passed(step: Step, seconds: float) -> None:
    step.memories.clocks.advance(AT_US + int(seconds * 1_000_000))


def test_a_timer_fires_once_when_its_time_has_come_also_after_it_was_read_back() -> None:
    step = Step()
    step.take(1, items=ITEMS_WITH_TIMER)
    step = Step(read_back(stored(sealed(step.memories, "t", 1))))
    passed(step, DUE_S - 1)
    assert step.memories.due() == []
    passed(step, DUE_S + 1)
    (due,) = step.memories.due()
    assert (due.subject, due.clock_us) == (ANNA, AT_US + int((DUE_S + 1) * 1_000_000))
    fired = step.supervisor.fire(due, step.memories)
    assert not isinstance(fired, TimerFailed)
    assert [issued.decision.cause for issued in fired] == [due.timer]
    assert step.memories.due() == []
    step = Step(read_back(stored(sealed(step.memories, "ticks", 1))))
    passed(step, DUE_S + 10)
    assert step.memories.due() == []


def test_a_timer_that_waits_for_a_silent_source_is_looked_at_once_and_not_at_every_tick() -> None:
    memories = Memories()
    memory = memories.recall(ANNA)
    memory.timers = {"a": timer("a", 50), "b": timer("b", 50, "lab")}
    memories.keep(ANNA)
    records = stored(sealed(memories, "t", 1))
    memories = read_back(records)
    memories.clocks.heard("his", 60, 0)
    memories.clocks.heard("lab", 1, 0)
    memories.clocks.advance(60)
    memories.clocks.sources["lab"].now_us = 1
    assert [due.timer for due in memories.due()] == ["a"]
    assert memories.due() == []
    assert memories.timers.pop(memories.clocks) is None
    memories.clocks.heard("lab", 70, 60)
    memories.clocks.advance(70)
    assert "b" in [due.timer for due in memories.due()]


def test_a_timer_that_cannot_be_evaluated_changes_nothing_and_holds_up_nobody() -> None:
    step = Step()
    step.take(1, items=ITEMS_WITH_TIMER)
    step.take(2, 2, items=ITEMS_WITH_TIMER)
    sealed(step.memories, "t", 2)
    passed(step, DUE_S + 1)
    step.attendant.fails_on = "timer:rx.days:e000000001:due"
    outcomes = []
    while dues := step.memories.due():
        outcomes += [step.supervisor.fire(due, step.memories) for due in dues]
    failed = [one for one in outcomes if isinstance(one, TimerFailed)]
    assert len(outcomes) == 2
    assert len(failed) == 1
    assert failed[0].detail.startswith("ValueError")
    assert step.memories.recall(ANNA).timers[step.attendant.fails_on].fired == []


def test_the_head_of_a_value_names_the_first_timer() -> None:
    memories = Memories()
    memories.recall(ANNA).timers = {"a": timer("a", 70), "b": timer("b", 50)}
    memories.keep(ANNA)
    (_, value), _ = stored(sealed(memories, "t", 1), 12)
    assert value is not None
    assert head_of(value) == (50, 12)
    assert encode_memory(Memory()) != Packing().open(value)


def test_events_move_the_clock_of_their_source() -> None:
    memories = Memories()
    at = event_of(prescription(1, 1))
    memories.heard(at, None)
    for _ in range(2):
        memories.tick(int((AT + timedelta(hours=1)).timestamp() * 1000), {})
    assert memories.clocks.of(HIS) == AT_US + 3_600_000_000
