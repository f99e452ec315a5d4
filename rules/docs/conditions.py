"""Conditions in words, as nested lists."""

from __future__ import annotations

from rules.authoring.explain import said
from rules.facts import fact_of
from rules.model import ALWAYS, NEVER, AllOf, Condition, History, Not, Some, Test


def conditions_in_words(tree: Condition) -> list[str]:
    """The lines of a list; empty for a tree that is always or never true."""
    if tree in (ALWAYS, NEVER):
        return []
    if isinstance(tree, AllOf):
        return [line for child in tree.conditions for line in conditions_in_words(child)]
    if isinstance(tree, Test):
        fact = fact_of(tree.fact)
        meaning = f" — {fact.zh} {fact.en}" if fact is not None else ""
        return [f"- `{said(tree)}`{meaning}"]
    if isinstance(tree, History):
        return [f"- history of `{tree.of}`: {tree.aggregate} 既往", *_inside(tree.where)]
    if isinstance(tree, Not):
        return ["- not 非", *_inside(tree.condition)]
    if isinstance(tree, Some):
        return [f"- some of `{tree.each}` 其中之一", *_inside(tree.where)]
    lines = ["- any of 任一"]
    for child in tree.conditions:
        nested = conditions_in_words(child)
        if len(nested) > 1 and isinstance(child, AllOf):
            nested = ["- all of 全部", *(f"  {line}" for line in nested)]
        lines += [f"  {line}" for line in nested]
    return lines


def _inside(tree: Condition) -> list[str]:
    return [f"  {line}" for line in conditions_in_words(tree)]
