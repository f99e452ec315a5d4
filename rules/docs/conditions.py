"""Conditions in words, as nested lists."""

from __future__ import annotations

from rules import words
from rules.authoring.operand_values import said_operand
from rules.authoring.said import said, window_of
from rules.facts import fact_of
from rules.model import ALWAYS, NEVER, AllOf, Condition, History, Not, Some, Test


def conditions_in_words(tree: Condition) -> list[str]:
    """The lines of a list; empty for a tree that is always or never true."""
    if tree in (ALWAYS, NEVER):
        return []
    if isinstance(tree, AllOf):
        return [line for child in tree.conditions for line in conditions_in_words(child)]
    if isinstance(tree, Test):
        fact = fact_of(tree.fact.removeprefix(words.THIS))
        meaning = f" — {fact.zh} {fact.en}" if fact is not None else ""
        return [f"- `{said(tree)}`{meaning}"]
    if isinstance(tree, Not):
        return ["- not 非", *_inside(tree.condition)]
    if isinstance(tree, Some):
        return [f"- some of `{tree.each}` 其中之一", *_inside(tree.where)]
    if isinstance(tree, History):
        return _history(tree)
    lines = ["- any of 任一"]
    for child in tree.conditions:
        nested = conditions_in_words(child)
        if len(nested) > 1 and isinstance(child, AllOf):
            nested = ["- all of 全部", *(f"  {line}" for line in nested)]
        lines += [f"  {line}" for line in nested]
    return lines


_ASKED = {
    "count": "how many 次数", "sum": "the sum 合计", "distinct": "how many different 不同的个数",
    "exists": "there is one 有", "none": "there is none 无", "last": "the latest one 最近一次",
}  # fmt: skip
_COUNTS = {"this": "the present one counts 含本次", "others": "without the present one 不含本次"}


def _history(history: History) -> list[str]:
    """What is asked, of which past acts, in which window; then the conditions on them."""
    asked = _ASKED[history.aggregate]
    if history.fact:
        asked += f" `{history.fact}`"
    if history.operator:
        limits = " and ".join(said_operand(operand) for operand in history.operands)
        asked += f" {history.operator} {limits}, {_COUNTS[history.including]}"
    lines = [f"- history 既往 `{history.of}` {window_of(history)}: {asked}"]
    if inner := _inside(history.where):
        lines += ["  - of those with 其中", *(f"  {line}" for line in inner)]
    if history.last is not None:
        lines += ["  - which 且", *(f"  {line}" for line in _inside(history.last))]
    return lines


def _inside(tree: Condition) -> list[str]:
    return [f"  {line}" for line in conditions_in_words(tree)]
