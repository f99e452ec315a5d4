"""What a finding proposes to do: `suggest` of a rule, and its words in a finding.

suggest:
  - remove: item                                            the element itself
  - reduce: item.quantity
    to: {parameter: charge.hours_per_day}
  - replace: item.code
    with: {codeset: listed_items}                           one of a class
  - ask: split_prescription                                 a word that the site's screen knows
    zh: 请拆分处方
    en: split the prescription
"""

from __future__ import annotations

from typing import Final

from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.facts import CATALOGUE, Fact, Type
from rules.finding_model import Suggestion
from rules.model import CodeSetOperand, Literal, Operand
from rules.reading.checks import Scope
from rules.reading.fields import Fields
from rules.reading.fitting import operand_fits
from rules.reading.operands import Operands

_LABEL: Final = ("zh", "en")


def read_suggestions(fields: Fields, scope: Scope) -> tuple[Suggestion, ...]:
    """The suggestions of a finding; every mistake is reported."""
    node = fields.get("suggest")
    if node is None:
        return ()
    if not node.is_list:
        fields.report(node, "`suggest` is no list", "- remove: item")
        return ()
    read = (_one(child, Fields(child, "a suggestion", fields.problems), scope) for child in node)
    return tuple(suggestion for suggestion in read if suggestion is not None)


def _one(node: Node, f: Fields, scope: Scope) -> Suggestion | None:
    more = tuple(words.SUGGESTED_VALUES.values())
    if not f.expect((), (*words.SUGGESTIONS, *more, *_LABEL)):
        return None
    verbs = [name for name, _, _ in node.items() if name in words.SUGGESTIONS]
    if len(verbs) != 1:
        f.report(node, "a suggestion is one thing to do", "- remove: item")
        return None
    (verb,) = verbs
    target = f.text(verb)
    if not target or not _is_target(target, f, f.get(verb) or node, scope):
        return None
    before = len(f.problems)
    value = _value(verb, target, f, scope)
    label = _label(node, f)
    return Suggestion(verb, target, value, label) if len(f.problems) == before else None


def _is_target(target: str, f: Fields, node: Node, scope: Scope) -> bool:
    """An element, a fact that is there, or a word without a dot that only people understand."""
    if "." not in target:
        if target == "partner" and scope.each != words.INTERACTIONS:
            f.report(node, "only a pair has a partner", f"add `each: {words.INTERACTIONS}`")
            return False
        return True
    return scope.fact(target, lambda message, fix: f.report(node, message, fix)) is not None


def _value(verb: str, target: str, f: Fields, scope: Scope) -> Operand | None:
    fits = words.SUGGESTED_VALUES.get(verb, "")
    for word in words.SUGGESTED_VALUES.values():
        node = f.get(word)
        if node is not None and word != fits:
            f.report(node, f"`{verb}` has no `{word}`", "reduce … to, replace … with")
            return None
    node = f.get(fits) if fits else None
    if node is None:
        return None
    fact = CATALOGUE.get(target)
    if fact is None:
        return _of_whole(fits, node, f, scope)
    operator = "at_most" if verb == "reduce" else "is"
    if "codeset" in _names(node):
        operator = "any_in" if fact.type is Type.LIST else "in"
    return read_value(fact, operator, node, scope, f.problems)


def _names(node: Node) -> tuple[str, ...]:
    return tuple(name for name, _, _ in node.items()) if node.is_mapping else ()


def _of_whole(word: str, node: Node, f: Fields, scope: Scope) -> Operand | None:
    """What stands for an element as a whole: one of a code set, or a word."""
    if _names(node) == ("codeset",):
        name = Fields(node, f"`{word}`", f.problems).text("codeset")
        if not name or scope.knowledge.codeset(name) is not None:
            return CodeSetOperand(name) if name else None
        fix = words.nearest(name, scope.knowledge.codesets) or "add it to the knowledge base"
        f.report(node, f"there is no code set `{name}`", fix)
    elif isinstance(node.value, str) and node.value.strip():
        return Literal(node.value.strip())
    else:
        f.report(node, f"`{word}` is {node.kind}", "write {codeset: …} or text")
    return None


def read_value(
    fact: Fact, operator: str, node: Node, scope: Scope, problems: list[Problem]
) -> Operand | None:
    """One operand that fits a fact; what is wrong is reported."""
    operands = Operands(scope, problems).read(fact, operator, node)
    if operands is None:
        return None
    (operand,) = operands

    def report(message: str, fix: str) -> None:
        problems.append(node.problem(message, fix))

    return operand if operand_fits(operator, fact, operand, scope, report) else None


def _label(node: Node, f: Fields) -> Names | None:
    said = {name: f.text(name) for name in _LABEL if f.get(name) is not None}
    if len(said) == 1:
        f.report(node, "a label needs both languages", "add `zh` and `en`")
    return Names(said["zh"], said["en"]) if len(said) == len(_LABEL) else None
