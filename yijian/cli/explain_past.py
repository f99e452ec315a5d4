"""What `yijian rules explain` knows of the past: earlier events of a file, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import count
from typing import Any, Final

from contracts.event import Event
from contracts.intake import Accepted, decode
from rules.engine.asked import Asked
from rules.engine.evaluator import Evaluator
from rules.memory import ties
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
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
    """What is remembered when the event comes behind these lines, or where it stands in them.

    All subjects of the lines are remembered: which of them are one person shows late.
    """
    attendant = Attendant(evaluator)
    memories: dict[str, Memory] = {}
    coverage, messages = Coverage(), count(1)
    coverage.keep(attendant.horizon)
    known = partial(attendant.known, coverage=coverage)
    for line in earlier:
        taken = decode(line.value)
        if not isinstance(taken, Accepted):
            continue
        other = taken.event
        if other.key == event.key:
            break
        home = ties.found(memories, other.subject)
        memory = memories.setdefault(home, Memory())
        attendant.meet(other, "", memory, coverage)
        mails = ties.tied(other, memory, home, partial(known, memory))
        ties.delivered(memories, mails, known, messages)
    memory = memories.get(ties.found(memories, event.subject), Memory())
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
