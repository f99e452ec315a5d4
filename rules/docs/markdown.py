"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table; bars in cells are escaped, line ends become spaces."""
    head = f"| {' | '.join(columns)} |"
    line = f"|{'|'.join(' --- ' for _ in columns)}|"
    return [head, line, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)]


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def codes(words: Iterable[object]) -> str:
    return ", ".join(code(word) for word in words)
