"""The life of a request, which MedicationRequest and ServiceRequest share."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from gateway.fhir.case import Case
from gateway.fhir.outcome import Note, Refusal, Skip
from gateway.fhir.values import text

_INTENTS: Final = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
)
_LASTING: Final = frozenset({"active", "on-hold", "completed"})
_ENDED: Final = {"stopped": "stopped", "revoked": "stopped", "cancelled": "cancelled"}


class Step(NamedTuple):
    """One event in the life of a request."""

    verb: str
    at: datetime
    revision: int


def life_of(case: Case) -> list[Step]:
    """The events that intent and status support; refuses what is no act or has no time.

    FHIR carries no time of a stop: the resource's last update stands in; without one there is
    no event for the stop (noted). A cancellation voids the act whenever it came.
    """
    resource = case.resource
    status, intent = text(resource, "status"), text(resource, "intent")
    if resource.get("doNotPerform") is True:
        raise Refusal(Skip.NOT_AN_ACT, "$.doNotPerform", "a prohibition, not a request")
    if intent not in _INTENTS:
        raise Refusal(Skip.NOT_AN_ACT, "$.intent", "a proposal, plan or option, not an order")
    updated = case.last_updated()
    authored = case.time(resource, "authoredOn")
    at = case.first_time(authored, updated, case.time(resource, "occurrenceDateTime"))
    first, second = case.revision(1, 2), case.revision(2, 2)
    if status == "draft":
        return [Step("draft", at, first)]
    if status == "entered-in-error":
        return [Step("entered_in_error", updated or at, second)]
    if status in _LASTING:
        return [Step("signed", at, first)]
    if status not in _ENDED:
        raise Refusal(Skip.STATUS, "$.status", "an unknown status gives no event")
    steps = [Step("signed", at, first)]
    verb = _ENDED[status]
    if updated is not None and updated > at:
        case.note(Note.TIME_SUBSTITUTED)
        steps.append(Step(verb, updated, second))
    elif verb == "cancelled":
        steps.append(Step(verb, at, second))
    else:
        case.note(Note.END_TIME_UNKNOWN)
    return steps
