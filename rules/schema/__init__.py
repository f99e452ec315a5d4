"""JSON Schemas (2020-12) of rule, test and knowledge files, for editors.

They give completion, explanations in Chinese and English, and red lines while one types. What
only the knowledge base can say (does this parameter exist, does its unit fit) they leave to
`yijian rules check`. A file names its schema in its first line:

    # yaml-language-server: $schema=../../language/rule.schema.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from rules.schema.cases import case_schema
from rules.schema.knowledge import knowledge_schema
from rules.schema.rule import rule_schema

FOLDER: Final = Path(__file__).parents[1] / "language"
"""Where they are checked in; a test holds them current."""


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its file name."""
    return {
        "rule.schema.json": rule_schema(),
        "test.schema.json": case_schema(),
        "knowledge.schema.json": knowledge_schema(),
    }


def text_of(schema: dict[str, Any]) -> str:
    """A schema as it is written to its file."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write every schema to a folder."""
    for name, schema in schemas().items():
        (folder / name).write_text(text_of(schema), encoding="utf-8")


__all__ = [
    "FOLDER",
    "case_schema",
    "knowledge_schema",
    "rule_schema",
    "schemas",
    "text_of",
    "write",
]
