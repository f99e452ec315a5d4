"""Errors of the rules.

RulesError
    PackError    rule files that do not form a pack: carries every problem with file and line
EngineError      an engine that does not exist, is not installed, or cannot decide a rule
"""

from __future__ import annotations

from collections.abc import Sequence

from knowledge_base.strict_yaml import Problem


class RulesError(Exception):
    """Base of what this package raises; `problems` says all of what is wrong at once."""

    what = "the rules"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'' if count == 1 else 's'} in {self.what}"
        super().__init__("\n".join([head, *map(str, self.problems)]))


class EngineError(Exception):
    """There is no such engine, or it cannot decide a rule; the message says what to do."""


class PackError(RulesError):
    """The files do not form a pack."""

    what = "the rule pack"
