"""The same evaluation without Kafka: lines in, decisions out, in the order of record.

Time passes with the lines. The clock shows the latest time seen so far: when the broker took a
line that was read back from Kafka, else when its event happened. Timers whose time has come fire
before the line that shows so, and after the last line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US
from simulation.ndjson import Line, read
from streams.answers import Answer as Supervised
from streams.answers import DeadLetter, Issued, Lapsed, Repeated, Result, TimerFailed
from streams.supervision import Supervisor
from yijian.posting import Post, mails_of
from yijian.remembering import Remembered


class Answer(NamedTuple):
    """One line of output, and whether it stands for a refusal."""

    line: bytes
    refused: bool


class _Timed(msgspec.Struct, frozen=True, gc=False):
    time: datetime


_timed: Final = msgspec.json.Decoder(_Timed).decode


def evaluate(
    lines: Iterable[bytes], supervisor: Supervisor, until: datetime | None = None
) -> Iterator[Answer]:
    """The decisions about every event of the lines; a refusal in the place of a line that is none.

    Where the rules remember, a line may be answered by several decisions, and one that came before
    by a repeat. After the last line time passes on to `until`.
    """
    offline = _Offline(supervisor)
    for line in read(lines):
        yield from offline.answers(line)
    if until is not None:
        offline.passes(us_of(until))
    yield from offline.fired()


class _Offline:
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._past = Remembered() if supervisor.remembers else None
        self._post = None if self._past is None else Post(supervisor, self._past)
        self._clock_us = -NEVER_US
        self._number = 0

    def answers(self, line: Line) -> Iterator[Answer]:
        """What a line leads to, and before it what became due in the meantime."""
        self._number = line.number
        arrival_ms = line.position.arrival_ms if line.position is not None else None
        is_placed = arrival_ms is not None and arrival_ms >= 0
        if self._past is not None:
            self.passes((arrival_ms or 0) * 1000 if is_placed else self._time_of(line))
            yield from self.fired()
        answer = self._supervisor.supervise(line.value, received_ms=arrival_ms, past=self._past)
        if isinstance(answer, DeadLetter):
            yield _refused(line, answer)
            return
        if not is_placed:
            self.passes(_happened(answer.event))
        yield from self._said(line, answer)
        if self._post is not None:
            for later in self._post.delivered(mails_of(answer), arrival_ms):
                yield from self._said(line, later)

    def _said(self, line: Line, answer: Result) -> Iterator[Answer]:
        """What is written of an answer; one that is given elsewhere follows from there."""
        if isinstance(answer, DeadLetter):
            yield _refused(line, answer)
        elif isinstance(answer, Repeated):
            yield Answer(answer.record, refused=False)
        elif isinstance(answer, Supervised):
            yield Answer(answer.decision_bytes, refused=False)
            yield from _told(answer.further)
            yield from self._shared(line, answer)

    def _shared(self, line: Line, answer: Supervised) -> Iterator[Answer]:
        """What the event leads to in its groups, which are remembered here as well."""
        if self._past is None:
            return
        for shared in self._supervisor.tell_groups(answer, line.value, self._past):
            if isinstance(shared, DeadLetter):
                yield _refused(line, shared)
            elif isinstance(shared, Repeated):
                yield Answer(shared.record, refused=False)
            else:
                yield from _told(shared.issued)

    def passes(self, us: int) -> None:
        """The clock shows this time, unless it is later already."""
        self._clock_us = max(self._clock_us, us)

    def fired(self) -> Iterator[Answer]:
        """The decisions of the timers that are due, in the order of their times."""
        past = self._past
        while past is not None and (due := past.due(self._clock_us)) is not None:
            issued = self._supervisor.fire(due, past)
            if isinstance(issued, TimerFailed):
                past.failed(due)
                failure = {"line": self._number, "timer": due.timer, "detail": issued.detail}
                yield Answer(msgspec.json.encode({"timer_failed": failure}), refused=True)
            elif not isinstance(issued, Lapsed):
                yield from _told(issued)

    def _time_of(self, line: Line) -> int:
        """When the event happened, where a timer fires before; else not known, or no event."""
        assert self._past is not None
        if self._past.next_us == NEVER_US:
            return self._clock_us
        try:
            at = _timed(line.value).time
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._clock_us
        if at.tzinfo is None or us_of(at) < self._past.next_us:
            return self._clock_us
        taken = decode(line.value)  # what is refused has no say in how late it is
        return _happened(taken.event) if isinstance(taken, Accepted) else self._clock_us


def _refused(line: Line, letter: DeadLetter) -> Answer:
    refusal = {
        "line": line.number,
        "reason": letter.reason,
        "path": letter.path,
        "detail": letter.detail,
    }
    return Answer(msgspec.json.encode({"dead_letter": refusal}), refused=True)


def _happened(event: Event) -> int:
    return us_of(event.time)


def _told(issued: Iterable[Issued]) -> Iterator[Answer]:
    for one in issued:
        yield Answer(one.decision_bytes, refused=False)
