"""The pages of a pack: its rules, what they can ask for, the language and the checks.

    rules.docs.build(pack, knowledge, out)

Markdown; equal rules and knowledge give equal pages, so that pages can be checked in.
"""

from rules.docs.build import build, pages

__all__ = ["build", "pages"]
