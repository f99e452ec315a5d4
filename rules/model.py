"""What a rule is, apart from any file: immutable values that refuse what can have no meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from knowledge_base.model import Names
from rules import words
from rules.expect_model import Escalation, Expect, Extension
from rules.finding_model import FindingSpec, one_of
from rules.operand_model import (
    CalendarOperand,
    CodeSetOperand,
    Constant,
    FactOperand,
    IntervalOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Span,
    Words,
    whole,
)

__all__ = [
    "ALWAYS", "NEVER", "AllOf", "AnyOf", "CalendarOperand", "CodeSetOperand", "Condition",
    "Constant", "Effective", "Escalation", "Evidence", "Expect", "Extension", "FactOperand",
    "History", "IntervalOperand", "Literal", "Not", "Operand", "ParameterOperand",
    "QuantityOperand", "Rule", "Some", "Span", "Test", "Words", "facts_of", "facts_of_test",
    "histories_of", "leaves_of", "limits_of", "operands_in", "operands_of", "parameters_of",
    "somes_of", "tests_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: a fact, an operator, and its operands (two for `between`).

    With `fresh_within` a value that was observed longer ago than that is unknown (stale).
    """

    __test__ = False

    fact: str
    operator: str
    operands: tuple[Operand, ...]
    fresh_within: Span | None = None

    def __post_init__(self) -> None:
        if self.operator not in words.OPERATORS:
            raise ValueError(f"{self.operator} is no operator")
        if len(self.operands) != (2 if self.operator == "between" else 1):
            raise ValueError(f"{self.operator} has another number of operands")


@dataclass(frozen=True, slots=True)
class AllOf:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Some:
    """Whether one element of a list fulfils all of `where`; `each` names the list as a rule does.

    True if one element surely does, false if the list is complete and surely none does.
    """

    each: str
    where: Condition


@dataclass(frozen=True, slots=True)
class History:
    """A condition on past acts of the patient (or group), in a window that ends at an anchor.

    In `where` plain names are facts of the past act or its line, `this.*` those of the present.
    """

    of: str
    """The event that the acts went through: `order.signed`."""
    aggregate: str
    """count, sum, distinct, exists, none or last."""
    where: Condition
    within: Span | None = None
    """How long the window (t - w, t] is; None with `same`."""
    same: str = ""
    """day, encounter, prescription, calendar_month or calendar_year."""
    before: str = ""
    """The fact of the present (`this.event.time`) at which the window ends; "": when the service
    is rendered."""
    including: str = "others"
    """`this` or `others`: whether the present act counts."""
    fact: str = ""
    """Of sum and distinct: the fact of the members that is added up, or whose values differ."""
    operator: str = ""
    """Of count, sum and distinct."""
    operands: tuple[Operand, ...] = ()
    last: Condition | None = None
    """Of last: what must hold of the latest member."""

    def __post_init__(self) -> None:
        one_of("aggregate", self.aggregate, words.AGGREGATES)
        one_of("including", self.including, words.INCLUDING)
        if self.same:
            one_of("same", self.same, words.SAME)
        if (self.within is None) == (not self.same):
            raise ValueError("a history says `within` or `same`")
        if bool(self.operator) != (self.aggregate in words.MEASURED):
            raise ValueError("count, sum and distinct are compared with something")
        if bool(self.fact) != (self.aggregate in ("sum", "distinct")):
            raise ValueError("sum and distinct name a fact of the members")
        if (self.last is None) != (self.aggregate != "last"):
            raise ValueError("`last` says what holds of the latest member")
        if self.before and not self.before.startswith(words.THIS):
            raise ValueError("a window ends at a fact of the present: this.…")

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact that it names, those of the present with `this.` before them."""
        trees = (self.where, self.last) if self.last is not None else (self.where,)
        named = [name for tree in trees for name in facts_of(tree)]
        named += (self.fact, self.before)
        for operand in self.own_operands:
            named += _facts_in(operand)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def member_facts(self) -> tuple[str, ...]:
        """The facts of the past acts, or of their lines, that it reads."""
        return tuple(name for name in self.facts if not name.startswith(words.THIS))

    @property
    def present_facts(self) -> tuple[str, ...]:
        """The facts of the present that it reads, without `this.`."""
        named = (name for name in self.facts if name.startswith(words.THIS))
        return tuple(name.removeprefix(words.THIS) for name in named)

    @property
    def own_operands(self) -> tuple[Operand, ...]:
        """What it compares with itself, and how long its window is: not what `where` says."""
        return whole((*self.operands, self.within))


Condition: TypeAlias = Test | AllOf | AnyOf | Not | Some | History

ALWAYS: Final = AllOf(())
NEVER: Final = AnyOf(())


def leaves_of(condition: Condition) -> tuple[Test, ...]:
    """The single conditions about the rule's own element, in the order of the text.

    Those inside `some` are about other elements and are not among them: see `tests_of`.
    """
    if isinstance(condition, Test):
        return (condition,)
    if isinstance(condition, Some | History):
        return ()
    if isinstance(condition, Not):
        return leaves_of(condition.condition)
    return tuple(test for child in condition.conditions for test in leaves_of(child))


def somes_of(condition: Condition) -> tuple[Some, ...]:
    """The conditions on lists of records, in the order of the text."""
    if isinstance(condition, Some):
        return (condition,)
    if isinstance(condition, Test | History):
        return ()
    if isinstance(condition, Not):
        return somes_of(condition.condition)
    return tuple(some for child in condition.conditions for some in somes_of(child))


def histories_of(condition: Condition) -> tuple[History, ...]:
    """The conditions on past acts, in the order of the text."""
    if isinstance(condition, History):
        return (condition,)
    if isinstance(condition, Test | Some):
        return ()
    if isinstance(condition, Not):
        return histories_of(condition.condition)
    return tuple(one for child in condition.conditions for one in histories_of(child))


def tests_of(condition: Condition) -> tuple[Test, ...]:
    """Every single condition of a tree, after them those inside `some` and `history`."""
    inner = [test for some in somes_of(condition) for test in tests_of(some.where)]
    for history in histories_of(condition):
        inner += tests_of(history.where)
        inner += tests_of(history.last) if history.last is not None else ()
    return (*leaves_of(condition), *inner)


def operands_of(test: Test) -> tuple[Operand, ...]:
    """Everything that a condition compares with, also inside other operands."""
    return whole((*test.operands, test.fresh_within))


def operands_in(condition: Condition) -> tuple[Operand, ...]:
    """Everything that a tree compares with, windows and limits of `history` included."""
    own = tuple(o for history in histories_of(condition) for o in history.own_operands)
    return (*(o for test in tests_of(condition) for o in operands_of(test)), *own)


def facts_of_test(test: Test) -> tuple[str, ...]:
    """The facts that a condition reads, its subject first."""
    found = [test.fact]
    for operand in operands_of(test):
        found += _facts_in(operand)
    return tuple(dict.fromkeys(found))


def _facts_in(operand: Operand) -> tuple[str, ...]:
    if isinstance(operand, FactOperand):
        return (operand.fact,)
    return operand.by if isinstance(operand, ParameterOperand) else ()


def facts_of(condition: Condition) -> tuple[str, ...]:
    """The facts of the event and of the rule's own element that a tree reads, each once."""
    return tuple(dict.fromkeys(f for test in leaves_of(condition) for f in facts_of_test(test)))


def parameters_of(condition: Condition) -> tuple[ParameterOperand, ...]:
    """The parameters that a tree compares with, each once, in the order of the text.

    Of those inside `some` and `history` only the ones that are no tables: other rows hold for
    other elements and for past acts.
    """
    windows = tuple(o for one in histories_of(condition) for o in one.own_operands)
    return _parameters(condition, tests_of(condition), windows)


def limits_of(condition: Condition) -> tuple[ParameterOperand, ...]:
    """Those parameters of a tree that values are compared with: not how old a value may be."""
    limits = tuple(o for one in histories_of(condition) for o in one.operands)
    tests = tuple(replace(test, fresh_within=None) for test in tests_of(condition))
    return _parameters(condition, tests, limits)


def _parameters(
    condition: Condition, tests: tuple[Test, ...], others: tuple[Operand, ...]
) -> tuple[ParameterOperand, ...]:
    leaves = len(leaves_of(condition))
    own = [o for test in tests[:leaves] for o in operands_of(test)]
    inner = [o for test in tests[leaves:] for o in operands_of(test)]
    found = (*own, *others, *(o for o in inner if not getattr(o, "by", ())))
    return tuple(dict.fromkeys(o for o in found if isinstance(o, ParameterOperand)))


@dataclass(frozen=True, slots=True)
class Effective:
    """The service dates that a rule governs: from `start`, up to the day before `end`."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError("the first day is not before the end")

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the law or the label says it."""

    source: str
    locator: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `on` holds event types without their version (`prescription.signed`)."""

    id: str
    version: int
    title: Names
    status: str
    effective: Effective
    on: tuple[str, ...]
    when: Condition
    finding: FindingSpec
    evidence: tuple[Evidence, ...]
    each: str = ""
    scope: Condition = ALWAYS
    unless: Condition = NEVER
    if_unknown: str = "count"
    taxonomy: dict[str, str] = field(default_factory=dict)
    limits: str = ""
    authored_by: str = ""
    checked_by: str = ""
    reviewed_on: date | None = None
    next_review: date | None = None
    retired_because: str = ""
    """Why a retired rule is kept and no longer used."""
    versions: tuple[Rule, ...] = ()
    """Older bodies, each whole, with its own number and days; later days first."""
    expect: Expect | None = None
    """What must follow; the finding is that it did not."""
    group_by: tuple[str, ...] = ()
    """The facts whose values name a group; then `history` means the acts of the group."""

    def __post_init__(self) -> None:
        one_of("status", self.status, words.STATUSES)
        one_of("if_unknown", self.if_unknown, words.IF_UNKNOWN)
        if self.version < 1:
            raise ValueError("the version is not 1 or more")
        if not self.on or not self.evidence:
            raise ValueError("a rule names its events and its evidence")
        if self.status == "active" and not self.is_reviewed:
            raise ValueError("an active rule has a named author and another named reviewer")
        if (self.status == "retired") != bool(self.retired_because):
            raise ValueError("a retired rule, and no other, says why it is retired")
        if self.id in self.finding.overrides:
            raise ValueError("a finding does not stand for itself")
        self._check_versions()

    def _check_versions(self) -> None:
        later = self
        numbers = {self.version}
        for body in self.versions:
            if body.id != self.id or body.versions or body.version in numbers:
                raise ValueError("an older body has the rule's id and a number of its own")
            if body.effective.end != later.effective.start:
                raise ValueError("an older body ends on the day on which the next one begins")
            numbers.add(body.version)
            later = body

    @property
    def bodies(self) -> tuple[Rule, ...]:
        """The rule and its older bodies, later days first."""
        return (self, *self.versions)

    def in_shadow(self) -> Rule:
        """The rule as if it were in shadow, to try what is a draft or retired."""
        older = tuple(body.in_shadow() for body in self.versions)
        return replace(self, status="shadow", retired_because="", versions=older)

    def on_day(self, day: date) -> Rule | None:
        """The body that governs a service date."""
        return next((body for body in self.bodies if body.effective.covers(day)), None)

    @property
    def is_reviewed(self) -> bool:
        return bool(self.authored_by and self.checked_by and self.authored_by != self.checked_by)

    @property
    def is_evaluated(self) -> bool:
        return self.status in words.EVALUATED

    @property
    def trees(self) -> tuple[Condition, ...]:
        """Scope, when and unless."""
        return (self.scope, self.when, self.unless)

    @property
    def histories(self) -> tuple[History, ...]:
        """The conditions on past acts, in the order of scope, when and unless."""
        return tuple(one for tree in self.trees for one in histories_of(tree))

    @property
    def needs_memory(self) -> bool:
        """Whether a body looks back at acts, or waits for one."""
        return any(body.expect is not None or body.histories for body in self.bodies)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Everything that its body names of the knowledge base, in conditions and elsewhere."""
        found = [operand for tree in self.trees for operand in operands_in(tree)]
        found += whole((*self.finding.operands, self.finding.once_within))
        if self.expect is not None:
            found += (*operands_in(self.expect.where), *whole(self.expect.spans))
        return tuple(found)

    def facts(self) -> tuple[str, ...]:
        """Every fact that its conditions read."""
        return tuple(dict.fromkeys(name for tree in self.trees for name in facts_of(tree)))
