"""From the YAML of scope, when and unless to a tree of conditions."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.checks import Scope, check_test
from rules.fields import Fields, day_of
from rules.model import (
    AllOf,
    AnyOf,
    CodeSetOperand,
    Condition,
    FactOperand,
    Literal,
    Not,
    Operand,
    ParameterOperand,
    Test,
    Words,
)

_QUANTITY_UNITS = ("h", "min", "d", "wk", "mo", "a", "s", "g", "mg", "g/d", "mg/d", "mL", "kg")


def read_condition(node: Node, scope: Scope, problems: list[Problem]) -> Condition:
    """The tree of a mapping: all of its entries. Every mistake is reported."""
    return _Reader(scope, problems).mapping(node)


class _Reader:
    def __init__(self, scope: Scope, problems: list[Problem]) -> None:
        self.scope = scope
        self.problems = problems

    def _report(self, node: Node, message: str, fix: str = "") -> None:
        self.problems.append(node.problem(message, fix))

    def mapping(self, node: Node) -> Condition:
        if not node.is_mapping:
            fix = "write `fact: {operator: value}`"
            self._report(node, f"conditions are {node.kind}, expected a mapping", fix)
            return AllOf(())
        found = [c for name, key, value in node.items() for c in self._entry(name, key, value)]
        if not any(True for _ in node.items()):
            self._report(node, "there is no condition here", "add one, or remove the key")
        return found[0] if len(found) == 1 else AllOf(tuple(found))

    def _entry(self, name: str, key: Node, value: Node) -> Iterator[Condition]:
        if name in words.NOT_BUILT["conditions"]:
            self._report(key, f"`{name}` is not built yet", "this version cannot ask for it")
        elif name in ("all", "any"):
            children = tuple(self._children(name, value))
            yield AllOf(children) if name == "all" else AnyOf(children)
        elif name == "not":
            yield Not(self.mapping(value))
        else:
            yield from self._test(name, key, value)

    def _children(self, name: str, value: Node) -> Iterator[Condition]:
        """Of a list of mappings, or of one mapping whose entries are the alternatives."""
        if value.is_mapping:
            for inner, key, node in value.items():
                yield from self._entry(inner, key, node)
        elif value.is_list and list(value):
            for child in value:
                yield self.mapping(child)
        else:
            self._report(value, f"`{name}` holds {value.kind}", "list its conditions: - fact: {…}")

    def _test(self, name: str, key: Node, value: Node) -> Iterator[Condition]:
        if not value.is_mapping:
            fix = f"write `{name}: {{is: …}}`"
            self._report(value, f"`{name}` is followed by {value.kind}, expected an operator", fix)
            return
        entries = list(value.items())
        if len(entries) != 1:
            fix = "write one; combine several with `all` or `between`"
            self._report(value, f"`{name}` has {len(entries)} operators", fix)
            if not entries:
                return
        for operator, operator_key, operand in entries:
            if operator in words.NOT_BUILT["operators"]:
                self._report(operator_key, f"`{operator}` is not built yet")
                continue
            if operator not in words.OPERATORS:
                fix = words.nearest(operator, words.OPERATORS)
                fix = fix or f"expected {words.listing(words.OPERATORS)}"
                self._report(operator_key, f"there is no operator `{operator}`", fix)
                continue
            yield from self._checked(name, key, operator, operand)

    def _checked(self, name: str, key: Node, operator: str, node: Node) -> Iterator[Condition]:
        operands = self._operands(operator, node)
        if operands is None:
            self.scope.fact(name, lambda message, fix: self._report(key, message, fix))
            return
        test = Test(name, operator, operands)
        if check_test(test, self.scope, lambda message, fix: self._report(key, message, fix)):
            yield test

    def _operands(self, operator: str, node: Node) -> tuple[Operand, ...] | None:
        if operator == "between":
            bounds = list(node) if node.is_list else []
            if len(bounds) != 2:
                self._report(node, "`between` takes a list of two bounds, both included")
                return None
            low, high = self._operand(bounds[0]), self._operand(bounds[1])
            return None if low is None or high is None else (low, high)
        operand = self._operand(node)
        return None if operand is None else (operand,)

    def _operand(self, node: Node) -> Operand | None:
        if node.is_mapping:
            return self._reference(node)
        if node.is_list:
            return self._list(node)
        value = node.value
        if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
            return Literal(value)
        if isinstance(value, int | float):
            fix = "put it into a parameter with unit and source, and write {parameter: …}"
            self._report(node, f"the number {node.raw} stands in a rule", fix)
            return None
        if isinstance(value, str):
            return self._text(node, value)
        self._report(node, "there is no value here", "write what to compare with")
        return None

    def _text(self, node: Node, value: str) -> Operand | None:
        number, _, unit = value.partition(" ")
        if unit in _QUANTITY_UNITS and number.replace(".", "", 1).isdigit():
            fix = "put it into a parameter with its unit, and write {parameter: …}"
            self._report(node, f"quantities and durations ({value}) are not built yet", fix)
            return None
        day = None if node.quoted else day_of(value)
        return Literal(value if day is None else day)

    def _list(self, node: Node) -> Operand | None:
        found: list[str] = []
        for child in node:
            if isinstance(child.value, str):
                found.append(child.value)
            else:
                self._report(child, f"a list of words holds {child.kind}", "write text")
                return None
        if not found:
            self._report(node, "the list is empty", "name at least one word")
            return None
        return Words(tuple(dict.fromkeys(found)))

    def _reference(self, node: Node) -> Operand | None:
        fields = Fields(node, "an operand", self.problems)
        names = [name for name, _, _ in node.items()]
        if "parameter" in names:
            if not fields.expect(("parameter",), ("by",), words.NOT_BUILT["operands"]):
                return None
            name = fields.text("parameter")
            return ParameterOperand(name, fields.texts("by")) if name else None
        before = len(self.problems)
        fields.expect((), words.OPERANDS, words.NOT_BUILT["operands"])
        if len(names) != 1 and len(self.problems) == before:
            fix = f"write one of {words.listing(words.OPERANDS)}"
            self._report(node, "an operand names one thing", fix)
        if len(names) != 1 or len(self.problems) != before:
            return None
        text = fields.text(names[0])
        if not text:
            return None
        return FactOperand(text) if names[0] == "fact" else CodeSetOperand(text)
