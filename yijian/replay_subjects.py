"""What one process does of a replay with a past: all events of some patients, in their order; then
those of some groups.

Every process reads the whole file and decodes the events of its own patients. Of the others it
takes note of what everybody's memory depends on: how late it is, and which source delivers what.
Which groups hear of an event is known to the memory of its patient, so groups are compared when
all patients were, in a second reading.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from zlib import crc32

import msgspec

from contracts.event import EVENT_TYPES, Event
from contracts.intake import Accepted, Rejected, decode
from rules.memory.instants import us_of
from rules.memory.model import NEVER_US
from rules.replay import Change, ChangedRule, Kind, Remembering, Side, Tally, ToGroups
from simulation.ndjson import Line, read
from yijian.replay_clock import Clock
from yijian.replay_pieces import Counts, Plan

_BEHIND: Final = 1_000_000
"""What timers led to stands behind what an event itself did."""
_IN_GROUPS: Final = 2 * _BEHIND
"""And what an event did in its groups behind both."""
_TELL_EVERY: Final = 4096
"""Lines between two words of how far it is."""


class _Head(msgspec.Struct, frozen=True, gc=False):
    """What everybody has to know of an event."""

    source: str
    subject: str
    type: str
    time: datetime


_TIES: Final = re.compile(rb"patient\.(linked|merged)\.")
_head: Final = msgspec.json.Decoder(_Head).decode


class Told(NamedTuple):
    """One change as it is written, and where: the line of its event, and its number there."""

    line: int
    number: int
    text: bytes


class Share(NamedTuple):
    """What the patients, or the groups, of one process came to."""

    tally: Tally
    counts: Counts
    reasons: Counter[str]
    changes: list[Told]
    examples: list[tuple[int, int, Change]]
    """Each with its line, and its number there."""
    to_groups: list[ToGroups]


def persons(file: BinaryIO) -> dict[str, str]:
    """Subject to one of those that it is, or will be, one person with; others are left out."""
    found: dict[str, str] = {}

    def of(subject: str) -> str:
        while (other := found.get(subject, subject)) != subject:
            subject = other
        return subject

    for line in read(line for line in file if _TIES.search(line)):
        taken = decode(line.value)
        if not isinstance(taken, Accepted):
            continue
        other = getattr(taken.event.data, "other_subject", None)
        if isinstance(other, str):
            one, other = sorted((of(taken.event.subject), of(other)))
            found[other] = one
    return {subject: of(subject) for subject in found}


class Worker:
    """Compares the events of the patients, or of the groups, that fall to one of several processes.

    For one reading of the file.
    """

    def __init__(
        self,
        plan: Plan,
        sides: tuple[Side, Side],
        changed: tuple[ChangedRule, ...],
        examples: int,
        number: int,
        of: int,
    ) -> None:
        self._plan = plan
        self._comparer = plan.comparer(sides, changed)
        self._past = Remembering(self._comparer, plan.lateness_s)
        self._clock = Clock(self._accepts)
        self._number = number
        self._of = of
        self._heard: set[tuple[str, str]] = set()
        self._counts = Counts()
        self._reasons: Counter[str] = Counter()
        self._lines = self._compared = self._others = self._repeated = 0
        self._examples = examples
        self._shown: Counter[tuple[str, Kind]] = Counter()
        self._kept: list[tuple[int, int, Change]] = []
        self._changes: list[Told] = []
        self._persons: dict[str, str] = {}
        self._encode = msgspec.json.Encoder().encode

    def share(self, events: Path, progress: Callable[[int], None] = lambda _: None) -> Share:
        """All patients; `progress` is told the bytes that were read."""
        with events.open("rb") as file:
            self._persons = persons(file)
        return self._read(events, self._line, _BEHIND, progress)

    def groups(
        self,
        events: Path,
        told: Sequence[ToGroups],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Share:
        """All groups, of which `told` says what they hear of; `progress` as for patients."""
        by_line = {one.line: one for one in told}
        behind = _IN_GROUPS + _BEHIND
        return self._read(events, lambda line: self._join(line, by_line), behind, progress)

    def _read(
        self,
        events: Path,
        take: Callable[[Line], None],
        behind: int,
        progress: Callable[[int], None],
    ) -> Share:
        with events.open("rb") as file:
            for line in read(file):
                take(line)
                if line.number % _TELL_EVERY == 0:
                    progress(file.tell())
        self._fire()
        told: Counter[int] = Counter()
        for line_number, change in self._past.finish():
            self._tell(line_number, behind + told[line_number], change)
            told[line_number] += 1
        counts = Counts(
            self._lines, self._compared, self._others, sum(self._reasons.values()), self._repeated
        )
        return Share(
            self._comparer.tally, counts, self._reasons, self._changes, self._kept,
            self._past.to_groups,
        )  # fmt: skip

    def _line(self, line: Line) -> None:
        arrival_ms = _arrival_ms(line)
        head = self._time_of(line, arrival_ms)
        if head is None:
            if self._number == 0:
                self._mine(line, arrival_ms)
            return
        self._passes(head.time, arrival_ms)
        if self._owns(self._persons.get(head.subject, head.subject)):
            self._mine(line, arrival_ms)
        elif (head.source, head.type) not in self._heard:
            taken = self._decoded(line.value, arrival_ms)
            if isinstance(taken, Accepted):
                self._hears(taken.event)

    def _join(self, line: Line, told: Mapping[int, ToGroups]) -> None:
        arrival_ms = _arrival_ms(line)
        self._time_of(line, arrival_ms)
        groups = told.get(line.number)
        if groups is None:
            return
        taken = self._decoded(line.value, arrival_ms)
        assert isinstance(taken, Accepted)  # its patient took it
        for number, change in self._past.join(taken.event, groups, self._owns):
            self._tell(line.number, _IN_GROUPS + number, change)

    def _owns(self, name: str) -> bool:
        """Whether a patient or a group falls to this process."""
        return crc32(name.encode("utf-8", "surrogatepass")) % self._of == self._number

    def _time_of(self, line: Line, arrival_ms: int | None) -> _Head | None:
        """Let time pass to a line; None for one that is no event at all."""
        try:
            head = _head(line.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if arrival_ms is not None and arrival_ms >= 0:
            self._clock.arrived(arrival_ms * 1000)
        elif head.time.tzinfo is not None:
            self._clock.said(us_of(head.time), line.value)
        self._fire()
        return head

    def _fire(self) -> None:
        past = self._past
        while (next_us := past.next_us) != NEVER_US and self._clock.has_reached(next_us):
            past.fire(self._clock.us)

    def _passes(self, at: datetime, arrival_ms: int | None) -> None:
        """Every share must know of the same times, or sources would be known since other ones."""
        if at.tzinfo is None:
            return
        us = us_of(at)
        is_ahead = (
            arrival_ms is not None and us > (arrival_ms / 1000 + self._plan.max_ahead_s) * 1e6
        )
        if not is_ahead:
            self._past.passes(us)

    def _hears(self, event: Event) -> None:
        self._heard.add((event.source, event.type))
        self._past.hears(event.source, EVENT_TYPES[event.type].family, us_of(event.time))

    def _mine(self, line: Line, arrival_ms: int | None) -> None:
        self._lines += 1
        taken = self._decoded(line.value, arrival_ms)
        if isinstance(taken, Rejected):
            self._reasons[taken.reason.value] += 1
            return
        event = taken.event
        if self._past.knows(event):
            self._repeated += 1
            return
        self._heard.add((event.source, event.type))
        if event.type in self._comparer.types:
            self._compared += 1
        else:
            self._others += 1
        changes = self._past.compare(event, line.number)
        for number, change in enumerate(changes):
            self._tell(line.number, number, change)

    def _tell(self, line: int, number: int, change: Change) -> None:
        self._changes.append(Told(line, number, self._encode(change) + b"\n"))
        kind = (change.rule, change.change)
        if self._shown[kind] < self._examples:
            self._shown[kind] += 1
            self._kept.append((line, number, change))

    def _decoded(self, value: bytes, arrival_ms: int | None) -> Accepted | Rejected:
        return decode(value, received_ms=arrival_ms, max_ahead_s=self._plan.max_ahead_s)

    def _accepts(self, value: bytes, arrival_ms: int | None) -> bool:
        return isinstance(self._decoded(value, arrival_ms), Accepted)


def _arrival_ms(line: Line) -> int | None:
    return line.position.arrival_ms if line.position is not None else None
