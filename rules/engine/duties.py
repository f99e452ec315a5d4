"""What a rule expects to follow an event: when it is due, and of which act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from contracts.decision import Waiting
from contracts.identity import EventKey
from knowledge_base import KnowledgeBase, ParameterValue
from rules.engine.lengths import Length, moved
from rules.engine.reasons import Asker, Lack
from rules.facts.base import Context, Element
from rules.facts.read import start_of
from rules.memory.applying import raw_of
from rules.memory.horizon import present_facts
from rules.memory.instants import instant_of, us_of
from rules.memory.model import Step
from rules.model import ParameterOperand, Rule

REMIND: Final = "remind"
AT_DUE: Final = "due"
ESCALATE: Final = "escalate"
"""Before the number of a step, from 1."""
AGAIN: Final = "again"
"""Before how often it was missed before, from 1."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is expected of one act or line of it. Times in microseconds."""

    rule: Rule
    element: str
    key: EventKey
    """Of the event that brought the duty."""
    from_us: int
    due_us: int
    grace_us: int
    extend_us: int
    every_us: int
    """After it was missed it is due again so much later; 0: it is missed once."""
    steps: tuple[Step, ...]
    """What happens without it, in order."""
    match: tuple[Any, ...]
    """The values of the facts in which the expected event must agree, as JSON has them."""
    this: dict[str, Any]
    """Facts of the present that it is compared with, as JSON has them."""

    @property
    def waiting(self) -> Waiting:
        return Waiting(
            rule_id=self.rule.id,
            rule_version=self.rule.version,
            element=self.element,
            why="duty",
            until=instant_of(self.due_us).isoformat(),
        )


class Expectation:
    """Reads the duties of one rule from events of one family, on the days of one epoch."""

    def __init__(self, rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> None:
        if rule.expect is None:
            raise ValueError(f"{rule.id} expects nothing")
        self._rule = rule
        self._expect = rule.expect
        self._this = present_facts(self._expect.where)
        self._asker = Asker(rule.each, family, knowledge, day)

    def of(self, key: EventKey, c: Context, x: Element | None) -> Duty | list[Lack]:
        """The duty, or what is missing to know it."""
        expect, asker = self._expect, self._asker
        lacks: list[Lack] = []
        match = []
        for name in expect.match:
            value = asker.value(name, c, x)
            if type(value) is dict:
                lacks.append(Lack(name, value.get("unknown", "partial_list")))
            match.append(raw_of(value))
        start = asker.value(expect.start or "event.time", c, x)
        if type(start) is dict:
            lacks.append(Lack(expect.start, start.get("unknown", "not_reported")))
        if lacks:
            return lacks
        at = start if type(start) is datetime else start_of(start, c.zone)

        def row(operand: ParameterOperand) -> ParameterValue | None:
            return asker.row(operand, c, x)

        def after(since: datetime, length: Length, sign: int = 1) -> datetime | None:
            found = moved(since, length, sign, c.zone, row)
            if found is None:
                lacks.append(Lack(_name(length), "not_in_knowledge"))
            return found

        due = after(at, expect.within)
        if due is None:
            return lacks
        grace = after(due, expect.grace) if expect.grace is not None else due
        remind = after(due, expect.remind_before, -1) if expect.remind_before else None
        later = [after(due, step[0]) for step in expect.escalate]
        extended = after(due, expect.extend[1]) if expect.extend is not None else due
        every = after(due, expect.every) if expect.every is not None else due
        if lacks or grace is None or extended is None or every is None:
            return lacks
        due_us, grace_us = us_of(due), us_of(grace) - us_of(due)
        steps = [Step(REMIND, us_of(remind) - due_us)] if remind is not None else []
        steps.append(Step(AT_DUE, grace_us))
        steps += [
            Step(f"{ESCALATE}{number}", us_of(at) - due_us + grace_us)
            for number, at in enumerate(later, 1)
            if at is not None
        ]
        return Duty(
            rule=self._rule,
            element=x.id if x is not None else "",
            key=key,
            from_us=us_of(at),
            due_us=due_us,
            grace_us=grace_us,
            extend_us=us_of(extended) - due_us,
            every_us=us_of(every) - due_us,
            steps=tuple(steps),
            match=tuple(match),
            this={name: raw_of(asker.value(name, c, x)) for name in self._this},
        )


def _name(length: Length) -> str:
    return length.missing_name if isinstance(length, ParameterOperand) else "expect"
