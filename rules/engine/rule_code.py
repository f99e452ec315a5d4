"""A rule as generated code: scope, `when`, `unless`, each left as early as possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rules.engine.codegen import emit_condition, emit_guard
from rules.engine.outcomes import (
    ALERT,
    EXEMPT,
    NOT_APPLICABLE,
    NOT_EVALUABLE,
    SILENT,
    UNDETERMINED,
    UNVERIFIED,
)
from rules.engine.source import Source
from rules.model import ALWAYS, AllOf, AnyOf, Condition, Rule, Test

Leave: TypeAlias = Callable[[int], str]
"""From an outcome to the statements that end a rule with it."""


def emit_rule(
    s: Source,
    rule: Rule,
    depth: int,
    outer: set[str],
    leave: Leave,
    true: tuple[Test, ...] = (),
) -> None:
    """Emit a rule. What its first condition reads is surely read, and stays bound in `outer`.

    `true` are conditions of its scope and of `when` that are known to be true.
    """
    is_sure = rule.unless == AnyOf(())
    undetermined, unevaluable = leave(UNDETERMINED), leave(NOT_EVALUABLE) if is_sure else ""
    scope, when = without(rule.scope, true), without(rule.when, true)
    bound = _emit_all(s, scope, depth, outer, leave(NOT_APPLICABLE), undetermined)
    bound = _emit_all(s, when, depth, bound, leave(SILENT), unevaluable)
    if is_sure:
        s.emit(depth, leave(ALERT))
        return
    emit_condition(s, rule.unless, "e", depth, bound)
    s.emit(depth, f"if e is True: {leave(EXEMPT)}")
    s.emit(depth, f"if u: {leave(NOT_EVALUABLE)}")
    s.emit(depth, f"if e is False: {leave(ALERT)}")
    s.emit(depth, leave(UNVERIFIED))


def without(tree: Condition, true: tuple[Test, ...]) -> Condition:
    """A tree with conditions that are true left out."""
    if not true:
        return tree
    if any(tree is one for one in true):
        return ALWAYS
    if not isinstance(tree, AllOf):
        return tree
    left = [child for child in tree.conditions if not any(child is one for one in true)]
    return AllOf(tuple(without(child, true) for child in left))


def _emit_all(
    s: Source, tree: Condition, depth: int, outer: set[str], if_false: str, if_unknown: str
) -> set[str]:
    """Emit a tree at the top: leave once it is false; leave, or flag it in `u`, if it is unknown.

    Returns what is surely read after it, if it is not left.
    """
    children = tree.conditions if isinstance(tree, AllOf) else (tree,)
    leaves_at_once = len(children) == 1 and bool(if_unknown)
    if not leaves_at_once and (children or not if_unknown):
        s.emit(depth, "u = False")
    bound = outer
    for child in children:
        emit_guard(s, child, depth, bound, if_false, if_unknown if leaves_at_once else "u = True")
        # From here on the code may be left: what is read later is not surely read by others.
        bound = set(bound)
    if if_unknown and len(children) > 1:
        s.emit(depth, f"if u: {if_unknown}")
    return bound
