"""Histories from rows that may stand anywhere in the files; overlaps are problems."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Generic, TypeVar

from knowledge_base.fields import Context
from knowledge_base.model import Dated, History
from knowledge_base.strict_yaml import Node

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Row = tuple[Dated[T], Node]


def build(rows: Sequence[Row[T]], context: Context, what: str) -> History[T]:
    """The rows as one history; two rows that cover the same day are reported."""
    ordered = sorted(rows, key=lambda row: (row[0].valid_from, str(row[1].path), row[1].line))
    last: Row[T] | None = None
    for row in ordered:
        entry, node = row
        if last is not None and entry.valid_from < (last[0].valid_to or date.max):
            context.report(
                node,
                f"{what}: the interval from {entry.valid_from} overlaps the one from "
                f"{last[0].valid_from} ({last[1].path.name}:{last[1].line})",
                "end the earlier one with `to: ` the day on which the later begins",
            )
        if last is None or (entry.valid_to or date.max) > (last[0].valid_to or date.max):
            last = row
    return History(entry for entry, _ in ordered)


class Rows(Generic[K, T]):
    """Rows gathered by key over all files."""

    def __init__(self) -> None:
        self._rows: dict[K, list[Row[T]]] = {}

    def add(self, key: K, entry: Dated[T], node: Node) -> None:
        self._rows.setdefault(key, []).append((entry, node))

    def all(self) -> Iterator[tuple[K, Dated[T], Node]]:
        """Every row with its key and its place."""
        for key, rows in self._rows.items():
            for entry, node in rows:
                yield key, entry, node

    def histories(self, context: Context, what: str) -> Mapping[K, History[T]]:
        """The history of each key."""
        return {
            key: build(rows, context, f"{what} {_words(key)}") for key, rows in self._rows.items()
        }


def _words(key: Hashable) -> str:
    return "|".join(map(str, key)) if isinstance(key, tuple) else str(key)
