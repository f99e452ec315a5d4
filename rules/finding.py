"""From the YAML of `finding` to what a rule tells its audience."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.checks import Scope
from rules.fields import Fields
from rules.messages import PLACEHOLDER, THRESHOLD
from rules.model import Condition, FindingSpec, PhaseChange, parameters_of


def read_finding(
    node: Node, scope: Scope, conditions: Iterable[Condition], problems: list[Problem]
) -> FindingSpec | None:
    """The finding, or None where it is not one; every mistake is reported."""
    return _Reader(Fields(node, "`finding`", problems), scope, conditions).finding()


class _Reader:
    def __init__(self, fields: Fields, scope: Scope, conditions: Iterable[Condition]) -> None:
        self.fields = fields
        self.scope = scope
        self.has_threshold = any(parameters_of(tree) for tree in conditions)

    def finding(self) -> FindingSpec | None:
        f = self.fields
        before = len(f.problems)
        if not f.expect(words.FINDING_REQUIRED, words.FINDING_OPTIONAL, words.NOT_BUILT["finding"]):
            return None
        self._no_table("severity")
        spec = (
            f.choice("result", words.RESULTS),
            f.choice("severity", words.SEVERITIES),
            f.choice("action", words.ACTIONS),
            f.texts("audience", words.AUDIENCES),
            self._message(f),
            self._by_phase(),
            self._key(),
            self._suggest(),
        )
        if len(f.problems) != before:
            return None
        if not spec[3]:
            f.report(f.get("audience") or f.node, "`audience` is empty", "name who is told")
            return None
        return FindingSpec(*spec)

    def _no_table(self, name: str) -> None:
        node = self.fields.get(name)
        if node is not None and node.is_mapping:
            self.fields.report(node, f"`{name}` from a table is not built yet", "write one word")

    def _message(self, f: Fields) -> Names:
        names = f.names("message")
        node = f.get("message")
        if node is not None:
            for text in (names.zh, names.en):
                self._placeholders(node, text)
        return names

    def _placeholders(self, node: Node, text: str) -> None:
        if "{" in PLACEHOLDER.sub("", text) or "}" in PLACEHOLDER.sub("", text):
            self.fields.report(node, "a brace without its partner", "write {fact} or {threshold}")
        for name in PLACEHOLDER.findall(text):
            if name == THRESHOLD:
                if not self.has_threshold:
                    fix = "no condition compares with a parameter"
                    self.fields.report(node, "{threshold} means nothing here", fix)
            else:
                self.scope.fact(name, lambda message, fix: self.fields.report(node, message, fix))

    def _by_phase(self) -> dict[str, PhaseChange]:
        node = self.fields.get("by_phase")
        if node is None:
            return {}
        phases = Fields(node, "`by_phase`", self.fields.problems)
        if not phases.expect((), words.PHASES):
            return {}
        return {
            name: self._change(name, value)
            for name, _, value in node.items()
            if name in words.PHASES
        }

    def _change(self, phase: str, node: Node) -> PhaseChange:
        f = Fields(node, f"`{phase}`", self.fields.problems)
        if not f.expect((), words.BY_PHASE, words.NOT_BUILT["finding"]):
            return PhaseChange()
        result = f.choice("result", words.RESULTS)
        if phase == "pre" and result == "violation":
            fix = "use reminder or suspected"
            f.report(f.get("result") or node, "a draft never counts as a violation", fix)
        return PhaseChange(
            result=result or None,
            severity=f.choice("severity", words.SEVERITIES) or None,
            action=f.choice("action", words.ACTIONS) or None,
            audience=f.texts("audience", words.AUDIENCES) or None,
            message=self._message(f) if f.get("message") is not None else None,
        )

    def _key(self) -> tuple[str, ...]:
        node = self.fields.get("key")
        names = self.fields.texts("key")
        if node is not None:
            for name in names:
                self.scope.fact(name, lambda message, fix: self.fields.report(node, message, fix))
        return names

    def _suggest(self) -> tuple[tuple[str, str], ...]:
        node = self.fields.get("suggest")
        if node is None:
            return ()
        if not node.is_list:
            self.fields.report(node, "`suggest` is no list", "- remove: item")
            return ()
        found: list[tuple[str, str]] = []
        for child in node:
            f = Fields(child, "a suggestion", self.fields.problems)
            if not f.expect((), words.SUGGESTIONS):
                continue
            entries = [name for name, _, _ in child.items()]
            if len(entries) != 1:
                f.report(child, "a suggestion is one thing to do", "- remove: item")
            elif entries[0] in words.SUGGESTIONS:
                found.append((entries[0], f.text(entries[0])))
        return tuple(found)
