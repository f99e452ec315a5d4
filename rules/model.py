"""What a rule is, apart from any file: immutable values that refuse what can have no meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeAlias

from knowledge_base.model import Names
from rules import words
from rules.finding_model import FindingSpec, one_of
from rules.later import Expect, Indicator

Constant: TypeAlias = str | bool | int | date | datetime


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the rule's text. Numbers other than 0 and 1 come from parameters."""

    value: Constant

    def __post_init__(self) -> None:
        if isinstance(self.value, int) and self.value not in (0, 1):
            raise ValueError("a number other than 0 and 1 comes from a parameter")


@dataclass(frozen=True, slots=True)
class Words:
    """A list of text constants."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactOperand:
    fact: str


@dataclass(frozen=True, slots=True)
class CodeSetOperand:
    codeset: str


@dataclass(frozen=True, slots=True)
class ParameterOperand:
    """A dated value of the knowledge base; with `by`, the row that these facts name."""

    parameter: str
    by: tuple[str, ...] = ()

    @property
    def missing_name(self) -> str:
        """How a decision names it where the knowledge base has no row for the day."""
        return f"parameter:{self.parameter}"


@dataclass(frozen=True, slots=True)
class QuantityOperand:
    """A number with its unit: an amount (`1 g/d`) or a duration (`1 h`; `1 d` is 24 h)."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class CalendarOperand:
    """So many calendar days, months or years, in the institution's time zone."""

    count: int | ParameterOperand
    unit: str

    def __post_init__(self) -> None:
        one_of("calendar unit", self.unit, words.CALENDAR)


@dataclass(frozen=True, slots=True)
class IntervalOperand:
    """The time from `start` up to `end`, which does not belong to it; None is an open end."""

    start: Literal | FactOperand | None
    end: Literal | FactOperand | None

    def __post_init__(self) -> None:
        if self.start is None and self.end is None:
            raise ValueError("an interval with two open ends is all of time")


Operand: TypeAlias = (
    Literal
    | Words
    | FactOperand
    | CodeSetOperand
    | ParameterOperand
    | QuantityOperand
    | CalendarOperand
    | IntervalOperand
)


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: a fact, an operator, and its operands (two for `between`).

    With `fresh_within` a value that was observed longer ago than that is unknown (stale).
    """

    __test__ = False

    fact: str
    operator: str
    operands: tuple[Operand, ...]
    fresh_within: QuantityOperand | CalendarOperand | ParameterOperand | None = None

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
    within: ParameterOperand | CalendarOperand | QuantityOperand | None = None
    """How long the window (t - w, t] is; None with `same`."""
    same: str = ""
    """day, encounter, prescription, calendar_month or calendar_year."""
    before: str = ""
    """The fact of the present at which the window ends; "": when the service is rendered."""
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
    """Every single condition of a tree, those inside `some` too (after the others)."""
    inner = tuple(test for some in somes_of(condition) for test in tests_of(some.where))
    return (*leaves_of(condition), *inner)


def operands_of(test: Test) -> tuple[Operand, ...]:
    """Everything that a condition compares with, also inside other operands."""
    found: list[Operand] = []
    waiting: list[Operand | None] = [*test.operands, test.fresh_within]
    for operand in waiting:
        if operand is None:
            continue
        found.append(operand)
        if isinstance(operand, CalendarOperand) and isinstance(operand.count, ParameterOperand):
            waiting.append(operand.count)
        elif isinstance(operand, IntervalOperand):
            waiting += (operand.start, operand.end)
    return tuple(found)


def facts_of_test(test: Test) -> tuple[str, ...]:
    """The facts that a condition reads, its subject first."""
    found = [test.fact]
    for operand in operands_of(test):
        if isinstance(operand, FactOperand):
            found.append(operand.fact)
        elif isinstance(operand, ParameterOperand):
            found.extend(operand.by)
    return tuple(dict.fromkeys(found))


def facts_of(condition: Condition) -> tuple[str, ...]:
    """The facts of the event and of the rule's own element that a tree reads, each once."""
    return tuple(dict.fromkeys(f for test in leaves_of(condition) for f in facts_of_test(test)))


def parameters_of(condition: Condition) -> tuple[ParameterOperand, ...]:
    """The parameters that a tree compares with, each once, in the order of the text.

    Of those inside `some` only the ones that are no tables: other rows hold for other elements.
    """
    own = set(leaves_of(condition))
    return tuple(
        dict.fromkeys(
            operand
            for test in tests_of(condition)
            for operand in operands_of(test)
            if isinstance(operand, ParameterOperand) and (test in own or not operand.by)
        )
    )


def limits_of(condition: Condition) -> tuple[ParameterOperand, ...]:
    """Those parameters of a tree that values are compared with: not how old a value may be."""
    own = set(leaves_of(condition))
    return tuple(
        dict.fromkeys(
            operand
            for test in tests_of(condition)
            for operand in operands_of(replace(test, fresh_within=None))
            if isinstance(operand, ParameterOperand) and (test in own or not operand.by)
        )
    )


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
    """The place of a word that is not built yet, see rules.later."""
    group_by: tuple[str, ...] = ()
    """Likewise."""
    indicator: Indicator | None = None
    """Likewise."""

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
        if self.indicator is not None:
            raise ValueError("indicator is not built yet")
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

    def facts(self) -> tuple[str, ...]:
        """Every fact that its conditions read."""
        trees = (self.scope, self.when, self.unless)
        return tuple(dict.fromkeys(name for tree in trees for name in facts_of(tree)))
