"""The pairs of an event on their way to its decision, see rules.facts.pairs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rules.engine.plan import Group
from rules.facts.base import Context, Element
from rules.facts.pair_search import Unseen, are_none, find_pairs
from rules.facts.pairs import of_side
from rules.memory.partners import Partners
from rules.naming import line_names

if TYPE_CHECKING:
    from rules.engine.run import Run


def judge_pairs(run: Run) -> None:
    """Look at the pairs of lines, each as of the date of its line of the later date."""
    items = run.event.data.items  # type: ignore[union-attr]
    if are_none(run.context, items):
        return
    lines = [Element(item, name) for item, name in zip(items, line_names(items), strict=True)]
    # A group holds acts of several patients: no line of the one meets one of the other.
    others = None if run.asked.group else Partners.of(run.context)
    days = [_day_of(run, item) for item in items]
    for day in sorted(set(days)):
        group = run.plan_of(day).of_pairs
        if group is not None:
            until = [place for place, of_line in enumerate(days) if of_line <= day]
            is_of_day = [days[n] == day for n in until]
            _on_day(run, group, day, [lines[n] for n in until], is_of_day, others)


def _day_of(run: Run, item: Any) -> date:
    """The service date of an item; the event's where it has none, or an impossible one."""
    at = getattr(item, "service_time", None)
    try:
        return at.astimezone(run.zone).date() if isinstance(at, datetime) else run.day
    except OverflowError:
        return run.day


def _on_day(
    run: Run, group: Group, day: date, lines: Sequence[Element], is_of_day: Sequence[bool],
    others: Partners | None,
) -> None:  # fmt: skip
    c = run.context_of(day)
    try:
        pairs, unseen = find_pairs(c, lines, is_of_day, others)
    except Exception:  # a fault in the tables fails the rules about pairs, not the event
        for ready in group.everything:
            run.fail(ready, c)
        return
    for missing in unseen:
        _undetermined(run, missing, group, c)
    if c is run.context:
        run.all_of(group, pairs, c)
        return
    for x in pairs:
        run.of_other_day(group, c, x)


def _undetermined(run: Run, missing: Unseen, group: Group, c: Context) -> None:
    """A line whose pairs the event does not show: rules about such pairs are undetermined."""
    sides = missing.sides
    might_be = [{}] if sides is None else [of_side(side, missing.why) for side in sides]
    under = (missing.line.id, missing.fact, missing.why)
    run.undetermined_of(group, c, under, might_be)
