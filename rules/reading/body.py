"""The part of a rule that is dated: events, conditions, finding and evidence, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.acts import VERBS, phase_of
from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node
from rules import words
from rules.facts import LIST_NAMES, list_of
from rules.facts.event import WITH_PAIRS
from rules.facts.pairs import IN_CONTEXT
from rules.finding_model import FindingSpec
from rules.model import (
    ALWAYS,
    NEVER,
    AllOf,
    Condition,
    Effective,
    Evidence,
    Expect,
    Literal,
    Test,
)
from rules.reading.amounts import check_refunds
from rules.reading.check_ids import EVIDENCE
from rules.reading.checks import Scope
from rules.reading.conditions import read_condition
from rules.reading.expect import read_expect
from rules.reading.fields import Fields
from rules.reading.finding import read_finding
from rules.reading.groups import read_group_by

EVENT_NAMES: Final = tuple(f"{family}.{verb}" for family, verbs in VERBS.items() for verb in verbs)
"""What `on` can name."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a rule says on the days of `effective`. `title` is None where the rule's own holds."""

    version: int
    effective: Effective
    on: tuple[str, ...]
    each: str
    scope: Condition
    when: Condition
    unless: Condition
    finding: FindingSpec
    evidence: tuple[Evidence, ...]
    if_unknown: str
    limits: str
    title: Names | None = None
    expect: Expect | None = None
    group_by: tuple[str, ...] = ()


def required_of(fields: Fields, required: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that a body must have: one that expects an event needs no `when`."""
    if not fields.node.is_mapping or fields.get(words.EXPECT) is None:
        return required
    return tuple(name for name in required if name != "when")


def read_body(f: Fields, knowledge: KnowledgeBase) -> Body | None:
    """The body in a mapping whose keys are known to be right; None after any mistake in it."""
    return _Reader(f, knowledge).body()


class _Reader:
    def __init__(self, fields: Fields, knowledge: KnowledgeBase) -> None:
        self.fields = fields
        self.knowledge = knowledge
        self.problems = fields.problems

    def body(self) -> Body | None:
        f = self.fields
        before = len(self.problems)
        on = self._on()
        each = self._each(on)
        place = Scope(_families(on), each, self.knowledge)
        scope = self._condition("scope", place, ALWAYS)
        when = self._condition("when", place, ALWAYS)
        unless = self._condition("unless", place, NEVER)
        node = f.get("finding")
        expect = read_expect(f, place)
        group_by = read_group_by(
            f, place, (scope, when, unless), expect, is_awaiting=f.get(words.EXPECT) is not None
        )
        finding = (
            read_finding(node, place, (scope, when, unless), expect, self.problems)
            if node
            else None
        )
        if node is not None and finding is not None:
            if finding.amount is not None:
                check_refunds(on, node.get("amount") or node, f)
            _check_phases(on, node.get("by_phase") or node, finding, f)
        version, effective, evidence = f.positive("version"), self._effective(), self._evidence()
        if_unknown = f.choice("if_unknown", words.IF_UNKNOWN, "count")
        limits = f.text("limits", may_be_empty=True)
        if len(self.problems) != before or finding is None or effective is None:
            return None
        return Body(
            version=version,
            effective=effective,
            on=on,
            each=each,
            scope=_in_context(scope) if each == words.INTERACTIONS else scope,
            when=when,
            unless=unless,
            finding=finding,
            evidence=evidence,
            if_unknown=if_unknown,
            limits=limits,
            expect=expect,
            group_by=group_by,
        )

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
        records = list_of(each)
        if each == words.INTERACTIONS:
            have: tuple[str, ...] = WITH_PAIRS
        elif records is None:
            if each:
                known = (*LIST_NAMES, words.INTERACTIONS)
                fix = words.nearest(each, known) or f"expected {words.listing(known)}"
                self.fields.report(node, f"there is no list `{each}`", fix)
            return ""
        else:
            have = records.families
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
        start, end = f.day("from"), f.day("to", may_be_empty=True)
        if start is not None and end is not None and end <= start:
            f.report(node, "`to` is not after `from`", "`to` is the first day that is not governed")
            return None
        return Effective(start, end) if start is not None else None

    def _evidence(self) -> tuple[Evidence, ...]:
        node = self.fields.get("evidence")
        if node is None:
            return ()
        if not node.is_list or not list(node):
            fix = "- {source: …, locator: …}"
            self.fields.report(node, "`evidence` is no list", fix, EVIDENCE)
            return ()
        return tuple(one for child in node if (one := self._cited(child)) is not None)

    def _cited(self, node: Node) -> Evidence | None:
        f = Fields(node, "an entry of `evidence`", self.problems, EVIDENCE)
        if not f.expect(("source", "locator")):
            return None
        source, locator = f.text("source"), f.text("locator")
        if source and self.knowledge.source(source) is None:
            fix = words.nearest(source, self.knowledge.sources)
            fix = fix or "add it to the knowledge base's sources"
            f.report(f.get("source") or node, f"there is no source `{source}`", fix)
        return Evidence(source, locator)


def _check_phases(on: tuple[str, ...], node: Node, finding: FindingSpec, f: Fields) -> None:
    """Report what a rule says of phases that its events are never in: nobody would hear it."""
    there = {phase_of(verb, family) for family, _, verb in (name.partition(".") for name in on)}
    for phase in finding.by_phase:
        if there and phase not in there:
            where = node.get(phase) or node
            text = f"no event of `on` is {phase}: what stands here would never be told"
            f.report(where, text, "remove it, or add such an event to `on`")


def _in_context(scope: Condition) -> Condition:
    """The scope of a rule about pairs: two lines are a pair only in the context of its row."""
    own = scope.conditions if isinstance(scope, AllOf) else (scope,)
    test = Test(IN_CONTEXT, "is", (Literal(value=True),))
    return AllOf((*own, test)) if own else test


def _families(on: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.partition(".")[0] for name in on))
