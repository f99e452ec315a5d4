"""Rules and events in a form that belongs to no engine, and what a rule means there.

A rule fires for an element when all of `scope` and `when` hold and none of `unless` does. Every
fact is known: what the engines would say of unknown ones is not what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

Plain: TypeAlias = str | int | float | bool
Row: TypeAlias = dict[str, Plain | list[str]]
"""One fact of a peer engine: an element with everything that is known of its event."""

EVENT: Final = "event"
ITEM: Final = "item"
DIAGNOSIS: Final = "diagnosis"
KINDS: Final = (EVENT, ITEM, DIAGNOSIS)
"""What a rule looks at: the event once, each of its items, or each of its diagnoses."""


class Firing(NamedTuple):
    """A rule that fired for an element of an event; "" is the event as a whole."""

    rule: str
    element: str


@dataclass(frozen=True, slots=True)
class Condition:
    """`is` (a word or a boolean), `in`, `not_in`, `any_in` (lists of words), `below`, `above`."""

    field: str
    operator: str
    value: Plain | tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The list of a membership."""
        if not isinstance(self.value, tuple):
            raise TypeError(f"{self.field} {self.operator} has no list")
        return self.value


@dataclass(frozen=True, slots=True)
class Rule:
    """`topic` says what it is about: the hand-written loop sorts by it."""

    id: str
    topic: str
    of: str
    scope: tuple[Condition, ...]
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One prescribed drug."""

    id: str
    drug: str
    ingredient: str
    dose_mg: float
    doses_per_day: int
    days_supply: int
    route: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One signed prescription; diagnoses are ICD-10 categories."""

    id: str
    age: int
    sex: str
    pregnant: bool
    encounter: str
    is_rescue: bool
    department: str
    diagnoses: tuple[str, ...]
    lines: tuple[Line, ...]


def rows(visit: Visit) -> list[tuple[str, Row]]:
    """The facts of a visit by the name of their element: the event, its items, its diagnoses."""
    shared: Row = {
        "age": visit.age,
        "sex": visit.sex,
        "pregnant": visit.pregnant,
        "encounter": visit.encounter,
        "is_rescue": visit.is_rescue,
        "department": visit.department,
        "diagnoses": list(visit.diagnoses),
        "item_count": len(visit.lines),
    }
    found: list[tuple[str, Row]] = [("", {"of": EVENT, **shared})]
    for line in visit.lines:
        own: Row = {
            "drug": line.drug,
            "ingredient": line.ingredient,
            "dose_mg": line.dose_mg,
            "doses_per_day": line.doses_per_day,
            "days_supply": line.days_supply,
            "route": line.route,
        }
        found.append((line.id, {"of": ITEM, **shared, **own}))
    found += [(code, {"of": DIAGNOSIS, **shared, "diagnosis": code}) for code in visit.diagnoses]
    return found
