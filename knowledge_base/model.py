"""What the knowledge base knows: dated values, each with the source it comes from.

Everything that can change by law or by registry is a `History`: values over days, [from, to).
Days are calendar days in the institution's time zone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Generic, TypeAlias, TypeVar

T = TypeVar("T")

Scalar: TypeAlias = int | float | str | bool
Key: TypeAlias = tuple[str, ...]
"""The key of a row of a parameter: one word a key column; empty for a plain parameter."""

CONTROLS: Final = ("narcotic", "psychotropic_1", "psychotropic_2", "none")
DRUG_KINDS: Final = ("western", "patent", "herbal")
FORMS: Final = ("injection", "controlled_release", "other")
GRADES: Final = ("unrestricted", "restricted", "special", "none")
CATEGORIES: Final = ("drug", "consumable", "service")
LEVELS: Final = ("tertiary", "secondary", "primary")
CODESET_KINDS: Final = ("ingredient", "drug", "icd10", "item", "text")


@dataclass(frozen=True, slots=True)
class Names:
    """One name in the two languages that users read."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Source:
    """A document that values are cited from."""

    id: str
    title: Names
    issuer: str
    number: str
    published: date | None
    url: str
    licence: str


@dataclass(frozen=True, slots=True)
class Basis:
    """Where one value stands: the source's id, and the place inside the source."""

    source: str
    locator: str


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value for the days from `valid_from` until the day before `valid_to` (None: open)."""

    value: T
    valid_from: date
    valid_to: date | None

    def covers(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class History(Generic[T]):
    """The values of one thing over time; intervals are sorted and do not overlap.

    `at(day)` is one comparison for the common history of a single open interval.
    """

    __slots__ = ("_only", "_only_from", "_starts", "entries")

    def __init__(self, entries: Iterable[Dated[T]]) -> None:
        self.entries = tuple(sorted(entries, key=lambda e: e.valid_from))
        single = len(self.entries) == 1 and self.entries[0].valid_to is None
        self._only: T | None = self.entries[0].value if single else None
        self._only_from: date = self.entries[0].valid_from if self.entries else date.max
        self._starts = [e.valid_from for e in self.entries]

    def at(self, day: date) -> T | None:
        """The value of that day, or None where no interval covers it."""
        if self._only is not None:
            return self._only if day >= self._only_from else None
        index = bisect_right(self._starts, day) - 1
        if index < 0:
            return None
        entry = self.entries[index]
        return entry.value if entry.valid_to is None or day < entry.valid_to else None

    def __iter__(self) -> Iterator[Dated[T]]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"History({list(self.entries)!r})"


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """One number (or word) of a regulation or a label, as of its days, with its place."""

    value: Scalar
    unit: str
    source: str
    locator: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named limit. `by` names the key columns of a table; it is empty for one value."""

    id: str
    title: Names
    unit: str
    by: Key
    rows: dict[Key, History[ParameterValue]]

    def at(self, day: date, key: Key = ()) -> ParameterValue | None:
        """The value as of `day`; None where no row or no interval exists, never "no limit"."""
        row = self.rows.get(key)
        return row.at(day) if row is not None else None


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a code set in one interval; `lengths` are those of its code prefixes.

    `codes` are all members, those of the included sets (subclasses) too.
    """

    codes: frozenset[str]
    lengths: tuple[int, ...]
    basis: Basis
    includes: tuple[str, ...] = ()
    """The sets whose members are members of this one."""


_NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class CodeSet:
    """A named set of codes or words. A set of kind `icd10` holds categories and subcategories."""

    id: str
    title: Names
    of: str
    history: History[Members]

    def at(self, day: date) -> frozenset[str]:
        """The members of that day; empty before the first interval."""
        members = self.history.at(day)
        return members.codes if members is not None else _NOBODY

    def matches(self, code: str, day: date) -> bool:
        """Whether the set holds the code; in an ICD-10 set also one of its parent categories."""
        members = self.history.at(day)
        if members is None:
            return False
        if self.of != "icd10":
            return code in members.codes
        code = code.strip().upper()
        return any(code[:length] in members.codes for length in members.lengths)

    def ever(self) -> frozenset[str]:
        """The members of any day: what an index may not leave out."""
        return frozenset().union(*(entry.value.codes for entry in self.history))

    def source_at(self, day: date) -> Basis | None:
        members = self.history.at(day)
        return members.basis if members is not None else None


@dataclass(frozen=True, slots=True)
class Usual:
    """How a drug is commonly prescribed; simulated traffic is made from it, no rule uses it."""

    dose: float
    dose_unit: str
    doses_per_day: float
    days: int
    route: str
    usage: str


@dataclass(frozen=True, slots=True)
class Drug:
    """A medicinal product of a local catalogue, mapped to ingredients (INN, lower case)."""

    key: str
    system: str
    code: str
    name: Names
    ingredients: tuple[str, ...]
    kind: str
    form: str
    control: str
    antimicrobial_grade: str
    requires_skin_test: bool
    usual: Usual | None


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """An item that can be ordered or charged. None of its flags is guessed: None is unknown."""

    key: str
    system: str
    code: str
    name: Names
    category: str
    unit: str
    price: Decimal | None
    drug: str | None
    orderable: bool
    requires_udi: bool | None
    requires_trace_code: bool | None


@dataclass(frozen=True, slots=True)
class Practitioner:
    """What the registry says of a person on one day; None where it says nothing."""

    institution: str
    id: str
    name: Names
    department: str | None
    title: str | None
    grants: frozenset[str] | None
    licensed: bool | None
    active_payment: bool | None


@dataclass(frozen=True, slots=True)
class Device:
    """What the registry says of a device on one day."""

    institution: str
    id: str
    name: Names
    licensed: bool | None
    """Whether a permit for it is in force (配置许可证); None where the registry does not say."""


@dataclass(frozen=True, slots=True)
class Department:
    """A department; `kinds` are the encounter kinds that it sees."""

    id: str
    name: Names
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Institution:
    """A health institution; `time_zone` is an IANA name and decides its calendar days."""

    id: str
    name: Names
    level: str | None
    kind: str | None
    time_zone: str
    departments: tuple[Department, ...]


@dataclass(frozen=True, slots=True)
class Analyte:
    """What an observation code measures, in one unit; `factors` convert others by multiplying."""

    id: str
    title: Names
    unit: str
    codes: tuple[tuple[str, str], ...]
    factors: dict[str, float]
    basis: Basis

    def convert(self, value: float, unit: str) -> float | None:
        """The value in the analyte's unit; None for a unit without a factor."""
        if unit == self.unit:
            return value
        factor = self.factors.get(unit)
        return value * factor if factor is not None else None
