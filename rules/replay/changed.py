"""Which rules can answer differently on two sides, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final

from knowledge_base import KnowledgeBase
from knowledge_base.canonical import digest
from rules import words
from rules.facts import CATALOGUE
from rules.model import CodeSetOperand, ParameterOperand, Rule
from rules.pack import Pack

CATALOGUES: Final = "catalogues"
"""Everything of the knowledge base that facts read: drugs, items, registries, source profiles …"""

PAIRS: Final = "pairs"
"""Tables of pairs, with the code sets and parameters that their rows name."""

_NAMED: Final = frozenset({"digest", "sources", "parameters", "codesets", "pairs"})
"""What rules name themselves, what only rules about pairs read, and what no decision depends on."""


@dataclass(frozen=True, eq=False)
class Side:
    """Rules with the knowledge that they are evaluated with."""

    pack: Pack
    knowledge: KnowledgeBase

    def with_drafts(self) -> Side:
        """The same, with its drafts as if they were in shadow."""
        rules = [replace(r, status="shadow") if r.status == "draft" else r for r in self.pack.rules]
        return Side(Pack.of(rules, self.pack.paths), self.knowledge)

    def only(self, rule_ids: frozenset[str]) -> Pack:
        """The rules of these ids."""
        return Pack.of(rule for rule in self.pack.rules if rule.id in rule_ids)


@dataclass(frozen=True)
class ChangedRule:
    """A rule that may answer differently: `added`, `removed`, `rule`, `parameter:ID`,
    `codeset:ID`, `pairs` or `catalogues` say why."""

    rule_id: str
    why: tuple[str, ...]


def changed_rules(baseline: Side, candidate: Side) -> tuple[ChangedRule, ...]:
    """The rules that are not equal on both sides, by id.

    A rule is equal where its text, each parameter and code set that it names, and everything
    that facts read of the knowledge base are equal. Drafts and retired rules answer nothing.
    """
    old = {rule.id: rule for rule in baseline.pack.rules if rule.is_evaluated}
    new = {rule.id: rule for rule in candidate.pack.rules if rule.is_evaluated}
    is_same_knowledge = baseline.knowledge.digest == candidate.knowledge.digest
    catalogues = is_same_knowledge or _catalogues(baseline) == _catalogues(candidate)
    pairs = is_same_knowledge or _pairs(baseline.knowledge) == _pairs(candidate.knowledge)
    found = []
    for rule_id in sorted({*old, *new}):
        before, after = old.get(rule_id), new.get(rule_id)
        why: list[str] = []
        if before is None or after is None:
            why.append("added" if before is None else "removed")
        else:
            if repr(before) != repr(after):  # equality would take `1` for `true`
                why.append("rule")
            if not is_same_knowledge:
                why += _other_knowledge(after, baseline.knowledge, candidate.knowledge)
            if not pairs and any(body.each == words.INTERACTIONS for body in after.bodies):
                why.append(PAIRS)
            if not catalogues:
                why.append(CATALOGUES)
        if why:
            found.append(ChangedRule(rule_id, tuple(why)))
    return tuple(found)


def _other_knowledge(rule: Rule, old: KnowledgeBase, new: KnowledgeBase) -> list[str]:
    parameters, codesets = _named(rule)
    why = []
    for name in sorted(parameters):
        if digest({"": old.parameter(name)}) != digest({"": new.parameter(name)}):
            why.append(f"parameter:{name}")
    for name in sorted(codesets):
        if digest({"": old.codeset(name)}) != digest({"": new.codeset(name)}):
            why.append(f"codeset:{name}")
    return why


def _named(rule: Rule) -> tuple[set[str], set[str]]:
    """The parameters and code sets that a rule names anywhere."""
    parameters: set[str] = set()
    codesets: set[str] = set()
    for part in _parts(rule):
        if isinstance(part, ParameterOperand):
            parameters.add(part.parameter)
        elif isinstance(part, CodeSetOperand):
            codesets.add(part.codeset)
        elif isinstance(part, str) and (fact := CATALOGUE.get(part)) is not None:
            parameters.update(fact.parameters)
    return parameters, codesets


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything inside it, wherever a later version of the language puts it."""
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            yield from _parts(getattr(value, f.name))
    elif isinstance(value, dict):
        for child in (*value.keys(), *value.values()):
            yield from _parts(child)
    elif isinstance(value, list | tuple | set | frozenset):
        for child in value:
            yield from _parts(child)


def _pairs(knowledge: KnowledgeBase) -> str:
    """The tables, and what their rows name of the rest of the knowledge base."""
    tables = knowledge.pairs.tables
    named: dict[str, Any] = {}
    for table in tables.values():
        for history in table.rows.values():
            for entry in history:
                row = entry.value
                for member in (row.a, row.b):
                    if member.kind == "codeset":
                        named[f"codeset {member.name}"] = knowledge.codeset(member.name)
                for gap in (row.gap_after_a, row.gap_after_b):
                    if gap is not None and gap.parameter:
                        named[f"parameter {gap.parameter}"] = knowledge.parameter(gap.parameter)
    return digest({"tables": tables, "named": named})


def _catalogues(side: Side) -> str:
    knowledge = side.knowledge
    names = [f.name for f in fields(knowledge) if f.name not in _NAMED]
    return digest({name: getattr(knowledge, name) for name in names})
