"""zen-engine: three decision tables that collect every row that hits, one a kind of element.

It has no index over rows: each row is looked at for each element. Contexts are made before.
"""

from __future__ import annotations

import json
from typing import Any, Final

from benchmarks.engine.engine import Bench, Slow
from benchmarks.engine.neutral import KINDS, Condition, Firing, Rule, rows
from benchmarks.engine.workload import Workload

_OUTPUT: Final = "fired"


def make(workload: Workload) -> Bench:
    """Raises ImportError where zen-engine is not installed."""
    import zen

    engine = zen.ZenEngine()
    decisions = {
        of: engine.create_decision(json.dumps(_graph([r for r in workload.rules if r.of == of])))
        for of in KINDS
    }

    def fire(facts: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return [(element, decisions[row["of"]].evaluate(row)) for element, row in facts]

    return Slow([rows(visit) for visit in workload.visits], fire, _read)


def _read(answers: list[tuple[str, Any]]) -> set[Firing]:
    return {
        Firing(row[_OUTPUT], element) for element, answer in answers for row in answer["result"]
    }


def _graph(rules: list[Rule]) -> dict[str, Any]:
    """Input, table, output."""
    table = {"id": "t", "type": "decisionTableNode", "name": "rules", "content": _table(rules)}
    return {
        "nodes": [
            {"id": "i", "type": "inputNode", "name": "facts"},
            table,
            {"id": "o", "type": "outputNode", "name": "found"},
        ],
        "edges": [
            {"id": "e1", "sourceId": "i", "targetId": "t", "type": "edge"},
            {"id": "e2", "sourceId": "t", "targetId": "o", "type": "edge"},
        ],
    }


def _table(rules: list[Rule]) -> dict[str, Any]:
    columns: dict[str, str] = {}
    listed = []
    for rule in rules:
        row = {"_id": rule.id, _OUTPUT: json.dumps(rule.id)}
        for condition in rule.scope + rule.when:
            row[_column(columns, condition)] = _cell(condition)
        for condition in rule.unless:
            row[_column(columns, condition)] = _exempt(condition)
        listed.append(row)
    inputs = [{"id": key, "name": key, "field": field} for key, field in columns.items()]
    for row in listed:
        for key in columns:
            row.setdefault(key, "")
    return {
        "hitPolicy": "collect",
        "inputs": inputs,
        "outputs": [{"id": _OUTPUT, "name": _OUTPUT, "field": _OUTPUT}],
        "rules": listed,
    }


def _column(columns: dict[str, str], condition: Condition) -> str:
    """A column a field, narrow ones first: drugs are what most rows differ in."""
    key = f"c_{condition.field}_{condition.operator}"
    columns.setdefault(key, condition.field)
    return key


def _cell(condition: Condition) -> str:
    value = condition.value
    if condition.operator == "above":
        return f"> {value!r}"
    if condition.operator == "below":
        return f"< {value!r}"
    if condition.operator == "is":
        return json.dumps(value)
    words = json.dumps(list(condition.words))
    if condition.operator == "any_in":
        return f"some($, # in {words})"
    return f"not ($ in {words})" if condition.operator == "not_in" else f"$ in {words}"


def _exempt(condition: Condition) -> str:
    if condition.operator == "any_in":
        return f"none($, # in {json.dumps(list(condition.words))})"
    return json.dumps(condition.value is not True)
