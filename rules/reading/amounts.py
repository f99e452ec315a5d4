"""From the YAML of `amount` to which money a finding is about.

amount: whole                                              the line, both lines, or the bill
amount: {excess: quantity, over: {parameter: charge.hours_per_day}}
amount: {excess: price, over: {parameter: price.limit, by: [item.code]}}
amount: cheaper_of_pair                                    with `each: item.interactions`
"""

from __future__ import annotations

from typing import Final

from contracts.acts import VERBS
from knowledge_base.strict_yaml import Node
from rules import words
from rules.facts import CATALOGUE
from rules.finding_model import AmountSpec
from rules.reading.checks import Scope
from rules.reading.fields import Fields
from rules.reading.suggestions import read_value

CHARGED: Final = "billing"
"""The family whose lines carry money."""
REFUND: Final = f"{CHARGED}.refunded"
_STANDING: Final = frozenset({f"{CHARGED}.charged", f"{CHARGED}.amended"})
"""Events after which the money is charged, so that a refund can follow."""
EXCESS_OF: Final = {
    "quantity": "item.quantity",
    "days": "item.quantity",
    "price": "item.unit_price",
}
"""What is compared with the limit, by what an excess is of."""


def read_amount(fields: Fields, scope: Scope) -> AmountSpec | None:
    """The amount of a finding; every mistake is reported."""
    node = fields.get("amount")
    if node is None:
        return None
    if scope.families != (CHARGED,):
        have = words.listing(f"{CHARGED}.{verb}" for verb in VERBS[CHARGED])
        fields.report(node, "only charges have an amount", f"let `on` name {have}, and no others")
        return None
    return _excess(node, fields, scope) if node.is_mapping else _plain(node, fields, scope)


def check_refunds(on: tuple[str, ...], node: Node, fields: Fields) -> None:
    """Report a rule about charges that would not hear of their refund."""
    if _STANDING.intersection(on) and REFUND not in on:
        text = "a refund would not reduce the amount: the rule is not asked when one comes"
        fields.report(node, text, f"add {REFUND} to `on`")


def _plain(node: Node, f: Fields, scope: Scope) -> AmountSpec | None:
    word = f.choice("amount", words.AMOUNTS)
    if not word:
        return None
    if word != "whole" and scope.each != words.INTERACTIONS:
        f.report(node, f"`{word}` needs a pair", f"add `each: {words.INTERACTIONS}`")
        return None
    if scope.each not in ("", "items", words.INTERACTIONS):
        f.report(node, f"an element of {scope.each} has no charge", "let `each` be items")
        return None
    return AmountSpec(word)


def _excess(node: Node, f: Fields, scope: Scope) -> AmountSpec | None:
    inner = Fields(node, "`amount`", f.problems)
    if not inner.expect((words.EXCESS, "over")):
        return None
    kind, over = inner.choice(words.EXCESS, words.EXCESSES), inner.get("over")
    if not kind or over is None:
        return None
    if scope.each != "items":
        f.report(node, "an excess is of one line", "add `each: items`")
        return None
    operand = read_value(CATALOGUE[EXCESS_OF[kind]], "at_most", over, scope, f.problems)
    return AmountSpec(words.EXCESS, kind, operand) if operand is not None else None
