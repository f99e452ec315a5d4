"""What a step of a duty tells: the rule's finding, or why nobody knows, to those of the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from contracts.decision import Coverage, Decision, Finding, Missing, NotEvaluable
from contracts.event import Event
from rules import words
from rules.engine.duties import ESCALATE, REMIND
from rules.memory.duties import Settled
from rules.memory.instants import instant_of
from rules.memory.model import Timer
from rules.model import Rule

LATE_DATA: Final = "deadline.late_data"
"""Among the facts of a finding: the event that came late, with a time that nobody can trust."""


@dataclass(frozen=True, slots=True)
class About:
    """A duty with what is needed to decide about it."""

    timer: Timer
    event: Event
    digest: str
    rule: Rule | None
    stands: Settled


def of_step(decision: Decision, about: About, rule: Rule, step: str) -> Decision:
    """The decision as a step tells it, about the timer's own element alone."""
    timer, stands = about.timer, about.stands
    mine = [found for found in decision.findings if found.element == timer.element]
    open_ones = [one for one in decision.not_evaluable if one.element == timer.element]
    if mine and (stands.why or stands.is_uncertain):
        open_ones, mine = [_unknown(about, rule)], []
    findings = tuple(_told(found, about, rule, step) for found in mine)
    verdict = "findings" if findings else "incomplete" if open_ones else "clean"
    exempt = not findings and not open_ones
    return msgspec.structs.replace(
        decision,
        verdict=verdict,
        findings=findings,
        not_evaluable=tuple(open_ones),
        coverage=Coverage(
            applicable=1,
            alerts=len(findings),
            exempt=int(exempt),
            not_evaluable=len(open_ones),
        ),
    )


def _unknown(about: About, rule: Rule) -> NotEvaluable:
    assert rule.expect is not None
    stands = about.stands
    since = instant_of(stands.since_us).isoformat() if stands.since_us is not None else ""
    missing = Missing(
        fact=f"history.{rule.expect.event}", why=stands.why or "members_unknown", age=since
    )
    audience = rule.finding.audience if rule.if_unknown == "remind" else ()
    return NotEvaluable(
        rule_id=rule.id,
        rule_version=rule.version,
        element=about.timer.element,
        missing=(missing,),
        audience=audience,
    )


def _told(found: Finding, about: About, rule: Rule, step: str) -> Finding:
    assert rule.expect is not None
    if step == REMIND:
        return msgspec.structs.replace(found, result=words.PRE_RESULT, action="remind")
    if step.startswith(ESCALATE):
        number = int(step.removeprefix(ESCALATE)) - 1
        return msgspec.structs.replace(found, audience=rule.expect.escalate[number][1])
    if about.timer.is_late and about.stands.by is not None:
        by = about.stands.by
        result = "suspected" if found.result == "violation" else found.result
        facts = {**found.facts, LATE_DATA: f"{by.source}|{by.event_id}"}
        return msgspec.structs.replace(found, result=result, facts=facts)
    return found
