"""Conditions in words, on one line."""

from __future__ import annotations

from rules.authoring.operand_values import said_operand
from rules.model import ALWAYS, AllOf, AnyOf, Condition, History, Not, Some, Test


def said(condition: Test | History) -> str:
    """A condition in words: `patient.age below parameter fluoroquinolone.minimum_age`."""
    if isinstance(condition, History):
        return _said_history(condition)
    operands = " and ".join(said_operand(operand) for operand in condition.operands)
    text = f"{condition.fact} {condition.operator} {operands}"
    if condition.fresh_within is not None:
        text += f", fresh within {said_operand(condition.fresh_within)}"
    return text


def _said_history(history: History) -> str:
    """`count of order.signed where … within parameter … including this at_least parameter …`."""
    of = f"{history.fact} of {history.of}" if history.fact else history.of
    parts = [f"{history.aggregate} of {of}"]
    if history.where != ALWAYS:
        parts.append(f"where ({said_tree(history.where)})")
    parts.append(window_of(history))
    if history.operator:
        limits = " and ".join(said_operand(operand) for operand in history.operands)
        parts.append(f"including {history.including} {history.operator} {limits}")
    if history.last is not None:
        parts.append(f"is ({said_tree(history.last)})")
    return " ".join(parts)


def window_of(history: History) -> str:
    """The window in words: `within parameter … before this.event.time`, `the same day`."""
    within = history.within
    text = f"within {said_operand(within)}" if within is not None else f"the same {history.same}"
    return f"{text} before {history.before}" if history.before else text


def said_tree(tree: Condition) -> str:
    """A tree of conditions on one line: `, ` is and."""
    if isinstance(tree, Test | History):
        return said(tree)
    if isinstance(tree, Some):
        return f"some of {tree.each} ({said_tree(tree.where)})"
    if isinstance(tree, Not):
        return f"not ({said_tree(tree.condition)})"
    inner = [said_tree(child) for child in tree.conditions]
    nested = isinstance(tree, AnyOf) or any(isinstance(c, AllOf | AnyOf) for c in tree.conditions)
    joined = " or " if isinstance(tree, AnyOf) else ", "
    return joined.join(f"({one})" if nested else one for one in inner)
