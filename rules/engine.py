"""A rule made ready for one event type and one epoch, and the plan of an event type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from contracts.acts import phase_of
from contracts.event import EVENT_TYPES
from knowledge_base import KnowledgeBase
from rules import compiler
from rules.facts.base import Context, Element
from rules.index import FEW, MANY, SMALL, Index, anchor_of
from rules.model import Rule
from rules.reasons import Reasons
from rules.told import Told

_MAX_FRAGMENTS: Final = 4096


class Ready:
    """One rule for one event type on the days of one epoch.

    Most rules of a big pack are never looked at: the parts are made when they are first needed.
    """

    def __init__(
        self, rule: Rule, event_type: str, shown: str, order: int, knowledge: KnowledgeBase,
        day: date,
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
        self._day = day
        self._shown = shown
        self._spec = spec
        self._reasons: Reasons | None = None
        self._told: Told | None = None

    def _first_run(self, c: Context, F: Any, x: Element | None, E: Any) -> Any:
        self.run = compiler.compile_rule(self.rule, self.family, self._knowledge, self._day)
        return self.run(c, F, x, E)

    @property
    def reasons(self) -> Reasons:
        if self._reasons is None:
            self._reasons = Reasons(self.rule, self.family, self._knowledge, self._day)
        return self._reasons

    @property
    def told(self) -> Told:
        if self._told is None:
            self._told = Told(self.rule, self._spec, self._shown, self.reasons)
        return self._told


class Group:
    """The rules of one list of elements (or of the event), ready to run."""

    __slots__ = ("_fragments", "everything", "hits", "is_indexed", "looked_at", "rest", "run")

    def __init__(
        self, rules: Sequence[Ready], each: str, family: str, few: int | None,
        knowledge: KnowledgeBase, day: date,
    ) -> None:  # fmt: skip
        if few is None:
            few = FEW if len(rules) > SMALL else MANY
        index = Index(family, [(ready.anchor, ready) for ready in rules], few)
        self.everything = index.everything
        self.rest = index.rest
        self.is_indexed = bool(index.tables)
        self.hits = index.hits
        self.looked_at = len(index.rest)
        self.run = compiler.compile_group(index.rest, each, family, knowledge, day)
        """Decides `rest`, see rules.compiler.compile_group."""
        self._fragments: dict[int, dict[str, int]] = {}

    def versions(self, silent: int) -> dict[str, int]:
        """Ids and versions of the rules of `rest` whose bits are set. Not to be changed."""
        found = self._fragments.get(silent)
        if found is None:
            chosen = [ready for n, ready in enumerate(self.rest) if silent >> n & 1]
            found = {ready.id: ready.version for ready in chosen}
            if len(self._fragments) < _MAX_FRAGMENTS:
                self._fragments[silent] = found
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
