"""From the YAML of scope, when and unless to a tree of conditions."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.facts import LIST_NAMES, list_of
from rules.later import later
from rules.model import AllOf, AnyOf, Condition, Not, Some, Test
from rules.reading.checks import Scope, check_test
from rules.reading.fields import Fields
from rules.reading.history import read_history
from rules.reading.operands import Operands


def read_condition(node: Node, scope: Scope, problems: list[Problem]) -> Condition:
    """The tree of a mapping: all of its entries. Every mistake is reported."""
    return _Reader(scope, problems).mapping(node)


class _Reader:
    def __init__(self, scope: Scope, problems: list[Problem]) -> None:
        self.scope = scope
        self.problems = problems
        self.operands = Operands(scope, problems)

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
        refused = later(name)
        if key.slip is not None:
            self._report(key, f"there is no fact `{name}`")
        elif refused is not None:
            self._report(key, refused.message, refused.instead)
        elif name in words.PLACES and name != words.HISTORY:
            self._report(key, f"`{name}` is no condition", f"it stands {words.PLACES[name]}")
        elif name in ("all", "any"):
            children = tuple(self._children(name, value))
            yield AllOf(children) if name == "all" else AnyOf(children)
        elif name == "not":
            yield Not(self.mapping(value))
        elif name in ("some", words.HISTORY) and self.scope.present is not None:
            fix = "conditions on a past act are `fact: {operator: value}`, all, any and not"
            self._report(key, f"`{name}` cannot stand inside `history`", fix)
        elif name == words.HISTORY:
            yield from self._history(key, value)
        elif name == "some":
            yield from self._some(value)
        else:
            yield from self._test(name, key, value)

    def _children(self, name: str, value: Node) -> Iterator[Condition]:
        """Of a list of mappings, or of one mapping whose entries are the alternatives."""
        if value.is_mapping and any(True for _ in value.items()):
            for inner, key, node in value.items():
                yield from self._entry(inner, key, node)
        elif value.is_list and list(value):
            for child in value:
                yield self.mapping(child)
        else:
            held = "nothing" if value.is_mapping or value.is_list else value.kind
            self._report(value, f"`{name}` holds {held}", "list its conditions: - fact: {…}")

    def _some(self, node: Node) -> Iterator[Condition]:
        fields = Fields(node, "`some`", self.problems)
        if not fields.expect(words.SOME):
            return
        name, where = fields.text("in"), fields.get("where")
        if not name or where is None:
            return
        listed = list_of(name)
        if listed is None:
            fix = words.nearest(name, LIST_NAMES) or f"expected {words.listing(LIST_NAMES)}"
            self._report(fields.get("in") or node, f"there is no list `{name}`", fix)
            return
        for family in self.scope.families:
            if family not in listed.families:
                fix = f"it is a list of {words.listing(listed.families)} events"
                self._report(fields.get("in") or node, f"{family} events have no `{name}`", fix)
                return
        inner = _Reader(self.scope.inside(name), self.problems)
        yield Some(name, inner.mapping(where))

    def _history(self, key: Node, value: Node) -> Iterator[Condition]:
        if self.scope.outside:
            fix = "put it beside `some`: it is about the patient, not about an element"
            self._report(key, "`history` cannot stand inside `some`", fix)
            return
        history = read_history(value, self.scope, self.problems, read_condition)
        if history is not None:
            yield history

    def _test(self, name: str, key: Node, value: Node) -> Iterator[Condition]:
        if not value.is_mapping:
            fix = f"write `{name}: {{is: …}}`"
            self._report(value, f"`{name}` is followed by {value.kind}, expected an operator", fix)
            return
        entries = [entry for entry in value.items() if entry[0] != words.FRESH_WITHIN]
        if len(entries) != 1:
            fix = "write one; combine several with `all` or `between`"
            self._report(value, f"`{name}` has {len(entries)} operators", fix)
            if not entries:
                return
        fresh = value.get(words.FRESH_WITHIN)
        if fresh is not None and self.scope.present is not None:
            fix = "remove it: `within` says how far back the acts lie"
            self._report(fresh, "`fresh_within` cannot stand inside `history`", fix)
        for operator, operator_key, operand in entries:
            if operator not in words.OPERATORS:
                fix = words.nearest(operator, words.OPERATORS)
                fix = fix or f"expected {words.listing(words.OPERATORS)}"
                self._report(operator_key, f"there is no operator `{operator}`", fix)
                continue
            yield from self._checked(name, key, operator, operand, fresh)

    def _checked(
        self, name: str, key: Node, operator: str, node: Node, fresh: Node | None
    ) -> Iterator[Condition]:
        def report(message: str, fix: str) -> None:
            self._report(key, message, fix)

        fact = self.scope.fact(name, report, can_ask_some=True)
        if fact is None:
            return
        operands = self.operands.read(fact, operator, node)
        limit = self.operands.span(fresh) if fresh is not None else None
        if operands is None or (fresh is not None and limit is None):
            return
        test = Test(name, operator, operands, limit)
        if check_test(test, fact, self.scope, report):
            yield test
