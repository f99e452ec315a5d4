"""The words of the language that come later: the place they have in the model, and the refusal.

They need what this version has not: the patient's timeline, deadlines, groups of acts, delivery.
A rule that uses one is refused with its line and with what to write instead; a word is never
ignored. The classes are the typed places that these words will fill; the schema names them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from knowledge_base.model import Names
    from rules.model import Condition, Operand, ParameterOperand


@dataclass(frozen=True, slots=True)
class OnceWithin:
    """`once_within`: no second delivery to the same audience in the same phase for so long."""

    within: ParameterOperand


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect`: an event that must follow within a limit; the finding is that it did not."""

    event: str
    where: Condition
    match: tuple[str, ...]
    within: ParameterOperand
    start: str
    until: tuple[str, ...]
    grace: ParameterOperand
    remind_before: ParameterOperand | None = None
    escalate: tuple[tuple[ParameterOperand, tuple[str, ...]], ...] = ()
    extend: tuple[str, ParameterOperand] | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """`indicator`: an operating indicator whose value is judged instead of an act."""

    id: str
    by: tuple[str, ...]
    over: Operand | None
    title: Names


@dataclass(frozen=True, slots=True)
class Later:
    """A word that is refused: where it stands, what it needs, and what to do until then."""

    word: str
    where: frozenset[str]
    """rule, finding, conditions, operands or tests."""
    needs: str
    instead: str

    @property
    def message(self) -> str:
        return f"`{self.word}` is not built yet: {self.needs}"


_CONDITIONS = frozenset({"conditions"})

LATER: Final = (
    Later(
        "expect",
        frozenset({"rule", "conditions"}),
        "it asks for a deadline, and this version sets no timers",
        "write a rule on the late event itself, e.g. with its own times",
    ),
    Later(
        "group_by",
        frozenset({"rule", "conditions"}),
        "it judges the acts of a practitioner, institution or area together, and this version "
        "judges one act at a time",
        "remove it, if the rule means one act; else keep it as a draft outside the pack",
    ),
    Later(
        "indicator",
        frozenset({"rule", "conditions"}),
        "it judges an operating indicator, and this version judges acts",
        "`yijian indicators` shows the figures; remove it from the rule",
    ),
    Later(
        "once_within",
        frozenset({"finding"}),
        "it limits delivery, and this version delivers each finding",
        "remove it: every finding is stored and shown; `key` groups repetitions",
    ),
    Later(
        "overrides",
        frozenset({"rule", "finding"}),
        "it lets one finding stand for another, and this version keeps every finding",
        "exclude the case in the other rule's `unless`; charges are counted once by line",
    ),
    Later(
        "timeline",
        frozenset({"tests"}),
        "it tests history and deadlines in virtual time, and neither is built yet",
        "write `cases:` with one event each",
    ),
    Later(
        "state",
        _CONDITIONS,
        "`state.*` are facts of what is remembered of the patient, and nothing is remembered yet",
        "`patient.*` are the facts that the event itself carries",
    ),
)
"""Every refused word, in the order of the documentation."""


_BY_WORD: Final = {entry.word: entry for entry in LATER}


def later(word: str) -> Later | None:
    """The refusal of a word; None where it is no word of later."""
    return _BY_WORD.get(word)
