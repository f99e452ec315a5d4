"""A rule made ready for one event type and one epoch, and the plan of an event type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Protocol

from contracts.acts import phase_of
from contracts.decision import Basis
from contracts.event import EVENT_TYPES
from knowledge_base import KnowledgeBase
from rules.engine import compiler
from rules.engine.bunches import Bunch
from rules.engine.index import FEW, MANY, SMALL, Index, anchor_of
from rules.engine.reasons import Reasons
from rules.engine.told import Told
from rules.facts.base import Context, Element
from rules.model import Rule


class Deciders(Protocol):
    """An engine: what makes the functions that decide rules, see rules.engine.compiler."""

    name: str
    """The engine and its version, as decisions name it."""

    def rule(self, rule: Rule, family: str, day: date) -> compiler.Run:
        """Decides one rule, as rules.engine.compiler.compile_rule."""
        ...

    def group(self, members: Sequence[Ready], each: str, family: str, day: date) -> compiler.Run:
        """Decides rules together, as rules.engine.compiler.compile_group."""
        ...

    def hit(
        self, members: Sequence[Ready], each: str, family: str, day: date
    ) -> compiler.Run | None:
        """The same for rules whose anchors are proven; None where one by one is as good."""
        ...


class Compiled:
    """The compiled engine."""

    name = "compiled/1"

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge

    def rule(self, rule: Rule, family: str, day: date) -> compiler.Run:
        return compiler.compile_rule(rule, family, self._knowledge, day)

    def group(self, members: Sequence[Ready], each: str, family: str, day: date) -> compiler.Run:
        return compiler.compile_group(members, each, family, self._knowledge, day)

    def hit(
        self, members: Sequence[Ready], each: str, family: str, day: date
    ) -> compiler.Run | None:
        return compiler.compile_hit(members, each, family, self._knowledge, day)


class Ready:
    """One rule for one event type on the days of one epoch.

    Most rules of a big pack are never looked at: the parts are made when they are first needed.
    """

    def __init__(
        self, rule: Rule, event_type: str, shown: str, order: int, knowledge: KnowledgeBase,
        day: date, deciders: Deciders,
    ) -> None:  # fmt: skip
        known = EVENT_TYPES[event_type]
        self.rule = rule
        self.id = rule.id
        self.version = rule.version
        self.order = order
        self.family = known.family
        self.run: compiler.Run = self._first_run
        self.anchor = anchor_of(rule, knowledge, day)
        spec = rule.finding.in_phase(phase_of(known.verb))
        self.reminded = spec.audience if rule.if_unknown == "remind" else ()
        """Whom to tell when it cannot be evaluated."""
        self._knowledge = knowledge
        self.day = day
        self._deciders = deciders
        self._shown = shown
        self._spec = spec
        self._reasons: Reasons | None = None
        self._told: Told | None = None

    def _first_run(self, c: Context, F: Any, x: Element | None, E: Any) -> Any:
        self.run = self._deciders.rule(self.rule, self.family, self.day)
        return self.run(c, F, x, E)

    @property
    def reasons(self) -> Reasons:
        if self._reasons is None:
            self._reasons = Reasons(self.rule, self.family, self._knowledge, self.day)
        return self._reasons

    @property
    def told(self) -> Told:
        if self._told is None:
            self._told = Told(self.rule, self._spec, self._shown, self.reasons)
        return self._told


class Group:
    """The rules of one list of elements (or of the event), ready to run."""

    __slots__ = ("everything", "indexed", "is_indexed", "look", "rest")

    def __init__(
        self, rules: Sequence[Ready], each: str, family: str, few: int | None,
        day: date, deciders: Deciders,
    ) -> None:  # fmt: skip
        if few is None:
            few = FEW if len(rules) > SMALL else MANY

        def of_hit(chosen: Sequence[Ready]) -> compiler.Run | None:
            return deciders.hit(chosen, each, family, day)

        def of_group(chosen: Sequence[Ready]) -> compiler.Run:
            return deciders.group(chosen, each, family, day)

        def bunch(chosen: tuple[Ready, ...], is_sure: bool) -> Bunch:
            return Bunch(chosen, of_hit if is_sure else of_group)

        index = Index([(ready.anchor, ready) for ready in rules], bunch, few)
        self.everything = index.everything
        self.rest = Bunch(index.rest, of_group, at_once=True)
        """The rules that are looked at for every element."""
        left = {id(ready) for ready in index.rest}
        self.indexed = bunch(tuple(r for r in rules if id(r) not in left), False)
        """All others: the tables say which of them."""
        self.is_indexed = bool(index.tables)
        self.look: Callable[..., list[Bunch]] = compiler.compile_look(index.tables, each, family)
        """`(c, F, x, E) -> bunches` that the tables bring."""


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


class Plans(Protocol):
    """What a run needs of the evaluator."""

    knowledge: KnowledgeBase
    basis: Basis
    evaluations: int

    def zone(self, institution_id: str, at: datetime) -> tzinfo: ...

    def plan(self, event_type: str, day: date) -> Plan: ...

    def day_text(self, day: date) -> str: ...
