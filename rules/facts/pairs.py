"""Pairs of lines of one act: `each: item.interactions`, and the facts of a pair.

Which lines are a pair is said by the pair tables of the knowledge base; whether they are one here
is said by the context of the row (`pair.in_context`), which every rule about pairs asks first.

The later line, by the begin of its use and then by its place in the act, is the item of the pair:
`item.*` are its facts. The earlier one is its partner. The name of a pair does not depend on that
order: `1~3:row`.

What one event cannot show is never clean. A line whose drug is not known leaves all rules about
pairs undetermined; a line that is one half of a pair which also exists between acts (contexts
`day` and `validity`) leaves the rules about such pairs undetermined: the other half may stand in
an act that is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from contracts.acts import ChargeItem, OrderItem, PrescriptionItem
from contracts.values import Amount, Coding
from knowledge_base.pairs import (
    PAIR_CONTEXTS,
    PAIR_KINDS,
    PAIR_SEVERITIES,
    Half,
    Keys,
    Match,
    PairIndex,
    Side,
)
from rules.facts.base import (
    NOT_REPORTED,
    PARTIAL_LIST,
    STATED_ABSENT,
    Context,
    Element,
    Fact,
    Interval,
    Type,
    Value,
    unknown,
)
from rules.facts.event import WITH_PAIRS
from rules.facts.items import ROUTES, find_drug, find_entry
from rules.facts.read import absent, as_of, key_of, local_day, text, word_of
from rules.facts.times import FACTS as TIMES
from rules.naming import distinct

NAME: Final = "item.interactions"
IN_CONTEXT: Final = "pair.in_context"
UNKNOWN_DRUG: Final = "item.drug.ingredients"
"""How a decision names what is missing where a line's drug is not known."""

_PARENTERAL: Final = frozenset({
    "intravenous", "intramuscular", "subcutaneous", "intradermal", "intrathecal", "epidural",
    "intraarticular",
})  # fmt: skip
"""Routes by which a bag or a syringe is given."""
MAX_LINES: Final = 300
"""Lines of one act that are compared with each other; of further ones it is said that they were
not. Each pair costs, and 9,000 lines have forty million."""
_DAY: Final = timedelta(days=1)
_PERIOD: Final = next(fact for fact in TIMES if fact.name == "item.period")


class Pair(NamedTuple):
    """Two lines that a row of a table names."""

    half: Half
    item: Element
    """The later line."""
    partner: Element
    after_partner: timedelta
    """How long the effect of the partner outlasts its use, for what comes after it."""


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
    keys, why = _known_by(c, item)
    return (bool(why) and bool(index)) or index.names(keys)


def find_pairs(c: Context, lines: Sequence[Element], is_of_day: Sequence[bool]) -> Found:
    """The pairs that come into being on the context's day, and what the event cannot show.

    `lines` are those of that day and of days before it; a pair belongs to the day of its line of
    the later date.
    """
    index = c.knowledge.pairs.on_day(c.day)
    if not index:
        return _NOTHING
    read = [_known_by(c, line.of) for line in lines]
    halves = sum(bool(why) or index.names(keys) for keys, why in read)
    unseen = [
        found
        for line, (keys, why), is_today in zip(lines, read, is_of_day, strict=True)
        if is_today and (found := _unseen(index, line, keys, why, halves)) is not None
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
        named.append(later)
    if len(pairs) > 1:
        for element, name in zip(pairs, distinct([p.id for p in pairs]), strict=True):
            element.id = name
    return Found(pairs, unseen)


def _unseen(index: PairIndex, line: Element, keys: Keys, why: str, halves: int) -> Unseen | None:
    """What is not known of a line's pairs; `halves` of the lines may stand in a row."""
    if why and (halves > 1 or index.is_open):
        return Unseen(line, UNKNOWN_DRUG, why, None)
    sides = index.beyond(keys)
    return Unseen(line, NAME, PARTIAL_LIST, sides) if sides else None


def _known_by(c: Context, item: Any) -> tuple[Keys, str]:
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


def _pair(c: Context, one: Element, other: Element, match: Match) -> Element:
    """The pair as an element; `one` stands before `other` in the act."""
    is_swapped = _begin(c, other) < _begin(c, one)
    partner, item = (other, one) if is_swapped else (one, other)
    is_a, is_b = (match.is_ba, match.is_ab) if is_swapped else (match.is_ab, match.is_ba)
    half = match.half
    gaps = [half.gap_after_a] * is_a + [half.gap_after_b] * is_b
    first, second = sorted((one.id, other.id), key=lambda name: (len(name), name))
    pair = Element(Pair(half, item, partner, max(gaps)), f"{first}~{second}:{half.row.id}")
    pair.outer = item
    return pair


def _begin(c: Context, line: Element) -> datetime:
    start = _use(c, line).start
    return start if type(start) is datetime else as_of(c, line)


def _use(c: Context, line: Element) -> Interval:
    """From when until when a line is used; a charge is an instant."""
    at = as_of(c, line)
    read = _PERIOD.extractors.get(_family(line.of))
    if read is None:
        return Interval(start=at, end=at)
    found = read(c, line)
    return found if type(found) is Interval else Interval(start=at, end=found)


def _in_context(c: Context, x: Element) -> Value:
    """Whether two lines are a pair here; unknown where the event does not show it."""
    pair: Pair = x.of
    context = pair.half.row.context
    if _is_given_back(pair.item.of) or _is_given_back(pair.partner.of):
        return False
    if context == "prescription":
        return True
    if context == "day":
        return local_day(as_of(c, pair.item), c.zone) == local_day(as_of(c, pair.partner), c.zone)
    if context == "bag":
        return _in_one_bag(pair.item.of, pair.partner.of)
    return _still_works(c, pair)


def _is_given_back(item: Any) -> bool:
    """Whether nothing stands of a charge: such a line is no half of any pair."""
    return type(item) is ChargeItem and item.refunded == item.amount > 0


def _still_works(c: Context, pair: Pair) -> Value:
    """Whether the later line begins before the partner's use, and its gap, has ended."""
    begin, later = _begin(c, pair.partner), _begin(c, pair.item)
    if later == begin or later < begin + pair.after_partner:
        return True
    end = _use(c, pair.partner).end
    if end is None:
        return True
    return later < end + pair.after_partner if type(end) is datetime else end


def _in_one_bag(one: Any, other: Any) -> Value:
    groups = [_bag(item) for item in (one, other)]
    if STATED_ABSENT in groups:
        return False
    for group in groups:
        if type(group) is dict:
            return group
    return groups[0] == groups[1]


def _bag(item: Any) -> Value:
    """The group of a line; stated absent where it is given by itself, or by another route."""
    if type(item) is ChargeItem:
        return NOT_REPORTED
    route = word_of(item.route, ROUTES)
    if type(route) is str and route not in _PARENTERAL:
        return STATED_ABSENT
    group = item.infusion_group
    return text(group) if group is not None else absent(group)


def of_side(side: Side, why: str) -> dict[str, Value]:
    """The facts of a pair of which only the kind of row is known."""
    return {
        "pair.table": side.table,
        "pair.kind": side.kind,
        "pair.context": side.context,
        "pair.severity": side.severity,
        IN_CONTEXT: unknown(why),
    }


@cache
def of_item(fact: Fact) -> Fact:
    """A fact of an item as a fact of a pair: that of its later line."""
    english = fact.english
    return replace(
        fact,
        of=NAME,
        extractors={family: _later(read) for family, read in fact.extractors.items()},
        in_knowledge=None if fact.in_knowledge is None else _later(fact.in_knowledge),
        english=None if english is None else _later(english),
    )


def _later(read: Callable[..., Value]) -> Callable[[Context, Element], Value]:
    return lambda c, x: read(c, x.of.item)


def _row(read: Callable[[Half], Value]) -> Callable[[Context, Element], Value]:
    return lambda c, x: read(x.of.half)


def _partner(facts: tuple[Fact, ...], language: str) -> Callable[[Context, Element], Value]:
    """The first of these facts of the partner that is known."""

    def extract(c: Context, x: Element) -> Value:
        found: Value = NOT_REPORTED
        for fact in facts:
            reader = fact.extractors.get(_family(x.of.partner.of))
            if language == "en" and fact.english is not None:
                reader = fact.english
            found = NOT_REPORTED if reader is None else reader(c, x.of.partner)
            if type(found) is not dict:
                break
        return found

    return extract


def _family(item: Any) -> str:
    if type(item) is PrescriptionItem:
        return "prescription"
    return "order" if type(item) is OrderItem else "billing"


def _washout(c: Context, x: Element) -> Value:
    return Amount(value=x.of.after_partner / _DAY, unit="d")


def facts(of_items: dict[str, Fact]) -> tuple[Fact, ...]:
    """The facts of a pair; `of_items` are those of items, by name."""
    named = tuple(of_items[name] for name in ("item.drug.name", "item.name", "item.drug"))
    coded = tuple(of_items[name] for name in ("item.drug", "item.code"))

    def fact(name: str, kind: Type, zh: str, en: str, read: Any, **more: Any) -> Fact:
        return Fact(f"pair.{name}", kind, zh, en, dict.fromkeys(WITH_PAIRS, read), of=NAME, **more)

    known: dict[str, Any] = {"always_known": True}
    return (
        fact("id", Type.TEXT, "配对编号", "Id of the pair in its table",
             _row(lambda half: half.row.id), **known),
        fact("table", Type.TEXT, "配对表", "Id of the table that names the pair",
             _row(lambda half: half.table.id), **known),
        fact("kind", Type.TEXT, "配对类别", "Interaction, incompatibility or exclusive charge",
             _row(lambda half: half.table.kind), words=PAIR_KINDS, **known),
        fact("context", Type.TEXT, "判定范围", "When two lines are a pair: in one act, bag or day, "
             "or while both are used", _row(lambda half: half.row.context), words=PAIR_CONTEXTS,
             **known),
        fact("severity", Type.TEXT, "严重程度", "How serious the table says it is",
             _row(lambda half: half.row.severity), words=PAIR_SEVERITIES, **known),
        fact("mechanism", Type.TEXT, "机制或后果", "What happens, and why",
             _row(lambda half: half.row.mechanism.zh),
             english=_row(lambda half: half.row.mechanism.en), **known),
        fact("source", Type.TEXT, "来源", "Id of the source that says so",
             _row(lambda half: half.row.basis.source), **known),
        fact("partner", Type.TEXT, "配对的另一项", "Name of the other line: the earlier one",
             _partner(named, "zh"), english=_partner(named, "en")),
        fact("partner_code", Type.TEXT, "另一项的编码", "Code of the other line, as system|code",
             _partner(coded, "")),
        fact("partner_line", Type.TEXT, "另一项的明细号", "Id of the other line",
             lambda c, x: x.of.partner.id, **known),
        fact("washout", Type.AMOUNT, "洗脱期", "How long the effect of the other line lasts after "
             "its use", _washout, **known),
        # Rules ask for it without their authors writing it: no test of theirs need lack it.
        fact("in_context", Type.BOOLEAN, "在判定范围内", "Whether the two lines are a pair here",
             _in_context, **known),
    )  # fmt: skip
