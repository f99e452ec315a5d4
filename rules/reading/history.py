"""From the YAML of `history` to a condition on past acts.

Inside it plain names are facts of the past act or of its lines, and `this.*` those of the present:
in `where` and `last`, and wherever a parameter is looked up by facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from contracts.acts import VERBS, phase_of
from knowledge_base.strict_yaml import Node, Problem
from rules import words
from rules.facts import Fact, Type
from rules.model import (
    ALWAYS,
    CalendarOperand,
    Condition,
    History,
    Operand,
    ParameterOperand,
    QuantityOperand,
)
from rules.reading.fields import Fields
from rules.reading.fitting import operand_fits
from rules.reading.operands import Operands
from rules.reading.parameters import span_fits
from rules.reading.scope import Scope

ReadCondition: TypeAlias = Callable[[Node, Scope, list[Problem]], Condition]
"""How conditions are read; handed in, because conditions hold histories."""

_EVENTS: Final = tuple(f"{family}.{verb}" for family, verbs in VERBS.items() for verb in verbs)
_DRAFTS: Final = tuple(name for name in _EVENTS if phase_of(name.partition(".")[2]) == "pre")
PAST: Final = tuple(name for name in _EVENTS if name not in _DRAFTS)
"""What `of` can name: a draft is no act yet."""

SUMMED: Final = (Type.NUMBER, Type.MONEY, Type.AMOUNT)
"""Types of which a sum has a meaning."""
DISTINGUISHED: Final = (Type.TEXT, Type.DATE)
"""Types whose values are told apart."""

_COUNTED: Final = Fact("the number of acts", Type.NUMBER, "", "", {}, unit="1", counts=True)
_TIMES: Final = (Type.TIME, Type.DATE)
_PRESCRIPTION: Final = "prescription"


def read_history(
    node: Node, scope: Scope, problems: list[Problem], read: ReadCondition
) -> History | None:
    """The condition, or None where it is not one; every mistake is reported."""
    fields = Fields(node, "`history`", problems)
    before = len(problems)
    if not fields.expect(("of",), words.HISTORY_KEYS):
        return None
    of = past_event(fields, "of")
    if not of:
        return None  # without its family nothing of the past has a meaning
    history = _Reader(fields, scope, of.partition(".")[0], read).history(of)
    return history if len(problems) == before else None


def past_event(fields: Fields, name: str) -> str:
    """The one event that an entry names, no draft; "" where it does not (reported)."""
    node = fields.get(name)
    if node is not None and node.is_list:
        first = next((child.raw for child in node if child.raw), PAST[0])
        text, fix = f"`{name}` is a list, it names one event only", f"write {name}: {first}"
        fields.report(node, text, fix)
        return ""
    if node is not None and node.value in _DRAFTS:
        family, _, _ = node.raw.partition(".")
        after = next(event for event in PAST if event.startswith(f"{family}."))
        text = f"`{name}` is {node.raw}: a draft is no act, nothing is remembered of it"
        fields.report(node, text, f"name what the act went through, e.g. {after}")
        return ""
    return fields.choice(name, PAST)


@dataclass(frozen=True)
class _Aggregate:
    """What is asked of the members."""

    fact: str = ""
    operator: str = ""
    operands: tuple[Operand, ...] = ()
    last: Condition | None = None


class _Reader:
    def __init__(self, fields: Fields, scope: Scope, family: str, read: ReadCondition) -> None:
        self.fields = fields
        self.present = scope
        self.family = family
        self.past = scope.past(family)
        self.read = read
        self.problems = fields.problems

    def history(self, of: str) -> History | None:
        f = self.fields
        where, within, same = f.get("where"), self._within(), self._same()
        conditions = ALWAYS if where is None else self.read(where, self.past, self.problems)
        before, name = self._before(), self._aggregate_name()
        if not name:
            return None
        asked = self._aggregate(name)
        including = self._including(name)
        if asked is None or (within is None) == (not same):
            return None
        return History(
            of=of,
            aggregate=name,
            where=conditions,
            within=within,
            same=same,
            before=before,
            including=including,
            fact=asked.fact,
            operator=asked.operator,
            operands=asked.operands,
            last=asked.last,
        )

    def _within(self) -> ParameterOperand | CalendarOperand | QuantityOperand | None:
        f, node = self.fields, self.fields.get("within")
        if (node is None) == (f.get("same") is None):
            both = "both `within` and `same`" if node is not None else "no bound in time"
            fix = "write one of them: `within: {parameter: …}` or `same: day`"
            f.report(node or f.node, f"`history` has {both}", fix)
            return None
        if node is None:
            return None
        found = Operands(self.past, self.problems).span(node, "within")
        if found is None or not span_fits(found, self.past, self._at(node), "within"):
            return None
        counted = found.count if isinstance(found, CalendarOperand) else found
        return found if isinstance(counted, int) or self._is_present(counted, node) else None

    def _same(self) -> str:
        same, node = self.fields.choice("same", words.SAME), self.fields.get("same")
        if node is None:
            return same
        if same == "encounter":
            for scope in (self.present, self.past):
                if scope.fact("encounter.id", self._at(node)) is None:
                    return ""
        families = {*self.present.families, self.family}
        if same == _PRESCRIPTION and families != {_PRESCRIPTION}:
            text = "`same: prescription` is about prescriptions, now and then"
            fix = "name prescription events in `on` and `of`, or another bound"
            self.fields.report(node, text, fix)
            return ""
        return same

    def _before(self) -> str:
        name, node = self.fields.text("before"), self.fields.get("before")
        if not name or node is None:
            return ""
        if not name.startswith(words.THIS):
            fix = f"write `before: {words.THIS}{name}`"
            self.fields.report(node, f"`{name}` is no fact of the present", fix)
            return ""
        fact = self.past.fact(name, self._at(node))
        if fact is not None and fact.type not in _TIMES:
            fix = "name a time or a date, e.g. this.encounter.started_at"
            self.fields.report(node, f"`{name}` ({fact.type}) is no point in time", fix)
            return ""
        return name if fact is not None else ""

    def _aggregate_name(self) -> str:
        named = [name for name in words.AGGREGATES if self.fields.get(name) is not None]
        if len(named) == 1:
            return named[0]
        held = f"asks for {' and '.join(named)}" if named else "asks for nothing"
        fix = f"write one of {words.listing(words.AGGREGATES)}"
        self.fields.report(self.fields.node, f"`history` {held}", fix)
        return ""

    def _including(self, name: str) -> str:
        if self.fields.get("including") is None and name in words.MEASURED:
            text = f"`{name}` does not say whether the present act counts"
            fix = "add `including: this` or `including: others`"
            self.fields.report(self.fields.node, text, fix)
        return self.fields.choice("including", words.INCLUDING, "others")

    def _aggregate(self, name: str) -> _Aggregate | None:
        node = self.fields.get(name)
        assert node is not None, "the key was seen"
        if name == "count":
            return self._measured(node, name, _COUNTED)
        if name in words.MEASURED:
            return self._of_fact(node, name)
        if name == "last":
            return _Aggregate(last=self.read(node, self.past, self.problems))
        if node.value is not True:
            fix = "write `none: true`" if name == "exists" else "write `exists: true`"
            self.fields.report(node, f"`{name}` is followed by true", f"for the opposite {fix}")
            return None
        return _Aggregate()

    def _of_fact(self, node: Node, name: str) -> _Aggregate | None:
        """`sum` and `distinct`: of which fact of the members."""
        f = Fields(node, f"`{name}`", self.problems)
        if not f.expect(("of",), words.MEASURES):
            return None
        said, where = f.text("of"), f.get("of")
        if not said or where is None:
            return None
        if said.startswith(words.THIS):
            fix = "name a fact of the past act or its lines"
            f.report(where, f"`{said}` is the same for every act", fix)
            return None
        fact = self.past.fact(said, self._at(where))
        if fact is None:
            return None
        fitting = SUMMED if name == "sum" else DISTINGUISHED
        if fact.type not in fitting or (name == "sum" and fact.counts):
            what = "added up" if name == "sum" else "told apart"
            fix = f"name a fact of type {words.listing(fitting)}"
            f.report(where, f"`{said}` ({fact.type}) cannot be {what}", fix)
            return None
        return self._measured(node, name, fact if name == "sum" else _COUNTED, said)

    def _measured(self, node: Node, name: str, fact: Fact, of: str = "") -> _Aggregate | None:
        f = Fields(node, f"`{name}`", self.problems)
        before = len(self.problems)
        if not of and (not f.expect((), words.MEASURES) or len(self.problems) != before):
            return None
        named = [(word, value) for word, _, value in node.items() if word in words.MEASURES]
        if len(named) != 1:
            fix = f"write one of {words.listing(words.MEASURES)}"
            f.report(node, f"`{name}` has {len(named)} limits", fix)
            return None
        ((operator, value),) = named
        operands = Operands(self.past, self.problems).read(fact, operator, value)
        if operands is None:
            return None
        good = [
            self._is_present(o, value)
            and operand_fits(operator, fact, o, self.past, self._at(value))
            for o in operands
        ]
        # Every operand was looked at, so that every mistake is told.
        return _Aggregate(of, operator, operands) if all(good) else None

    def _is_present(self, operand: Operand, node: Node) -> bool:
        """Whether a limit is that of the present: the members have a limit each."""
        names = getattr(operand, "by", ()) or tuple(filter(None, [getattr(operand, "fact", "")]))
        past = [name for name in names if not name.startswith(words.THIS)]
        for name in past:
            fix = f"write `{words.THIS}{name}` for the present's"
            self.fields.report(node, f"`{name}` differs from act to act", fix)
        return not past

    def _at(self, node: Node) -> Callable[[str, str], None]:
        return lambda message, fix: self.fields.report(node, message, fix)
