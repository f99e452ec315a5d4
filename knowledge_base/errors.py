"""Errors of the knowledge base.

KnowledgeError   files that cannot be loaded: carries every problem, each with file and line
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge_base.strict_yaml import Problem


class KnowledgeError(Exception):
    """The files do not form a knowledge base; `problems` says all of what is wrong at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'' if count == 1 else 's'} in the knowledge base"
        super().__init__("\n".join([head, *map(str, self.problems)]))
