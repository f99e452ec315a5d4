"""The files of a new rule: a rule that works, its test, and the knowledge of its own.

They pass `yijian rules check` as they are, so that an author changes one thing at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Final

from knowledge_base import Drug, KnowledgeBase
from rules.pack import TEST_SUFFIX

TEMPLATES: Final = Path(__file__).parent / "scaffolds"
_ID: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Scaffold:
    """What was written."""

    rule_id: str
    files: tuple[Path, ...]


def scaffold(rule_id: str, folder: Path, knowledge: KnowledgeBase, today: date) -> Scaffold:
    """Write `rules/PACK/NAME.yaml`, its test and `knowledge/PACK_NAME.yaml` below a folder.

    Raises ValueError for an id that is none, or where the knowledge base has no drugs to write
    a test about; FileExistsError where a file is there already: nothing is written then.
    """
    if _ID.fullmatch(rule_id) is None:
        raise ValueError(
            f"{rule_id!r} is no id of a rule; write PACK.NAME in lower case, e.g. house.long_course"
        )
    pack, _, name = rule_id.partition(".")
    drug, other = _drugs(knowledge, today)
    words = {
        "id": rule_id,
        "source": f"{pack}-{name}".replace("_", "-"),
        "from": f"{today.year}-01-01",
        "at": f"{today}T10:00+08:00",
        "drug": drug.ingredients[0],
        "other": other.ingredients[0],
        "drug_zh": drug.name.zh,
        "drug_en": drug.name.en,
    }
    home = folder / "rules" / pack
    files = {
        home / f"{name}.yaml": "rule.yaml",
        home / f"{name}{TEST_SUFFIX}": "test.yaml",
        folder / "knowledge" / f"{pack}_{name}.yaml": "knowledge.yaml",
    }
    for path in files:
        if path.exists():
            raise FileExistsError(17, "exists already", str(path))
    for path, template in files.items():
        text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(words), encoding="utf-8")
    return Scaffold(rule_id, tuple(files))


def _drugs(knowledge: KnowledgeBase, day: date) -> tuple[Drug, Drug]:
    """Two drugs of one ingredient each, which differ; antimicrobials first."""
    single = [drug for drug in knowledge.drugs(day) if len(drug.ingredients) == 1]
    single.sort(key=lambda drug: (drug.antimicrobial_grade == "none", drug.key))
    for other in reversed(single):
        if other.ingredients != single[0].ingredients:
            return single[0], other
    raise ValueError(
        "the knowledge base has no two drugs to write a test about; load a catalogue of drugs first"
    )
