"""Pairs of lines: `each: item.interactions`, and the facts of a pair.

Which lines are a pair is said by the pair tables of the knowledge base; whether they are one here
is said by the context of the row (`pair.in_context`), which every rule about pairs asks first.

Of two lines of one act the later one, by the begin of its use and then by its place, is the item of
the pair: `item.*` are its facts. The earlier one is its partner. The name of a pair does not depend
on that order: `1~3:row`.

A line of another act, as it is remembered, can be a partner too, of pairs of the contexts `day` and
`validity`: `1~ACT/2:row`. A finding is about the present act, so its line is always the item, even
where its use begins before that of the remembered one (an act that was entered late). Exposure is
judged by time all the same: the gap is that of the line whose use begins first.

Which pairs an act has is found in rules.facts.pair_search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from contracts.acts import ChargeItem
from contracts.values import Amount
from knowledge_base.pairs import (
    PAIR_CONTEXTS,
    PAIR_KINDS,
    PAIR_SEVERITIES,
    Half,
    Side,
)
from rules.facts.base import (
    NOT_REPORTED,
    STATED_ABSENT,
    Context,
    Element,
    Fact,
    Type,
    Value,
    unknown,
)
from rules.facts.event import WITH_PAIRS
from rules.facts.halves import (
    Remembered,
    begin_of,
    family_of,
    is_given_back,
    time_of,
    use_of,
)
from rules.facts.items import ROUTES
from rules.facts.read import absent, local_day, text, word_of

NAME: Final = "item.interactions"
IN_CONTEXT: Final = "pair.in_context"
NOT_KEPT: Final = unknown("not_kept")

_PARENTERAL: Final = frozenset({
    "intravenous", "intramuscular", "subcutaneous", "intradermal", "intrathecal", "epidural",
    "intraarticular",
})  # fmt: skip
"""Routes by which a bag or a syringe is given."""
_DAY: Final = timedelta(days=1)


class Pair(NamedTuple):
    """Two lines that a row of a table names."""

    half: Half
    item: Element
    """The later line; of another act's line and one of the present act the present one."""
    partner: Element
    gap: timedelta
    """How long the effect of the earlier line outlasts its use, for what comes after it."""


def in_context(c: Context, x: Element) -> Value:
    """Whether two lines are a pair here; unknown where the event does not show it."""
    pair: Pair = x.of
    context = pair.half.row.context
    if is_given_back(pair.item.of) or is_given_back(pair.partner.of):
        return False
    if context == "prescription":
        return True
    if context == "day":
        return is_same_day(c, pair.item, pair.partner)
    if context == "bag":
        return _in_one_bag(pair.item.of, pair.partner.of)
    return still_works(c, pair.item, pair.partner, pair.gap)


def is_same_day(c: Context, one: Element, other: Element) -> bool:
    return local_day(time_of(c, one), c.zone) == local_day(time_of(c, other), c.zone)


def still_works(c: Context, one: Element, other: Element, gap: timedelta) -> Value:
    """Whether the later line begins before the use of the earlier one, and its gap, has ended."""
    first, second = sorted((one, other), key=lambda line: begin_of(c, line))
    begin, later = begin_of(c, first), begin_of(c, second)
    if later == begin or later < begin + gap:
        return True
    end = use_of(c, first).end
    if end is None:
        return True
    return later < end + gap if type(end) is datetime else end


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
        partner: Element = x.of.partner
        if type(partner.of) is Remembered:
            return _remembered(c, partner, language)
        found: Value = NOT_REPORTED
        for fact in facts:
            reader = fact.extractors.get(family_of(partner))
            if language == "en" and fact.english is not None:
                reader = fact.english
            found = NOT_REPORTED if reader is None else reader(c, partner)
            if type(found) is not dict:
                break
        return found

    return extract


def _remembered(c: Context, partner: Element, language: str) -> str:
    """The name of a line of another act and where it stands; "" as language: its code."""
    codes = dict(reversed(partner.of.keys))  # of a drug by two codes the one that was written
    code: str = codes.get("drug") or codes["item"]
    if not language:
        return code
    system, _, own = code.rpartition("|")
    find = c.knowledge.drug if "drug" in codes else c.knowledge.item
    known = find(system, own, c.day)
    name: str = code if known is None else getattr(known.name, language)
    return f"{name}({partner.id})" if language == "zh" else f"{name} ({partner.id})"


def of_partner(fact: Fact, c: Context, x: Element) -> Value:
    """A fact of items, of the partner of a pair; of other acts only halves of pairs are kept."""
    partner: Element = x.of.partner
    if type(partner.of) is Remembered:
        return NOT_KEPT
    return fact.extractors[family_of(partner)](c, partner)


def _washout(c: Context, x: Element) -> Value:
    return Amount(value=x.of.gap / _DAY, unit="d")


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
        fact("partner", Type.TEXT, "配对的另一项", "Name of the other line: the earlier one of "
             "the act; of another act with the act and its line",
             _partner(named, "zh"), english=_partner(named, "en")),
        fact("partner_code", Type.TEXT, "另一项的编码", "Code of the other line, as system|code",
             _partner(coded, "")),
        fact("partner_line", Type.TEXT, "另一项的明细号", "Id of the other line; of another act "
             "ACT/LINE",
             lambda c, x: x.of.partner.id, **known),
        fact("washout", Type.AMOUNT, "洗脱期", "How long the effect of the line that is used "
             "first lasts after its use", _washout, **known),
        # Rules ask for it without their authors writing it: no test of theirs need lack it.
        fact("in_context", Type.BOOLEAN, "在判定范围内", "Whether the two lines are a pair here",
             in_context, **known),
    )  # fmt: skip
