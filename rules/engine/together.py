"""Several rules as one function of generated code, so that they share what they read.

The function is `(c, F, x, E, told) -> silent`: context, the event's facts, element, the element's
facts. Silent rules are bits of the returned number; every other outcome is appended to `told` with
its rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from knowledge_base import KnowledgeBase
from rules.engine.bunches import Piece, apart
from rules.engine.compiler import Run, made, source_of
from rules.engine.forms import cut_of, form_of
from rules.engine.index import Anchor, is_mixed
from rules.engine.limits import Limit, in_order
from rules.engine.outcomes import NOT_APPLICABLE, SILENT
from rules.engine.rule_code import Leave, emit_rule
from rules.engine.source import Source
from rules.engine.truth import prefix_matcher
from rules.facts import Type
from rules.model import Rule


class Member(Protocol):
    """A rule among others, with its anchor and its limit on the days that the code is for."""

    @property
    def rule(self) -> Rule: ...

    @property
    def anchor(self) -> Anchor | None: ...

    @property
    def limit(self) -> Limit | None: ...


def compile_group(
    members: Sequence[Member], each: str, family: str, knowledge: KnowledgeBase, day: date
) -> Run:
    """A function that decides rules of which nothing is known, for an element not yet read."""
    fresh = "E" if each else "F"
    return compile_pieces([Piece(members, False)], each, family, knowledge, day, fresh)


def compile_pieces(
    pieces: Sequence[Piece], each: str, family: str, knowledge: KnowledgeBase, day: date,
    fresh: str = "",
) -> Run:  # fmt: skip
    """A function that decides the rules of all pieces; bits count through them.

    `fresh` names the store of facts that is empty when it begins, see Source.
    """
    members = [member for piece in pieces for member in piece.rules]
    s = source_of(each, family, knowledge, day, fresh)
    s.emit(0, "s = 0")
    bound: set[str] = set()
    first = 0
    for piece in pieces:
        emit = _emit_sure if piece.is_sure else _emit_open
        emit(s, piece.rules, first, bound)
        first += len(piece.rules)
    s.emit(0, "return s")
    return made(s, "told", members)


def _emit_open(s: Source, members: Sequence[Member], first: int, bound: set[str]) -> None:
    """Rules that are anchored in one fact stand behind one look at it."""
    by_fact: dict[str, list[int]] = {}
    for number, member in enumerate(members):
        name = member.anchor.fact.name if member.anchor is not None else ""
        by_fact.setdefault(name, []).append(number)
    for name, numbers in by_fact.items():
        depth, inner = 0, bound
        if name and len(numbers) > 1:
            anchors = [a for n in numbers if (a := members[n].anchor) is not None]
            _emit_gate(s, anchors, bound)
            depth, inner = 1, set(bound)
        for number in numbers:
            _emit_member(s, members[number], first + number, depth, inner)


def _emit_sure(s: Source, members: Sequence[Member], first: int, bound: set[str]) -> None:
    """Rules that measure one fact stand behind one look at it; they come in that order."""
    number = first
    for group in in_order(members):
        limit = group[0].limit
        if limit is None or len(group) == 1:
            for place, member in enumerate(group, number):
                _emit_member(s, member, place, 0, bound, is_sure=True)
        elif limit.members is None:
            _emit_chain(s, group, number, bound)
        else:
            _emit_union(s, group, number, bound)
        number += len(group)


def _emit_member(
    s: Source, member: Member, number: int, depth: int, bound: set[str], *, is_sure: bool = False
) -> None:
    anchor = member.anchor if is_sure else None
    proven = anchor.proves if anchor is not None else None
    # A loop that never turns: `break` leaves one rule for the next.
    s.emit(depth, "while True:")
    true = () if proven is None else (proven,)
    emit_rule(s, member.rule, depth + 1, bound, _leave(number), true)


def _emit_chain(s: Source, group: Sequence[Member], first: int, bound: set[str]) -> None:
    """From the widest limit to the strictest: the first that is kept ends it."""
    limits = [member.limit for member in group]
    forms = [form_of(s, limit.test, 0, bound) for limit in limits if limit is not None]
    numbered = s.value([(first + n, member) for n, member in enumerate(group)])
    s.emit(0, f"if {forms[0].unknown}: s |= {s.value(apart)}(c, F, x, E, told, {numbered})")
    s.emit(0, "else:")
    s.emit(1, "while True:")
    everything = (1 << len(group)) - 1
    for n, (member, limit, form) in enumerate(zip(group, limits, forms, strict=True)):
        assert limit is not None
        if n == 0 or limit.rank != limits[n - 1].rank:  # type: ignore[union-attr]
            left = (everything >> n << n) << first
            s.emit(2, f"if not ({form.truth}): s |= {left}; break")
        true = [limit.test]
        if member.anchor is not None and member.anchor.proves is not None:
            true.append(member.anchor.proves)
        s.emit(2, "while True:")
        emit_rule(s, member.rule, 3, set(bound), _leave(first + n), tuple(true))
    s.emit(2, "break")


def _emit_union(s: Source, group: Sequence[Member], first: int, bound: set[str]) -> None:
    """Where there is no code of any of the lists all are silent."""
    limits = [member.limit for member in group if member.limit is not None]
    fact = s.fact(limits[0].test.fact)
    sets = [limit.members for limit in limits if limit.members is not None]
    codes = s.value(frozenset().union(*(members.codes for members in sets)))
    a = s.fetch(fact, 0, bound)
    unknown = s.unknown(fact, a, 0, bound)
    if fact.type is Type.LIST:
        if sets[0].lengths:
            a = cut_of(s, fact, a, sets[0].lengths, 0, bound)
        s.emit(0, f"if {unknown} or not {codes}.isdisjoint({a}):")
    else:
        s.emit(0, f"if {unknown} or {a} in {codes}:")
    inner = set(bound)
    for n, member in enumerate(group):
        _emit_member(s, member, first + n, 1, inner, is_sure=True)
    s.emit(0, f"else: s |= {((1 << len(group)) - 1) << first}")


def _emit_gate(s: Source, anchors: Sequence[Anchor], bound: set[str]) -> None:
    """Emit the look that spares rules whose anchor's value is not among those they ask for."""
    fact = anchors[0].fact
    a = s.fetch(fact, 0, bound)
    codes = frozenset().union(*(anchor.values for anchor in anchors))
    sizes = sorted({size for anchor in anchors for size in anchor.prefixes})
    if sizes:
        contains = s.value(prefix_matcher(codes, sizes, whole=is_mixed(anchors)))
        passes = f"any_in({a}, {contains})" if fact.type is Type.LIST else f"{contains}({a})"
    elif fact.type is Type.LIST:
        passes = f"not {s.value(codes)}.isdisjoint({a})"
    else:
        passes = f"{a} in {s.value(codes)}"
    knows = fact.in_knowledge
    if knows is not None and any(anchor.is_open for anchor in anchors):
        passes += f" or not {s.value(knows)}(c, x)"
    s.emit(0, f"if type({a}) is dict or {passes}:")


def _leave(number: int) -> Leave:
    def leave(outcome: int) -> str:
        if outcome == NOT_APPLICABLE:
            return "break"
        if outcome == SILENT:
            return f"s |= {1 << number}; break"
        return f"told.append(({outcome}, r{number})); break"

    return leave
