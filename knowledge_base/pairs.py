"""Tables of pairs: what must not, or not without thought, be used or charged together.

A pair is unordered in identity. It is ordered in exposure: after A some time must pass before B
(`gap_after_a`), after B some other time before A (`gap_after_b`).

    index = knowledge.pairs.on_day(day)
    index.between(keys_of_one_line, keys_of_another)   # the pairs that these two lines are
    index.beyond(keys_of_one_line)                     # pairs whose other half may be elsewhere

Contexts say when two lines are a pair at all:

    prescription   they stand in one act (a prescription, an order, a bill): one event shows it
    bag            they are in one infusion bag or syringe (成组): the group of the lines shows it
    day            they are of one calendar day of the institution
    validity       the one is used before the other, and its gap, has ended

Pairs of the contexts `day` and `validity` also exist between acts. One event cannot show these:
a line that is one half of such a pair leaves the rules about it undetermined (`beyond`), never
clean, until a patient's other acts are known. What of those acts is to be remembered is said by
`knowledge.pairs.halves`, for all days at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from knowledge_base.model import Basis, CodeSet, History, Names, Parameter

PAIR_KINDS: Final = ("interaction", "incompatibility", "exclusive_charge")
PAIR_CONTEXTS: Final = ("prescription", "bag", "day", "validity")
PAIR_SEVERITIES: Final = ("contraindicated", "major", "moderate", "minor")
MEMBER_KINDS: Final = ("ingredient", "drug", "item", "codeset")
BEYOND_ONE_EVENT: Final = frozenset({"day", "validity"})
"""Contexts in which the other half may stand in another act."""

SECONDS: Final = {"min": 60.0, "h": 3600.0, "d": 86400.0, "wk": 604800.0}
"""Units of a gap; a day is 24 hours."""

Key: TypeAlias = tuple[str, str]
"""A code with its kind: ingredient, drug or item."""
Keys: TypeAlias = tuple[Key, ...]
"""What a line is known by."""
_NO_PAIRS: Final[tuple[Match, ...]] = ()
_MAX_KEPT: Final = 65_536
_MAX_DAYS: Final = 512


@dataclass(frozen=True, slots=True)
class Member:
    """One side of a pair: an ingredient, a drug, an item (`system|code`), or a set of these."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Gap:
    """How long the effect outlasts the use: in seconds, or by a parameter."""

    seconds: float = 0.0
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class PairRow:
    """What a table says of one pair on some days."""

    id: str
    a: Member
    b: Member
    severity: str
    mechanism: Names
    context: str
    gap_after_a: Gap | None
    gap_after_b: Gap | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class PairTable:
    """A named table of pairs; `rows` by their id."""

    id: str
    title: Names
    kind: str
    rows: dict[str, History[PairRow]]


@dataclass(frozen=True, slots=True)
class Half:
    """A row with what holds of it on the days of one epoch."""

    table: PairTable
    row: PairRow
    gap_after_a: timedelta
    gap_after_b: timedelta


@dataclass(frozen=True, slots=True)
class Match:
    """Two lines that a row names, the one as A or as B or as either."""

    half: Half
    is_ab: bool
    """The first is A and the second is B."""
    is_ba: bool


class Side(NamedTuple):
    """A kind of rows: of one table, context and severity."""

    table: str
    kind: str
    context: str
    severity: str


def _longest_gap(halves: Iterable[Half]) -> timedelta:
    gaps = (
        max(half.gap_after_a, half.gap_after_b)
        for half in halves
        if half.row.context in BEYOND_ONE_EVENT
    )
    return max(gaps, default=timedelta(0))


class PairIndex:
    """The pairs of one epoch, found by what lines are known by. What was asked is kept."""

    def __init__(self, halves: Iterable[tuple[Half, frozenset[Key], frozenset[Key]]]) -> None:
        as_a: dict[Key, list[int]] = {}
        as_b: dict[Key, list[int]] = {}
        listed: list[Half] = []
        for number, (half, a, b) in enumerate(halves):
            listed.append(half)
            for sides, keys in ((as_a, a), (as_b, b)):
                for key in keys:
                    sides.setdefault(key, []).append(number)
        self._halves = tuple(listed)
        self._as_a = {key: frozenset(numbers) for key, numbers in as_a.items()}
        self._as_b = {key: frozenset(numbers) for key, numbers in as_b.items()}
        self._between: dict[tuple[Keys, Keys], tuple[Match, ...]] = {}
        self._beyond: dict[Keys, tuple[Side, ...]] = {}
        self.contexts = frozenset(half.row.context for half in self._halves) & BEYOND_ONE_EVENT
        """The contexts of pairs that also exist between acts."""
        self.is_open = bool(self.contexts)
        """Whether there are such pairs."""
        self.longest_gap = _longest_gap(self._halves)
        """Of the pairs that also exist between acts."""
        named = (*self._as_a, *self._as_b)
        self.items = frozenset(tuple(code.rsplit("|", 1)) for kind, code in named if kind == "item")
        """System and code of the items that stand in a row."""

    def __bool__(self) -> bool:
        return bool(self._halves)

    def names(self, keys: Keys) -> bool:
        """Whether a line that is known by these stands in any row."""
        return any(key in self._as_a or key in self._as_b for key in keys)

    def between(self, one: Keys, other: Keys) -> tuple[Match, ...]:
        """The pairs that two lines are, in the order of the tables; each row once."""
        found = self._between.get((one, other))
        if found is None:
            found = self._matches(one, other)
            if len(self._between) >= _MAX_KEPT:
                self._between.clear()
            self._between[(one, other)] = found
        return found

    def beyond(self, keys: Keys) -> tuple[Side, ...]:
        """The kinds of rows of which a line is one half, and the other may be in another act."""
        found = self._beyond.get(keys)
        if found is None:
            numbers = _union(self._as_a, keys) | _union(self._as_b, keys)
            halves = (self._halves[n] for n in sorted(numbers))
            sides = (
                Side(half.table.id, half.table.kind, half.row.context, half.row.severity)
                for half in halves
                if half.row.context in BEYOND_ONE_EVENT
            )
            found = tuple(dict.fromkeys(sides))
            if len(self._beyond) >= _MAX_KEPT:
                self._beyond.clear()
            self._beyond[keys] = found
        return found

    def of_others(self) -> Iterable[Key]:
        """What the lines are known by that stand in pairs between acts, on both sides."""
        for sides in (self._as_a, self._as_b):
            for key, numbers in sides.items():
                if any(self._halves[n].row.context in BEYOND_ONE_EVENT for n in numbers):
                    yield key

    def _matches(self, one: Keys, other: Keys) -> tuple[Match, ...]:
        ab = _union(self._as_a, one) & _union(self._as_b, other)
        ba = _union(self._as_b, one) & _union(self._as_a, other)
        if not ab and not ba:
            return _NO_PAIRS
        return tuple(Match(self._halves[n], n in ab, n in ba) for n in sorted(ab | ba))


_EMPTY: Final = PairIndex(())


class Halves:
    """Which lines may be one half of a pair between acts, on any day; what they ask of memory."""

    def __init__(self, indexes: Iterable[PairIndex]) -> None:
        listed = tuple(indexes)
        self._keys = frozenset(key for index in listed for key in index.of_others())
        self.longest_gap = max((index.longest_gap for index in listed), default=timedelta(0))
        contexts: frozenset[str] = frozenset()
        self.contexts = contexts.union(*(index.contexts for index in listed))
        self.has_items = any(kind == "item" for kind, _ in self._keys)
        self.seen: dict[int, bool] = {}
        """A place for what is found out about drugs and entries, by their identity."""
        said = "\n".join("\t".join(key) for key in sorted(self._keys))
        self.digest = sha256(said.encode()).hexdigest()[:12]
        """Names the lines: two with one digest remember the same ones."""

    def __bool__(self) -> bool:
        return bool(self._keys)

    def names(self, keys: Keys) -> bool:
        """Whether a line that is known by these stands in any row."""
        return not self._keys.isdisjoint(keys)


class PairBook:
    """All pair tables, with an index for each epoch: days between which nothing of them changes."""

    def __init__(
        self,
        tables: Mapping[str, PairTable] | None = None,
        codesets: Mapping[str, CodeSet] | None = None,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> None:
        self.tables: Mapping[str, PairTable] = tables or {}
        self._codesets = codesets or {}
        self._parameters = parameters or {}
        self.boundaries = tuple(sorted(self._days()))
        """Every day on which a row, a class of it or a gap changes."""
        self._indexes: dict[date, PairIndex] = {}
        self._by_day: dict[date, tuple[PairIndex, dict[int, bool]]] = {}

    @cached_property
    def halves(self) -> Halves:
        """What pairs between acts ask to be remembered, whatever the day."""
        return Halves(self._of_epoch(day) for day in self.boundaries)

    def on_day(self, day: date) -> PairIndex:
        """The pairs of a day."""
        return self.day(day)[0]

    def day(self, day: date) -> tuple[PairIndex, dict[int, bool]]:
        """The pairs of a day, and a place for what is found out about entries of that day."""
        found = self._by_day.get(day)
        if found is None:
            if len(self._by_day) >= _MAX_DAYS:
                self._by_day.clear()
            found = self._by_day[day] = (self._of_epoch(day), {})
        return found

    def _of_epoch(self, day: date) -> PairIndex:
        place = bisect_right(self.boundaries, day) - 1
        if place < 0:
            return _EMPTY
        start = self.boundaries[place]
        index = self._indexes.get(start)
        if index is None:
            index = self._indexes[start] = self._index(start)
        return index

    def row(self, table_id: str, row_id: str, day: date) -> PairRow | None:
        """What a table says of one of its pairs on a day."""
        table = self.tables.get(table_id)
        history = table.rows.get(row_id) if table is not None else None
        return history.at(day) if history is not None else None

    def _index(self, day: date) -> PairIndex:
        halves = []
        for table_id in sorted(self.tables):
            table = self.tables[table_id]
            for row_id in sorted(table.rows):
                row = table.rows[row_id].at(day)
                if row is not None:
                    gaps = self._gap(row.gap_after_a, day), self._gap(row.gap_after_b, day)
                    sides = self._side(row.a, day), self._side(row.b, day)
                    halves.append((Half(table, row, *gaps), *sides))
        return PairIndex(halves)

    def _side(self, member: Member, day: date) -> frozenset[Key]:
        if member.kind != "codeset":
            return frozenset({(member.kind, member.name)})
        codeset = self._codesets.get(member.name)
        if codeset is None:
            return frozenset()
        return frozenset((codeset.of, code) for code in codeset.at(day))

    def _gap(self, gap: Gap | None, day: date) -> timedelta:
        if gap is None:
            return timedelta(0)
        if not gap.parameter:
            return timedelta(seconds=gap.seconds)
        parameter = self._parameters.get(gap.parameter)
        value = parameter.at(day) if parameter is not None else None
        if parameter is None or value is None:
            return timedelta(0)
        return timedelta(seconds=float(value.value) * SECONDS.get(parameter.unit, 0.0))

    def _days(self) -> Iterable[date]:
        days: set[date] = set()
        for table in self.tables.values():
            for history in table.rows.values():
                days |= _edges((history,))
                for entry in history:
                    for member in (entry.value.a, entry.value.b):
                        codeset = self._codesets.get(member.name)
                        if member.kind == "codeset" and codeset is not None:
                            days |= _edges((codeset.history,))
                    for gap in (entry.value.gap_after_a, entry.value.gap_after_b):
                        parameter = self._parameters.get(gap.parameter) if gap else None
                        if parameter is not None:
                            days |= _edges(parameter.rows.values())
        return days


def _union(sides: Mapping[Key, frozenset[int]], keys: Keys) -> frozenset[int]:
    found = [numbers for key in keys if (numbers := sides.get(key))]
    return frozenset().union(*found) if found else frozenset()


def _edges(histories: Iterable[History[Any]]) -> set[date]:
    return {
        day
        for history in histories
        for entry in history
        for day in (entry.valid_from, entry.valid_to)
        if day is not None
    }
