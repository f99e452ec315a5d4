"""From the YAML of `finding` to what a rule tells its audience."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.engine.messages import NAMED_THRESHOLD, PLACEHOLDER, THRESHOLD
from rules.facts import Fact, Type
from rules.finding_model import FindingSpec, PhaseChange, SeverityMap
from rules.model import (
    AllOf,
    Condition,
    Expect,
    Literal,
    ParameterOperand,
    Span,
    Test,
    Words,
    histories_of,
    limits_of,
    parameters_of,
)
from rules.reading.amounts import read_amount
from rules.reading.check_ids import PLACEHOLDERS
from rules.reading.checks import Scope
from rules.reading.fields import Fields
from rules.reading.spans import read_span
from rules.reading.suggestions import read_suggestions


def read_finding(
    node: Node,
    scope: Scope,
    conditions: Iterable[Condition],
    expect: Expect | None,
    problems: list[Problem],
) -> FindingSpec | None:
    """The finding, or None where it is not one; every mistake is reported.

    `conditions` are the trees of scope, when and unless, in that order.
    """
    fields = Fields(node, "`finding`", problems)
    return _Reader(fields, scope, tuple(conditions), expect).finding()


class _Reader:
    def __init__(
        self,
        fields: Fields,
        scope: Scope,
        conditions: tuple[Condition, ...],
        expect: Expect | None,
    ) -> None:
        self.fields = fields
        self.scope = scope
        self.must_hold = conditions[:2]
        # After a mistake in the conditions nobody knows whether there is a limit.
        self.is_unsure = bool(fields.problems)
        self.has_threshold = self.is_unsure or any(map(limits_of, conditions))
        self.has_history = self.is_unsure or any(map(histories_of, conditions[1:2]))
        self.parameters = dict.fromkeys(o.parameter for t in conditions for o in parameters_of(t))
        limit = expect.within if expect is not None else None
        if isinstance(limit, ParameterOperand):
            self.has_threshold = True
            self.parameters[limit.parameter] = None

    def finding(self) -> FindingSpec | None:
        f = self.fields
        before = len(f.problems)
        if not f.expect(words.FINDING_REQUIRED, words.FINDING_OPTIONAL):
            return None
        severity, severity_from = self._severity(f)
        result, action = f.choice("result", words.RESULTS), f.choice("action", words.ACTIONS)
        audience = f.texts("audience", words.AUDIENCES)
        message, by_phase, key = self._message(f), self._by_phase(), self._key(f)
        suggest = read_suggestions(f, self.scope)
        amount = read_amount(f, self.scope)
        once_within, overrides = self._once_within(), f.texts("overrides")
        if len(f.problems) != before:
            return None
        if not audience:
            f.report(f.get("audience") or f.node, "`audience` is empty", "name who is told")
            return None
        return FindingSpec(
            result=result,
            severity=severity,
            action=action,
            audience=audience,
            message=message,
            by_phase=by_phase,
            key=key,
            suggest=suggest,
            severity_from=severity_from,
            amount=amount,
            once_within=once_within,
            overrides=overrides,
        )

    def _once_within(self) -> Span | None:
        node = self.fields.get("once_within")
        return None if node is None else read_span(node, "once_within", self.scope, self.fields)

    def _severity(self, f: Fields) -> tuple[str, SeverityMap | None]:
        """The strongest severity, and where it is read from if that is a table."""
        node = f.get("severity")
        if node is None or not node.is_mapping:
            return f.choice("severity", words.SEVERITIES), None
        inner = Fields(node, "`severity`", f.problems)
        before = len(f.problems)
        if not inner.expect(("from", "map")):
            return "", None
        name, table = inner.text("from"), inner.get("map")
        where = inner.get("from") or node
        fact = self.scope.fact(name, lambda m, fix: inner.report(where, m, fix)) if name else None
        if fact is None or table is None:
            return "", None
        if fact.type is not Type.TEXT or not fact.words:
            fix = "name a fact with a closed list of words, e.g. pair.severity"
            inner.report(where, f"`{name}` has no closed list of words", fix)
            return "", None
        found = self._map(fact, table)
        if len(f.problems) != before or not found:
            return "", None
        mapped = SeverityMap(fact.name, found)
        return mapped.strongest, mapped

    def _map(self, fact: Fact, node: Node) -> tuple[tuple[str, str], ...]:
        """From every word that the fact can have here to a severity."""
        inner = Fields(node, "`map`", self.fields.problems)
        possible = self._possible(fact)
        if not inner.expect(possible, fact.words):
            return ()
        return tuple(
            (word, severity)
            for word in fact.words
            if (severity := inner.choice(word, words.SEVERITIES))
        )

    def _possible(self, fact: Fact) -> tuple[str, ...]:
        """The words that the fact can have once scope and when hold."""
        left = set(fact.words)
        for test in (t for tree in self.must_hold for t in _conjuncts(tree)):
            operand = test.operands[0]
            if test.fact != fact.name:
                continue
            if test.operator == "is" and isinstance(operand, Literal):
                left &= {str(operand.value)}
            elif test.operator == "in" and isinstance(operand, Words):
                left &= set(operand.values)
        return tuple(word for word in fact.words if word in left)

    def _message(self, f: Fields) -> Names:
        names = f.names("message")
        node = f.get("message")
        told: set[str] = set()
        for language, text in (("zh", names.zh), ("en", names.en)):
            where = node.get(language) if node is not None and node.is_mapping else None
            if where is None:
                continue
            if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
                fix = "write {fact}, {threshold}, {threshold:PARAMETER} or {history}"
                self.fields.report(where, "a brace without its partner", fix, PLACEHOLDERS)
            for name in PLACEHOLDER.findall(text):
                if name not in told:  # what both languages say is told once
                    told.add(name)
                    self._placeholder(name, where)
        return names

    def _placeholder(self, name: str, node: Node) -> None:
        if name == THRESHOLD:
            if not self.has_threshold:
                named = " or ".join(f"{{{NAMED_THRESHOLD}{one}}}" for one in self.parameters)
                fix = f"no value is compared with a parameter; write {named}" if named else (
                    "no condition compares with a parameter")  # fmt: skip
                text = "{threshold} means nothing here"
                self.fields.report(node, text, fix, PLACEHOLDERS)
        elif name == words.HISTORY:
            if not self.has_history:
                fix = "`when` asks for no `history`"
                text = "{history} means nothing here"
                self.fields.report(node, text, fix, PLACEHOLDERS)
        elif name.startswith(NAMED_THRESHOLD):
            self._named_threshold(name.removeprefix(NAMED_THRESHOLD), node)
        elif "." not in name and (meant := _meant(name)):
            text = f"there is no fact `{name}`"
            self.fields.report(node, text, f"did you mean {{{meant}}}?", PLACEHOLDERS)
        else:
            self._shown(name, node, PLACEHOLDERS)

    def _named_threshold(self, name: str, node: Node) -> None:
        if name in self.parameters or self.is_unsure:
            return
        known = list(self.parameters)
        text = f"no condition of the rule names the parameter `{name}`"
        fix = words.nearest(name, known) or (
            f"write one of {', '.join(known)}" if known else "name it in a condition"
        )
        self.fields.report(node, text, fix, PLACEHOLDERS)

    def _by_phase(self) -> dict[str, PhaseChange]:
        node = self.fields.get("by_phase")
        if node is None:
            return {}
        phases = Fields(node, "`by_phase`", self.fields.problems)
        if not phases.expect((), words.PHASES):
            return {}
        if not list(node.items()):
            phases.report(node, "`by_phase` says nothing", "name a phase, or remove it")
        return {
            name: self._change(name, value)
            for name, _, value in node.items()
            if name in words.PHASES
        }

    def _change(self, phase: str, node: Node) -> PhaseChange:
        f = Fields(node, f"`{phase}`", self.fields.problems)
        if not f.expect((), words.BY_PHASE):
            return PhaseChange()
        result = f.choice("result", words.RESULTS)
        if phase == "pre" and result not in ("", words.PRE_RESULT):
            fix = f"remove it: before the act a finding is a {words.PRE_RESULT} by itself"
            text = f"a draft never counts as a violation, nor as {result}"
            text = "a draft never counts as a violation" if result == "violation" else text
            f.report(f.get("result") or node, text, fix)
            result = ""
        severity, severity_from = self._severity(f)
        audience = f.texts("audience", words.AUDIENCES)
        if not list(node.items()):
            f.report(node, f"`{phase}` says nothing", "say what differs, or remove it")
        told = f.get("audience")
        if told is not None and told.is_list and not list(told):
            f.report(told, "`audience` is empty", "name who is told")
        return PhaseChange(
            result=result or None,
            severity=severity or None,
            severity_from=severity_from,
            action=f.choice("action", words.ACTIONS) or None,
            audience=audience or None,
            message=self._message(f) if f.get("message") is not None else None,
            key=self._key(f) if f.get("key") is not None else None,
        )

    def _key(self, f: Fields) -> tuple[str, ...]:
        node = f.get("key")
        names = f.texts("key")
        if node is not None:
            for name in names:
                self._shown(name, node)
        return names

    def _shown(self, name: str, node: Node, check: str = "") -> None:
        """Report what cannot be shown: an unknown fact, or a free text, which is never recorded."""

        def report(text: str, fix: str) -> None:
            self.fields.report(node, text, fix, check)

        fact = self.scope.fact(name, report)
        if fact is not None and fact.type is Type.NOTE:
            report(f"`{name}` is a free text: its words are never told", "name another fact")


def _meant(name: str) -> str:
    """`history` or `threshold`, where a placeholder is a word for it or is misspelt."""
    if name in words.MEASURED:
        return words.HISTORY
    return next(iter(get_close_matches(name, (words.HISTORY, THRESHOLD), n=1)), "")


def _conjuncts(tree: Condition) -> Iterable[Test]:
    if isinstance(tree, Test):
        yield tree
    elif isinstance(tree, AllOf):
        for child in tree.conditions:
            yield from _conjuncts(child)
