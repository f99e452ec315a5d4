"""What a decision's cause says: which rules it was asked for, and about which element."""

from __future__ import annotations

from typing import Final, NamedTuple

from rules.engine.asked import DUE, EVENT, LATE

_TIMER: Final = "timer:"


class Asked(NamedTuple):
    """A part of the rules, see rules.engine.asked."""

    part: str
    element: str | None = None
    """The only element that is told of; None: all."""


def asked_by(cause: str) -> Asked | None:
    """What was asked; None for a cause that nobody knows. `timer:RULE:ELEMENT:STEP`."""
    if cause in (EVENT, LATE):
        return Asked(cause)
    if not cause.startswith(_TIMER) or cause.count(":") < 3:
        return None
    rule, _, rest = cause.removeprefix(_TIMER).partition(":")
    return Asked(f"{DUE}{rule}", rest.rpartition(":")[0])
