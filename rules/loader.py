"""One rule file becomes a Rule; everything that is wrong with it is reported with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts.acts import VERBS
from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Node, Problem, read, read_text
from rules import words
from rules.checks import Scope
from rules.conditions import read_condition
from rules.facts import CATALOGUE, LISTS, Type
from rules.fields import Fields
from rules.finding import read_finding
from rules.model import ALWAYS, NEVER, Condition, Effective, Evidence, Rule

EVENT_NAMES: Final = tuple(f"{family}.{verb}" for family, verbs in VERBS.items() for verb in verbs)
"""What `on` can name."""


def read_rule(path: Path, knowledge: KnowledgeBase, problems: list[Problem]) -> Rule | None:
    """The rule of a file, or None where there is any problem; they are appended."""
    found: list[Problem] = []
    return _rule(read(path, found), path, knowledge, problems, found)


def read_rule_text(
    text: str, path: Path, knowledge: KnowledgeBase, problems: list[Problem]
) -> Rule | None:
    """The same for text; `path` gives the id that is expected, and the place in messages."""
    found: list[Problem] = []
    return _rule(read_text(text, path, found), path, knowledge, problems, found)


def _rule(
    node: Node | None,
    path: Path,
    knowledge: KnowledgeBase,
    problems: list[Problem],
    found: list[Problem],
) -> Rule | None:
    rule = _Reader(node, path, knowledge, found).rule() if node is not None else None
    problems.extend(found)
    return None if found else rule


class _Reader:
    def __init__(
        self, node: Node, path: Path, knowledge: KnowledgeBase, problems: list[Problem]
    ) -> None:
        self.fields = Fields(node, "a rule", problems)
        self.path = path
        self.knowledge = knowledge
        self.problems = problems

    def rule(self) -> Rule | None:
        f = self.fields
        if not f.expect(words.RULE_REQUIRED, words.RULE_OPTIONAL, words.NOT_BUILT["rule"]):
            return None
        rule_id = self._id()
        on = self._on()
        each = self._each(on)
        scope = Scope(_families(on), each, self.knowledge)
        scope_tree = self._condition("scope", scope, ALWAYS)
        when = self._condition("when", scope, ALWAYS)
        unless = self._condition("unless", scope, NEVER)
        status = f.choice("status", words.STATUSES, "draft")
        finding_node = f.get("finding")
        spec = (
            read_finding(finding_node, scope, (scope_tree, when, unless), self.problems)
            if finding_node
            else None
        )
        version, title, effective = f.positive("version"), f.names("title"), self._effective()
        evidence, taxonomy = self._evidence(), self._taxonomy()
        if_unknown = f.choice("if_unknown", words.IF_UNKNOWN, "count")
        limits, author, checker = f.text("limits"), f.text("authored_by"), f.text("checked_by")
        reviewed_on, next_review = f.day("reviewed_on"), f.day("next_review")
        self._review(status, author, checker)
        if self.problems or spec is None or effective is None:
            return None
        return Rule(
            id=rule_id,
            version=version,
            title=title,
            status=status,
            effective=effective,
            on=on,
            each=each,
            scope=scope_tree,
            when=when,
            unless=unless,
            finding=spec,
            if_unknown=if_unknown,
            evidence=evidence,
            taxonomy=taxonomy,
            limits=limits,
            authored_by=author,
            checked_by=checker,
            reviewed_on=reviewed_on,
            next_review=next_review,
        )

    def _id(self) -> str:
        found = self.fields.text("id")
        expected = f"{self.path.parent.name}.{self.path.stem}"
        if found and found != expected:
            node = self.fields.get("id") or self.fields.node
            self.fields.report(node, f"the id is {found}", f"expected folder.file: {expected}")
        return found

    def _on(self) -> tuple[str, ...]:
        events = self.fields.texts("on", EVENT_NAMES)
        node = self.fields.get("on")
        if node is not None and node.is_list and not list(node):
            self.fields.report(node, "`on` names no event", "e.g. on: [prescription.signed]")
        return events

    def _each(self, on: tuple[str, ...]) -> str:
        node = self.fields.get("each")
        if node is None:
            return ""
        each = self.fields.text("each")
        if each == "item.interactions":
            self.fields.report(node, "`each: item.interactions` is not built yet")
            return ""
        fact = CATALOGUE.get(each)
        listed = {n for n, f in CATALOGUE.items() if f.type is Type.LIST and not f.of}
        if each and each not in LISTS and each not in listed:
            known = (*LISTS, *sorted(listed))
            fix = words.nearest(each, known) or f"expected {words.listing(known)}"
            self.fields.report(node, f"there is no list `{each}`", fix)
            return ""
        have = LISTS.get(each) or (fact.families if fact else ())
        for family in _families(on):
            if family not in have:
                self.fields.report(node, f"{family} events have no `{each}`", "correct `on`")
                return ""
        return each

    def _condition(self, name: str, scope: Scope, default: Condition) -> Condition:
        node = self.fields.get(name)
        return default if node is None else read_condition(node, scope, self.problems)

    def _effective(self) -> Effective | None:
        node = self.fields.get("effective")
        if node is None:
            return None
        f = Fields(node, "`effective`", self.problems)
        if not f.expect(("from",), ("to",)):
            return None
        start, end = f.day("from"), f.day("to")
        if start is not None and end is not None and end <= start:
            f.report(node, "`to` is not after `from`", "`to` is the first day that is not governed")
            return None
        return Effective(start, end) if start is not None else None

    def _evidence(self) -> tuple[Evidence, ...]:
        node = self.fields.get("evidence")
        if node is None:
            return ()
        if not node.is_list or not list(node):
            self.fields.report(node, "`evidence` is no list", "- {source: …, locator: …}")
            return ()
        found = []
        for child in node:
            f = Fields(child, "an entry of `evidence`", self.problems)
            if not f.expect(("source", "locator")):
                continue
            source, locator = f.text("source"), f.text("locator")
            if source and self.knowledge.source(source) is None:
                fix = words.nearest(source, self.knowledge.sources)
                fix = fix or "add it to the knowledge base's sources"
                f.report(f.get("source") or child, f"there is no source `{source}`", fix)
            found.append(Evidence(source, locator))
        return tuple(found)

    def _taxonomy(self) -> dict[str, str]:
        node = self.fields.get("taxonomy")
        if node is None:
            return {}
        if not node.is_mapping:
            self.fields.report(node, "`taxonomy` is no mapping", "e.g. {nhsa: GZ10000301003000}")
            return {}
        found = {}
        for name, _, value in node.items():
            if not isinstance(value.value, str):
                self.fields.report(value, f"the code of {name} is {value.kind}", "write text")
            else:
                found[name] = value.value
        return found

    def _review(self, status: str, author: str, checker: str) -> None:
        if status != "active":
            return
        node = self.fields.get("status") or self.fields.node
        if not author or not checker:
            fix = "name authored_by and checked_by, or ship the rule as shadow"
            self.fields.report(node, "an active rule has no named author and reviewer", fix)
        elif author == checker:
            fix = "somebody else checks it"
            self.fields.report(node, "authored_by and checked_by are the same person", fix)


def _families(on: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.partition(".")[0] for name in on))
