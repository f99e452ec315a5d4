"""What is remembered after any course of events is what its order of record leads to.

Rules come and go, past acts are brought in, timers fire with something to say or without, and the
process ends at any point between.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import Event
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory, decode
from support.past import admission, core_of, dispensed, event, note, progress_note
from support.past_log import Forgetting, Log
from yijian.kafka_log import LogRecord
from yijian.remembering import Remembered

NONE, EVERY = core_of(), core_of(note(), dispensed(remind_before="1 h"))
WITH, WITHOUT = "a" * 64, "b" * 64
ACTS = ("admitted", "written", "withdrawn", "signed", "dispensed", "taken back")
DOES = (*ACTS, "brings", "with", "without", "passes", "passes", "saves", "crashes")


class Saved(NamedTuple):
    """What is remembered, as it was written, and which decisions it knows of."""

    values: dict[bytes, bytes]
    coverage: bytes
    hints: list[tuple[int, bytes]]
    covered: int


class Ward:
    """A worker of one partition number that may end at any point."""

    def __init__(self) -> None:
        self.log = Log(NONE)
        self.log.goes_on_with(NONE, WITHOUT)
        self.log.goes_on_with(EVERY, WITH)
        self.now_h = 0.0
        self._done: list[tuple[int, LogRecord]] = []
        """What was taken, or with a tick brought in, since it was saved."""
        self._count = 0
        self.saves()

    def does(self, what: str, visit: int, passed_h: float) -> None:
        self.now_h += max(passed_h, 0)
        if what in ACTS:
            self._takes(self.log.comes(self._event(what, f"v{visit}", self.now_h + passed_h)))
        elif what == "brings":
            late = self._event("dispensed", f"v{visit}", self.now_h - 1)
            self._brings(10_000 + 10 * self._count, self.log.comes(late))
        elif what in ("with", "without"):
            name = WITH if what == "with" else WITHOUT
            self.log.goes_on_with(self.log.bundles[name], name)
        elif what == "passes":
            self.log.passes(event("", self.now_h))
        elif what == "saves":
            self.saves()
        else:
            self._crashes()

    def saves(self) -> None:
        past = self.log.past
        coverage = msgspec.msgpack.encode(past.coverage)
        decided = len(self.log.decisions)
        self._saved = Saved(dict(past.values), coverage, list(past._hints), decided)
        self._done = []

    def _crashes(self) -> None:
        past, saved = Forgetting(), self._saved
        past._values, past._hints = dict(saved.values), list(saved.hints)
        past.coverage = msgspec.msgpack.decode(saved.coverage, type=Coverage)
        self.log.past = past
        self.log.withdraws(saved.covered)
        again, self._done = self._done, []
        for tick, record in again:
            if tick:
                self._brings(tick, record)
            else:
                self._takes(record)

    def _takes(self, record: LogRecord) -> None:
        self.log.takes(record)
        self._done.append((0, record))

    def _brings(self, tick: int, record: LogRecord) -> None:
        self.log.backfills(record, tick=tick)
        self._done.append((tick, record))

    def _event(self, what: str, visit: str, at_h: float) -> Event:
        self._count += 1
        name, encounter = f"e{self._count}", {"id": visit}
        if what == "admitted":
            return admission(name, at_h, visit)
        if what == "written":
            return progress_note(name, at_h, visit)
        if what == "withdrawn":
            wrong = progress_note(name, at_h, visit)
            data = msgspec.structs.replace(wrong.data, act_id=f"act-e{self._count - 1}", revision=2)
            return msgspec.structs.replace(wrong, type="document.entered_in_error.v1", data=data)
        if what == "taken back":
            return event(
                name, at_h, event="prescription.entered_in_error", encounter=encounter,
                act_id=f"act-e{self._count - 1}", revision=2,
            )  # fmt: skip
        return event(name, at_h, event=f"prescription.{what}", encounter=encounter)


def opened(past: Remembered) -> dict[bytes, Memory]:
    return {subject: decode(value) for subject, value in past.values.items()}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(DOES),
            st.integers(1, 2),
            st.sampled_from((-30.0, 0.0, 0.5, 24.0, 71.2, 72.5)),
        ),
        max_size=25,
    )
)
def test_a_rebuild_remembers_what_the_worker_remembers(
    course: list[tuple[str, int, float]],
) -> None:
    ward = Ward()
    ward.does("written", 9, 0)
    ward.does("dispensed", 9, 0)
    for what, visit, passed_h in course:
        ward.does(what, visit, passed_h)
    ward.does("passes", 0, 0)
    log = ward.log
    found = log.replayed()
    assert (found.differing, found.unfired) == ([], [])
    rebuilt = log.rebuilt()
    assert opened(rebuilt) == opened(log.past)
    assert rebuilt.coverage == log.past.coverage
    assert rebuilt.due(us_of(event("", ward.now_h).time)) is None
