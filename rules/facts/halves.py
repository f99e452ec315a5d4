"""A line as one half of pairs: what it is known by and when it is used, here or in another act.

Of a line of another act that much is remembered (`HALF` among the facts that are kept of it): what
it is known by, why its drug is not known, from when until when it is used, and of a charge its
money. Nothing else of it can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET

from contracts.acts import ChargeItem, OrderItem, PrescriptionItem
from contracts.values import Coding
from knowledge_base.pairs import Halves, Keys
from rules.facts.base import STATED_ABSENT, Context, Element, Value
from rules.facts.interval import Interval
from rules.facts.items import find_drug, find_entry
from rules.facts.read import as_of, key_of
from rules.facts.times import FACTS as TIMES
from rules.memory.instants import instant_of, us_of

HALF: Final = "$half"
"""Among the kept facts of a line: what it is as one half of pairs. No fact is called so."""
_BEGINS: Final = ("dispensed_at", "starts_at")
"""Of an act, besides its service time: from when its lines are used."""
_PERIOD: Final = next(fact for fact in TIMES if fact.name == "item.period")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A line of another act."""

    family: str
    keys: Keys
    why: str
    """Why its drug is not known; "" where it is."""
    at: datetime
    """The time that it is judged at: its service time."""
    begin: datetime
    end: Value
    """An instant, None where it is open, or unknown."""
    amount: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    fund_paid: Decimal | None = None

    @property
    def use(self) -> Interval:
        return Interval(start=self.begin, end=self.end)


def family_of(line: Element) -> str:
    """The family of acts that a line is of."""
    item = line.of
    if type(item) is Remembered:
        return item.family
    if type(item) is PrescriptionItem:
        return "prescription"
    return "order" if type(item) is OrderItem else "billing"


def known_by(c: Context, item: Any) -> tuple[Keys, str]:
    """What a line is known by; why its drug is not known, "" where it is, or is none."""
    own = _own_keys(item)
    drug = find_drug(c, item)
    if type(drug) is dict:
        return own, "" if drug is STATED_ABSENT else str(drug["unknown"])
    ingredients = tuple(("ingredient", name) for name in drug.ingredients)
    of_drug = ("drug", drug.key)
    return (*ingredients, *own, *(() if of_drug in own else (of_drug,))), ""


def _own_keys(item: Any) -> Keys:
    if type(item) is PrescriptionItem:
        return (("drug", str(key_of(item.drug))),)
    if type(item) is ChargeItem:
        return (("item", str(key_of(item.item))),)
    ordered = ("item", str(key_of(item.code)))
    if type(item.drug) is not Coding:
        return (ordered,)
    return ordered, ("drug", str(key_of(item.drug)))


def time_of(c: Context, line: Element) -> datetime:
    """The time that a line is judged at."""
    item = line.of
    return item.at if type(item) is Remembered else as_of(c, line)


def begin_of(c: Context, line: Element) -> datetime:
    """From when a line is used."""
    start = use_of(c, line).start
    return start if type(start) is datetime else time_of(c, line)


def use_of(c: Context, line: Element) -> Interval:
    """From when until when a line is used; a charge is an instant."""
    if type(line.of) is Remembered:
        return line.of.use
    at = as_of(c, line)
    read = _PERIOD.extractors.get(family_of(line))
    if read is None:
        return Interval(start=at, end=at)
    found = read(c, line)
    return found if type(found) is Interval else Interval(start=at, end=found)


def is_given_back(item: Any) -> bool:
    """Whether nothing stands of a charge: such a line is no half of any pair."""
    return type(item) is ChargeItem and item.refunded == item.amount > 0


def raw_half(c: Context, item: Any, halves: Halves) -> list[Any] | None:
    """What is remembered of a line, as JSON has it; None where it is no half of any pair."""
    if type(item) is ChargeItem:
        known = c.entries.get(id(item)) or find_entry(c, item)
    else:
        known = c.drugs.get(id(item)) or find_drug(c, item)
    # Drugs and entries are the knowledge base's own: their identity does not change.
    is_half = halves.seen.get(id(known))
    if is_half is False and not (halves.has_items and type(item) is OrderItem):
        return None
    keys, why = known_by(c, item)
    if type(known) is not dict and is_half is None:
        halves.seen[id(known)] = bool(why) or halves.names(keys)
    if not (why or halves.names(keys)) or is_given_back(item):
        return None
    return _raw(c, Element(item, ""), keys, why)


def _raw(c: Context, line: Element, keys: Keys, why: str) -> list[Any]:
    end = use_of(c, line).end
    if type(end) is dict:
        end = end["unknown"]
    elif end is not None:
        end = us_of(end)
    item = line.of
    begin = us_of(begin_of(c, line))
    found = [[list(key) for key in keys], why, begin, _says_begin(c.data, item), end]
    if type(item) is ChargeItem:
        fund = None if item.fund_paid is UNSET else item.fund_paid
        found.append(msgspec.to_builtins([item.amount, item.refunded, fund]))
    return found


def _says_begin(data: Any, item: Any) -> bool:
    """Whether the source says from when a line is used; else the event's time stands for it."""
    said = (item.service_time, data.service_time, *(getattr(data, n, UNSET) for n in _BEGINS))
    return any(type(at) is datetime for at in said)


def restored_half(family: str, raw: list[Any], at_us: int) -> Remembered:
    """The line of which this is remembered; `at_us` is the time that it is judged at."""
    listed, why, begin_us, is_said, until, *charge = raw
    end: Value = until
    if type(until) is str:
        end = {"unknown": until}
    elif until is not None:
        end = instant_of(until)
    keys = tuple((kind, name) for kind, name in listed)
    # A later event about the act, without any time of its own, does not begin the use anew.
    at, begin = instant_of(at_us), instant_of(begin_us if is_said else min(begin_us, at_us))
    if not charge:
        return Remembered(family, keys, why, at, begin, end)
    amount, refunded, fund = charge[0]
    paid = None if fund is None else Decimal(fund)
    return Remembered(family, keys, why, at, at, at, Decimal(amount), Decimal(refunded), paid)
