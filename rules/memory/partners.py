"""The lines of a patient's other acts that may be one half of a pair with lines of the present one.

An act that does not count (cancelled, entered in error, given back) has none, and neither has the
present act in any of its revisions, nor what was stopped before its use began. A use without an
end, or of which the end is not known, lasts until it was stopped. One that was not stopped is open
while the visit goes on where it has no end; after the visit nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from contracts.event import EVENT_TYPES
from rules.facts.base import Context, Element
from rules.facts.halves import HALF, Remembered, restored_half
from rules.memory.applying import counts
from rules.memory.history import CLOSING, USE, as_it_ended
from rules.memory.horizon import families_with
from rules.memory.instants import us_of
from rules.memory.model import Act, Line, act_key
from rules.memory.recalled import Recalled


class Partners:
    """The other acts of the patient of one event."""

    def __init__(self, recalled: Recalled, family: str, own: str) -> None:
        self._recalled = recalled
        self._families = families_with(family)
        self._own = own
        self._lines: Sequence[Element] | None = None

    @classmethod
    def of(cls, c: Context) -> Partners | None:
        """Those of what a context recalls; None where it recalls nothing."""
        if c.recalled is None:
            return None
        event = c.event
        family = EVENT_TYPES[event.type].family
        return cls(c.recalled, family, act_key(event.source, family, event.data.act_id))

    @property
    def lines(self) -> Sequence[Element]:
        """The lines, in the order in which their acts were first heard of."""
        if self._lines is None:
            self._lines = tuple(self._found())
        return self._lines

    def covers(self, begin: datetime) -> bool:
        """Whether every line is known that matters for one whose use begins then."""
        return self._recalled.covers_pairs(self._families, us_of(begin))

    def _found(self) -> Iterator[Element]:
        for key, act in self._recalled.memory.acts.items():
            if act.family in self._families and key != self._own and counts(act):
                for line in act.lines:
                    half = self._half(act, line)
                    if half is not None:
                        yield Element(half, f"{act.act_id}/{line.id}")

    def _half(self, act: Act, line: Line) -> Remembered | None:
        raw = line.facts.get(HALF)
        if raw is None:
            return None
        half = restored_half(act.family, raw, _at_us(act, line))
        use = as_it_ended(USE, half.use, act, self._recalled.memory)
        if act.verb in CLOSING and not use.start < use.end:
            return None
        return half if use.end is half.end else replace(half, end=use.end)


def _at_us(act: Act, line: Line) -> int:
    """The time that a line is judged at: of an act without any the first event about it."""
    if line.at_us is not None:
        return line.at_us
    return act.at_us if act.is_timed else min(act.reached.values())
