"""The check of words for drugs, ingredients and items: a misspelt one would match nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.facts import fact_of
from rules.lint.base import Check, Material, Subject
from rules.model import Condition, Literal, Test, Words, leaves_of, somes_of

_KINDS: Final = ("ingredient", "drug", "item")
_ADD: Final = "correct it, or add it to the catalogue"


@dataclass(frozen=True, eq=False)
class _Known:
    """The words of the catalogue, on any day."""

    base: KnowledgeBase

    @cached_property
    def catalogue(self) -> frozenset[str]:
        """The ingredients of its drugs."""
        return frozenset(i for drug in self.base.every_drug() for i in drug.ingredients)

    @cached_property
    def elsewhere(self) -> frozenset[str]:
        """The ingredients that code sets and pair tables name."""
        sets = (s.ever() for s in self.base.codesets.values() if s.of == "ingredient")
        histories = (h for t in self.base.pairs.tables.values() for h in t.rows.values())
        rows = (entry.value for history in histories for entry in history)
        named = (m.name for row in rows for m in (row.a, row.b) if m.kind == "ingredient")
        return frozenset().union(*sets, named)

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of drugs, items and analytes, as system|code."""
        keys = {drug.key for drug in self.base.every_drug()}
        keys |= {item.key for item in self.base.every_item()}
        measured = {f"{s}|{code}" for a in self.base.analytes() for s, code in a.codes}
        return frozenset(keys | measured)

    def is_empty(self, kind: str) -> bool:
        """Whether there is no catalogue of the kind at all: then it says nothing."""
        return not (self.catalogue if kind == "ingredient" else self.codes)

    def knows(self, word: str, kind: str) -> bool:
        if kind == "ingredient":
            return word in self.catalogue or word in self.elsewhere
        return word in self.codes


class DrugWords(Check):
    id = "YJ208"
    level = "warning"
    title = Names("药品和成分在目录中", "Drugs and ingredients are known")
    doc = (
        "A word for an ingredient, a drug or an item that nobody knows matches nothing, and the "
        "rule is silent. Of words in a rule it tells those that neither the catalogue nor a code "
        "set or pair table knows; of code sets in the knowledge files that are checked: codes of "
        "drugs and items that the catalogue does not know, and ingredients that it does not know "
        "and that differ by one letter from one that it knows (a class may well name ingredients "
        "that a hospital does not stock). Not asked without a catalogue."
    )

    def rule(self, subject: Subject) -> Iterable[Problem]:
        known = _Known(subject.knowledge)
        told: set[str] = set()
        for body in subject.rule.bodies:
            for key, tree in (("scope", body.scope), ("when", body.when), ("unless", body.unless)):
                for kind, word in _written(tree, body.each):
                    if word in told or known.is_empty(kind) or known.knows(word, kind):
                        continue
                    told.add(word)
                    near = known.catalogue if kind == "ingredient" else known.codes
                    fix = words.nearest(word, near) or _ADD
                    yield self.at(subject.place(key), f"no {kind} is called `{word}`", fix)

    def together(self, material: Material) -> Iterable[Problem]:
        known = _Known(material.knowledge)
        for entry in material.entries.get("codesets", ()):
            of = entry.get("of")
            kind = str(of.value) if of is not None else ""
            if kind in _KINDS and not known.is_empty(kind):
                yield from self._members(entry, kind, known)

    def _members(self, entry: Node, kind: str, known: _Known) -> Iterator[Problem]:
        for node in _members_of(entry):
            word = str(node.value)
            if kind != "ingredient" and word not in known.codes:
                fix = words.nearest(word, known.codes) or _ADD
                yield self.at(node, f"no {kind} is called `{word}`", fix)
            elif kind == "ingredient" and word not in known.catalogue:
                near = sorted(other for other in known.catalogue if _differ_by_one(word, other))
                if near:
                    message = f"the catalogue knows no ingredient `{word}`"
                    yield self.at(node, message, f"did you mean {words.listing(near)}?")


def _written(tree: Condition, each: str) -> Iterator[tuple[str, str]]:
    """The words for drugs, ingredients and items that stand in conditions, with their kind."""
    for test in leaves_of(tree):
        fact = fact_of(test.fact, each)
        # Diseases, procedures and reasons are codes of other systems: no catalogue holds them.
        if fact is not None and (fact.coding == "ingredient" or fact.in_knowledge is not None):
            yield from ((fact.coding, word) for word in _words_of(test))
    for some in somes_of(tree):
        yield from _written(some.where, some.each)


def _words_of(test: Test) -> Iterator[str]:
    for operand in test.operands:
        if isinstance(operand, Words):
            yield from operand.values
        elif isinstance(operand, Literal) and isinstance(operand.value, str):
            yield operand.value


def _members_of(entry: Node) -> Iterator[Node]:
    """The members that a code set itself names, of all of its intervals."""
    intervals = entry.get("intervals")
    for interval in intervals if intervals is not None and intervals.is_list else ():
        listed = interval.get("members") if interval.is_mapping else None
        yield from listed if listed is not None and listed.is_list else ()


def _differ_by_one(a: str, b: str) -> bool:
    """Whether two words differ by one letter: another, a further, or two that changed places."""
    short, long = sorted((a, b), key=len)
    if a == b or len(long) - len(short) > 1:
        return False
    n = next((n for n, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    if len(short) < len(long):
        return short[n:] == long[n + 1 :]
    swapped = short[:n] + short[n : n + 2][::-1] + short[n + 2 :]
    return short[n + 1 :] == long[n + 1 :] or swapped == long
