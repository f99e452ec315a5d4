"""Conditions on the past: the value of a `history`, and its truth.

The value is recorded with the facts that conditions read: `{certain, possible}` of a number,
`possible` being None where it has no bound. A limit that the certain bound decides is decided; one
that lies between the two is unknown, because not everything is known that happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final, TypeAlias

from knowledge_base import KnowledgeBase, ParameterValue
from rules.engine.bounds import distinct, in_unit, summed, typed
from rules.engine.constants import parameter_values
from rules.engine.lengths import moved
from rules.engine.truth import key_word
from rules.facts import Fact, Type, fact_of
from rules.facts.base import Context, Element, Value
from rules.facts.past import COUNT, PAST, SUM, THIS
from rules.facts.read import as_of, start_of
from rules.logic import Truth, all_of
from rules.memory.history import (
    Member,
    Window,
    as_it_ended,
    day_of,
    members,
    month_of,
    restored,
    year_of,
)
from rules.memory.horizon import is_of_lines, member_facts, present_facts
from rules.memory.instants import instant_of, us_of
from rules.memory.recalled import Recalled
from rules.memory.statements import stated
from rules.model import (
    CalendarOperand,
    Condition,
    FactOperand,
    History,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Test,
)

PREFIX: Final = "history:"
"""Before the name under which the value of a history is recorded."""
NOTHING_KNOWN: Final = {"certain": 0, "possible": None, "why": "not_remembered"}
NOT_COVERED: Final = "not_covered"
_FAR_US: Final = 2**62
Compile: TypeAlias = Callable[[Condition, str, str, KnowledgeBase, date], Callable[..., Truth]]
"""rules.engine.compiler.compile_condition."""
_COUNTS_SOME: Final = {"exists": True, "none": False}
_STARTS: Final = {"day": day_of, "calendar_month": month_of, "calendar_year": year_of}


@lru_cache(maxsize=4096)
def name_of(history: History) -> str:
    """The name under which its value is recorded: the same condition has the same name."""
    digest = sha1(repr(history).encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return f"{PREFIX}{history.of}.{history.aggregate}.{digest.hexdigest()[:8]}"


def counted(facts: Any, name: str) -> str:
    """What {history} shows: the number, with `≥` where there may be more."""
    value = facts.get(name) or NOTHING_KNOWN
    if "certain" not in value:
        return str(value.get("at", "—"))
    certain = value["certain"]
    number = f"{certain:.6g}" if isinstance(certain, float) else str(certain)
    return number if certain == value["possible"] else f"≥ {number}"


class Past:
    """One history condition for one family of the present, on the days of one epoch."""

    def __init__(
        self, history: History, each: str, family: str, knowledge: KnowledgeBase, day: date,
        compile_condition: Compile,
    ) -> None:  # fmt: skip
        self.history = history
        self._compile = compile_condition
        self.name = name_of(history)
        self._family, _, self._verb = history.of.partition(".")
        self._of_lines = is_of_lines(history)
        self._present = family
        self._each = each
        self._knowledge = knowledge
        self._day = day
        kept = [fact_of(name, PAST) for name in member_facts(history)]
        facts = [fact for fact in kept if fact is not None]
        self._facts = tuple(fact for fact in facts if not fact.of)
        self._line_facts = tuple(fact for fact in facts if fact.of)
        self._where = self._compiled(history.where)
        self._last = self._compiled(history.last) if history.last is not None else None
        asked = (history.where, *((history.last,) if history.last is not None else ()))
        self._this = present_facts(*asked)
        self._within = None if history.within is None else of_present(history.within)
        self._rows: dict[tuple[str, ...], ParameterValue] | None = None
        self._reads: dict[str, tuple[Fact, Callable[..., Value]]] = {}
        self._comparisons = self._compared()
        self._counts_some = _COUNTS_SOME.get(history.aggregate)
        self._since = f"since:{self._family}"
        has_span = not history.same or history.same in _STARTS
        self._is_fixed = has_span and not _asks_by(history.within)
        self._last_window: tuple[Any, Any, Window | str] = (None, None, "")
        """The anchor and zone of the window that was asked for last, and the window."""
        self._counted_fact = fact_of(self._counted)

    def _compiled(self, tree: Condition) -> Callable[..., Truth]:
        return self._compile(tree, PAST, self._family, self._knowledge, self._day)

    def _compared(self) -> tuple[tuple[str, Callable[..., Truth]], ...]:
        """What is asked of a number, with the operator: on which side of each limit it lies."""
        history = self.history
        self._counted = f"{SUM}{history.fact}" if history.aggregate == "sum" else COUNT
        operator, operands = history.operator, tuple(map(of_present, history.operands))
        sides = ("at_least", "at_most") if operator == "between" else (operator,)
        return tuple(
            (side, self._compile(
                Test(self._counted, side, (operand,)), self._each, self._present,
                self._knowledge, self._day,
            ))
            for side, operand in zip(sides, operands, strict=bool(operands))
        )  # fmt: skip

    def truth(self, c: Any, F: Any, x: Any, E: Any) -> Truth:
        """Whether the condition holds; its value is recorded beside the facts that were read.

        A record that holds the value is asked like an event: it has no Context, hence Any.
        """
        value = E.get(self.name)
        if value is None:
            value = E[self.name] = self.value(c, F, x, E)
        if self._last is not None or "certain" not in value:  # of a record that lacks it
            holds: Truth = value.get("holds")
            return holds
        if self._counts_some is not None:  # most ask whether there is any
            if not value["certain"] and value["possible"] != 0:
                return None
            return bool(value["certain"]) is self._counts_some
        truths = []
        for side, compare in self._comparisons:
            unit = value.get("unit", "")
            certain, possible = value["certain"], value["possible"]
            low = self._holds(side, compare, certain, unit, c, F, x, E)
            if certain != possible:
                high = self._holds(side, compare, possible, unit, c, F, x, E)
                low = low if low == high else None
            truths.append(low)
        return all_of(truths)

    def _holds(
        self, side: str, compare: Callable[..., Truth], value: Any, unit: str, c: Any, F: Any,
        x: Any, E: Any,
    ) -> Truth:  # fmt: skip
        """Whether a number lies on a side of its limit."""
        if value is None:
            return side in ("at_least", "above")  # without a bound any limit may be passed
        facts = {**F, self._counted: typed(value, self._counted_fact, unit)}
        return compare(c, facts, x, facts if E is F else E)

    def value(self, c: Context, F: Any, x: Element | None, E: Any) -> dict[str, Any]:
        """The certain and the possible bound of what is counted, and why they differ."""
        recalled: Recalled | None = c.recalled
        if recalled is None:
            return dict(NOTHING_KNOWN)
        this = {f"{THIS}{name}": self._of_present(name, c, F, x, E) for name in self._this}
        window = self._window(c, F, x, E)
        if type(window) is str:
            return {"certain": 0, "possible": None, "why": window}
        assert isinstance(window, Window)
        found: list[tuple[Member, Truth]] = [
            (member, truth)
            for member in members(
                recalled, self._family, self._verb, window, of_lines=self._of_lines,
                element=x.id if x is not None else "",
                includes_this=self.history.including == "this",
            )
            if (truth := self._fits(member, c, this, recalled)) is not False
        ]  # fmt: skip
        since = self._known_since(c, recalled)
        is_covered = bool(window.act) or (since is not None and since <= window.start_us)
        value = self._aggregate(found, is_covered, c, this, recalled)
        if not is_covered:
            value["why"] = NOT_COVERED
            if since is not None:
                value["since"] = _text_of(since)
        elif any(truth is None for _, truth in found):
            value.setdefault("why", "members_unknown")
        return value

    def _known_since(self, c: Context, recalled: Recalled) -> int | None:
        """From when acts of the family are known; worked out once an event."""
        if self._since not in c.derived:
            said = stated(self._knowledge, self._family, c.day, c.zone)
            c.derived[self._since] = recalled.known_since(self._family, said)
        since: int | None = c.derived[self._since]
        return since

    def _fits(
        self, member: Member, c: Context, this: dict[str, Value], recalled: Recalled
    ) -> Truth:
        facts, own = self._kept_of(member, this, recalled)
        x = Element(None, member.name)
        x.facts = own
        truth = self._where(c, facts, x, own)
        return truth if member.is_sure or truth is False else None

    def _kept_of(
        self, member: Member, this: dict[str, Value], recalled: Recalled
    ) -> tuple[dict[str, Value], dict[str, Value]]:
        facts = restored(self._facts, member.act.facts)
        own = restored(self._line_facts, member.line.facts) if member.line is not None else {}
        for store in (facts, own):
            for name, value in store.items():
                ended = as_it_ended(name, value, member.act, recalled.memory)
                if ended is not value:
                    store[name] = ended
        return {**facts, **this}, own

    def _aggregate(
        self, found: list[tuple[Member, Truth]], is_covered: bool, c: Context,
        this: dict[str, Value], recalled: Recalled,
    ) -> dict[str, Any]:  # fmt: skip
        certain = [member for member, truth in found if truth is True]
        if self._last is not None:
            return self._of_last(found, is_covered, c, this, recalled)
        if self.history.aggregate in ("sum", "distinct"):
            values = [(truth, self._measured(member, this, recalled)) for member, truth in found]
            if self.history.aggregate == "distinct":
                return distinct(values, is_covered)
            unit = self._unit() or next((str(v.unit) for _, v in values if hasattr(v, "unit")), "")
            converted = [(truth, in_unit(value, unit)) for truth, value in values]
            return {**summed(converted, is_covered), **({"unit": unit} if unit else {})}
        return {"certain": len(certain), "possible": len(found) if is_covered else None}

    def _measured(self, member: Member, this: dict[str, Value], recalled: Recalled) -> Value:
        """The value of the fact that is added up or told apart; None where it is not known."""
        facts, own = self._kept_of(member, this, recalled)
        name = self.history.fact
        value = own.get(name, facts.get(name))
        return None if type(value) is dict else value

    def _unit(self) -> str:
        """The unit of the limit of a sum of amounts; "" where it has none of its own."""
        fact = fact_of(self.history.fact, PAST)
        if fact is None or fact.type is not Type.AMOUNT:
            return ""
        for operand in self.history.operands:
            if isinstance(operand, QuantityOperand):
                return operand.unit
            if isinstance(operand, ParameterOperand):
                parameter = self._knowledge.parameter(operand.parameter)
                return parameter.unit if parameter is not None else ""
        return ""

    def _of_last(
        self, found: list[tuple[Member, Truth]], is_covered: bool, c: Context,
        this: dict[str, Value], recalled: Recalled,
    ) -> dict[str, Any]:  # fmt: skip
        """What holds of the latest member, and of later ones that may be members."""
        assert self._last is not None
        truths: list[Truth] = []
        newest = None
        ordered = sorted(found, key=_place)
        ordered.reverse()
        for member, truth in ordered:
            facts, own = self._kept_of(member, this, recalled)
            x = Element(None, member.name)
            x.facts = own
            truths.append(self._last(c, facts, x, own))
            newest = newest or member
            if truth is True:
                break
        else:
            # There may be none at all; of none nothing holds.
            truths.append(False if is_covered else None)
        holds = truths[0] if len(set(truths)) == 1 else None
        lacks = {"why": "values_unknown"} if None in truths and is_covered else {}
        at = {"at": instant_of(newest.at_us).isoformat()} if newest is not None else {}
        return {"holds": holds, **at, **lacks}

    def _window(self, c: Context, F: Any, x: Element | None, E: Any) -> Window | str:
        """The window, or why it is not known."""
        history = self.history
        recalled = c.recalled
        at: Any = as_of(c, x)
        if recalled.due_us is not None:  # what exempts from a duty is asked when it is due
            at = instant_of(recalled.due_us)
        if history.before:
            at = self._of_present(history.before.removeprefix(THIS), c, F, x, E)
            if type(at) is dict:
                return str(at.get("unknown", "not_reported"))
            if type(at) is date:
                at = start_of(at, c.zone)
        if self._is_fixed:  # lines of one act mostly ask for one window
            known_at, zone, window = self._last_window
            if known_at is at and zone is c.zone:
                return window
            found = self._span(at, c, F, x, E)
            self._last_window = (at, c.zone, found)
            return found
        end = us_of(at)
        if history.same == "prescription":
            act = recalled.present.key if recalled.present is not None else "-"
            return Window(-_FAR_US, _FAR_US, act=act)
        if history.same == "encounter":
            return self._of_encounter(c, F, x, E, end)
        return self._span(at, c, F, x, E)

    def _span(self, at: datetime, c: Context, F: Any, x: Element | None, E: Any) -> Window | str:
        """The window that ends at the anchor, by its length or from the begin of a day, month or
        year."""
        end, same = us_of(at), self.history.same
        if same:
            return Window(us_of(_STARTS[same](at, c.zone)), end, from_is_in=True)
        start = self._start(at, c, F, x, E)
        return "not_in_knowledge" if start is None else Window(us_of(start), end)

    def _of_encounter(
        self, c: Context, F: Any, x: Element | None, E: Any, end: int
    ) -> Window | str:  # fmt: skip
        visit = self._of_present("encounter.id", c, F, x, E)
        if type(visit) is dict:
            return str(visit["unknown"])
        start = self._of_present("encounter.started_at", c, F, x, E)
        start_us = us_of(start) if type(start) is datetime else -_FAR_US
        return Window(start_us, end, from_is_in=True, encounter=visit)

    def _start(
        self, at: datetime, c: Context, F: Any, x: Element | None, E: Any
    ) -> datetime | None:
        def row(operand: ParameterOperand) -> ParameterValue | None:
            key = tuple([key_word(self._of_present(name, c, F, x, E)) for name in operand.by])
            rows = self._rows
            if rows is None:  # a length names one parameter at most
                rows = self._rows = parameter_values(operand, self._knowledge, self._day)
            return rows.get(key)

        within = self._within
        return None if within is None else moved(at, within, -1, c.zone, row)

    def _of_present(self, name: str, c: Context, F: Any, x: Element | None, E: Any) -> Value:
        """A fact of the present, read at most once."""
        known = self._reads.get(name)
        if known is None:
            found = fact_of(name, self._each)
            if found is None:
                raise ValueError(f"no fact {name}")
            known = self._reads[name] = found, found.extractors[self._present]
        fact, read = known
        store = E if fact.of else F
        value = store.get(fact.name)
        if value is None:
            value = store[fact.name] = read(c, x) if fact.of else read(c)
        return value


def _asks_by(length: Any) -> bool:
    """Whether a length depends on facts of the act."""
    operand = length.count if isinstance(length, CalendarOperand) else length
    return isinstance(operand, ParameterOperand) and bool(operand.by)


@lru_cache(maxsize=4096)
def _text_of(us: int) -> str:
    """The instant as it is recorded; since when something is known changes rarely."""
    return instant_of(us).isoformat()


def of_present(operand: Operand) -> Any:
    """An operand of the history itself, its facts named as they are outside of one."""
    if isinstance(operand, FactOperand):
        return FactOperand(operand.fact.removeprefix(THIS))
    if isinstance(operand, ParameterOperand):
        by = tuple(name.removeprefix(THIS) for name in operand.by)
        return ParameterOperand(operand.parameter, by)
    if isinstance(operand, CalendarOperand):
        count = operand.count
        return operand if isinstance(count, int) else replace(operand, count=of_present(count))
    return operand


def _place(found: tuple[Member, Truth]) -> tuple[int, str]:
    """Of acts at one time the order of their ids; lines of one act keep that of the act."""
    return found[0].at_us, found[0].act.key
