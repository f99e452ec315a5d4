"""The peer's engine: durable_rules, used as its traps demand.

Facts only, asserted and retracted again; one session; no timers; actions that only take note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from durable import engine

from benchmarks.translation import Atom, Plain, Translation, day_number, fixed_point
from contracts.event import EVENT_TYPES, Event
from knowledge_base import KnowledgeBase
from rules.engine import compiler
from rules.facts import CATALOGUE
from rules.facts.base import Context, Element
from rules.facts.pair_search import find_pairs
from rules.facts.read import local_day
from rules.facts.records import RECORDS
from rules.words import INTERACTIONS

RULESET = "yijian"
DEFAULT_ZONE = "Asia/Shanghai"


class Firing(NamedTuple):
    """A rule that fired for an element of an event; "" is the event as a whole."""

    rule: str
    element: str


class _Host(engine.Host):  # type: ignore[misc]  # durable_rules is not typed
    def _run(self) -> None:
        """Nothing: its timers would be threads that take the ruleset while we do."""


class Rete:
    """All rules as one durable_rules ruleset."""

    def __init__(self, translation: Translation, knowledge: KnowledgeBase) -> None:
        self._needs = translation.needs
        self._knowledge = knowledge
        self._fired: list[str] = []
        self._number = 0
        self._conditions: dict[tuple[str, str, date], Any] = {}
        self._zones: dict[str, tzinfo] = {}
        self._host = _Host({RULESET: translation.ruleset(self._action)})

    def _action(self, rule_id: str) -> Any:
        def fire(c: Any) -> None:
            self._fired.append(rule_id)

        return fire

    def fire(self, event: Event) -> list[Firing]:
        """Every rule that fires for the event, with its element."""
        known = EVENT_TYPES[event.type]
        name = f"{known.family}.{known.verb}"
        found: list[Firing] = []
        for each, c, x in self._elements(event, known.family, name):
            fact = self._fact(name, each, known.family, c, x)
            element = x.id if x is not None else ""
            found += [Firing(rule, element) for rule in self._assert(fact)]
        return found

    def _assert(self, fact: dict[str, Any]) -> list[str]:
        self._fired.clear()
        try:
            self._host.assert_fact(RULESET, fact)
        except engine.MessageNotHandledException:
            return []
        try:
            return list(self._fired)
        finally:
            self._host.retract_fact(RULESET, fact)

    def _fact(
        self, name: str, each: str, family: str, c: Context, x: Element | None
    ) -> dict[str, Any]:
        self._number += 1
        fact: dict[str, Any] = {
            "id": str(self._number),
            "type": name,
            "each": each or "event",
            "day": day_number(c.day),
        }
        for need in self._needs[name, each]:
            if isinstance(need, Plain):
                value = _plain(need, family, c, x)
                if value is not None:
                    fact[need.name] = value
            elif self._truth(need, family, c, x) in need.truths:
                fact[need.name] = True
        return fact

    def _truth(self, atom: Atom, family: str, c: Context, x: Element | None) -> Any:
        key = atom.name, family, c.day
        run = self._conditions.get(key)
        if run is None:
            run = compiler.compile_condition(atom.test, atom.each, family, self._knowledge, c.day)
            self._conditions[key] = run
        return run(c, c.facts, x, x.facts if x is not None else c.facts)

    def _elements(
        self, event: Event, family: str, name: str
    ) -> Iterator[tuple[str, Context, Element | None]]:
        """The elements that any rule of this event type looks at, each as of its own day."""
        zone = self._zone(event)
        data = cast(Any, event.data)
        of_act = data.service_time
        day = local_day(of_act if isinstance(of_act, datetime) else event.time, zone)
        contexts = {day: Context(event, day, zone, self._knowledge)}
        if (name, "") in self._needs:
            yield "", contexts[day], None
        for each in [each for on, each in self._needs if on == name and each]:
            for x in _listed(each, family, contexts[day]):
                at = getattr(x.of, "service_time", None) if each == "items" else None
                of_day = local_day(at, zone) if isinstance(at, datetime) else day
                if of_day not in contexts:
                    contexts[of_day] = Context(event, of_day, zone, self._knowledge)
                yield each, contexts[of_day], x

    def _zone(self, event: Event) -> tzinfo:
        institution = event.data.institution
        zone = self._zones.get(institution)
        if zone is None:
            entry = self._knowledge.institution(institution, event.time.date())
            zone = ZoneInfo(entry.time_zone if entry is not None else DEFAULT_ZONE)
            self._zones[institution] = zone
        return zone


def _listed(each: str, family: str, c: Context) -> Iterable[Element]:
    if each == INTERACTIONS:
        lines = RECORDS["items"].elements(c)[0]
        return find_pairs(c, lines, [True] * len(lines)).pairs
    if each in RECORDS:
        return RECORDS[each].elements(c)[0]
    value = CATALOGUE[each].extractors[family](c)
    known = value.get("partial", ()) if isinstance(value, dict) else value
    return [Element(word, word) for word in dict.fromkeys(known)]


def _plain(need: Plain, family: str, c: Context, x: Element | None) -> Any:
    extract = need.fact.extractors[family]
    store = x.facts if need.fact.of and x is not None else c.facts
    value = store.get(need.fact.name)
    if value is None:
        value = extract(c, x) if need.fact.of else extract(c)
        store[need.fact.name] = value
    if isinstance(value, dict):
        return None  # unknown: the property is left out, and no condition on it holds
    return fixed_point(value) if need.is_number else value
