"""Conditions in words, as nested lists."""

from __future__ import annotations

from typing import Any

from rules.authoring.explain import said
from rules.facts import Fact, fact_of
from rules.facts.vocabulary import chinese_of
from rules.model import ALWAYS, NEVER, AllOf, Condition, Literal, Not, Some, Test, Words


def conditions_in_words(tree: Condition) -> list[str]:
    """The lines of a list; empty for a tree that is always or never true."""
    if tree in (ALWAYS, NEVER):
        return []
    if isinstance(tree, AllOf):
        return [line for child in tree.conditions for line in conditions_in_words(child)]
    if isinstance(tree, Test):
        fact = fact_of(tree.fact)
        meaning = f" — {fact.zh} {fact.en}{_words(tree, fact)}" if fact is not None else ""
        return [f"- `{said(tree)}`{meaning}"]
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


def _words(test: Test, fact: Fact) -> str:
    """The words of a closed vocabulary that it compares with, in Chinese."""
    values: list[Any] = []
    for operand in test.operands:
        if isinstance(operand, Words):
            values += operand.values
        elif isinstance(operand, Literal) and fact.words:
            values.append(operand.value)
    found = chinese_of(fact, tuple(values))
    return f" ({found})" if found else ""


def _inside(tree: Condition) -> list[str]:
    return [f"  {line}" for line in conditions_in_words(tree)]
