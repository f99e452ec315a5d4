"""A rule made ready for one event type and one epoch, and the plan of an event type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Final, Protocol

from contracts.acts import phase_of
from contracts.decision import Basis
from contracts.event import EVENT_TYPES
from knowledge_base import KnowledgeBase
from rules.engine import compiler, together
from rules.engine.bunches import Bunch, Piece, later
from rules.engine.duties import Expectation
from rules.engine.index import FEW, MANY, SMALL, Index, anchor_of
from rules.engine.limits import Limit, limit_of
from rules.engine.reasons import Reasons
from rules.engine.reconciling import Claim
from rules.engine.told import Told
from rules.facts.base import Context, Element
from rules.grouping import Grouping
from rules.model import Rule

_MAX_JOINED: Final = 4096


class Deciders(Protocol):
    """An engine: what makes the functions that decide rules, see rules.engine.compiler."""

    name: str
    """The engine and its version, as decisions name it."""

    def rule(self, rule: Rule, family: str, day: date) -> compiler.Run:
        """Decides one rule, as rules.engine.compiler.compile_rule."""
        ...

    def group(self, members: Sequence[Ready], each: str, family: str, day: date) -> compiler.Run:
        """Decides rules together, as rules.engine.together.compile_group."""
        ...

    def pieces(
        self, pieces: Sequence[Piece], each: str, family: str, day: date
    ) -> compiler.Run | None:
        """Decides what an index brings for an element; None where one by one is as good."""
        ...


class Compiled:
    """The compiled engine."""

    name = "compiled/1"

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge

    def rule(self, rule: Rule, family: str, day: date) -> compiler.Run:
        return compiler.compile_rule(rule, family, self._knowledge, day)

    def group(self, members: Sequence[Ready], each: str, family: str, day: date) -> compiler.Run:
        return together.compile_group(members, each, family, self._knowledge, day)

    def pieces(
        self, pieces: Sequence[Piece], each: str, family: str, day: date
    ) -> compiler.Run | None:
        return together.compile_pieces(pieces, each, family, self._knowledge, day)


class Ready:
    """One rule for one event type on the days of one epoch.

    Most rules of a big pack are never looked at: the parts are made when they are first needed.
    """

    def __init__(
        self, rule: Rule, event_type: str, shown: str, order: int, knowledge: KnowledgeBase,
        day: date, deciders: Deciders, *, whole: Rule | None = None,
    ) -> None:  # fmt: skip
        """`rule` is what is asked, `whole` the rule as its author wrote it."""
        known = EVENT_TYPES[event_type]
        self.rule = rule
        self.whole = whole or rule
        self.expects = rule.expect is not None
        self.id = rule.id
        self.version = rule.version
        self.order = order
        self.family = known.family
        self.run: compiler.Run = later(self, Ready._first_run)
        self.anchor = anchor_of(rule, knowledge, day)
        spec = rule.finding.in_phase(phase_of(known.verb, known.family))
        self.reminded = spec.audience if rule.if_unknown == "remind" else ()
        """Whom to tell when it cannot be evaluated."""
        self.claim = Claim(rule.each, rule.finding.overrides)
        """What its findings stand for, where others are about the same element."""
        self._knowledge = knowledge
        self.day = day
        self._deciders = deciders
        self._shown = shown
        self._spec = spec
        self._reasons: Reasons | None = None
        self._told: Told | None = None
        self._duty: Expectation | None = None
        self._limit: Limit | None = None
        self._is_measured = False

    def _first_run(self, c: Context, F: Any, x: Element | None, E: Any) -> Any:
        self.run = self._deciders.rule(self.rule, self.family, self.day)
        return self.run(c, F, x, E)

    @property
    def limit(self) -> Limit | None:
        """What it measures first where its anchor is proven."""
        if not self._is_measured:
            self._limit = limit_of(self.rule, self.anchor, self._knowledge, self.day)
            self._is_measured = True
        return self._limit

    @property
    def duty(self) -> Expectation:
        """What it expects."""
        if self._duty is None:
            self._duty = Expectation(self.whole, self.family, self._knowledge, self.day)
        return self._duty

    @property
    def reasons(self) -> Reasons:
        if self._reasons is None:
            self._reasons = Reasons(self.rule, self.family, self._knowledge, self.day)
        return self._reasons

    @property
    def told(self) -> Told:
        if self._told is None:
            self._told = Told(self.whole, self._spec, self._shown, self.reasons)
        return self._told


class Group:
    """The rules of one list of elements (or of the event), ready to run."""

    __slots__ = ("__weakref__", "_joined", "_of_pieces", "everything", "look", "rest", "whole")

    def __init__(
        self, rules: Sequence[Ready], each: str, family: str, few: int | None,
        day: date, deciders: Deciders,
    ) -> None:  # fmt: skip
        if few is None:
            few = FEW if len(rules) > SMALL else MANY

        def of_group(pieces: Sequence[Piece]) -> compiler.Run:
            return deciders.group(pieces[0].rules, each, family, day)

        def of_pieces(pieces: Sequence[Piece]) -> compiler.Run | None:
            return deciders.pieces(pieces, each, family, day)

        index = Index([(ready.anchor, ready) for ready in rules], Piece, few)
        self.everything = index.everything
        self.rest = Bunch([Piece(index.rest, False)], of_group, at_once=True)
        """The rules that are looked at for every element."""
        left = {id(ready) for ready in index.rest}
        others = Piece([ready for ready in rules if id(ready) not in left], False)
        self.whole = Bunch([others], of_pieces, base=self.rest)
        """All rules, for an element of which the tables cannot be asked."""
        self._of_pieces = of_pieces
        self._joined: dict[Any, Bunch] = {}
        self.look: Callable[..., Bunch] | None = None
        """`(c, F, x, E) -> bunch`: the rest, and what the tables bring; None without tables."""
        if index.tables:
            join = later(self, Group._join)
            self.look = compiler.compile_look(index.tables, each, family, self._joined, join)

    def _join(self, hits: tuple[Piece | None, ...] | Piece | None) -> Bunch:
        """The rest with what the tables brought, kept for the next such element."""
        listed = hits if isinstance(hits, tuple) else (hits,)
        pieces = [piece for piece in listed if piece is not None]
        if len(self._joined) >= _MAX_JOINED:
            self._joined.clear()
        found = Bunch(pieces, self._of_pieces, base=self.rest) if pieces else self.rest
        self._joined[hits] = found
        return found


@dataclass(frozen=True)
class Plan:
    """What is done with one event type on the days of one epoch. None: there are no rules."""

    family: str
    phase: str
    of_event: Group | None
    of_items: Group | None
    of_lists: tuple[tuple[str, Group], ...]
    """The other lists, by what `each` names."""
    of_pairs: Group | None = None
    asks_for_pairs: bool = False
    """Whether any rule, on any day, is about the pairs of such an event."""
    waiting: tuple[Rule, ...] = ()
    """The rules that are decided once late data had time to arrive."""
    ungrouped: tuple[Ungrouped, ...] = ()
    """For patients: the rules about groups that such an event may belong to."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every list of elements with rules, and the event."""
        named = (self.of_event, self.of_items, self.of_pairs)
        listed = [group for _, group in self.of_lists]
        return tuple(group for group in (*named, *listed) if group is not None)


@dataclass(frozen=True)
class Ungrouped:
    """Rules about groups: undetermined where it is not known which group an event belongs to."""

    grouping: Grouping
    rules: tuple[Ready, ...]
    """Those that would decide about the event in its group."""
    members: dict[str, int]
    """Id and version of those that only look back at it."""


class Plans(Protocol):
    """What a run needs of the evaluator."""

    knowledge: KnowledgeBase
    basis: Basis
    evaluations: int

    def zone(self, institution_id: str, at: datetime) -> tzinfo: ...

    def plan(self, event_type: str, day: date, part: str = ..., group: str = ...) -> Plan: ...

    def day_text(self, day: date) -> str: ...
