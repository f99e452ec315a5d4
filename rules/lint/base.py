"""What a check is, and what it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from knowledge_base.strict_yaml import Node, Problem
from rules.authoring.lock import Lock
from rules.authoring.testing import Case, CaseResult
from rules.lint.observed import Observed, observe
from rules.model import Rule
from rules.pack import Pack

Level = Literal["error", "warning"]


@dataclass(frozen=True, eq=False)
class Subject:
    """One rule with its file, its tests and what they showed."""

    rule: Rule
    path: Path
    node: Node
    """The rule's file."""
    knowledge: KnowledgeBase
    test_path: Path
    has_tests: bool
    """Whether the test file is there and could be read."""
    cases: tuple[Case, ...] = ()
    results: tuple[CaseResult, ...] = ()

    @cached_property
    def observed(self) -> tuple[Observed, ...]:
        """Each element that the cases put before the rule, with the values that it read."""
        return observe(self.rule, [case.event for case in self.cases], self.knowledge)

    def entries(self, body: Rule) -> Iterator[tuple[str, Node, Node]]:
        """(key, key node, value node) of everything that the text of one body says, in order."""
        if body is not self.rule:
            versions = self.node.get("versions")
            for older in versions if versions is not None else ():
                number = older.get("version")
                if number is not None and number.value == body.version:
                    yield from older.entries()
            return
        for name, key, value in self.node.items():
            if name != "versions":
                yield name, key, value
                yield from value.entries()

    def place(self, key: str = "") -> Node:
        """The node of a key of the rule's file; the file's first where it has no such key."""
        if self.node.is_mapping:
            for name, key_node, _ in self.node.items():
                if name == key:
                    return key_node
        return self.node


@dataclass(frozen=True, eq=False)
class Material:
    """Everything that is checked together."""

    subjects: tuple[Subject, ...]
    pack: Pack
    knowledge: KnowledgeBase
    today: date | None = None
    """The day of the check; None leaves out what depends on it."""
    locks: tuple[tuple[Path, Lock], ...] = ()
    """Lock files with their content."""
    folders: frozenset[Path] = frozenset()
    """The folders that were named, resolved: nothing in them is left out."""
    unreadable: frozenset[str] = frozenset()
    """Ids of rules whose files are there and could not be read."""
    parameters: Mapping[str, Node] = field(default_factory=dict)
    """Where each parameter stands; empty where unused parameters are not asked for."""
    entries: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    """The code sets and source profiles of the knowledge files that were named, by section."""


class Check:
    """One thing that can be wrong with a rule. Subclasses say what, why and how to put it right.

    A check looks at one rule (`rule`) or at all of them together (`together`). One that does
    neither names what the reader of files finds: its id stands on those problems.
    """

    id: ClassVar[str]
    title: ClassVar[Names]
    doc: ClassVar[str]
    level: ClassVar[Level] = "error"
    asks_for_cases: ClassVar[bool] = False
    """Whether it asks for cases; a rule that can never fire cannot have them."""

    def rule(self, subject: Subject) -> Iterable[Problem]:
        """What is wrong with one rule."""
        return ()

    def together(self, material: Material) -> Iterable[Problem]:
        """What is wrong with the rules as a whole."""
        return ()

    @classmethod
    def at(cls, node: Node, message: str, fix: str) -> Problem:
        """A problem of this check."""
        return Problem(node.path, node.line, node.column, message, fix, cls.level, cls.id)

    @classmethod
    def in_file(cls, path: Path, message: str, fix: str) -> Problem:
        """The same about a file as a whole."""
        return Problem(path, 1, 1, message, fix, cls.level, cls.id)


class CaseCheck(Check):
    """A kind of case that the tests must have."""

    asks_for_cases = True

    def rule(self, subject: Subject) -> Iterable[Problem]:
        if subject.has_tests:
            for what, fix in self.lacking(subject):
                message = f"the tests of {subject.rule.id} lack {what}"
                yield self.in_file(subject.test_path, message, fix)

    def lacking(self, subject: Subject) -> Iterator[tuple[str, str]]:
        """What is lacking, and what to write."""
        yield from ()
