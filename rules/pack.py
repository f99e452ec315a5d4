"""Folders of rule files become a pack: rules that load together, and the digest that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.strict_yaml import Problem
from rules.errors import PackError
from rules.model import Rule
from rules.reading.check_ids import ID
from rules.reading.loader import read_rule

PACKS: Final = Path(__file__).parent / "packs"
"""The rules that are shipped."""

TEST_SUFFIX: Final = ".test.yaml"


@dataclass(frozen=True)
class Pack:
    """Rules by id, sorted; `digest` is equal for equal rules, wherever their files lie."""

    rules: tuple[Rule, ...]
    digest: str
    paths: tuple[tuple[str, Path], ...] = ()
    """Rule id and the file it came from."""

    @classmethod
    def of(cls, rules: Iterable[Rule], paths: Iterable[tuple[str, Path]] = ()) -> Pack:
        """A pack of rules that are already there; their ids must differ."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.id))
        if len({rule.id for rule in ordered}) != len(ordered):
            raise ValueError("two rules carry one id")
        return cls(ordered, digest_of(ordered), tuple(paths))

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def path(self, rule_id: str) -> Path | None:
        return dict(self.paths).get(rule_id)


def digest_of(rules: Iterable[Rule]) -> str:
    """The first 16 hex digits of the SHA-256 over the rules' content."""
    sha = hashlib.sha256()
    for rule in rules:
        sha.update(repr(rule).encode("utf-8", "surrogatepass"))
        sha.update(b"\n")
    return sha.hexdigest()[:16]


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The rule files of files and folders, without their tests, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        candidates = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        for file in candidates:
            if not file.name.endswith(TEST_SUFFIX):
                found[file] = None
    return list(found)


def read_pack(paths: Sequence[Path], knowledge: KnowledgeBase, problems: list[Problem]) -> Pack:
    """The rules that could be read; whatever is wrong is appended to `problems`."""
    for path in paths:
        if not path.exists():
            problems.append(Problem(path, 1, 1, "there is no such file or folder"))
        elif not rule_files([path]):
            problems.append(Problem(path, 1, 1, "there are no rules in this folder"))
    rules: dict[str, Rule] = {}
    places: dict[str, Path] = {}
    for file in rule_files([path for path in paths if path.exists()]):
        rule = read_rule(file, knowledge, problems)
        if rule is None:
            continue
        if rule.id in rules:
            message = f"the rule {rule.id} is already in {places[rule.id]}"
            problems.append(Problem(file, 1, 1, message, "keep one of them", check=ID))
            continue
        rules[rule.id] = rule
        places[rule.id] = file
    return Pack.of(rules.values(), places.items())


def load_pack(paths: Sequence[Path], knowledge: KnowledgeBase) -> Pack:
    """The pack of all rule files in these files and folders.

    Raises PackError with every problem of every file at once.
    """
    problems: list[Problem] = []
    pack = read_pack(paths, knowledge, problems)
    if problems:
        raise PackError(problems)
    return pack
