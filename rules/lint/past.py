"""Windows and limits of time that mean something, and findings that stand for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import PACKS, units, words
from rules.authoring.operand_values import said_operand
from rules.authoring.said import said
from rules.engine.lengths import IN_CALENDAR
from rules.lint.base import Check, Material, Subject
from rules.model import (
    CalendarOperand,
    ParameterOperand,
    QuantityOperand,
    Rule,
    Span,
)

_CALENDAR: Final = {"days": 1, "months": 28, "years": 365, words.WORKING_DAYS: 1}
"""So many days at least."""
_MOST: Final = {"days": 1, "months": 31, "years": 366, words.WORKING_DAYS: 8}


class Spans(Check):
    id = "YJ209"
    title = Names("时间窗口与时限有意义", "Windows and limits of time mean something")
    doc = (
        "A window of `history` that lasts no time holds no act: the condition is never true, or "
        "always. A reminder lies between the rule's event and the day on which the other is due, "
        "each step of `escalate` after the one before; `every` is always as long, so it is hours, "
        "or days of 24 hours (`d`). Correct the parameter, or name another one."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        for body in subject.rule.bodies:
            where = "" if body is subject.rule else f"version {body.version}: "
            for place, message in (*_windows(body, subject), *_duty(body, subject)):
                fix = "correct the parameter, or name another one"
                yield self.at(place, f"{where}{message}", fix)


def _windows(body: Rule, subject: Subject) -> Iterator[tuple[Node, str]]:
    places = _histories(body, subject)
    for history, node in zip(body.histories, places, strict=True):
        if history.within is not None and not most(history.within, subject.knowledge):
            place = node.get("within") or node
            yield place, f"the window of `{said(history)}` holds no act"


def _histories(body: Rule, subject: Subject) -> list[Node]:
    """Where the histories of a body stand, in the order of scope, when and unless."""
    found = []
    for name in ("scope", "when", "unless"):
        tree = next((value for key, _, value in subject.entries(body) if key == name), None)
        named = tree.entries() if tree is not None else ()
        found += [value for key, _, value in named if key == words.HISTORY]
    return found


def _duty(body: Rule, subject: Subject) -> Iterator[tuple[Node, str]]:
    expect, knowledge = body.expect, subject.knowledge
    if expect is None:
        return
    node = next(value for key, _, value in subject.entries(body) if key == words.EXPECT)
    limit = _least(expect.within, knowledge)
    if not most(expect.within, knowledge):
        yield node.get("within") or node, "`within` lasts no time: it is due at once"
    reminder = expect.remind_before
    if reminder is not None and limit is not None:
        early = most(reminder, knowledge)
        if early is not None and early >= limit:
            text = f"`remind_before` ({said_operand(reminder)}) lies before the rule's own event"
            yield node.get("remind_before") or node, text
    if expect.every is not None:
        every = node.get("every") or node
        if not most(expect.every, knowledge):
            yield every, "`every` lasts no time: it would be missed without end"
        elif _is_calendar(expect.every, knowledge):
            yield every, "`every` is counted in the calendar: its days differ in length"
    before = timedelta(0)
    steps = node.get("escalate")
    for number, (step, place) in enumerate(zip(expect.escalate, steps or (), strict=True), 1):
        after = most(step.after, knowledge)
        if after is None:
            continue
        if after < before or (number > 1 and after == before):
            yield place, f"step {number} of `escalate` is not later than the one before"
        before = after


def most(span: Span, knowledge: KnowledgeBase) -> timedelta | None:
    """The longest that a length of time can be; None where that is not known."""
    return max(_lengths(span, knowledge, _MOST), default=None)


def _least(span: Span, knowledge: KnowledgeBase) -> timedelta | None:
    return min(_lengths(span, knowledge, _CALENDAR), default=None)


def _lengths(span: Span, knowledge: KnowledgeBase, days: dict[str, int]) -> list[timedelta]:
    """What it comes to on any day and in any row."""
    if isinstance(span, QuantityOperand):
        found = units.duration(span.value, span.unit)
        return [] if found is None else [found]
    if isinstance(span, CalendarOperand):
        if isinstance(span.count, int):
            return [timedelta(days[span.unit] * span.count)]
        return [timedelta(days[span.unit] * value) for value, _ in _values(span.count, knowledge)]
    lengths = (
        timedelta(days[unit] * value) if unit in days else units.duration(value, unit)
        for value, unit in _values(span, knowledge)
    )
    return [length for length in lengths if length is not None]


def _is_calendar(span: Span, knowledge: KnowledgeBase) -> bool:
    """Whether a length of time is not always the same."""
    if isinstance(span, ParameterOperand):
        return any(unit in IN_CALENDAR for _, unit in _values(span, knowledge))
    return isinstance(span, CalendarOperand) or span.unit in IN_CALENDAR


def _values(operand: ParameterOperand, knowledge: KnowledgeBase) -> list[tuple[float, str]]:
    parameter = knowledge.parameter(operand.parameter)
    if parameter is None:
        return []
    return [
        (entry.value.value, parameter.unit)
        for row in parameter.rows.values()
        for entry in row
        if isinstance(entry.value.value, int | float)
    ]


class Overrides(Check):
    id = "YJ210"
    title = Names("所取代的规则存在", "Findings stand for others that exist")
    doc = (
        "`overrides` names rules whose findings on the same element and phase give way. Each must "
        "exist, and no two may give way to each other, however long the way round: both alerts "
        "would be gone. Correct the id, or remove one of the two."
    )

    def together(self, material: Material) -> Iterable[Problem]:
        given = {rule.id: rule.finding.overrides for rule in material.pack.rules}
        known = {*given, *material.unreadable}
        for subject in material.subjects:
            for name in given.get(subject.rule.id, ()):
                place = _named(name, subject)
                if name not in known and not _is_elsewhere(name, subject):
                    fix = "write the id of a rule: folder.file"
                    yield self.at(place, f"`overrides` names no rule: {name}", fix)
                elif subject.rule.id in _reached(name, given):
                    message = f"{subject.rule.id} and {name} give way to each other"
                    yield self.at(place, message, "remove one of the two from `overrides`")


def _named(name: str, subject: Subject) -> Node:
    """Where a rule names another one in `overrides`."""
    listed = (v for k, _, v in subject.entries(subject.rule) if k == "overrides" and v.is_list)
    found = (node for nodes in listed for node in nodes if node.value == name)
    return next(found, subject.place("finding"))


def _is_elsewhere(name: str, subject: Subject) -> bool:
    """Whether the rule is there, though it was not among what is checked."""
    folder, _, stem = name.rpartition(".")
    roots = (subject.path.resolve().parent.parent, PACKS)
    return any((root / folder / f"{stem}.yaml").is_file() for root in roots)


def _reached(name: str, given: dict[str, tuple[str, ...]]) -> set[str]:
    """Every rule that gives way to this one, directly or through others."""
    found: set[str] = set()
    waiting = list(given.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += given.get(one, ())
    return found


PAST_CHECKS: Final = (Spans, Overrides)
