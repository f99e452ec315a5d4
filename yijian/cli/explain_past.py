"""What `yijian rules explain` knows of the past: earlier events of a file, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.event import EVENT_TYPES, Event
from contracts.intake import Accepted, decode
from rules.engine.asked import Asked
from rules.engine.evaluator import Evaluator
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.instants import us_of
from rules.memory.model import Memory
from simulation.ndjson import Line

_WHY: Final = {
    "not_covered": "earlier ones are not known 更早的不掌握",
    "not_remembered": "no past was given: --past FILE 未提供既往事件",
    "members_unknown": "of some it is not known whether they count 部分无法判定",
    "values_unknown": "of some the value is not known 部分取值未知",
    "no_member": "there is none 无",
}


def recalled(event: Event, earlier: Iterable[Line], evaluator: Evaluator) -> Asked:
    """What is remembered when the event comes behind these lines, or where it stands in them."""
    attendant = Attendant(evaluator)
    memory, coverage = Memory(), Coverage()
    coverage.keep(attendant.horizon)
    for line in earlier:
        taken = decode(line.value)
        if not isinstance(taken, Accepted):
            continue
        other = taken.event
        if other.key == event.key:
            break
        if other.subject == event.subject:
            attendant.meet(other, "", memory, coverage)
        else:
            family = EVENT_TYPES[other.type].family
            coverage.hears(other.source, family, us_of(other.time))
    return attendant.meet(event, "", memory, coverage)


def told(past: Mapping[str, Any]) -> str:
    """The value of a condition on the past, its bounds, and since when the past is known."""
    if "certain" in past:
        certain, possible = past["certain"], past["possible"]
        value = f"{certain}" if certain == possible else f"at least 至少 {certain}"
        if possible is not None and possible != certain:
            value += f", at most 至多 {possible}"
    else:
        value = f"latest 最近 {past.get('at', '—')}"
    why = past.get("why")
    if why:
        value += f"; {_WHY.get(str(why), why)}"
    if "since" in past:
        value += f", known since 自 {past['since']}"
    return value
