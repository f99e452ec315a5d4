"""What a rule is, apart from any file: immutable values that refuse what can have no meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from knowledge_base.model import Names
from rules import words

Constant: TypeAlias = str | bool | int | date


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


Operand: TypeAlias = Literal | Words | FactOperand | CodeSetOperand | ParameterOperand


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: a fact, an operator, and its operands (two for `between`)."""

    __test__ = False

    fact: str
    operator: str
    operands: tuple[Operand, ...]

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


Condition: TypeAlias = Test | AllOf | AnyOf | Not

ALWAYS: Final = AllOf(())
NEVER: Final = AnyOf(())


def leaves_of(condition: Condition) -> tuple[Test, ...]:
    """Every single condition of a tree, in the order of the text."""
    if isinstance(condition, Test):
        return (condition,)
    if isinstance(condition, Not):
        return leaves_of(condition.condition)
    return tuple(test for child in condition.conditions for test in leaves_of(child))


def facts_of_test(test: Test) -> tuple[str, ...]:
    """The facts that a condition reads, its subject first."""
    found = [test.fact]
    for operand in test.operands:
        if isinstance(operand, FactOperand):
            found.append(operand.fact)
        elif isinstance(operand, ParameterOperand):
            found.extend(operand.by)
    return tuple(dict.fromkeys(found))


def facts_of(condition: Condition) -> tuple[str, ...]:
    """The facts that a tree reads, each once, in the order of the text."""
    return tuple(dict.fromkeys(f for test in leaves_of(condition) for f in facts_of_test(test)))


def parameters_of(condition: Condition) -> tuple[ParameterOperand, ...]:
    """The parameters that a tree compares with, each once, in the order of the text."""
    return tuple(
        dict.fromkeys(
            operand
            for test in leaves_of(condition)
            for operand in test.operands
            if isinstance(operand, ParameterOperand)
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
class PhaseChange:
    """What a finding says differently in one phase; None leaves a part as it is."""

    result: str | None = None
    severity: str | None = None
    action: str | None = None
    audience: tuple[str, ...] | None = None
    message: Names | None = None


@dataclass(frozen=True, slots=True)
class FindingSpec:
    """What a rule tells its audience."""

    result: str
    severity: str
    action: str
    audience: tuple[str, ...]
    message: Names
    by_phase: dict[str, PhaseChange] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    suggest: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _one_of("result", self.result, words.RESULTS)
        _one_of("severity", self.severity, words.SEVERITIES)
        _one_of("action", self.action, words.ACTIONS)
        for phase in self.by_phase:
            _one_of("phase", phase, words.PHASES)

    def in_phase(self, phase: str) -> FindingSpec:
        """The finding as told in a phase. A draft's finding is a reminder, never a violation."""
        change = self.by_phase.get(phase, PhaseChange())
        usual = "reminder" if phase == "pre" else self.result
        return FindingSpec(
            result=change.result or usual,
            severity=change.severity or self.severity,
            action=change.action or self.action,
            audience=self.audience if change.audience is None else change.audience,
            message=change.message or self.message,
            key=self.key,
            suggest=self.suggest,
        )


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

    def __post_init__(self) -> None:
        _one_of("status", self.status, words.STATUSES)
        _one_of("if_unknown", self.if_unknown, words.IF_UNKNOWN)
        if self.version < 1:
            raise ValueError("the version is not 1 or more")
        if not self.on or not self.evidence:
            raise ValueError("a rule names its events and its evidence")
        if self.status == "active" and not self.is_reviewed:
            raise ValueError("an active rule has a named author and another named reviewer")

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


def _one_of(what: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ValueError(f"{what} {word!r} is none of {words.listing(known)}")
