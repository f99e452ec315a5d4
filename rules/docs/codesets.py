"""The page of all code sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from knowledge_base import KnowledgeBase
from knowledge_base.model import CodeSet
from rules.docs.markdown import code, table

_SHOWN: Final = 8
"""So many members are named; of more their number is told."""


def codesets_page(knowledge: KnowledgeBase) -> str:
    """Every code set with what it holds, as of its last interval."""
    lines = [
        "# Code sets 代码集",
        "",
        "What `{codeset: …}` can name. `of` says what the members are: compare them with a fact of "
        "that kind (`item` with `item.code`, `ingredient` with `item.drug.ingredients`, `icd10` "
        "with `event.diagnoses`). The members are those of the latest day.",
        "",
        *table(["code set", "of", "含义", "meaning", "members"], _rows(knowledge)),
    ]
    return "\n".join(lines)


def _rows(knowledge: KnowledgeBase) -> Iterator[list[str]]:
    for name, found in sorted(knowledge.codesets.items()):
        yield [code(name), found.of, found.title.zh, found.title.en, _members(found)]


def _members(found: CodeSet) -> str:
    *_, latest = found.history
    members = sorted(latest.value.codes)
    rest = len(members) - _SHOWN
    shown = ", ".join(map(code, members[:_SHOWN]))
    return f"{shown} … and {rest} more" if rest > 0 else shown
