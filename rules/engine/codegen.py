"""Python source for trees of conditions, in three-valued logic.

Together with source, forms and compiler beside it the only place that writes code.
"""

from __future__ import annotations

from rules.engine.forms import form_of
from rules.engine.source import Source
from rules.facts import list_of
from rules.model import AllOf, AnyOf, Condition, History, Not, Some, Test


def emit_condition(s: Source, tree: Condition, target: str, depth: int, bound: set[str]) -> None:
    """Emit code that leaves True, False or None (unknown) in `target`."""
    if isinstance(tree, Test):
        s.emit(depth, f"{target} = {form_of(s, tree, depth, bound).value}")
    elif isinstance(tree, Not):
        emit_condition(s, tree.condition, target, depth, bound)
        s.emit(depth, f"if {target} is not None: {target} = not {target}")
    elif isinstance(tree, Some):
        s.emit(depth, f"{target} = {_some(s, tree)}")
    elif isinstance(tree, History):
        if s.past is None:
            raise ValueError("no past can be asked here")
        s.emit(depth, f"{target} = {s.value(s.past(tree))}(c, F, x, E)")
    else:
        _emit_many(s, tree, target, depth, bound)


def emit_guard(
    s: Source, tree: Condition, depth: int, bound: set[str], if_false: str, if_unknown: str
) -> None:
    """Emit code that goes on where a tree is true, and else runs one of two statements."""
    if isinstance(tree, Test):
        form = form_of(s, tree, depth, bound)
        if form.is_plain:
            s.emit(depth, f"if {form.unknown}: {if_unknown}")
            s.emit(depth, f"elif not ({form.truth}): {if_false}")
            return
        s.emit(depth, f"t = {form.value}")
    else:
        emit_condition(s, tree, "t", depth, bound)
    s.emit(depth, f"if t is False: {if_false}")
    s.emit(depth, f"if t is None: {if_unknown}")


def _some(s: Source, tree: Some) -> str:
    """The call that goes through a list."""
    records = list_of(tree.each)
    if records is None or s.inner is None:
        raise ValueError(f"no list {tree.each} to go through here")
    return f"some(c, {s.value(records)}, {s.value(s.inner(tree))}, x)"


def _emit_many(s: Source, tree: AllOf | AnyOf, target: str, depth: int, bound: set[str]) -> None:
    neutral, decisive = ("True", "False") if isinstance(tree, AllOf) else ("False", "True")
    if not tree.conditions:
        s.emit(depth, f"{target} = {neutral}")
        return
    emit_condition(s, tree.conditions[0], target, depth, bound)
    for child in tree.conditions[1:]:
        part = s.name()
        s.emit(depth, f"if {target} is not {decisive}:")
        # What is read inside the branch may be unread after it: the branch gets its own copy.
        emit_condition(s, child, part, depth + 1, set(bound))
        s.emit(depth + 1, f"if {part} is not {neutral}: {target} = {part}")
