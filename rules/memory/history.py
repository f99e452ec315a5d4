"""The members of a history: past acts, or their lines, in a window that ends at an anchor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

from rules.facts.base import Fact, Value, unknown
from rules.facts.interval import Interval
from rules.facts.restoring import restore
from rules.logic import Truth
from rules.memory.applying import BASE, counts
from rules.memory.instants import instant_of
from rules.memory.model import Act, Line, Memory
from rules.memory.recalled import Recalled

CLOSING: Final = frozenset({"stopped", "cancelled"})
"""What closes the validity of an act that was begun, at its time."""
USE: Final = "item.period"
_VALIDITY: Final = frozenset({USE, "event.period"})
"""The facts that say how long an act holds."""
_ENDED: Final = unknown("not_reported")
_GIVES_BACK: Final = frozenset({"returned", "refunded"})
"""Verbs of what came back: that it did is what they tell."""


class Window(NamedTuple):
    """From when (not included, but for `from_is_in`) up to when (included)."""

    start_us: int
    end_us: int
    from_is_in: bool = False
    encounter: str = ""
    """Only acts of this visit, and those of which the visit is not known; "": of all."""
    act: str = ""
    """Only lines of this act."""

    def holds(self, at_us: int) -> bool:
        if self.from_is_in:
            return self.start_us <= at_us <= self.end_us
        return self.start_us < at_us <= self.end_us


class Member(NamedTuple):
    """One past act, or one line of it."""

    act: Act
    line: Line | None
    at_us: int
    is_sure: bool = True
    """Whether it is known to be of the visit that is asked for, and not to have come back."""

    @property
    def name(self) -> str:
        """How it is told apart from others; of two at one time the smaller name comes first."""
        line = self.line.id if self.line is not None else ""
        return f"{self.act.key}\x1f{line}"


def day_of(at: datetime, zone: tzinfo) -> datetime:
    """The first instant of the local day."""
    local = at.astimezone(zone)
    return datetime(local.year, local.month, local.day, tzinfo=zone)


def month_of(at: datetime, zone: tzinfo) -> datetime:
    """The first instant of the local month."""
    local = at.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone)


def year_of(at: datetime, zone: tzinfo) -> datetime:
    """The first instant of the local year."""
    local = at.astimezone(zone)
    return datetime(local.year, 1, 1, tzinfo=zone)


def members(
    recalled: Recalled, family: str, verb: str, window: Window, *,
    of_lines: bool, element: str, includes_this: bool,
) -> Iterator[Member]:  # fmt: skip
    """The acts or lines that went through `verb` within the window, without a thought of `where`.

    What came back as a whole is none, and what may have is not sure, unless `verb` itself tells of
    what comes back. Of the present act only earlier lines than `element`, and with `includes_this`
    its own.
    """
    present = recalled.present
    own = present.key if present is not None else ""
    for key, act in recalled.memory.acts.items():
        if act.family != family or key == own or not _counts(act, verb):
            continue
        if verb not in act.reached or window.act:
            continue
        is_sure = act.encounter == window.encounter or not window.encounter
        if act.encounter and not is_sure:
            continue
        at = act.at_us if act.is_timed else act.reached[verb]
        if not of_lines:
            stands = _stands(act, verb)
            if stands is not False and window.holds(at):
                yield Member(act, None, at, is_sure and stands is True)
            continue
        for line in act.lines:
            stands = _stands(line, verb)
            when = at if line.at_us is None else line.at_us
            if stands is not False and window.holds(when):
                yield Member(act, line, when, is_sure and stands is True)
    if present is not None and present.family == family and _goes_through(recalled, verb):
        for member in _of_present(present, window, of_lines, element, includes_this):
            stands = _stands(member.act if member.line is None else member.line, verb)
            if stands is not False:
                yield member if stands else member._replace(is_sure=False)


def _counts(act: Act, verb: str) -> bool:
    """Whether an act is there for a history of a verb: a return is, of whatever came back."""
    return counts(act) or (act.removed == verb and verb in _GIVES_BACK)


def _stands(of: Act | Line, verb: str) -> Truth:
    """Whether anything is left of an act or a line that a history of a verb asks for."""
    return True if verb in _GIVES_BACK else of.stands


def _goes_through(recalled: Recalled, verb: str) -> bool:
    """Whether the present act went through the verb, or would: a draft is judged as if signed."""
    present = recalled.present
    if present is None:
        return False
    known = recalled.memory.acts.get(present.key)
    if verb in present.reached or (known is not None and verb in known.reached):
        return True
    return present.verb == "draft" and BASE.get(present.family) == verb


def _of_present(
    present: Act, window: Window, of_lines: bool, element: str, includes_this: bool
) -> Iterator[Member]:
    if not of_lines:
        if includes_this and window.holds(present.at_us):
            yield Member(present, None, present.at_us)
        return
    if all(line.id != element for line in present.lines):  # the rule is about the whole act
        yield from (
            Member(present, line, when)
            for line in present.lines
            if includes_this
            and window.holds(when := present.at_us if line.at_us is None else line.at_us)
        )
        return
    for line in present.lines:
        is_own = line.id == element
        when = present.at_us if line.at_us is None else line.at_us
        if (includes_this or not is_own) and window.holds(when):
            yield Member(present, line, when)
        if is_own:
            return  # later lines come after it


def restored(facts: tuple[Fact, ...], raw: dict[str, Any]) -> dict[str, Value]:
    """The kept values of facts; those that were not kept are left out."""
    return {fact.name: restore(fact, raw[fact.name]) for fact in facts if fact.name in raw}


def as_it_ended(name: str, value: Value, act: Act, memory: Memory) -> Value:
    """An interval among the facts of an act, up to where the act ended.

    What is stopped holds no longer; what is stopped before it began never held. Another one without
    an end lasts while its visit is open; after that its end is unknown.
    """
    if type(value) is not Interval:
        return value
    if name in _VALIDITY and act.verb in CLOSING:
        return _until(value, instant_of(act.reached[act.verb]), act)
    if value.end is None and act.encounter in memory.ended:
        return Interval(start=value.start, end=_ENDED)
    return value


def _until(use: Interval, stopped: datetime, act: Act) -> Interval:
    # An order says itself until when it holds; a supply is one until it is used up.
    if type(use.end) is datetime and (act.family == "order" or use.end <= stopped):
        return use
    if type(use.start) is datetime and use.start > stopped:
        return Interval(start=use.start, end=use.start)
    return Interval(start=use.start, end=stopped)
