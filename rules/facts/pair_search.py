"""Which pairs an act has: lines of it with each other, and with remembered lines of other acts.

What is not shown is never clean. A line whose drug is not known leaves all rules about pairs
undetermined, as long as any other line may be the other half. A line that is one half of a pair
between acts leaves the rules about such pairs undetermined where the other acts are not known
(`partial_list`: nothing is remembered; `not_covered`: not for long enough), or where one of them
has a line of an unknown drug that may be used at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from msgspec import UNSET

from contracts.acts import ChargeItem, OrderItem
from knowledge_base.pairs import BEYOND_ONE_EVENT, Keys, Match, PairIndex, Side
from rules.facts.base import PARTIAL_LIST, STATED_ABSENT, Context, Element
from rules.facts.halves import Remembered, begin_of, known_by
from rules.facts.items import find_drug, find_entry
from rules.facts.pairs import NAME, Pair, in_context, is_same_day, still_works
from rules.naming import distinct

UNKNOWN_DRUG: Final = "item.drug.ingredients"
"""How a decision names what is missing where a line's drug is not known."""
UNKNOWN_PARTNER: Final = "pair.partner"
"""The same where it is the drug of a remembered line."""
NOT_COVERED: Final = "not_covered"
MAX_LINES: Final = 300
"""Lines of one act that are compared with each other; of further ones it is said that they were
not. Each pair costs, and 9,000 lines have forty million."""


class Unseen(NamedTuple):
    """A line of which it is not known with what it makes a pair: under which fact, and why."""

    line: Element
    fact: str
    why: str
    sides: tuple[Side, ...] | None
    """The kinds of rows that it is one half of; None where nothing is known of it."""


class Found(NamedTuple):
    pairs: Sequence[Element]
    unseen: Sequence[Unseen]


class Others(Protocol):
    """What is remembered of the patient's other acts, see rules.memory.partners."""

    @property
    def lines(self) -> Sequence[Element]:
        """The lines that may be one half of a pair, each `of` a Remembered."""

    def covers(self, begin: datetime) -> bool:
        """Whether every line is known that matters for one whose use begins then."""


_NOTHING: Final = Found((), ())


def are_none(c: Context, items: Sequence[Any]) -> bool:
    """Whether surely no row is about these lines: of the event's day all, and none in a table.

    Most acts are like that, and are through with pairs here.
    """
    index, seen = c.knowledge.pairs.day(c.day)
    left = 0 if index.is_open else 1
    for item in items:
        if item.service_time is not UNSET:
            return False
        if type(item) is ChargeItem:
            known = c.entries.get(id(item)) or find_entry(c, item)
        else:
            known = c.drugs.get(id(item)) or find_drug(c, item)
        # Drugs and entries are the knowledge base's own: their identity does not change.
        is_half = seen.get(id(known))
        if is_half is None:
            is_half = _is_half(c, index, item, known)
            if type(known) is not dict:
                seen[id(known)] = is_half
        if type(item) is OrderItem and not is_half and index.items:
            is_half = (item.code.system, item.code.code) in index.items
        if is_half:
            left -= 1
            if left < 0:
                return False
    return True


def _is_half(c: Context, index: PairIndex, item: Any, known: Any) -> bool:
    """Whether a line may stand in a row: by its drug, or its entry in the catalogue."""
    if type(known) is dict:
        return known is not STATED_ABSENT and bool(index)
    keys, why = known_by(c, item)
    return (bool(why) and bool(index)) or index.names(keys)


def find_pairs(
    c: Context, lines: Sequence[Element], is_of_day: Sequence[bool], others: Others | None = None
) -> Found:
    """The pairs that come into being on the context's day, and what is not known of others.

    `lines` are those of that day and of days before it; a pair belongs to the day of its line of
    the later date, and one with another act's line to the day of the present line.
    """
    index = c.knowledge.pairs.on_day(c.day)
    if not index:
        return _NOTHING
    read = [known_by(c, line.of) for line in lines]
    # Lines of later days count too: one of an unknown drug may be the other half of theirs.
    items = c.data.items
    whole = read if len(read) == len(items) else [known_by(c, item) for item in items]
    halves = sum(bool(why) or index.names(keys) for keys, why in whole)
    unseen = [
        found
        for line, (keys, why), is_today in zip(lines, read, is_of_day, strict=True)
        if is_today
        for found in _unseen(c, index, line, keys, why, halves, others)
    ]
    pairs: list[Element] = []
    named: list[int] = []  # the lines that stand in any row: few, whatever the size of the act
    for later, (keys, _) in enumerate(read):
        if not index.names(keys):
            continue
        if len(named) == MAX_LINES:
            if is_of_day[later]:
                unseen.append(Unseen(lines[later], NAME, "too_many", None))
            continue
        for earlier in named:
            if is_of_day[later] or is_of_day[earlier]:
                for match in index.between(read[earlier][0], keys):
                    pairs.append(_pair(c, lines[earlier], lines[later], match))
        if others is not None and is_of_day[later] and index.beyond(keys):
            pairs += _with_others(c, index, lines[later], keys, others.lines)
        named.append(later)
    if len(pairs) > 1:
        for element, name in zip(pairs, distinct([p.id for p in pairs]), strict=True):
            element.id = name
    return Found(pairs, unseen)


def _unseen(
    c: Context, index: PairIndex, line: Element, keys: Keys, why: str, halves: int,
    others: Others | None,
) -> Iterator[Unseen]:  # fmt: skip
    """What is not known of a line's pairs; `halves` of the lines may stand in a row."""
    is_covered = not index.is_open or (others is not None and others.covers(begin_of(c, line)))
    if why and (halves > 1 or not is_covered or _meets_any(c, index, line, others)):
        yield Unseen(line, UNKNOWN_DRUG, why, None)
        return
    sides = index.beyond(keys)
    if not sides:
        return
    if not is_covered:
        yield Unseen(line, NAME, PARTIAL_LIST if others is None else NOT_COVERED, sides)
    unknown: dict[str, dict[Side, None]] = {}
    for other in others.lines if others is not None else ():
        if other.of.why:
            met = (s for s in sides if _may_meet(c, index, s.context, line, other))
            unknown.setdefault(other.of.why, {}).update(dict.fromkeys(met))
    for of_other, met_sides in unknown.items():
        if met_sides:
            yield Unseen(line, UNKNOWN_PARTNER, of_other, tuple(met_sides))


def _meets_any(c: Context, index: PairIndex, line: Element, others: Others | None) -> bool:
    """Whether any remembered line may be the other half of a line of an unknown drug."""
    for other in others.lines if others is not None and index.is_open else ():
        is_unknown = other.of.why
        sides = () if is_unknown else index.beyond(other.of.keys)
        contexts = index.contexts if is_unknown else {side.context for side in sides}
        if any(_may_meet(c, index, context, line, other) for context in contexts):
            return True
    return False


def _may_meet(c: Context, index: PairIndex, context: str, line: Element, other: Element) -> bool:
    """Whether two lines may be a pair of a context, whatever the row."""
    if context == "day":
        return is_same_day(c, line, other)
    return still_works(c, line, other, index.longest_gap) is not False


def _with_others(
    c: Context, index: PairIndex, line: Element, keys: Keys, others: Iterable[Element]
) -> Iterator[Element]:
    """The pairs of a line with lines of other acts; those that surely are none here are left out:
    there is much that a patient took once."""
    for other in others:
        for match in index.between(other.of.keys, keys):
            if match.half.row.context in BEYOND_ONE_EVENT:
                pair = _pair(c, other, line, match)
                if in_context(c, pair) is not False:
                    yield pair


def _pair(c: Context, one: Element, other: Element, match: Match) -> Element:
    """The pair as an element; `one` stands before `other` in the act, or in another act."""
    is_swapped = begin_of(c, other) < begin_of(c, one)
    is_a, is_b = (match.is_ba, match.is_ab) if is_swapped else (match.is_ab, match.is_ba)
    half = match.half
    gaps = [half.gap_after_a] * is_a + [half.gap_after_b] * is_b
    partner, item = (one, other)
    if type(one.of) is Remembered:
        first, second = item.id, partner.id
    else:
        partner, item = (other, one) if is_swapped else (one, other)
        first, second = sorted((one.id, other.id), key=lambda name: (len(name), name))
    pair = Element(Pair(half, item, partner, max(gaps)), f"{first}~{second}:{half.row.id}")
    pair.outer = item
    return pair
