"""Which timelines the tests of a rule must have, computed from its `history` and `expect`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from contracts.decision import Decision
from contracts.event import EVENT_TYPES, Event
from knowledge_base.model import Names
from rules.authoring.running import events_of
from rules.authoring.said import said
from rules.engine.lengths import moved
from rules.engine.past import name_of
from rules.lint.base import CaseCheck, Subject
from rules.lint.past import most
from rules.model import Expect, History, Literal, ParameterOperand, Rule, Span

_ABOVE: Final = ("above", "at_most")
"""Operators whose other side begins just above the limit."""


class Timelines(CaseCheck):
    id = "YJ111"
    title = Names("既往与时限要有时间线", "Timelines for windows, counts and deadlines")
    doc = (
        "Every window of `history` needs a timeline with an act inside it and one exactly at its "
        "edge, which is out: the window is (t - w, t]. Every limit of a count, a sum or a number "
        "of values needs one exactly at it and one on its other side. A rule that expects an event "
        "needs a timeline in which it is overdue and one in which the event comes in time."
    )

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        for body in subject.rule.bodies:
            yield from _lacking(body, subject)


def _lacking(body: Rule, subject: Subject) -> Iterator[tuple[str, str]]:
    runs = [r for r in subject.results if r.case.timeline is not None and not r.error]
    lines = [events_of(run.case.timeline, subject.knowledge) for run in runs if run.case.timeline]
    decisions = [decision for result in subject.results for decision in result.decisions]
    for history in dict.fromkeys(body.histories):
        if history.within is not None and most(history.within, subject.knowledge) == timedelta(0):
            continue  # it holds nothing at all
        found = {side for line in lines for side in _edges(body, history, line, subject)}
        if history.within is not None and "inside" not in found:
            yield f"a timeline with an act within `{said(history)}`", "put one into the window"
        if history.within is not None and "edge" not in found:
            fix = "put one exactly at the beginning of the window: it is out"
            yield f"a timeline with an act at the edge of `{said(history)}`", fix
        yield from _limits(history, decisions, subject)
    if body.expect is not None:
        yield from _duty(body.expect, decisions)


def _edges(
    body: Rule, history: History, line: tuple[tuple[Event, tzinfo], ...], subject: Subject
) -> Iterator[str]:
    """Where the acts of a timeline lie in the windows of its later events."""
    for place, (event, zone) in enumerate(line):
        if _name(event) not in body.on or history.within is None:
            continue
        for end in _times(event):
            starts = list(_starts(end, history.within, zone, subject))
            for other, _ in line[:place]:
                if _name(other) != history.of:
                    continue
                for at in _times(other):
                    if at in starts:
                        yield "edge"
                    if any(start < at <= end for start in starts):
                        yield "inside"


def _starts(end: datetime, within: Span, zone: tzinfo, subject: Subject) -> Iterator[datetime]:
    """When a window that ends then begins, by each row that a parameter has."""
    operand: Any = getattr(within, "count", within)
    if not isinstance(operand, ParameterOperand):
        start = moved(end, within, -1, zone, lambda _: None)
        if start is not None:
            yield start
        return
    parameter = subject.knowledge.parameter(operand.parameter)
    day: date = end.astimezone(zone).date()
    for key in parameter.rows if parameter is not None else ():
        value = parameter.at(day, key) if parameter is not None else None
        start = moved(end, within, -1, zone, lambda _, value=value: value)  # type: ignore[misc]
        if start is not None:
            yield start


def _times(event: Event) -> list[datetime]:
    """When an event's act, or a line of it, was rendered."""
    own = getattr(event.data, "service_time", None)
    at = own if isinstance(own, datetime) else event.time
    lines = (getattr(item, "service_time", None) for item in getattr(event.data, "items", ()))
    return [at, *(one for one in lines if isinstance(one, datetime))]


def _limits(
    history: History, decisions: list[Decision], subject: Subject
) -> Iterator[tuple[str, str]]:
    """Each limit itself, and its other side."""
    name = name_of(history)
    values = [v for d in decisions for v in _values(d, name) if v["certain"] == v["possible"]]
    for operand in history.operands:
        limits = _numbers(operand, subject)
        if not limits:
            continue
        numbers = [float(value["certain"]) for value in values]
        is_above = history.operator in _ABOVE
        beyond = [n for n in numbers for limit in limits if (n > limit if is_above else n < limit)]
        if not any(number in limits for number in numbers):
            yield f"a timeline at the limit of `{said(history)}`", "let it come to just that much"
        nothing_below = not is_above and max(limits) == 0
        if not beyond and not nothing_below:
            side = "above" if is_above else "below"
            yield f"a timeline {side} the limit of `{said(history)}`", "add or remove an act"


def _numbers(operand: Any, subject: Subject) -> list[float]:
    if isinstance(operand, Literal):
        return [float(operand.value)] if isinstance(operand.value, int) else []
    parameter = subject.knowledge.parameter(getattr(operand, "parameter", ""))
    if parameter is None:
        return []
    return [float(entry.value.value) for row in parameter.rows.values() for entry in row]


def _values(decision: Decision, name: str) -> Iterator[dict[str, Any]]:
    """What a history came to, on the event and on its elements."""
    for facts in (decision.facts, *decision.elements.values()):
        value = facts.get(name)
        if isinstance(value, dict) and "certain" in value:
            yield value


def _duty(expect: Expect, decisions: list[Decision]) -> Iterator[tuple[str, str]]:
    if not any(decision.findings for decision in decisions):
        yield "a timeline in which the event is overdue", "let the time pass: {at: …, expect: …}"
    if not any(decision.event.type.startswith(f"{expect.event}.") for decision in decisions):
        yield f"a timeline in which {expect.event} comes in time", f"add a step with {expect.event}"


def _name(event: Event) -> str:
    known = EVENT_TYPES[event.type]
    return f"{known.family}.{known.verb}"


PAST_CASE_CHECKS: Final = (Timelines,)
