"""What the audience of a finding was told, and what it is therefore not told again.

Only what is the same is left out: the same rule and version, phase and `key`, about the same line
of the same act, for no more than the same people, no more severe and of no higher dose. Whatever
asks for something to be done (`block`, a second signature, a reason) is always told, and so is a
draft, however often it is judged again; both never come here. What cannot be compared is told.

Who is told of a finding is told of all that it stands for, and of those nobody else is. So it is
left out only where each of them could be left out as well: its audience was told of it before, as
of something that this finding stands for, and no less. Where it stands for something that is told
every time, so is the finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from contracts.decision import Decision, Delivery, Finding
from contracts.event import EVENT_TYPES
from rules import units, words
from rules.engine.delivery import DOSES
from rules.engine.reconciling import ACTIVE
from rules.memory.applying import raw_of
from rules.memory.instants import instant_of, us_of
from rules.memory.model import Delivered, Memory, Raw, act_key

MOST: Final = 512
"""So many deliveries of a subject are remembered, the ones that end last; a forgotten one only
means that its audience is told once more."""
_DOSES: Final = (*DOSES, *DOSES.values())
_NO_DOSE: Final = "stated_absent"
_Telling = tuple[str, Delivered]
"""What is told, under the name of what may be told only once."""


def limited(decision: Decision, memory: Memory, at_us: int | None = None) -> Decision:
    """The decision, saying which findings their audience is not told; the memory remembers.

    `at_us` is when it is told, in event time: where a duty is due, that time; None is the event's.
    """
    if decision.retracted is not None:
        _take_back(decision.decision_id, memory)
    findings = decision.findings
    if not findings or all(found.delivery is None for found in findings):
        return decision
    event_us = us_of(datetime.fromisoformat(decision.event.time))
    at = event_us if at_us is None else at_us
    stands_for = _stands_for(findings)
    told: list[_Telling] = []
    shown = tuple(
        _limited(f, stands_for.get(f.alert_id, ()), decision, at, at - event_us, memory, told)
        for f in findings
    )
    for name, one in told:  # what one decision tells is told together: it hides nothing of itself
        _remember(name, one, memory)
    left_out = sum(1 for one in shown if one.delivery is not None and one.delivery.suppressed)
    coverage = msgspec.structs.replace(decision.coverage, suppressed=left_out)
    return msgspec.structs.replace(decision, findings=shown, coverage=coverage)


def forget(memory: Memory, lateness_us: int) -> None:
    """Drop deliveries whose period is over, and the oldest of too many."""
    before = memory.latest_us - lateness_us
    left = {
        name: kept
        for name, listed in memory.delivered.items()
        if (kept := [one for one in listed if one.until_us > before])
    }
    ends = sorted((one.until_us for listed in left.values() for one in listed), reverse=True)
    if len(ends) > MOST:
        last = ends[MOST]
        left = {
            name: kept
            for name, listed in left.items()
            if (kept := [one for one in listed if one.until_us > last])
        }
    memory.delivered = left


def _stands_for(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """By the alert id of a finding: those that gave way to it. Of a shadow one nobody is told."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        if one.overridden_by and one.rule_status == ACTIVE:
            found.setdefault(one.overridden_by, []).append(one)
    return found


def _limited(
    found: Finding, stands_for: Sequence[Finding], decision: Decision, at_us: int, shift_us: int,
    memory: Memory, told: list[_Telling],
) -> Finding:  # fmt: skip
    if found.delivery is None:
        return found
    if found.overridden_by:  # it is told to nobody: the finding that stands for it is
        return msgspec.structs.replace(found, delivery=None)
    mine = [
        _telling(one, found, decision, at_us, one.delivery, shift_us)
        for one in (found, *stands_for)
        if one.delivery is not None
    ]
    if len(mine) <= len(stands_for):  # one of them is told every time
        told += mine
        return msgspec.structs.replace(found, delivery=None)
    known = [one for name, now in mine if (one := _known(name, now, memory)) is not None]
    if len(known) == len(mine):
        until = min(one.until_us for one in known)
        delivery = Delivery(
            suppressed=True, by=known[0].alert_id, until=instant_of(until).isoformat()
        )
    else:
        told += mine
        until = min(one.until_us for _, one in mine)
        delivery = Delivery(until=instant_of(until).isoformat())
    return msgspec.structs.replace(found, delivery=delivery)


def _telling(
    one: Finding, by: Finding, decision: Decision, at_us: int, limit: Delivery, shift_us: int
) -> _Telling:
    """What is told of a finding, by itself or by the one that stands for it, and its name."""
    event = decision.event
    name = _name(one, decision)
    if one is not by:
        name = "\x1f".join((name, by.rule_id, str(by.rule_version)))
    return name, Delivered(
        alert_id=one.alert_id,
        decision_id=decision.decision_id,
        act=act_key(event.source, EVENT_TYPES[event.type].family, event.act_id),
        element=one.element,
        audience=by.audience,
        severity=one.severity,
        result=one.result,
        at_us=at_us,
        until_us=us_of(datetime.fromisoformat(limit.until)) + shift_us,
        doses={dose: raw_of(one.facts[dose]) for dose in _DOSES if dose in one.facts},
    )


def _name(found: Finding, decision: Decision) -> str:
    """What may be told only once.

    A shadow finding is shown to nobody: it hides no active one. That something is due soon hides
    not that it is overdue: each step of a duty is told by itself.
    """
    version, step = str(found.rule_version), decision.cause.rpartition(":")[2]
    parts = (found.rule_id, version, found.rule_status, decision.phase, step, found.key)
    return "\x1f".join(parts)


def _known(name: str, now: Delivered, memory: Memory) -> Delivered | None:
    """What was told before and tells all of what would be told now: the one that ends last."""
    known = [one for one in memory.delivered.get(name, ()) if _tells(one, now)]
    return max(known, key=lambda one: (one.until_us, one.alert_id)) if known else None


def _tells(before: Delivered, now: Delivered) -> bool:
    """Whether what was told before tells all of what would be told now."""
    return (
        before.alert_id != now.alert_id  # the same alert, decided again, stays what it was
        and before.at_us <= now.at_us < before.until_us
        and before.act == now.act
        and before.element == now.element
        and set(now.audience) <= set(before.audience)
        and not _is_stronger(words.SEVERITIES, now.severity, before.severity)
        and not _is_stronger(words.RESULTS, now.result, before.result)
        and not any(_may_be_higher(dose, before.doses.get(name)) for name, dose in _given(now))
    )


def _is_stronger(ordered: tuple[str, ...], word: str, than: str) -> bool:
    """The vocabulary goes from strong to weak."""
    return ordered.index(word) < ordered.index(than)


def _given(now: Delivered) -> Iterable[tuple[str, Raw]]:
    """The doses, without those of which the source says that there are none."""
    return ((name, dose) for name, dose in now.doses.items() if dose.get("unknown") != _NO_DOSE)


def _may_be_higher(dose: dict[str, Any], than: dict[str, Any] | None) -> bool:
    """Whether a dose is higher, or nobody can tell."""
    if than is None or "unknown" in dose or "unknown" in than:
        return True
    value = units.convert(dose["value"], dose["unit"], than["unit"])
    return value is None or value > than["value"]


def _remember(name: str, one: Delivered, memory: Memory) -> None:
    others = [old for old in memory.delivered.get(name, ()) if old.alert_id != one.alert_id]
    memory.delivered[name] = [*others, one]


def _take_back(decision_id: str, memory: Memory) -> None:
    """An alert that was taken back hides no later one."""
    memory.delivered = {
        name: kept
        for name, listed in memory.delivered.items()
        if (kept := [one for one in listed if one.decision_id != decision_id])
    }
