"""Where a condition stands, and which facts it can see there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from knowledge_base import KnowledgeBase
from rules import words
from rules.facts import CATALOGUE, ELEMENT_VALUE, LIST_NAMES, LISTS, Fact, fact_of
from rules.later import later

Report = Callable[[str, str], None]
"""Takes a message and a fix."""

ITEMS: Final = "items"
_SEES: Final = "only acts and their lines (items) are seen here, and the present as `this.*`"


@dataclass(frozen=True)
class Scope:
    """Where a condition stands: the rule's events and list, and the knowledge it may name."""

    families: tuple[str, ...]
    each: str
    knowledge: KnowledgeBase
    outside: str = ""
    """Inside `some`: the list of the rule itself, whose elements are out of sight."""
    present: Scope | None = None
    """Inside `history`: the place of the rule itself, whose facts are `this.*`."""

    def inside(self, each: str) -> Scope:
        """The place of the conditions on an element of a list."""
        return replace(self, each=each, outside=self.each or "the event")

    def past(self, family: str) -> Scope:
        """The place of the conditions on a past act of a family, and on its lines."""
        each = ITEMS if family in LISTS[ITEMS] else ""
        return Scope((family,), each, self.knowledge, present=self)

    def fact(self, name: str, report: Report, *, can_ask_some: bool = False) -> Fact | None:
        """The fact of that name if it is available here; what is wrong is reported.

        `can_ask_some`: it is the subject of a condition, which could ask for one of a list.
        """
        if name.startswith(words.THIS):
            return self._of_this(name, report)
        fact = fact_of(name, self.each)
        if fact is None:
            self._no_fact(name, report)
            return None
        if fact.of and fact.of != self.each:
            fix = f"add `each: {fact.of}`"
            if self.present is not None:
                report(f"`{name}` belongs to an element of {fact.of}", _SEES)
                return None
            if can_ask_some and fact.of in LIST_NAMES:
                fix += f", or ask for one of them: `some: {{in: {fact.of}, where: …}}`"
            if self.outside:
                fix = f"`some` sees the elements of {self.each} and the facts of the event"
            report(f"`{name}` belongs to an element of {fact.of}", fix)
            return None
        for family in self.families:
            if family not in fact.extractors:
                have = words.listing(fact.families)
                report(f"{family} events have no `{name}`", f"it is a fact of {have} events")
                return None
        return fact

    def _of_this(self, name: str, report: Report) -> Fact | None:
        """A fact of the present, under its name with `this.`."""
        bare = name.removeprefix(words.THIS)
        if self.present is None:
            text = f"`{name}`: `{words.THIS}*` names the present inside `history`"
            report(text, f"write `{bare}`")
            return None
        fact = self.present.fact(bare, report)
        return None if fact is None else replace(fact, name=name)

    def _no_fact(self, name: str, report: Report) -> None:
        refused = later(name.partition(".")[0])
        if name == ELEMENT_VALUE:
            report(f"`{name}` needs `each:` with a list fact", "e.g. each: patient.allergies")
        elif refused is not None:
            report(f"`{name}`: {refused.message}", refused.instead)
        else:
            fix = words.INSTEAD.get(name) or words.nearest(name, CATALOGUE)
            fix = fix or "`yijian rules facts` lists all facts"
            report(f"there is no fact `{name}`", fix)
