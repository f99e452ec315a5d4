"""When an act went through an event: as the act states it, else as its events tell."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rules.memory.applying import BASE
from rules.memory.horizon import STATED
from rules.memory.instants import us_of
from rules.memory.model import Act

_SERVED: Final = frozenset(
    {
        "order.executed",
        "prescription.dispensed",
        "dispense.dispensed",
        "administration.administered",
        "administration.not_given",
        "procedure.started",
        "observation.recorded",
    }
)
"""Events that are the service itself. Of others the time of service says nothing: a record is
written, and an order signed, at another time than what it is about is done."""


def went_through_us(act: Act, event: str) -> int:
    """When an act went through an event that it reached.

    Its latest revision says so. What was amended may be signed, or reported, once more and say when
    that was: it was so for the first time when an event first told of it, at the latest.
    """
    family, _, verb = event.partition(".")
    told_us = act.reached[verb]
    name = STATED.get(event)
    raw = act.facts.get(name) if name is not None else None
    if type(raw) is str:
        stated_us = us_of(datetime.fromisoformat(raw))
        is_again = BASE.get(family) == verb and act.event_us > told_us
        return min(stated_us, told_us) if is_again else stated_us
    # Nothing better is known of an act that was remembered when what it states was not kept.
    is_served = event in _SERVED or (name is not None and raw is None)
    return act.at_us if act.is_timed and is_served else told_us
