"""Where a program's values come from: an event that is decided, or the record of a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, tzinfo
from types import SimpleNamespace
from typing import Any, Final

from knowledge_base import KnowledgeBase
from rules.engine import compiler
from rules.engine.past import name_of
from rules.facts import Fact, fact_of
from rules.facts.base import Context, Element, Value, unknown
from rules.facts.restoring import restore
from rules.logic import Truth
from rules.model import Condition, facts_of, histories_of

NOT_RECORDED: Final = unknown("not_recorded")


class NotRecordedError(Exception):
    """A condition needs more of the event than the decision records."""


class Bound:
    """One rule's facts by name, and its conditions outside durable_rules; made once a rule."""

    def __init__(self, each: str, family: str, knowledge: KnowledgeBase, day: date) -> None:
        self.each = each
        self.family = family
        self.knowledge = knowledge
        self.day = day
        self._facts: dict[str, Fact] = {}
        self._conditions: dict[Condition, Callable[..., Truth]] = {}

    def fact(self, name: str) -> Fact:
        fact = self._facts.get(name)
        if fact is None:
            found = fact_of(name, self.each)
            if found is None:
                raise ValueError(f"no fact {name}")
            fact = self._facts[name] = found
        return fact

    def condition(self, tree: Condition) -> Callable[..., Truth]:
        run = self._conditions.get(tree)
        if run is None:
            run = self._conditions[tree] = compiler.compile_condition(
                tree, self.each, self.family, self.knowledge, self.day
            )
        return run


class Reading:
    """An event and an element on their way to a decision, with what was read of them.

    Reads into copies: which facts a decision records does not depend on the engine.
    """

    __slots__ = ("c", "element", "event", "x")

    def __init__(self, c: Context, x: Element | None) -> None:
        self.c = Context(c.event, c.day, c.zone, c.knowledge)
        self.c.drugs, self.c.entries, self.c.person = c.drugs, c.entries, c.person
        self.c.recalled = c.recalled
        self.x = x
        self.event = self.c.facts = dict(c.facts)
        self.element = self.event if x is None else dict(x.facts)


class Live:
    """Facts of a reading, as one rule asks for them."""

    __slots__ = ("_bound", "_reading")

    def __init__(self, bound: Bound, reading: Reading) -> None:
        self._bound = bound
        self._reading = reading

    def value(self, name: str) -> Value:
        fact = self._bound.fact(name)
        reading = self._reading
        store = reading.element if fact.of else reading.event
        value = store.get(name)
        if value is None:
            extract = fact.extractors[self._bound.family]
            try:
                value = extract(reading.c, reading.x) if fact.of else extract(reading.c)
            except Exception:
                # Where it matters the reading for the record has raised, and the rule failed.
                value = unknown("rule_error")
            store[name] = value
        return value

    def truth(self, tree: Condition) -> Truth:
        reading = self._reading
        try:
            run = self._bound.condition(tree)
            return run(reading.c, reading.event, reading.x, reading.element)
        except Exception:
            return None

    def is_promised(self, name: str) -> bool:
        return self._reading.c.is_promised(name)

    def is_known_code(self, name: str) -> bool:
        knows = self._bound.fact(name).in_knowledge
        reading = self._reading
        return knows is None or reading.x is None or knows(reading.c, reading.x)


class Recorded:
    """Facts as a decision records them; one that was not read is unknown.

    That is exact: what an engine did not need to read cannot change what it decided.
    """

    def __init__(
        self,
        bound: Bound,
        event: Mapping[str, Any],
        element: Mapping[str, Any] | None,
        zone: tzinfo,
        promised: frozenset[str],
    ) -> None:
        self._bound = bound
        self._zone = zone
        self._promised = promised
        self._event: dict[str, Value] = {}
        self._element: dict[str, Value] = {}
        self._raw = (event, element or {})

    def value(self, name: str) -> Value:
        fact = self._bound.fact(name)
        store = self._element if fact.of else self._event
        value = store.get(name)
        if value is None:
            raw = self._raw[1 if fact.of else 0].get(name)
            store[name] = value = NOT_RECORDED if raw is None else restore(fact, raw)
        return value

    def truth(self, tree: Condition) -> Truth:
        for name in facts_of(tree):
            self.value(name)
        for history in histories_of(tree):
            self._past(name_of(history))
        # What is not recorded is not there: a condition that reaches for it says so by failing.
        context = SimpleNamespace(zone=self._zone, is_promised=self.is_promised)
        element = SimpleNamespace(of=None)
        try:
            return self._bound.condition(tree)(context, self._event, element, self._element)
        except Exception as e:
            raise NotRecordedError(type(e).__name__) from e

    def _past(self, name: str) -> None:
        """The recorded value of a history: the conditions ask for it where they look for facts."""
        event, element = self._raw
        value = element.get(name) or event.get(name) or NOT_RECORDED
        self._event[name] = self._element[name] = value

    def is_promised(self, name: str) -> bool:
        return name in self._promised

    def is_known_code(self, name: str) -> bool:
        value = self.value(name)
        fact = self._bound.fact(name)
        if fact.in_knowledge is None:
            return True
        system, bar, code = str(value).rpartition("|")
        if not bar:
            raise NotRecordedError(name)
        base, day = self._bound.knowledge, self._bound.day
        is_drug = base.drug(system, code, day) is not None
        if fact.coding == "drug":
            return is_drug
        if fact.coding == "item":
            is_item = base.item(system, code, day) is not None
            return is_drug or is_item or base.analyte(system, code) is not None
        raise NotRecordedError(name)
