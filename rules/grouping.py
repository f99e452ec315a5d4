"""What acts are grouped by: the keys of the groups that an event belongs to.

A group is named by the values of some facts: `g|practitioner.id|D1`. An event whose facts are
lists, or facts of its lines, belongs to one group for each value; its lines belong to the groups
of their own values. A value that is stated to be absent names no group; one that is not known
leaves it open which group the event belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any, Final, NamedTuple

from contracts.event import EVENT_TYPES
from rules.facts import Fact, fact_of
from rules.facts.base import PARTIAL_LIST, Context, Element, Value
from rules.facts.event import lacks_items
from rules.model import Rule, histories_of
from rules.naming import line_names

JOIN: Final = "+"
"""Between the facts that acts are grouped by."""
SCOPE: Final = "group:"
"""Before the scope of decisions about a group."""
_HEAD: Final = "g|"
_SEPARATOR: Final = "\x1f"
_ITEMS: Final = "items"
_MAX_VALUES: Final = 1024
"""Characters; the values of longer keys are named by their digest."""


class Keys(NamedTuple):
    """The groups of one event."""

    lines: dict[str, frozenset[str] | None]
    """Group key to the names of the lines that belong to it; None: the event as a whole."""
    missing: tuple[tuple[str, str, str], ...]
    """Why other groups may be missing: line ("": the event), fact, and why it is not known."""


def group_key(facts: str, values: Iterable[str]) -> str:
    """The key of a group on the activities topic; `facts` are joined by JOIN."""
    told = _SEPARATOR.join([_escaped(value, _SEPARATOR) for value in values])
    if len(told) > _MAX_VALUES:
        told = sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_HEAD}{facts}|{told}"


def facts_of_key(key: str) -> str:
    """The facts, joined by JOIN, that a group key is of; "" where it is none."""
    if not key.startswith(_HEAD):
        return ""
    facts, bar, _ = key.removeprefix(_HEAD).partition("|")
    return facts if bar else ""


def scope_of(key: str) -> str:
    """The scope of decisions about a group: `group:practitioner.id=D1`."""
    facts, _, values = key.removeprefix(_HEAD).partition("|")
    parts = values.split(_SEPARATOR)
    told = JOIN.join(_escaped(part, JOIN) for part in parts) if len(parts) > 1 else values
    return f"{SCOPE}{facts}={told}"


def facts_of_scope(scope: str) -> str:
    """The facts, joined by JOIN, that a scope is of; "" for a patient."""
    if not scope.startswith(SCOPE):
        return ""
    return scope.removeprefix(SCOPE).partition("=")[0]


def _escaped(value: str, mark: str) -> str:
    """The value, so that two lists of values never look alike when they are joined."""
    return value.replace("\\", "\\\\").replace(mark, "\\s")


@dataclass(frozen=True)
class Grouping:
    """The rules of a pack that group acts by the same facts."""

    name: str
    """The facts, joined by JOIN."""
    events: frozenset[str]
    """What their `on` names, as `prescription.signed`."""
    families: frozenset[str]
    """Families of acts that they look back at, or expect."""
    members: dict[str, dict[str, Rule]]
    """Family to the rules, by id, that look back at it or expect it."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> tuple[Grouping, ...]:
        """One for each distinct `group_by` of the rules that are evaluated, by name."""
        events: dict[str, set[str]] = {}
        members: dict[str, dict[str, dict[str, Rule]]] = {}
        for rule in rules:
            for body in rule.bodies if rule.is_evaluated else ():
                if not body.group_by:
                    continue
                name = JOIN.join(body.group_by)
                events.setdefault(name, set()).update(body.on)
                found = members.setdefault(name, {})
                for family in families_of(body):
                    found.setdefault(family, {})[rule.id] = rule
        return tuple(
            cls(name, frozenset(events[name]), frozenset(members[name]), members[name])
            for name in sorted(events)
        )

    def takes(self, event_type: str) -> bool:
        """Whether its rules need an event: it is about it, or keeps the acts of its family."""
        known = EVENT_TYPES[event_type]
        if f"{known.family}.{known.verb}" in self.events:
            return True
        return known.family in self.families and known.verb != "draft"

    def keys(self, c: Context) -> Keys:
        """The groups that an event belongs to."""
        family = EVENT_TYPES[c.event.type].family
        facts = [fact_of(name, _ITEMS) for name in self.name.split(JOIN)]
        known = [fact for fact in facts if fact is not None and family in fact.extractors]
        if len(known) < len(facts):
            return Keys({}, ())  # its family has no such fact: it is of no group
        if any(fact.of for fact in known):
            return self._by_line(known, family, c)
        keys, missing = self._found(known, family, c, None)
        return Keys(dict.fromkeys(keys), missing)

    def _by_line(self, facts: list[Fact], family: str, c: Context) -> Keys:
        lines: dict[str, set[str]] = {}
        missing: list[tuple[str, str, str]] = []
        if lacks_items(c):
            missing.append(("", "event.items", "not_reported"))
        items = c.data.items
        for item, name in zip(items, line_names(items), strict=True):
            keys, open_ones = self._found(facts, family, c, Element(item, name))
            missing += open_ones
            for key in keys:
                lines.setdefault(key, set()).add(name)
        return Keys({key: frozenset(names) for key, names in lines.items()}, tuple(missing))

    def _found(
        self, facts: list[Fact], family: str, c: Context, x: Element | None
    ) -> tuple[list[str], tuple[tuple[str, str, str], ...]]:
        """The keys of the event or of a line, and the first fact that leaves others open."""
        values: list[tuple[str, ...]] = []
        missing: tuple[tuple[str, str, str], ...] = ()
        for fact in facts:
            read = fact.extractors[family]
            known, why = _values(read(c, x) if fact.of else read(c))
            if not known and not why:
                return [], ()  # one of them is known to have no value
            if why and not missing:
                missing = ((x.id if x is not None else "", fact.name, why),)
            values.append(known)
        return [group_key(self.name, found) for found in product(*values)], missing


def families_of(rule: Rule) -> Iterator[str]:
    """The families of the acts that a rule looks back at, or expects."""
    for tree in (rule.scope, rule.when, rule.unless):
        for history in histories_of(tree):
            yield history.of.partition(".")[0]
    expect = rule.expect
    if expect is not None:
        others = [expect.event, *expect.until]
        others += [expect.extend[0]] if expect.extend is not None else []
        for event in (*others, *rule.on):
            yield event.partition(".")[0]


def _values(value: Value) -> tuple[tuple[str, ...], str]:
    """The known values, each once, and why there may be others."""
    if type(value) is dict:
        why: Any = value.get("unknown", "")
        if why == "stated_absent":
            return (), ""
        return tuple(dict.fromkeys(value.get("partial", ()))), why or PARTIAL_LIST
    if type(value) is tuple:
        return tuple(dict.fromkeys(value)), ""
    return (str(value),), ""
