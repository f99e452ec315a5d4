"""What a rule tells, apart from any event: the finding and its parts, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from knowledge_base.model import Names
from rules import words

if TYPE_CHECKING:
    from rules.operand_model import Operand, Span


@dataclass(frozen=True, slots=True)
class SeverityMap:
    """A severity read from a fact with a closed vocabulary, e.g. of a pair table.

    Where the fact is unknown the strongest severity of the map counts.
    """

    fact: str
    words: tuple[tuple[str, str], ...]
    """Word of the fact and the severity it means."""

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("the map of severities is empty")
        for _, severity in self.words:
            one_of("severity", severity, words.SEVERITIES)

    @property
    def strongest(self) -> str:
        return min((severity for _, severity in self.words), key=words.SEVERITIES.index)


@dataclass(frozen=True, slots=True)
class AmountSpec:
    """Which money a finding is about. Of `excess` only what lies over a limit.

    `of` is whole, excess, cheaper_of_pair or later_of_pair; `excess` says of what: quantity
    (of the line), days (of a line counted in days) or price (of one unit).
    """

    of: str
    excess: str = ""
    over: Operand | None = None

    def __post_init__(self) -> None:
        one_of("amount", self.of, (*words.AMOUNTS, words.EXCESS))
        if (self.of == words.EXCESS) != bool(self.excess) or bool(self.excess) != (
            self.over is not None
        ):
            raise ValueError("an excess says of what, and over what")
        if self.excess:
            one_of("excess", self.excess, words.EXCESSES)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to do: a verb, what it is done to, and to or with what."""

    verb: str
    target: str
    value: Operand | None = None
    label: Names | None = None

    def __post_init__(self) -> None:
        one_of("suggestion", self.verb, words.SUGGESTIONS)


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """What a finding says differently in one phase; None leaves a part as it is."""

    result: str | None = None
    severity: str | None = None
    severity_from: SeverityMap | None = None
    action: str | None = None
    audience: tuple[str, ...] | None = None
    message: Names | None = None
    key: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FindingSpec:
    """What a rule tells its audience.

    `severity` is the strongest one that it can have; `severity_from` says where it is read from,
    if it is not always that one.
    """

    result: str
    severity: str
    action: str
    audience: tuple[str, ...]
    message: Names
    by_phase: dict[str, PhaseChange] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    suggest: tuple[Suggestion, ...] = ()
    severity_from: SeverityMap | None = None
    amount: AmountSpec | None = None
    once_within: Span | None = None
    """For how long the same audience is not told the same again in the same phase."""
    overrides: tuple[str, ...] = ()
    """Ids of rules whose findings on the same element and phase give way to this one."""

    def __post_init__(self) -> None:
        one_of("result", self.result, words.RESULTS)
        one_of("severity", self.severity, words.SEVERITIES)
        one_of("action", self.action, words.ACTIONS)
        if self.severity_from is not None and self.severity_from.strongest != self.severity:
            raise ValueError("the severity is not the strongest one of its map")
        for phase, change in self.by_phase.items():
            one_of("phase", phase, words.PHASES)
            if phase == "pre" and change.result not in (None, words.PRE_RESULT):
                raise ValueError("a pre finding is a reminder")

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What the knowledge base is asked for when it is told."""
        over = (self.amount.over,) if self.amount is not None else ()
        values = (*over, *(suggestion.value for suggestion in self.suggest))
        return tuple(value for value in values if value is not None)

    def in_phase(self, phase: str) -> FindingSpec:
        """The finding as told in a phase. A pre finding is a reminder, never a violation."""
        change = self.by_phase.get(phase, PhaseChange())
        usual = words.PRE_RESULT if phase == "pre" else self.result
        has_own = change.severity is not None
        return replace(
            self,
            result=change.result or usual,
            severity=change.severity or self.severity,
            severity_from=change.severity_from if has_own else self.severity_from,
            action=change.action or self.action,
            audience=self.audience if change.audience is None else change.audience,
            message=change.message or self.message,
            key=self.key if change.key is None else change.key,
            # A draft is told each time it is judged, as long as it still has the finding.
            once_within=None if phase == "pre" else self.once_within,
            by_phase={},
        )


def one_of(what: str, word: str, known: tuple[str, ...]) -> None:
    """Raises ValueError where a word is none of the known ones."""
    if word not in known:
        raise ValueError(f"{what} {word!r} is none of {words.listing(known)}")
