"""Classes of codes: a set that includes others has their members too, day by day.

    penicillins includes aminopenicillins: on a day its members are its own and theirs of that day

What the including set says is dated, and so is what the included one says: the resolved history
has a new interval on every day on which either changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TypeVar

from knowledge_base.fields import Context, did_you_mean
from knowledge_base.model import CodeSet, Dated, History, Members

T = TypeVar("T")


def resolve(codesets: dict[str, CodeSet], context: Context) -> dict[str, CodeSet]:
    """The sets with all of their members.

    An unknown or unfitting included set, a circle, and a day of which the included set says
    nothing are reported.
    """
    return _Resolver(codesets, context).all()


def uncovered(history: History[T], start: date, end: date | None) -> date | None:
    """The first day of [start, end) of which a history says nothing; None where there is none."""
    day = start
    last = end or date.max
    for entry in history:
        if day < entry.valid_from:
            break
        if entry.covers(day):
            day = entry.valid_to or date.max
    return day if day < last else None


class _Resolver:
    def __init__(self, codesets: dict[str, CodeSet], context: Context) -> None:
        self._sets = codesets
        self._context = context
        self._done: dict[str, CodeSet] = {}
        self._open: list[str] = []

    def all(self) -> dict[str, CodeSet]:
        return {name: self._resolved(name) for name in self._sets}

    def _resolved(self, name: str) -> CodeSet:
        if name not in self._done:
            self._open.append(name)
            codeset = self._sets[name]
            entries = [part for entry in codeset.history for part in self._parts(codeset, entry)]
            self._open.pop()
            self._done[name] = replace(codeset, history=History(entries))
        return self._done[name]

    def _parts(self, codeset: CodeSet, entry: Dated[Members]) -> Iterator[Dated[Members]]:
        """An interval, cut on the days on which an included set changes."""
        included = [s for name in entry.value.includes if (s := self._included(codeset, name))]
        if not included:
            yield entry
            return
        last = entry.valid_to or date.max
        edges = {entry.valid_from, last}
        for other in included:
            gap = uncovered(other.history, entry.valid_from, entry.valid_to)
            if gap is not None:
                fix = f"give `{other.id}` an interval for that day, or include it from later on"
                self._report(codeset.id, other.id, f"`{other.id}` says nothing of {gap}", fix)
            for part in other.history:
                edges |= {part.valid_from, part.valid_to or date.max}
        days = sorted(day for day in edges if entry.valid_from <= day <= last)
        for start, end in pairwise(days):
            codes = entry.value.codes.union(*(other.at(start) for other in included))
            lengths = tuple(sorted({len(code) for code in codes}))
            members = replace(entry.value, codes=codes, lengths=lengths)
            yield Dated(members, start, None if end == date.max else end)

    def _included(self, codeset: CodeSet, name: str) -> CodeSet | None:
        other = self._sets.get(name)
        if other is None:
            fix = did_you_mean(name, self._sets, "add it to a `codesets:` list")
            self._report(codeset.id, name, f"there is no code set `{name}`", fix)
            return None
        if other.of != codeset.of:
            text = f"`{name}` holds codes of kind {other.of}, `{codeset.id}` of kind {codeset.of}"
            self._report(codeset.id, name, text, "include a set of the same kind")
            return None
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            fix = "a class cannot lie within itself: remove one `includes`"
            self._report(codeset.id, name, f"the sets include each other: {circle}", fix)
            return None
        return self._resolved(name)

    def _report(self, codeset: str, name: str, message: str, fix: str) -> None:
        self._context.report(self._context.included[(codeset, name)], message, fix)
