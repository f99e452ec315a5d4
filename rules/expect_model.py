"""What a rule expects to follow: an event within a limit, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rules import words
from rules.operand_model import Operand, Span

if TYPE_CHECKING:
    from rules.model import Condition


class Escalation(NamedTuple):
    """Who is told as well, so long after the event was due."""

    after: Span
    audience: tuple[str, ...]


class Extension(NamedTuple):
    """Another limit: `to` after the event `after`, where that one comes before it is due."""

    after: str
    to: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """An event that must follow the rule's own within a limit; the finding is that it did not."""

    event: str
    """What is expected: `result.reported`."""
    match: tuple[str, ...]
    """The facts in which the two agree. Of those, an event of `until` or `extend` agrees in all
    that its family has."""
    within: Span
    where: Condition
    """What else must hold of the expected event; `this.*` are facts of the rule's own."""
    start: str = ""
    """The fact of the rule's own event from which the limit counts; "": the event's time."""
    until: tuple[str, ...] = ()
    """Events that end the duty."""
    extend: Extension | None = None
    every: Span | None = None
    """After it was missed it is due again, so long after it was due before, until it comes or the
    duty ends; None: it is missed once."""
    remind_before: Span | None = None
    """How long before it is due the audience is reminded."""
    escalate: tuple[Escalation, ...] = ()
    grace: Span | None = None
    """How long late data is waited for after it is due; None: not at all."""

    def __post_init__(self) -> None:
        if not self.match:
            raise ValueError("what is expected agrees with the rule's event in something")
        for step in self.escalate:
            if not step.audience or not set(step.audience) <= set(words.AUDIENCES):
                raise ValueError("an escalation names who is told")

    @property
    def spans(self) -> tuple[Operand, ...]:
        """Every length of time that it names."""
        later = (step.after for step in self.escalate)
        named = (self.within, self.every, self.remind_before, self.grace, *later)
        found = [span for span in named if span is not None]
        return (*found, self.extend.to) if self.extend is not None else tuple(found)
