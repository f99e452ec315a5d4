"""Events of which it is not known to which group they belong: their rules are never just silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.engine.outcomes import UNDETERMINED
from rules.facts.base import Context, Element
from rules.naming import line_names

if TYPE_CHECKING:
    from rules.engine.plan import Ready
    from rules.engine.run import Run


def leave_open(run: Run) -> None:
    """Name the rules that would have decided in a group, or counted the event there."""
    c = run.context
    lines: dict[str, Element] = {}
    for ungrouped in run.plan.ungrouped:
        missing = ungrouped.grouping.keys(c).missing
        if missing and not lines and any(element for element, _, _ in missing):
            items = c.data.items
            names = line_names(items)
            lines = {name: Element(one, name) for one, name in zip(items, names, strict=True)}
        for under in missing:
            x = lines.get(under[0])
            for ready in ungrouped.rules:
                if not _is_out(ready, c, x):
                    _name(run, under, ready.id, ready.version)
            for rule_id, version in ungrouped.members.items():
                _name(run, under, rule_id, version)


def _is_out(ready: Ready, c: Context, x: Element | None) -> bool:
    """Whether the rule would not apply in any group."""
    if x is None and ready.rule.each:
        return False
    try:
        return ready.reasons.truth(ready.rule.scope, c, x) is False
    except Exception:  # a fact that raises: nobody knows
        return False


def _name(run: Run, under: tuple[str, str, str], rule_id: str, version: int) -> None:
    rules = run.undetermined.setdefault(under, {})
    if rule_id not in rules:
        rules[rule_id] = None
        run.rules[rule_id] = version
        run.counts[UNDETERMINED] += 1
