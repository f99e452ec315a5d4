"""What the loaded rules can ask of the past: by family the longest window, and the facts to keep.

Nothing else is kept of an act. A rule that asks for more than was kept so far is answered with
"not known", until its window is covered by what has been kept since, or back-filled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, NamedTuple

from knowledge_base import KnowledgeBase
from knowledge_base.pairs import Halves
from rules import units, words
from rules.expect_model import Expect
from rules.facts import Fact, fact_of
from rules.model import (
    CalendarOperand,
    Condition,
    History,
    ParameterOperand,
    QuantityOperand,
    Rule,
    facts_of_test,
    histories_of,
    tests_of,
)

DAY_US: Final = 86_400_000_000
_CALENDAR_DAYS: Final = {"days": 1, "months": 31, "years": 366}
_SAME_DAYS: Final = {"day": 2, "prescription": 2, "calendar_month": 32, "calendar_year": 367}
TRUSTED: Final = "document.signed_at_trusted"
"""The fact that says whether the time of a signature can be trusted."""
STATED: Final = {
    "acknowledgement.acknowledged": "acknowledgement.acknowledged_at",
    "billing.charged": "event.charged_at",
    "consultation.answered": "consultation.answered_at",
    "consultation.arrived": "consultation.arrived_at",
    "consultation.requested": "consultation.requested_at",
    "dispense.dispensed": "dispense.dispensed_at",
    "document.signed": "document.signed_at",
    "encounter.admitted": "encounter.started_at",
    "encounter.discharged": "encounter.ended_at",
    "encounter.ended": "encounter.ended_at",
    "encounter.started": "encounter.started_at",
    "infection_report.reported": "infection_report.reported_at",
    "prescription.dispensed": "event.dispensed_at",
    "prescription.signed": "event.signed_at",
    "procedure.ended": "procedure.ended_at",
    "procedure.started": "procedure.started_at",
    "result.reported": "event.reported_at",
    "settlement.settled": "settlement.settled_at",
    "stock.moved": "stock.moved_at",
    "upload.received": "upload.received_at",
}
"""By event the fact by which acts state when they went through it; see rules.memory.moments."""
_STAY_DAYS: Final = 400
"""How far back a visit's own acts may lie: a window that is anchored in a visit reaches so far."""
_DUTY_DAYS: Final = 60
"""For how long acts are kept that a duty may be about: a late event may still take it back."""
_USE_DAYS: Final = 180
"""For how long a use is looked back at, that may last: of drugs that nobody stopped, or whose end
is not known. What began earlier is no partner of anything; limits of rules say so."""
BETWEEN: Final = (frozenset({"prescription", "order"}), frozenset({"billing"}))
"""Between acts of which families there are pairs: what is used with what is used, and what is
charged with what is charged. A drug is prescribed and charged, and is one use."""
PAIRS: Final = "+pairs"
"""After a family: what is held of its lines as halves of pairs."""
_UNITS: Final = {"d": 1, "mo": 31, "a": 366, words.WORKING_DAYS: 8, **_CALENDAR_DAYS}


class Read(NamedTuple):
    """How a kept fact is read of an event of one family."""

    name: str
    read: Callable[..., Any]
    in_knowledge: Callable[..., bool] | None

    @classmethod
    def of(cls, fact: Fact, family: str) -> Read:
        return cls(fact.name, fact.extractors[family], fact.in_knowledge)


@dataclass(frozen=True)
class Kept:
    """What is kept of the acts of one family."""

    span_us: int = 0
    """The longest window over them."""
    facts: tuple[Fact, ...] = ()
    """Of the act."""
    line_facts: tuple[Fact, ...] = ()
    """Of its lines."""
    halves: Halves | None = None
    """Which of its lines are kept as halves of pairs; None: none."""
    pairs_us: int = 0
    """How far back the other half of a pair can lie."""

    family: str = ""
    """Whose acts they are."""
    stated: tuple[Fact, ...] = ()
    """Which say when an act went through what duties are about. No rule asks for them, so of acts
    that were kept without them no less is known."""

    @property
    def longest_us(self) -> int:
        return max(self.span_us, self.pairs_us)

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """How the facts of the act are read."""
        facts = dict.fromkeys((*self.facts, *self.stated))
        return tuple(Read.of(fact, self.family) for fact in facts)

    @cached_property
    def line_reads(self) -> tuple[Read, ...]:
        """How the facts of its lines are read."""
        return tuple(Read.of(fact, self.family) for fact in self.line_facts)

    @property
    def digest(self) -> str:
        """Names what is kept: two horizons with one digest keep the same."""
        names = [fact.name for fact in (*self.facts, *self.line_facts, *self.stated)]
        return sha256("\n".join(names).encode()).hexdigest()[:12]


class Asked(NamedTuple):
    """One thing that is kept: facts of a family's acts, or halves of pairs."""

    name: str
    facts: tuple[str, ...]
    span_us: int
    digest: str


@dataclass(frozen=True)
class Horizon:
    """By family what is kept; families that no rule asks for are missing."""

    families: dict[str, Kept] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule], knowledge: KnowledgeBase, *, group: str = "") -> Horizon:
        """Of the rules about patients, or of those about acts that are grouped by some facts."""
        spans: dict[str, int] = {}
        names: dict[str, set[str]] = {}
        stated: dict[str, set[str]] = {}
        pairs: set[str] = set()
        for rule in rules:
            if not rule.is_evaluated or "+".join(rule.group_by) != group:
                continue
            for body in rule.bodies:
                for tree in (body.scope, body.when, body.unless):
                    for history in histories_of(tree):
                        family = history.of.partition(".")[0]
                        spans[family] = max(spans.get(family, 0), span_us(history, knowledge))
                        names.setdefault(family, set()).update(member_facts(history))
                if body.expect is not None:
                    for family, wanted in expected_of(body, body.expect).items():
                        spans[family] = max(spans.get(family, 0), _DUTY_DAYS * DAY_US)
                        names.setdefault(family, set()).update(wanted)
                    for event in STATED.keys() & events_of(body.expect):
                        stated.setdefault(event.partition(".")[0], set()).add(STATED[event])
                if body.each == words.INTERACTIONS and not group:
                    pairs.update(f for name in body.on for f in families_with(name))
        found = {
            family: _kept(family, spans[family], names[family], stated.get(family, ()))
            for family in sorted(spans)
        }
        halves = knowledge.pairs.halves if pairs else None
        if halves:
            for family in sorted(pairs):
                kept = found.get(family, Kept(family=family))
                span = pairs_us(family, halves)
                found[family] = replace(kept, halves=halves, pairs_us=span)
        return cls(found)

    @cached_property
    def digest(self) -> str:
        """Names what is kept, for how long: two horizons with one digest keep the same."""
        said = [f"{held.name} {held.span_us} {held.digest}" for held in self.held]
        return sha256("\n".join(said).encode()).hexdigest()[:16]

    @cached_property
    def held(self) -> tuple[Asked, ...]:
        """What is asked of the families, each by its name: of what was held too short or with
        less it is known since when."""
        found = []
        for family, kept in self.families.items():
            if kept.halves is None or kept.span_us or kept.facts or kept.line_facts:
                facts = tuple(fact.name for fact in (*kept.facts, *kept.line_facts))
                found.append(Asked(family, facts, kept.span_us, kept.digest))
            if kept.halves is not None:
                digest = kept.halves.digest
                found.append(Asked(f"{family}{PAIRS}", (digest,), kept.pairs_us, digest))
        return tuple(found)

    @property
    def longest_us(self) -> int:
        return max((kept.longest_us for kept in self.families.values()), default=0)


def _kept(family: str, span: int, names: Iterable[str], stated: Iterable[str]) -> Kept:
    facts: list[Fact] = []
    lines: list[Fact] = []
    for name in sorted(names):
        fact = fact_of(name, "items")
        if fact is not None and family in fact.extractors:
            (lines if fact.of else facts).append(fact)
    moments = [fact for name in sorted(stated) if (fact := fact_of(name, "items")) is not None]
    return Kept(span, tuple(facts), tuple(lines), family=family, stated=tuple(moments))


def families_with(event: str) -> frozenset[str]:
    """The families in which the other half of a pair of lines may stand."""
    family = event.partition(".")[0]
    return next((found for found in BETWEEN if family in found), frozenset())


def pairs_us(family: str, halves: Halves) -> int:
    """How far back the other half of a pair can lie, in microseconds."""
    span = timedelta(_SAME_DAYS["day"] if "day" in halves.contexts else 0)
    if "validity" in halves.contexts:
        # A charge is an instant: only a gap comes after it.
        lasts = timedelta(0 if family == "billing" else _USE_DAYS)
        span = max(span, halves.longest_gap + lasts)
    return span // timedelta(microseconds=1)


def member_facts(history: History) -> tuple[str, ...]:
    """The facts of past acts that a history reads."""
    found = dict.fromkeys(_own(history.where))
    if history.last is not None:
        found.update(dict.fromkeys(_own(history.last)))
    if history.fact:
        found[history.fact] = None
    return tuple(found)


def expected_facts(expect: Expect) -> tuple[str, ...]:
    """The facts of the expected event that decide whether it is the one."""
    return tuple(dict.fromkeys((*_own(expect.where), *expect.match)))


def events_of(expect: Expect) -> tuple[str, ...]:
    """The events that fulfil, end or extend a duty."""
    extending = (expect.extend.after,) if expect.extend is not None else ()
    return (expect.event, *expect.until, *extending)


def expected_of(rule: Rule, expect: Expect) -> dict[str, set[str]]:
    """By family what is kept for a duty: of its own act, what fulfils, extends or ends it."""
    found: dict[str, set[str]] = {name.partition(".")[0]: set() for name in rule.on}
    wanted = [(event, expect.match) for event in expect.until]
    wanted.append((expect.event, (*expected_facts(expect), TRUSTED)))
    if expect.extend is not None:
        wanted.append((expect.extend.after, (*expect.match, TRUSTED)))
    for event, facts in wanted:
        found.setdefault(event.partition(".")[0], set()).update(facts)
    return found


def present_facts(*trees: Condition) -> tuple[str, ...]:
    """The facts of the present act that conditions on past ones ask for, without `this.`."""
    names = [n for tree in trees for test in tests_of(tree) for n in facts_of_test(test)]
    found = [name.removeprefix(words.THIS) for name in names if name.startswith(words.THIS)]
    return tuple(dict.fromkeys(found))


def _own(tree: Condition) -> Iterable[str]:
    for test in tests_of(tree):
        for name in facts_of_test(test):
            if not name.startswith(words.THIS):
                yield name


def is_of_lines(history: History) -> bool:
    """Whether its members are lines of acts: where any fact that it reads is one of lines."""
    family = history.of.partition(".")[0]
    for name in member_facts(history):
        fact = fact_of(name, "items")
        if fact is not None and fact.of and family in fact.extractors:
            return True
    return False


def span_us(history: History, knowledge: KnowledgeBase) -> int:
    """The longest that its window can be on any day, in microseconds; rather longer than shorter.

    An anchor in the past moves the whole window there.
    """
    if history.same:
        return _SAME_DAYS.get(history.same, _STAY_DAYS) * DAY_US
    return _length_us(history.within, knowledge) + (_STAY_DAYS * DAY_US if history.before else 0)


def _length_us(
    within: ParameterOperand | CalendarOperand | QuantityOperand | None, knowledge: KnowledgeBase
) -> int:
    if isinstance(within, QuantityOperand):
        return _us(within.value, within.unit)
    if isinstance(within, CalendarOperand):
        if isinstance(within.count, ParameterOperand):
            counts = _values(within.count, knowledge)
            count = max((value for value, _ in counts), default=0.0)
        else:
            count = within.count
        return int(count * _CALENDAR_DAYS[within.unit] + 1) * DAY_US
    if isinstance(within, ParameterOperand):
        return max((_us(value, unit) for value, unit in _values(within, knowledge)), default=0)
    return 0


def _values(operand: ParameterOperand, knowledge: KnowledgeBase) -> list[tuple[float, str]]:
    """All values that a parameter has on any day and in any row, with their units."""
    parameter = knowledge.parameter(operand.parameter)
    if parameter is None:
        return []
    return [
        (float(dated.value.value), dated.value.unit)
        for history in parameter.rows.values()
        for dated in history
    ]


def _us(value: float, unit: str) -> int:
    if unit in _UNITS:
        return int(value * _UNITS[unit] + 1) * DAY_US
    span = units.duration(value, unit)
    return 0 if span is None else int(span.total_seconds() * 1_000_000)
