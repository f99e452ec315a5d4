"""The timelines of a rule's test file: events one after the other, in virtual time.

    base: {event: order.signed, items: [{code: S001}]}
    timeline:
      - {at: 0 h, event: {event: order.signed}}
      - {at: 8 h 11 min, expect: [{alert: {severity: warning}}]}
      - {at: 9 h, event: {event: order.executed, time: 7 h 50 min}, expect: [{retracted: in_time}]}

Virtual time begins on 1 January 2026 in the time zone of the institution; a time of the calendar
(`2026-03-29T10:00+08:00`) may stand instead. `at` is when the event arrives, `time` in it when it
happened, if that is another time. An event shows its difference from `base`; its id and its act
are its own (`event-2`, `act-2`) unless they are given, those of a visit `visit-1`. Before each
step the timers that are due fire, in their order.

Times in `base` and in an event may be virtual too (`started_at: 0 h`). That is for timelines alone:
where the file has `cases` as well, each of them says a time of the calendar.

`subject: test|patient-2` in an event lets it be about another patient, for rules about groups.

`expect` lists what is said, by timers and then by the event: an alert, `{retracted: why}`,
`{waiting: why}`, `{not_evaluable: fact}`, `{undetermined: fact}`; or it is `silent`, `exempt` or
`does_not_apply`, where nothing is said. A step without it expects no alert and no retraction.

A finding with `once_within` says whether it was told: `{alert: {delivery: {suppressed: true}}}`
where its audience was told the same before, `suppressed: false` where it is told now. It comes in
timelines only: a case has no past.

Several timelines stand as `timeline: [{name: …, steps: […]}, …]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.authoring.shorthand import ShorthandError, merge
from rules.authoring.virtual import At, at_of
from rules.reading.fields import Fields

NOTHING_SAID: Final = ("silent", "exempt", "does_not_apply")
SAID: Final = ("alert", "retracted", "waiting", "not_evaluable", "undetermined")
_BY_NAME: Final = {"retracted": "why", "waiting": "why"}
"""The part that a bare word after these means."""
_USUAL: Final = "timeline"


@dataclass(frozen=True)
class Outcome:
    """One thing that a step says."""

    word: str
    """One of NOTHING_SAID or SAID."""
    parts: dict[str, Any]
    """Of an alert, a retraction, or what waits."""
    facts: tuple[str, ...] = ()
    """Of what is not evaluable or undetermined: these are among the missing ones."""

    def __str__(self) -> str:
        told = ", ".join(self.facts) or (str(self.parts) if self.parts else "")
        return f"{self.word}: {told}" if told else self.word


@dataclass(frozen=True)
class Moment:
    """One step of a timeline."""

    at: At
    line: int
    event: dict[str, Any] | None = None
    """In shorthand, merged with the base; None where only time passes."""
    time: At | None = None
    """When it happened, where that is not when it arrives."""
    expect: tuple[Outcome, ...] | None = None


@dataclass(frozen=True)
class Timeline:
    """Steps under one name."""

    name: str
    line: int
    moments: tuple[Moment, ...]


def read_timelines(
    node: Node, base: dict[str, Any], problems: list[Problem]
) -> tuple[Timeline, ...]:
    """The timelines of a test file; whatever is wrong is appended to `problems`.

    One with a mistake is left out: what it would come to says nothing.
    """
    children = list(node) if node.is_list else []
    if not children:
        fix = "- {at: 0 h, event: {…}}"
        problems.append(node.problem("`timeline` lists no step", fix))
        return ()
    if all(child.is_mapping and child.get("steps") is not None for child in children):
        named = (_named(child, base, problems) for child in children)
        return tuple(one for one in named if one is not None)
    before = len(problems)
    moments = tuple(_moments(node, base, problems))
    return (Timeline(_USUAL, node.line, moments),) if len(problems) == before else ()


def _named(node: Node, base: dict[str, Any], problems: list[Problem]) -> Timeline | None:
    f = Fields(node, "a timeline", problems)
    before = len(problems)
    f.expect(("name", "steps"))
    name, steps = f.text("name"), f.get("steps")
    moments = tuple(_moments(steps, base, problems)) if steps is not None else ()
    if steps is not None and not list(steps if steps.is_list else ()):
        f.report(steps, "`steps` lists no step", "- {at: 0 h, event: {…}}")
    return Timeline(name, node.line, moments) if len(problems) == before else None


def _moments(node: Node, base: dict[str, Any], problems: list[Problem]) -> Iterator[Moment]:
    before: At | None = None
    for number, child in enumerate(node if node.is_list else (), 1):
        moment = _moment(child, number, base, problems)
        if moment is None:
            continue
        if type(before) is type(moment.at) and before > moment.at:  # type: ignore[operator]
            fix = "steps stand in the order of `at`; `time` in the event says when it happened"
            problems.append(child.problem("the step lies before the one above", fix))
        before = moment.at
        yield moment


def _moment(
    node: Node, number: int, base: dict[str, Any], problems: list[Problem]
) -> Moment | None:
    f = Fields(node, "a step", problems)
    if not f.expect(("at",), ("event", "expect")):
        return None
    at, expect, given = at_of(f.text("at")), f.get("expect"), f.get("event")
    if at is None:
        fix = "write 0 h, 8 h 11 min, or 2026-03-29T10:00+08:00"
        f.report(f.get("at") or node, "`at` is no time", fix)
        return None
    outcomes = None if expect is None else _outcomes(expect, f)
    if given is None:
        if expect is None:
            f.report(node, "the step does nothing", "add `event` or `expect`")
        return Moment(at, node.line, expect=outcomes)
    if not given.is_mapping:
        f.report(given, f"`event` is {given.kind}", "write what differs from `base`, or {}")
        return None
    try:
        event, time = _event(base, given.plain(), number)
    except ShorthandError as e:
        f.report(given, str(e))
        return None
    if time is not None and type(time) is type(at) and time > at:  # type: ignore[operator]
        fix = "`at` is when it arrives; let it be the same or later"
        f.report(given.get("time") or given, "the event happens after it arrives", fix)
    return Moment(at, node.line, event, time, outcomes)


def _event(
    base: dict[str, Any], given: dict[str, Any], number: int
) -> tuple[dict[str, Any], At | None]:
    """The step's event with an identity of its own, and when it happened if that is said."""
    said = given.pop("time", None)
    time = at_of(said)
    if said is not None and time is None:
        raise ShorthandError(f"the time {said} is not written like 7 h 50 min")
    event = merge({name: value for name, value in base.items() if name != "at"}, given)
    event.setdefault("id", f"event-{number}")
    family = str(event.get("event", "")).partition(".")[0]
    event.setdefault("act_id", "visit-1" if family == "encounter" else f"act-{number}")
    return event, time


def _outcomes(node: Node, f: Fields) -> tuple[Outcome, ...]:
    """What a step says; a single thing needs no list."""
    children = list(node) if node.is_list else [node]
    found = [_outcome(child, f) for child in children]
    known = tuple(one for one in found if one is not None)
    if len(known) > 1 and any(one.word in NOTHING_SAID for one in known):
        f.report(node, "where something is said it is not silent", "list what is said")
    if not children:
        f.report(node, "`expect` lists nothing", "write `expect: silent`")
    return known


def _outcome(node: Node, f: Fields) -> Outcome | None:
    if isinstance(node.value, str) and node.value in (*NOTHING_SAID, *SAID):
        return Outcome(node.value, {})
    entries = list(node.items()) if node.is_mapping else []
    if len(entries) != 1 or entries[0][0] not in SAID:
        known = words.listing((*NOTHING_SAID, *(f"{{{word}: …}}" for word in SAID)))
        word = entries[0][0] if entries else node.raw
        near = words.nearest(word, (*NOTHING_SAID, *SAID))
        f.report(node, "`expect` is not understood", near or f"expected {known}")
        return None
    word, _, value = entries[0]
    plain = value.plain()
    if word in ("not_evaluable", "undetermined"):
        facts = (plain,) if isinstance(plain, str) else tuple(map(str, plain or ()))
        return Outcome(word, {}, facts)
    if isinstance(plain, str) and word in _BY_NAME:
        return Outcome(word, {_BY_NAME[word]: plain})
    if plain is not None and not isinstance(plain, dict):
        f.report(value, f"`{word}` is {value.kind}", "write parts of it, or its reason")
        return None
    return Outcome(word, plain or {})
