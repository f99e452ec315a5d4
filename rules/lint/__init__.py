"""Checks of rules: each a small class with an id, a title and a paragraph that explains it.

    for problem in lint([Path("rules/packs")], knowledge, today=today): print(problem)

CHECKS lists them all. There is no way to switch one off for a rule.
"""

from rules.lint.base import Check, Material, Subject
from rules.lint.run import CHECKS, lint

__all__ = ["CHECKS", "Check", "Material", "Subject", "lint"]
